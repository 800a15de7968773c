"""After a restart, players who come back in time are here, and others are not."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server.presence.session import Device, Session
from server.presence.status import Reason
from server.storage.errors import StorageRefused
from server.storage.sqlite.migrations import MIGRATIONS
from server.web.devices import device_of
from tests.support.manual_clock import ManualClock
from tests.support.places import ANYBODY
from tests.support.storage_rig import QUICK, Opener, StorageRig, only_session, restart


async def test_a_cookie_survives_a_restart(rig: StorageRig, open_rig: Opener) -> None:
    session, cookie = rig.sign_in()
    again = await restart(rig, open_rig)
    found = await again.sessions.find(cookie)
    assert isinstance(found, Session)
    assert found.id == session.id
    assert found.player.name == "Ada"


async def test_a_present_session_is_reconnecting_with_a_fresh_grace(
    rig: StorageRig, open_rig: Opener
) -> None:
    rig.sign_in()
    again = await restart(rig, open_rig, later=10)
    session = only_session(again)
    again.until(39)
    assert session.player.status.is_here
    again.until(41)
    assert not session.player.status.is_here
    assert (await again.rows("SELECT status, reason FROM status_changes ORDER BY id"))[1:] == [
        ("reconnecting", "server_restart"),
        ("offline", "server_restart"),
    ]
    assert await again.rows("SELECT is_currently_active FROM players") == [(0,)]


async def test_the_downtime_counts_as_idle(rig: StorageRig, open_rig: Opener) -> None:
    _, cookie = rig.sign_in()
    rig.until(200)
    again = await restart(rig, open_rig, later=101)
    assert again.registry.sessions == {}
    assert await again.sessions.find(cookie) is Reason.IDLE_TIMEOUT
    assert await again.rows("SELECT is_currently_active FROM players") == [(0,)]
    third = await restart(again, open_rig)
    assert await third.sessions.find(cookie) is Reason.IDLE_TIMEOUT, "the disk knows it too"


async def test_activity_that_a_crash_left_unwritten_is_not_held_against_the_player(
    rig: StorageRig, open_rig: Opener
) -> None:
    rig.sign_in()
    await rig.store.journal.written_up_to_here()
    with sqlite3.connect(rig.path) as copy:
        boots = copy.execute("SELECT stopped_at FROM boots").fetchall()
    copy.close()
    assert boots == [(None,)], "until it stops in order, it has not"
    await rig.kill()
    again = await restart(rig, open_rig, later=100)
    session = only_session(again)
    assert session.idle_from == QUICK.activity_interval
    assert session.last_activity == 0


async def test_a_second_crash_soon_after_the_first_loses_no_more(
    rig: StorageRig, open_rig: Opener
) -> None:
    rig.sign_in()
    await rig.store.journal.written_up_to_here()
    await rig.kill()
    again = await restart(rig, open_rig, later=50)
    session = only_session(again)
    again.stream.publish(again.registry.connected(session, 50))
    again.stream.publish(again.registry.touch(session, 53))  # without a row
    await again.store.journal.written_up_to_here()
    await again.kill()
    third = await open_rig(ManualClock(150))
    assert only_session(third).last_activity == 0
    assert only_session(third).idle_from == 50 + QUICK.activity_interval


async def test_a_session_away_at_a_crash_keeps_its_idle_time(
    rig: StorageRig, open_rig: Opener
) -> None:
    rig.sign_in()
    rig.until(130)  # away
    await rig.store.journal.written_up_to_here()
    await rig.kill()
    again = await restart(rig, open_rig, later=0)
    await again.kill()
    third = await restart(again, open_rig, later=10)
    assert only_session(third).idle_from == QUICK.activity_interval


async def test_a_signed_out_session_never_comes_back(rig: StorageRig, open_rig: Opener) -> None:
    session, cookie = rig.sign_in()
    await rig.sessions.end([session.id], Reason.SIGNED_OUT, 1.0)
    again = await restart(rig, open_rig)
    assert again.registry.sessions == {}
    assert await again.sessions.find(cookie) is Reason.SIGNED_OUT


async def test_the_sessions_of_a_player_are_restored_to_one_player(
    rig: StorageRig, open_rig: Opener
) -> None:
    player = rig.player("Ada", "a hash")
    rig.sign_in(player)
    rig.sign_in(player, remember=True)
    again = await restart(rig, open_rig)
    first, second = again.registry.sessions.values()
    assert first.player is second.player
    assert [first.remember, second.remember] == [False, True]
    assert not first.player.guest


async def test_the_absolute_end_is_unchanged(rig: StorageRig, open_rig: Opener) -> None:
    rig.sign_in()
    rig.until(100)
    again = await restart(rig, open_rig, later=50)
    assert only_session(again).ends_at == pytest.approx(43_200, abs=0.01)


async def test_a_second_server_on_the_database_refuses_to_start(
    rig: StorageRig, open_rig: Opener
) -> None:
    with pytest.raises(StorageRefused, match="another Still Here is running on"):
        await open_rig()


async def test_a_database_of_a_newer_version_is_refused(
    rig: StorageRig, open_rig: Opener, tmp_path: Path
) -> None:
    await rig.store.close()
    with sqlite3.connect(tmp_path / "test.db") as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(StorageRefused, match="made by a newer Still Here"):
        await open_rig()


@pytest.mark.parametrize("what", ["not a database", "no folder"])
async def test_an_unusable_file_is_refused_with_a_sentence(what: str, tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    if what == "not a database":
        path.write_bytes(b"this is a letter to my aunt" * 100)
    else:
        path = tmp_path / "missing" / "test.db"
    with pytest.raises(StorageRefused, match="cannot be used"):
        await StorageRig.open(path, ManualClock())


async def test_tables_are_strict(rig: StorageRig) -> None:
    await rig.store.close()
    with (
        closing(sqlite3.connect(rig.path)) as disk,
        pytest.raises(sqlite3.IntegrityError, match="cannot store TEXT value in INTEGER"),
    ):
        disk.execute("INSERT INTO boots (started_at, version) VALUES ('yesterday', '1')")


async def test_a_database_of_schema_1_is_migrated_with_its_sessions(
    open_rig: Opener, tmp_path: Path
) -> None:
    rig = await open_rig()
    session, cookie = rig.sign_in(device=device_of("Firefox", "Linux"))
    await rig.store.journal.written_up_to_here()
    await rig.store.close()
    path = tmp_path / "test.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as disk:
        tables = disk.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for (table,) in tables:
            if f"CREATE TABLE {table} " not in MIGRATIONS[0]:
                disk.execute(f"DROP TABLE {table}")
        disk.execute("DROP INDEX sessions_player")
        disk.execute("DROP INDEX players_offline")  # it refers to the column below
        for table, column in (
            ("players", "bot"),
            ("sessions", "browser"),
            ("sessions", "system"),
            ("status_changes", "last_activity_at"),
            ("status_changes", "last_activity_by"),
        ):
            disk.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        disk.execute(
            "CREATE INDEX players_offline ON players (sort_key, id) WHERE is_currently_active = 0"
        )
        disk.execute("PRAGMA user_version = 1")

    with closing(sqlite3.connect(":memory:")) as fresh, closing(sqlite3.connect(path)) as disk:
        fresh.executescript(MIGRATIONS[0])
        columns = "SELECT name FROM pragma_table_info(?)"
        for table in ("players", "sessions", "status_changes", "boots"):
            assert disk.execute(columns, (table,)).fetchall() == (
                fresh.execute(columns, (table,)).fetchall()
            ), "it is what the first version made"

    again = await open_rig(ManualClock(rig.clock.now() + 10))
    assert await again.rows("PRAGMA user_version") == [(len(MIGRATIONS),)]
    found = await again.sessions.find(cookie)
    assert isinstance(found, Session)
    assert (found.id, found.device) == (session.id, (None, None))
    newest, oldest = await again.store.history(found.player.id, 2**63 - 1, 10, ANYBODY)
    assert (oldest.reason, oldest.last_activity_at, oldest.last_activity_by) == (
        Reason.SIGNED_IN,
        None,
        None,
    )
    assert (newest.reason, newest.last_activity_at, newest.last_activity_by) == (
        Reason.SERVER_RESTART,
        again.clock.to_wall(0.0),
        "sign-in",
    )


async def test_the_device_of_a_session_survives_a_restart(
    rig: StorageRig, open_rig: Opener
) -> None:
    rig.sign_in(device=device_of("Safari", "iOS"))
    again = await restart(rig, open_rig)
    assert only_session(again).device is device_of("Safari", "iOS")


async def test_an_unknown_device_is_read_as_none(rig: StorageRig, open_rig: Opener) -> None:
    rig.sign_in(device=Device("Netscape", "Linux"))
    again = await restart(rig, open_rig)
    assert only_session(again).device is device_of(None, "Linux")
    assert only_session(again).device == (None, "Linux")
