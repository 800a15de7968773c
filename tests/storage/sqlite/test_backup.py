"""A copy is complete, one file, private, and leaves the original untouched."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from server.storage.errors import StorageRefused
from server.storage.sqlite.backup import back_up
from tests.support.manual_clock import ManualClock
from tests.support.storage_rig import StorageRig

BUSY = 0.05
"""Seconds that a copy waits for another program."""

KILLED = """
import os, sqlite3, sys
disk = sqlite3.connect(sys.argv[1], isolation_level=None)
disk.execute("PRAGMA wal_autocheckpoint = 0")
disk.execute("INSERT INTO boots (started_at, version) VALUES (1, 'killed')")
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


def files(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def boots(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as disk:
        return [version for (version,) in disk.execute("SELECT version FROM boots ORDER BY id")]


@pytest.fixture
async def database(path: Path) -> Path:
    """A database that is closed."""
    rig = await StorageRig.open(path, ManualClock())
    rig.sign_in()
    await rig.store.close()
    return path


def test_a_copy_is_one_complete_file_readable_by_its_owner_only(
    database: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copies" / "friday.db"
    copy.parent.mkdir()
    size = back_up(database, copy, BUSY)
    assert files(copy.parent) == {"friday.db"}
    assert (copy.stat().st_size, copy.stat().st_mode & 0o777) == (size, 0o600)
    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as disk:
        assert disk.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
        assert disk.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert disk.execute("SELECT name FROM players").fetchall() == [("Ada",)]


def test_the_log_of_a_killed_server_is_copied_and_not_changed(
    database: Path, tmp_path: Path
) -> None:
    subprocess.run([sys.executable, "-S", "-c", KILLED, str(database)], check=False)
    wal = database.with_name("test.db-wal")
    before = database.read_bytes(), wal.read_bytes(), wal.stat().st_mtime_ns
    assert before[1], "what was written last is in the log only"
    back_up(database, tmp_path / "copy.db", BUSY)
    assert (database.read_bytes(), wal.read_bytes(), wal.stat().st_mtime_ns) == before
    assert boots(tmp_path / "copy.db")[-1] == "killed"


def test_an_existing_file_is_never_replaced(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("precious")
    with pytest.raises(StorageRefused, match="exists already"):
        back_up(database, copy, BUSY)
    # And one that appears while the copy is made.
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    with pytest.raises(StorageRefused, match="exists already"):
        back_up(database, copy, BUSY)
    assert copy.read_text() == "precious"


def test_a_failed_copy_is_explained_in_a_sentence_and_leaves_no_file(
    database: Path, tmp_path: Path
) -> None:
    before = files(tmp_path)
    with pytest.raises(StorageRefused, match=r"there is no database .*other\.db"):
        back_up(tmp_path / "other.db", tmp_path / "copy.db", BUSY)
    with pytest.raises(StorageRefused, match="is a folder"):
        back_up(database, tmp_path, BUSY)
    with pytest.raises(StorageRefused, match="No such file or directory"):
        back_up(database, tmp_path / "no" / "where.db", BUSY)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageRefused, match="another program has locked it"):
            back_up(database, tmp_path / "copy.db", BUSY)
    assert {each for each in files(tmp_path) if "copy" in each} == set()
    assert before <= files(tmp_path)


def test_a_damaged_database_gives_no_copy(database: Path, tmp_path: Path) -> None:
    with database.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    with pytest.raises(StorageRefused, match=r"damaged|malformed"):
        back_up(database, tmp_path / "copy.db", BUSY)
    assert "copy.db" not in files(tmp_path)
