"""Files that only their owner may read."""

import os
import stat
from pathlib import Path

import pytest

from server.base.files import beside, create_private


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


def test_a_file_beside_another_keeps_its_whole_name(tmp_path: Path) -> None:
    assert beside(tmp_path / "still.here.db", "-wal") == tmp_path / "still.here.db-wal"
