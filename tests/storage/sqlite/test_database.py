"""Opening: a faulty file is reported in one line, and nothing stays open."""

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from server.base.files import beside
from server.budget.budget import Budget
from server.presence.policy import Policy
from server.presence.registry import Registry
from server.storage.errors import EngineError, StorageRefused
from server.storage.limits import Limits
from server.storage.sqlite.database import _is_safe
from server.storage.sqlite.engine import SqliteEngine
from server.storage.sqlite.limits import SqliteLimits
from server.storage.sqlite.migrations import MIGRATIONS
from server.storage.sqlite.reader import Reader
from server.storage.store import Store
from tests.support.faulty import FaultyDisk
from tests.support.manual_clock import ManualClock
from tests.support.paths import ROOT
from tests.support.process import run as run_command
from tests.support.storage_rig import StorageRig

WRITER = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": 1000,
    "trusted_schema": 0,
    "wal_autocheckpoint": 1000,
    "journal_size_limit": SqliteLimits().max_log_bytes,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


async def refused(path: Path) -> str:
    """The message of a refused start, which leaves every file unchanged."""
    disk = FaultyDisk()
    before = {file: file.lstat().st_size for file in path.parent.iterdir()}
    with pytest.raises(StorageRefused) as caught:
        await StorageRig.open(path, ManualClock(), disk)
    assert disk.threads() == 0
    assert {file: file.lstat().st_size for file in path.parent.iterdir()} == before
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


async def rows(reader: Reader, sql: str) -> list[object]:
    return await reader.run(lambda disk: disk.execute(sql).fetchall())


async def test_the_pragmas_are_the_documented_ones(path: Path) -> None:
    rig = await StorageRig.open(path, ManualClock())
    database = rig.engine.database

    async def written(name: str) -> object:
        pragma = f"PRAGMA {name}"
        return await database.write(lambda writer: writer.execute(pragma).fetchone()[0])

    assert {name: await written(name) for name in WRITER} == WRITER
    for reader in (database.signing_in, database.browsing):
        for name, value in [("query_only", 1), ("busy_timeout", 1000)]:
            assert await rows(reader, f"PRAGMA {name}") == [(value,)], name
    await database.shorten_wal()
    assert database.wal_bytes() == 0
    assert await written("busy_timeout") == 1000, "others are waited for again"
    await rig.store.close()


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_a_new_database_is_readable_by_its_owner_only_and_an_old_keeps_its_mode(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rig = await StorageRig.open(path, ManualClock())
    try:
        modes = {each.name: mode_of(each) for each in path.parent.iterdir()}
    finally:
        await rig.store.close()
    assert {path.name, f"{path.name}-wal", f"{path.name}-shm"} <= modes.keys()
    assert set(modes.values()) == {0o600}, modes
    warning = f"others on this machine may read {path}"
    assert warning not in caplog.text
    for mode in (0o640, 0o604):
        caplog.clear()
        await asyncio.to_thread(path.chmod, mode)
        again = await StorageRig.open(path, ManualClock())
        await again.store.close()
        assert mode_of(path) == mode
        assert caplog.text.count(warning) == 1


async def test_the_readers_can_write_nothing_at_all(path: Path) -> None:
    rig = await StorageRig.open(path, ManualClock())
    for reader in (rig.engine.database.signing_in, rig.engine.database.browsing):
        await rows(reader, "PRAGMA query_only = OFF")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await rows(reader, "DELETE FROM boots")
    await rig.store.close()


async def test_a_damaged_file_is_refused_with_advice(path: Path) -> None:
    rig = await StorageRig.open(path, ManualClock())
    for number in range(40):
        rig.sign_in(rig.player(f"player {number}"))
    await rig.store.close()
    with open(path, "r+b") as file:  # noqa: ASYNC230, PTH123
        file.seek(4096 * 4)
        file.write(os.urandom(4096))
    sentence = await refused(path)
    assert "it is damaged" in sentence
    assert "restore a backup of it, or move it away" in sentence


@pytest.fixture
def letter(path: Path) -> Path:
    path.write_bytes(b"this is a letter to my aunt" * 100)
    return path


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (":memory:", "it has to be a file, named by its path"),
        ("file:test.db?mode=memory", "it has to be a file, named by its path"),
        (".", "it is a folder; name a file, in it if you like"),
        ("/", "it is a folder"),
        ("no/where.db", "make it, or name a file in another"),
        (
            "/dev/null",
            "it is a device, a pipe or a socket; name a file, which is made if it is not",
        ),
    ],
)
def test_an_unusable_database_path_is_refused_and_no_file_is_made(
    name: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StorageRefused, match=f"the database {re.escape(name)} cannot .* {why}"):
        SqliteEngine(Path(name), SqliteLimits())
    done = run_command(tmp_path, "--port=0", f"--database={name}")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"stillhere: the database {name} cannot be used")
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_is_no_database_is_refused(letter: Path) -> None:
    assert "it is damaged: file is not a database; restore a backup" in await refused(letter)


def test_the_command_leaves_nothing_beside_a_file_that_it_refuses(letter: Path) -> None:
    done = run(letter, "-m", "server", "--port", "0", "--database")
    assert done.returncode == 1
    assert "file is not a database" in done.stderr
    assert list(letter.parent.iterdir()) == [letter]


async def test_a_start_that_fails_removes_the_database_that_it_made(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqliteEngine, "write", AsyncMock(side_effect=EngineError("full")))
    assert "full" in await refused(path)
    assert list(path.parent.iterdir()) == []


