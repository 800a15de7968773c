"""A database of an earlier version is opened, migrated, and used."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import astuple

from server.accounts.lookalikes import lookalikes
from server.base.ids import MatchId, PlayerId
from server.presence.session import Session
from server.presence.status import Reason, Status
from server.storage.sqlite.migrations import MIGRATIONS
from tests.support.manual_clock import ManualClock
from tests.support.places import ANYBODY
from tests.support.storage_rig import Opener, StorageRig

FIXTURES = Path(__file__).parent
ADA, KIM, GUS = (
    "ZqDVu2CJ3me4a003bti1GBEbPjsfhsSI_yAK0e5agiI.bkspHNS0wLp5N86oD72iOCzKFIwgVVsuKc_GeDNd728",
    "4p6Ce6qKZN47fhFkzD36BaZtsQZY8jbx_KJCQbQjJpo.ZfBBGlmL32YL3iZ0e5lbbgcgY5KUfGmDwdvVTu4dTQw",
    "tMsFS6_lhsBXUAqLBYWqhIPqSWQJb9nx03cQiq-ULR4.jxmceQPFeS5kQqxSPAFULBdbTlWV54YEtjd0Xk_qW6M",
)
"""The cookies of three sessions of `schema_3.sql`."""

FINISHED = MatchId("m_Y8NLdu1O0-t6Kfbmh6flLA")


def make(path: Path, schema: int) -> None:
    """Make a database from the dump of a schema."""
    with closing(sqlite3.connect(path, isolation_level=None)) as disk:
        disk.executescript((FIXTURES / f"schema_{schema}.sql").read_text())


def tables(disk: sqlite3.Connection) -> list[tuple[str, str]]:
    rows = disk.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    return [(name, sql.replace('"', "")) for name, sql in rows]


@pytest.mark.parametrize("schema", [3, 4, 5])
def test_the_released_migrations_make_the_released_schema(tmp_path: Path, schema: int) -> None:
    path = tmp_path / "test.db"
    make(path, schema)
    with closing(sqlite3.connect(path)) as disk, closing(sqlite3.connect(":memory:")) as fresh:
        fresh.create_function("lookalikes", 1, lambda _: "[]")
        for step in MIGRATIONS[:schema]:
            fresh.executescript(step)
        assert tables(disk) == tables(fresh)


@pytest.fixture
async def rig(tmp_path: Path, open_rig: Opener) -> StorageRig:
    """On a database of schema 3, 10 s after its server stopped."""
    make(tmp_path / "test.db", 3)
    return await open_rig(ManualClock(140.0))


async def test_players_of_the_version_before_are_signed_in_as_they_were(rig: StorageRig) -> None:
    assert await rig.rows("PRAGMA user_version") == [(len(MIGRATIONS),)]
    ada, kim = await rig.sessions.find(ADA), await rig.sessions.find(KIM)
    assert isinstance(ada, Session)
    assert isinstance(kim, Session)
    assert (ada.player.name, ada.player.guest, ada.remember) == ("Ada", True, False)
    assert (kim.player.name, kim.player.guest, kim.remember) == ("Kim", False, True)
    assert ada.device.browser == "Firefox"
    assert await rig.sessions.find(GUS) is Reason.SIGNED_OUT
    account = await rig.store.find_account("kim")
    assert account is not None
    assert (account.id, account.password_hash) == (kim.player.id, "a hash")
    history = await rig.store.history(ada.player.id, 2**63 - 1, 10, ANYBODY)
    assert [(each.status, each.reason) for each in history] == [
        (Status.RECONNECTING, Reason.SERVER_RESTART),
        (Status.AWAY, Reason.IDLE),
        (Status.ACTIVE, Reason.SIGNED_IN),
    ]


async def test_rooms_and_matches_of_the_version_before_go_on(rig: StorageRig) -> None:
    four, arena = rig.rooms.all.values()
    assert [four.game.name, arena.game.name] == ["connect-four", "snake-arena"]
    assert four.match is not None
    assert four.match.ordinal == 2
    assert four.match.step == 2
    for cookie in (ADA, KIM):
        session = await rig.sessions.find(cookie)
        assert isinstance(session, Session)
        rig.room_stream.publish(rig.rooms.join(session.player, four.id, rig.clock.now())[1])
    rig.act(four, {"column": 0})
    assert await rig.check_matches() == 3
    kim = await rig.sessions.find(KIM)
    assert isinstance(kim, Session)
    found = await rig.store.matches_of(kim.player.id, kim.player.id, (2**63 - 1, ""), 10, ANYBODY)
    (match,) = found.matches
    assert (match.id, match.reason, match.winners, match.scores) == (FINISHED, "four", [0], None)
    assert [each.name for each in match.players] == ["Ada", "Kim"]
    moves = await rig.moves_of(FINISHED)
    assert [each.action["column"] for each in moves] == [3, 4, 3, 4, 3, 4, 3]


async def test_rows_of_the_version_before_can_be_changed_and_read(
    rig: StorageRig, open_rig: Opener
) -> None:
    ada = await rig.sessions.find(ADA)
    assert isinstance(ada, Session)
    await rig.sessions.end([ada.id], Reason.SIGNED_OUT, rig.clock.now())
    await rig.store.close()
    again = await open_rig(ManualClock(150.0))
    assert await again.sessions.find(ADA) is Reason.SIGNED_OUT
    assert await again.rows("PRAGMA foreign_key_check") == []
    assert await again.rows("PRAGMA integrity_check") == [("ok",)]


OLD_NAMES = [
    # Name, and its skeletons according to the previous version of the table.
    ("\u0448\u0448", ["\u0448\u0448"]),
    ("WW", ["ww"]),
    ("\u04c0van", ["ivan", "lvan"]),
    ("Mia", ["mia", "rnia"]),
]


async def test_look_alikes_are_recomputed_and_every_name_stays_taken(
    tmp_path: Path, open_rig: Opener
) -> None:
    path = tmp_path / "test.db"
    make(path, 3)
    with closing(sqlite3.connect(path)) as disk, disk:
        for name, skeletons in [*OLD_NAMES, ("Gone", [])]:
            disk.execute(
                "INSERT INTO players (id, name, name_key, sort_key, guest, password_hash, status,"
                " is_currently_active, last_activity_at, created_at)"
                " VALUES (?, ?, ?, ?, 0, 'a hash', 'offline', 0, 0, 0)",
                (f"p_{name}", name, name.casefold() if skeletons else None, name.casefold()),
            )
            for skeleton in skeletons:
                row = (skeleton, f"p_{name}")
                disk.execute("INSERT INTO name_lookalikes VALUES (?, ?)", row)
    rig = await open_rig(ManualClock(140.0))
    for name, _ in OLD_NAMES:
        # New names that look like it are taken, and its player can sign in.
        assert await rig.store.is_any_taken(lookalikes(name)), name
        account = await rig.store.find_account(name.casefold())
        assert account is not None
        assert account.name == name
    taken = {
        skeleton: player
        for skeleton, player in await rig.rows("SELECT lookalike, player_id FROM name_lookalikes")
        if player.removeprefix("p_") in dict(OLD_NAMES)
    }
    assert taken == {
        "ww": "p_\u0448\u0448",  # alike only in the new table: the older name has it
        "lvan": "p_\u04c0van",
        "mia": "p_Mia",
        "rnia": "p_Mia",
    }
    assert not await rig.store.is_any_taken(lookalikes("Gone")), "it is free again"


ADA_4, KIM_4, EVE_4 = (
    PlayerId("p_zLKENVp-7Ny6sUeXr6p8sg"),
    PlayerId("p_zLKENbzUqT0TpgdDKTH3xg"),
    PlayerId("p_zLKENYG_W0nDqpUnups08Q"),
)
PRIVATE, PUBLIC, RUNNING = (
    MatchId("m_zLKENQ3s1a0i7yFbSz3HWw"),
    MatchId("m_zLKENTRjyg-wweC5PtbWhg"),
    MatchId("m_zLKENeFWsuDJyq4E_PFx7w"),
)
"""The players and matches of `schema_4.sql`."""

ADA_5, KIM_5 = PlayerId("p_KM7h18kE0W07C4fbtzkMPQ"), PlayerId("p_KM7h1wo6UH7oM9I7z_zA2g")
"""The players of `schema_5.sql`."""


async def test_matches_of_the_version_before_stay_private(tmp_path: Path, open_rig: Opener) -> None:
    make(tmp_path / "test.db", 4)
    rig = await open_rig(ManualClock(10.0))

    async def listed(player: PlayerId, viewer: PlayerId) -> list[MatchId]:
        found = await rig.store.matches_of(player, viewer, (2**63 - 1, ""), 10, ANYBODY)
        assert found.next is None
        return [each.id for each in found.matches]

    for viewer in (ADA_4, KIM_4):
        assert await listed(ADA_4, viewer) == [PUBLIC, PRIVATE]
        assert await listed(KIM_4, viewer) == [PUBLIC, PRIVATE]
    assert await listed(ADA_4, EVE_4) == await listed(KIM_4, EVE_4) == [PUBLIC]
    assert await listed(EVE_4, ADA_4) == []
    (room,) = (each for each in rig.rooms.all.values() if each.match and each.match.id == RUNNING)
    for player in (ADA_4, EVE_4):
        seated = rig.registry.players[player]
        rig.room_stream.publish(rig.rooms.join(seated, room.id, rig.clock.now())[1])
    for column in (4, 3, 4, 3, 4, 3):
        rig.act(room, {"column": column})
    await rig.store.journal.written_up_to_here()
    assert await listed(ADA_4, ADA_4) == [RUNNING, PUBLIC, PRIVATE]
    assert await listed(ADA_4, EVE_4) == [RUNNING, PUBLIC]
    assert await listed(ADA_4, KIM_4) == [PUBLIC, PRIVATE]
    assert await listed(EVE_4, KIM_4) == []


async def test_the_chat_of_the_version_before_is_carried_over(
    tmp_path: Path, open_rig: Opener
) -> None:
    path = tmp_path / "test.db"
    make(path, 5)
    with closing(sqlite3.connect(path)) as disk, disk:
        # A document that cannot be read costs only its room.
        disk.execute(
            "INSERT INTO rooms (id, game, private, made_by, opened_at, state)"
            " SELECT 'r_broken', game, private, made_by, opened_at, '{' FROM rooms LIMIT 1"
        )
    said = [
        (1, 0, None, "Ada", None, "joined", 0),
        (2, 0, None, "Kim", None, "joined", 1),
        (3, 1500, ADA_5, "Ada", 'Hello "Kim", \\n \N{GRINNING FACE} $[0]', None, None),
        (4, 2250, KIM_5, "Kim", "\u00bfQu\u00e9 tal?", None, None),
    ]
    for at in (100.0, 200.0):
        rig = await open_rig(ManualClock(at))
        (room,) = rig.rooms.all.values()
        assert [astuple(line) for line in room.chat.lines] == [
            (number, ms / 1000, id, name, text, notice, seat)
            for number, ms, id, name, text, notice, seat in said
        ]
        assert (room.host, await rig.check_matches()) == (ADA_5, 1)
        assert await rig.rows("SELECT state IS NULL, close_reason FROM rooms ORDER BY id") == [
            (1, "empty"),
            (0, None),
            (1, "failed"),
        ]
        await rig.store.close()
    assert await rig.rows("PRAGMA foreign_key_check") == []
