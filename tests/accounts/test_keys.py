"""The secret keys that are created when none were given."""

import os
import stat
from pathlib import Path

import pytest

from server.accounts.keys import load_keys, make_keys
from server.accounts.limits import Limits
from server.limits import Limits as AllLimits
from server.settings import SettingsRefused
from tests.support.live_server import run_server

SHORTEST = Limits().shortest_key


async def test_the_keys_are_beside_the_database_and_not_beside_a_link_to_it(tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "data.db")
    async with run_server(link) as server:
        cookie = (await server.guest("Ada")).cookie
    async with run_server(tmp_path / "data.db") as server:
        ada = await server.visitor(cookies={"session": cookie})
        assert (await ada.http.get("/api/session")).status_code == 200
    assert (tmp_path / "data.db.keys").exists()
    assert not (tmp_path / "link.db.keys").exists()


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_keys_are_readable_by_their_owner_only(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        make_keys(tmp_path / "keys")
    finally:
        os.umask(before)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600


def test_the_keys_are_made_once_and_long_enough(tmp_path: Path) -> None:
    make_keys(tmp_path / "keys")
    (key,) = load_keys(tmp_path / "keys", Limits())
    assert len(key) >= 43
    with pytest.raises(FileExistsError):
        make_keys(tmp_path / "keys")
    assert load_keys(tmp_path / "keys", Limits()) == (key,)
    make_keys(tmp_path / "others")
    assert load_keys(tmp_path / "others", Limits()) != (key,)


def test_a_power_cut_right_after_the_first_start_leaves_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[int, bytes] = {}
    sync = os.fsync

    def note(file: int) -> None:
        found = os.fstat(file)
        is_folder = stat.S_ISDIR(found.st_mode)
        synced[found.st_ino] = b"" if is_folder else os.pread(file, 100, 0)
        sync(file)

    monkeypatch.setattr(os, "fsync", note)
    make_keys(tmp_path / "keys")
    keys = tmp_path / "keys"
    assert synced == {keys.stat().st_ino: keys.read_bytes(), tmp_path.stat().st_ino: b""}


def test_the_newest_key_is_the_first_line(tmp_path: Path) -> None:
    new, old = "n" * SHORTEST, "o" * SHORTEST
    (tmp_path / "keys").write_text(f"{new}\n\n {old} \n")
    assert load_keys(tmp_path / "keys", Limits()) == (new, old)


def test_a_key_that_is_too_short_is_refused_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("n" * SHORTEST + "\n" + "hunter2" * 4)
    with pytest.raises(ValueError, match=r"^key 2 has 28 characters; at least 32") as caught:
        load_keys(tmp_path / "keys", Limits())
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "is_told"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)]
)
def test_keys_that_other_users_can_read_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, is_told: bool
) -> None:
    path = tmp_path / "keys"
    path.write_text("n" * SHORTEST)
    path.chmod(mode)
    load_keys(path, Limits())
    assert (f"chmod 600 {path}" in caplog.text) is is_told
    assert "nnn" not in caplog.text


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys").write_text(content)
    with pytest.raises(ValueError, match="no key"):
        load_keys(tmp_path / "keys", Limits())


def test_a_missing_folder_raises_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        make_keys(tmp_path / "nowhere" / "keys")


# Keys that an operator gave


@pytest.mark.parametrize("length", [SHORTEST, SHORTEST - 1])
async def test_a_given_key_is_held_to_the_limit_and_not_shown(tmp_path: Path, length: int) -> None:
    long, given = "k" * SHORTEST, "hunter2" * 4 + "x" * (length - 28)
    try:
        async with run_server(tmp_path / "test.db", secret_keys=f"{long},{given}") as server:
            await server.guest("Ada")
    except SettingsRefused as refused:
        (problem,) = refused.problems
        assert problem == "STILLHERE_SECRET_KEYS: key 2 has 31 characters; at least 32 are needed"
        assert length < SHORTEST
    else:
        assert length == SHORTEST


async def test_the_limit_on_keys_is_the_one_that_the_server_was_given(tmp_path: Path) -> None:
    limits = AllLimits(accounts=Limits(shortest_key=5))
    async with run_server(tmp_path / "test.db", limits=limits, secret_keys="short") as server:
        await server.guest("Ada")
    assert not (tmp_path / "test.db.keys").exists()