async def test_a_second_start_leaves_the_files_of_the_first_alone(path: Path) -> None:
    rig = await StorageRig.open(path, ManualClock())
    assert "another Still Here is running" in await refused(path)
    await rig.store.close()


@pytest.mark.parametrize("suffix", [".lock", ".revoked"])
async def test_no_file_that_a_link_leads_to_is_changed(path: Path, suffix: str) -> None:
    victim = path.with_name("victim")
    victim.write_text("text")
    beside(path, suffix).symlink_to(victim)
    assert suffix in await refused(path)
    assert victim.read_text() == "text"


@pytest.mark.parametrize("version", [0, 1, len(MIGRATIONS)])
async def test_a_database_of_another_program_is_refused_and_not_changed(
    path: Path, version: int
) -> None:
    with closing(sqlite3.connect(path)) as disk:
        disk.execute("CREATE TABLE recipes (name TEXT)")
        disk.execute(f"PRAGMA user_version = {version}")
        disk.commit()
        sentence = await refused(path)
        assert "another program's table 'recipes' is in it; name another file" in sentence
        assert disk.execute("SELECT name FROM sqlite_schema").fetchall() == [("recipes",)]
        assert disk.execute("PRAGMA journal_mode").fetchall() == [("delete",)]


async def test_a_database_that_another_program_has_locked_is_refused(path: Path) -> None:
    await (await StorageRig.open(path, ManualClock())).store.close()
    engine = SqliteEngine(path, SqliteLimits(busy_timeout=0.05))
    store = Store(engine, Registry(Policy()), ManualClock(), Limits(), Budget())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageRefused, match="another program has locked it; end that"):
            await store.open()
    await (await StorageRig.open(path, ManualClock())).store.close()


async def test_a_start_that_fails_half_way_leaves_nothing_open(path: Path) -> None:
    with closing(sqlite3.connect(path)) as disk:
        disk.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")  # without tables
    assert "no such table: boots" in await refused(path)
    assert "no such table: boots" in await refused(path), "it does not hold the lock either"


async def test_a_lifeboat_that_cannot_be_made_refuses_the_start(path: Path) -> None:
    path.with_name("test.db.revoked").mkdir()
    assert "Is a directory" in await refused(path)


async def test_a_file_with_two_names_is_refused_by_either(path: Path) -> None:
    rig = await StorageRig.open(path, ManualClock())
    other = path.with_name("other.db")
    other.hardlink_to(path)
    assert "has 2 names (hard links)" in await refused(other)
    await rig.store.close()
    assert "remove them, or copy it" in await refused(path)
    other.unlink()
    await (await StorageRig.open(path, ManualClock())).store.close()


async def test_a_deleted_lock_file_does_not_let_a_second_server_start(path: Path) -> None:
    rig = await StorageRig.open(path, ManualClock())
    path.with_name("test.db.lock").unlink()
    assert "another Still Here is running on" in await refused(path)
    await rig.store.close()
    await (await StorageRig.open(path, ManualClock())).store.close()


@pytest.fixture
def circle(path: Path) -> Path:
    path.symlink_to(path)
    return path


async def test_a_circular_link_is_refused(circle: Path) -> None:
    assert "cannot be used: " in await refused(circle)


async def test_files_beside_a_database_are_beside_the_file_and_not_its_links(
    path: Path,
) -> None:
    link = path.with_name("links") / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    rig = await StorageRig.open(link, ManualClock())
    rig.sign_in()
    await rig.store.journal.written_up_to_here()
    assert rig.store.statistics().unmerged_bytes > 0
    assert list(link.parent.iterdir()) == [link]
    assert "another Still Here is running on" in await refused(path)
    link.unlink()
    link.symlink_to(path.with_name("elsewhere.db"))
    assert rig.engine.local_file("") == path
    await rig.store.close()


@pytest.mark.parametrize(
    ("version", "is_safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
    ],
)
def test_versions_that_can_damage_a_log_are_known(
    version: tuple[int, int, int], is_safe: bool
) -> None:
    assert _is_safe(version) is is_safe


UNCLOSED = """
import asyncio, sys
from pathlib import Path
from server.base.clock import SystemClock
from server.budget.budget import Budget
from server.presence.policy import Policy
from server.presence.registry import Registry
from server.storage.limits import Limits
from server.storage.sqlite.engine import SqliteEngine
from server.storage.sqlite.limits import SqliteLimits
from server.storage.store import Store

kept = []

async def main():
    engine = SqliteEngine(Path(sys.argv[1]), SqliteLimits())
    kept.append(Store(engine, Registry(Policy()), SystemClock(), Limits(), Budget()))
    await kept[0].open()
    raise SystemExit(7)

asyncio.run(main())
"""


def run(path: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command, str(path)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip


def test_an_interpreter_exits_with_an_unclosed_database(path: Path) -> None:
    assert run(path, "-c", UNCLOSED).returncode == 7


def test_a_server_whose_start_failed_half_way_ends(path: Path) -> None:
    with closing(sqlite3.connect(path)) as disk:
        disk.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    done = run(path, "-m", "server", "--port", "0", "--database")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("stillhere: the database ")


async def test_closing_a_store_that_was_never_opened_does_nothing(path: Path) -> None:
    engine = SqliteEngine(path, SqliteLimits())
    await Store(engine, Registry(Policy()), ManualClock(), Limits(), Budget()).close()
    await engine.close()
    assert list(path.parent.iterdir()) == []
