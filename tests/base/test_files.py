"""Files that only their owner may read."""

import os
import stat
from pathlib import Path

import pytest

from server.base.files import beside, create_private, open_own


def test_a_private_file_is_new_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "file"
    old = os.umask(0)
    try:
        file = create_private(path)
    finally:
        os.umask(old)
    os.write(file, b"text")
    os.close(file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        create_private(path)
    assert path.read_bytes() == b"text"


def test_an_existing_file_is_opened_to_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old text")
    file = open_own(path)
    os.write(file, b"new")
    os.close(file)
    assert path.read_text() == "new text"


def test_no_file_of_another_name_is_opened(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("text")
    (tmp_path / "link").symlink_to(victim)
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    os.link(victim, tmp_path / "second")
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "nowhere", "second", "fifo"):
        with pytest.raises(OSError, match=name):
            open_own(tmp_path / name)
    assert not (tmp_path / "missing").exists()


def test_a_file_beside_another_keeps_its_whole_name(tmp_path: Path) -> None:
    assert beside(tmp_path / "still.here.db", "-wal") == tmp_path / "still.here.db-wal"
