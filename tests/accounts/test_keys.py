"""The secret keys that are made when none were given."""

import os
from pathlib import Path

import pytest

from server.accounts.keys import keys_path, load_or_make_keys


def test_the_keys_lie_beside_the_database() -> None:
    assert keys_path(Path("/data/game.db")) == Path("/data/game.db.keys")


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_keys_are_readable_by_their_owner_only(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        load_or_make_keys(tmp_path / "keys")
    finally:
        os.umask(before)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600


def test_the_keys_are_made_once_and_long_enough(tmp_path: Path) -> None:
    (key,) = load_or_make_keys(tmp_path / "keys")
    assert len(key) >= 43
    assert load_or_make_keys(tmp_path / "keys") == (key,)
    assert load_or_make_keys(tmp_path / "others") != (key,)


def test_the_newest_key_is_the_first_line(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("new\n\n old \n")
    assert load_or_make_keys(tmp_path / "keys") == ("new", "old")


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys").write_text(content)
    with pytest.raises(ValueError, match="no key"):
        load_or_make_keys(tmp_path / "keys")


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        load_or_make_keys(tmp_path / "nowhere" / "keys")
