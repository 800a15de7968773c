"""Rooms are written: the latest state, every move, and in one transaction."""

import asyncio
import json
import logging
from typing import Any

import pytest
from msgspec.structs import replace

from server.base.waiting import within
from server.games.game import Moment
from server.games.snake_arena import Arena, SnakeArena
from server.presence.session import Player
from server.rooms.document import write_room
from server.rooms.events import LineSaid, MatchAdvanced, RoomUpdated
from server.rooms.match import Move
from server.rooms.room import Room
from server.storage import room_rows as room_rows_module
from server.storage.batch import Batch
from tests.storage.test_journal import BrokenDisk
from tests.support.answers import until
from tests.support.live_server import TIMEOUT
from tests.support.manual_clock import ManualClock
from tests.support.storage_rig import QUICK, Opener, StorageRig

FOUR = (3, 4, 3, 4, 3, 4, 3)


def players(rig: StorageRig) -> tuple[Player, Player]:
    ada, _ = rig.sign_in()
    kim, _ = rig.sign_in(rig.player("Kim"))
    return ada.player, kim.player


@pytest.fixture
def documents(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every document that is written of a room."""
    made: list[str] = []

    def write_and_keep(*arguments: Any) -> str:
        made.append(write_room(*arguments))
        return made[-1]

    monkeypatch.setattr(room_rows_module, "write_room", write_and_keep)
    return made


async def test_a_room_is_written_with_its_match_and_players(rig: StorageRig) -> None:
    ada, kim = players(rig)
    room = rig.table("connect-four", ada, kim)
    assert await rig.rows("SELECT id, game, private, made_by, closed_at FROM rooms") == [
        (room.id, "connect-four", 0, ada.id, None)
    ]
    assert room.match is not None
    assert await rig.rows("SELECT id, room_id, number, ended_at, winners FROM matches") == [
        (room.match.id, room.id, 1, None, None)
    ]
    assert await rig.rows("SELECT seat, player_id, name, ended_at FROM match_players") == [
        (0, ada.id, "Ada", None),
        (1, kim.id, "Kim", None),
    ]


async def test_changes_since_the_last_batch_are_one_document(
    rig: StorageRig, documents: list[str]
) -> None:
    room = rig.table("connect-four", *players(rig))
    for column in FOUR[:5]:
        rig.act(room, {"column": column})
    await rig.store.journal.written_up_to_here()
    assert len(documents) == 1
    assert len(await rig.rows("SELECT step FROM moves")) == 5
    rig.act(room, {"column": 0})
    await rig.store.journal.written_up_to_here()
    assert len(documents) == 2, "a move in a game without ticks does not wait"


async def test_a_match_that_ticks_is_written_once_a_second(
    rig: StorageRig, documents: list[str]
) -> None:
    rig.table("snake-arena", *players(rig))
    await rig.store.journal.written_up_to_here()
    documents.clear()
    for tenths in range(30, 60):  # it begins after 3 s
        rig.play_until(tenths / 10 + 0.05)
        await rig.store.journal.written_up_to_here()
    assert 3 <= len(documents) <= 4
    assert len({json.loads(each)["match"]["step"] for each in documents}) == len(documents)


async def test_the_last_state_is_written_without_further_changes(
    rig: StorageRig, documents: list[str]
) -> None:
    room = rig.table("snake-arena", *players(rig))
    rig.play_until(3.1)
    rig.act(room, {"turn": "up"})  # which is seen, since they had not done anything for long
    await rig.store.journal.written_up_to_here()
    documents.clear()
    rig.play_until(3.3)
    rig.act(room, {"turn": "right"})
    await rig.store.journal.written_up_to_here()
    assert documents == []
    rig.clock.move_to(3.1 + QUICK.room_interval)
    await until(lambda: bool(documents))
    await rig.store.journal.written_up_to_here()
    assert room.match is not None
    assert [json.loads(each)["match"]["step"] for each in documents] == [room.match.step]
    assert await rig.rows("SELECT action FROM moves ORDER BY step") == [
        ('{"turn":"up"}',),
        ('{"turn":"right"}',),
    ]


async def test_a_stop_waits_for_nothing(rig: StorageRig, open_rig: Opener) -> None:
    room = rig.table("snake-arena", *players(rig))
    rig.play_until(3.1)
    rig.act(room, {"turn": "up"})
    await rig.store.journal.written_up_to_here()
    rig.play_until(3.3)
    rig.act(room, {"turn": "right"})
    rig.play_until(3.45)
    match = room.match
    assert match is not None
    await rig.store.close()
    again = await open_rig(ManualClock(10))
    (restored,) = again.rooms.all.values()
    assert restored.match is not None
    assert (restored.match.step, restored.match.state) == (match.step, match.state)
    assert await again.check_matches() == 1


async def test_the_end_of_a_match_is_one_transaction(rig: StorageRig, batches: list[Batch]) -> None:
    room = rig.table("connect-four", *players(rig))
    await rig.store.journal.written_up_to_here()
    for column in FOUR:
        rig.act(room, {"column": column})
    match = room.match
    assert match is not None
    await rig.store.journal.written_up_to_here()
    (batch,) = (each for each in batches if each.moves)
    assert len(batch.moves) == len(FOUR)
    document = json.loads(str(batch.rooms[room.id].state))
    assert document["match"]["outcome"]["reason"] == "four"
    (row,) = await rig.rows(
        "SELECT id, reason, winners, scores, steps, lasted, ended_at IS NULL FROM matches"
    )
    assert match.outcome is not None
    assert row == (match.id, "four", f"[{match.outcome.winners[0]}]", None, 8, 0, 0)
    assert await rig.rows("SELECT count(*) FROM match_players WHERE ended_at IS NULL") == [(0,)]


async def test_moves_that_are_queued_are_kept_in_one_place_only(rig: StorageRig) -> None:
    room = rig.table("connect-four", *players(rig))
    rig.act(room, {"column": 3})
    assert room.match is not None
    assert room.match.moves == []
    await rig.store.journal.written_up_to_here()
    assert await rig.check_matches() == 1


async def test_a_failing_disk_loses_no_move_and_writes_none_twice(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch, open_rig: Opener
) -> None:
    disk = BrokenDisk(rig, monkeypatch)
    room = rig.table("connect-four", *players(rig))
    await disk.wait_until_tried()
    before = rig.store.statistics().waiting
    for column in FOUR:
        rig.act(room, {"column": column})
        await disk.wait_until_tried()
    await disk.wait_until_tried()
    grown = rig.store.statistics().waiting - before
    assert grown >= 2 * len(FOUR), "moves count as well as rooms"
    disk.is_broken = False
    rows = await rig.rows("SELECT step, action FROM moves ORDER BY step")
    assert rows == [(step, f'{{"column":{column}}}') for step, column in enumerate(FOUR, 1)]
    assert await rig.check_matches() == 1
    assert rig.store.statistics().waiting == 0


async def test_a_closed_room_keeps_its_time_and_reason_and_no_state(
    rig: StorageRig, open_rig: Opener
) -> None:
    ada, kim = players(rig)
    room = rig.table("connect-four", ada, kim)
    await rig.store.journal.written_up_to_here()
    for player in (ada, kim):
        rig.room_stream.publish(rig.rooms.disconnect(player.id, room.id, 0.0, has_left=False))
    rig.play_until(61)
    assert room.is_closed
    (row,) = await rig.rows("SELECT close_reason, closed_at - opened_at, state FROM rooms")
    assert (row[0], row[2]) == ("empty", None)
    assert 60_000 <= row[1] < 60_100
    assert await rig.rows("SELECT reason FROM matches") == [("abandoned",)]
    await rig.store.close()
    assert not (await open_rig(ManualClock(400))).rooms.all


async def test_spectators_who_come_and_go_write_nothing(
    rig: StorageRig, documents: list[str]
) -> None:
    room = rig.table("connect-four", *players(rig))
    bo = rig.sign_in(rig.player("Bo"))[0].player
    await rig.store.journal.written_up_to_here()
    written, queued = len(documents), rig.store.journal.queued
    for _ in range(10):
        now = rig.clock.now()
        rig.room_stream.publish(rig.rooms.join(bo, room.id, now, spectate=True)[1])
        assert bo.id in room.spectators
        rig.room_stream.publish(rig.rooms.leave(bo.id, room.id, now))
    assert rig.store.journal.queued == queued
    rig.act(room, {"column": 3})
    await rig.store.journal.written_up_to_here()
    assert len(documents) == written + 1


async def test_lines_of_chat_and_votes_are_written_once_a_second(
    rig: StorageRig, documents: list[str]
) -> None:
    ada, kim = players(rig)
    room = rig.table("connect-four", ada, kim)
    for column in FOUR:
        rig.act(room, {"column": column})
    await rig.store.journal.written_up_to_here()
    documents.clear()
    for tenths in range(1, 50):
        rig.clock.move_to(tenths / 10)
        if tenths % 5 == 1:
            player = (ada, kim)[tenths % 2]
            rig.room_stream.publish(rig.rooms.say(player, room.id, f"{tenths}", rig.clock.now()))
        else:
            rig.room_stream.publish(rig.rooms.start(ada, room.id, rig.clock.now()))
        rig.store._rooms.look()
        await rig.store.journal.written_up_to_here()
    assert 4 <= len(documents) <= 5
    assert len(set(documents)) == len(documents)
    rig.clock.move_to(4.9 + QUICK.room_interval)
    rig.store._rooms.look()
    await rig.store.journal.written_up_to_here()
    assert json.loads(documents[-1])["chat"][-1]["text"] == "46"
    seats = json.loads(documents[-1])["seats"]
    assert [each.get("wants_more", False) for each in seats] == [True, False]


async def test_players_who_go_and_come_back_are_written_once_a_second(
    rig: StorageRig, documents: list[str]
) -> None:
    ada, kim = players(rig)
    room = rig.table("connect-four", ada, kim)
    await rig.store.journal.written_up_to_here()
    documents.clear()
    for tenths in range(1, 50):
        rig.clock.move_to(tenths / 10)
        now = rig.clock.now()
        if tenths % 2:
            rig.room_stream.publish(rig.rooms.disconnect(ada.id, room.id, now, has_left=True))
        else:
            rig.room_stream.publish(rig.rooms.join(ada, room.id, now)[1])
        rig.store._rooms.look()
        await rig.store.journal.written_up_to_here()
    assert 4 <= len(documents) <= 5


async def test_a_document_that_says_what_the_last_one_said_is_not_written(
    rig: StorageRig, documents: list[str], batches: list[Batch]
) -> None:
    ada, kim = players(rig)
    room = rig.table("connect-four", ada, kim)
    for column in FOUR:
        rig.act(room, {"column": column})
    await rig.store.journal.written_up_to_here()
    batches.clear()
    for seconds in range(2, 20, 2):
        rig.clock.move_to(seconds)
        rig.room_stream.publish([RoomUpdated(room.id, rig.clock.now())])
        await rig.store.journal.written_up_to_here()
    assert [each.rooms for each in batches if each.rooms] == []
    rig.clock.move_to(20.0)
    rig.room_stream.publish(rig.rooms.say(kim, room.id, "Again?", rig.clock.now()))
    await rig.store.journal.written_up_to_here()
    assert [list(each.rooms) for each in batches if each.rooms] == [[room.id]]


async def test_a_room_that_opens_and_closes_in_one_moment_is_written_as_closed(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: SnakeArena, seats: int, moment: Moment) -> Arena:
        raise RuntimeError("no arena today")

    monkeypatch.setattr(SnakeArena, "start", fail)
    with pytest.raises(AssertionError):
        rig.table("snake-arena", *players(rig))
    assert await rig.rows("SELECT close_reason, state FROM rooms") == [("failed", None)]
    assert await rig.rows("SELECT reason, winners FROM matches") == [("failed", "[]")]


async def test_events_of_a_closed_room_do_not_open_it_again(rig: StorageRig) -> None:
    room = rig.table("connect-four", *players(rig))
    line = room.chat.note("out", 0.0, "Ada", 0)
    assert line is not None
    now = rig.clock.now()
    for player in [player for _, _, player in room.taken()]:
        rig.room_stream.publish(rig.rooms.disconnect(player.id, room.id, now, has_left=True))
    rig.play_until(61)
    assert room.is_closed
    rig.room_stream.publish([LineSaid(room.id, line, 61.0), RoomUpdated(room.id, 61.0)])
    assert await rig.rows("SELECT close_reason, state FROM rooms") == [("empty", None)]


async def test_a_state_that_cannot_be_written_harms_no_other_room(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ada, kim = players(rig)
    bad = rig.table("snake-arena", ada, kim)
    bo, eve = (rig.sign_in(rig.player(name))[0].player for name in ("Bo", "Eve"))
    good = rig.table("connect-four", bo, eve)
    assert bad.match is not None
    bad.match.state = object()
    for _ in range(2):
        for room in (bad, good):
            rig.room_stream.publish(
                rig.rooms.say(next(room.taken())[2], room.id, "Hello", rig.clock.now())
            )
        await rig.store.journal.written_up_to_here()
    assert await rig.rows("SELECT game, state IS NULL FROM rooms ORDER BY game") == [
        ("connect-four", 0),
        ("snake-arena", 1),
    ]
    logged = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert ["cannot survive a restart" in each.getMessage() for each in logged] == [True]


async def test_a_move_that_cannot_be_written_does_not_end_all_writing(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room = rig.table("connect-four", *players(rig))
    await rig.store.journal.written_up_to_here()
    assert room.match is not None
    bad = Move(1, 0.0, 0, object())
    players_of = room.match.players
    rig.room_stream.publish([MatchAdvanced(room.id, room.match.id, players_of, (bad,), 0.0)])
    rig.act(room, {"column": 3})
    await rig.store.journal.written_up_to_here()
    rig.act(room, {"column": 4})
    assert len(await rig.rows("SELECT state FROM rooms")) == 1
    # The other moves of the match, before and after it, are there.
    assert await rig.rows("SELECT action FROM moves ORDER BY step") == [
        ('{"column":3}',),
        ('{"column":4}',),
    ]
    logged = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert ["cannot be stored" in each.getMessage() for each in logged] == [True]


async def test_many_rooms_are_written_in_portions_that_let_the_loop_run(
    rig: StorageRig, batches: list[Batch]
) -> None:
    rooms: list[Room] = []
    for number in range(60):
        pair = [rig.sign_in(rig.player(f"player {number} {each}"))[0].player for each in "ab"]
        rooms.append(rig.table("connect-four", *pair))
    await rig.store.journal.written_up_to_here()
    batches.clear()
    for room in rooms:
        rig.act(room, {"column": 3})
    flushing = rig.store.journal.written_up_to_here()
    passes = 0
    while not batches:
        await asyncio.sleep(0)
        passes += 1
    await flushing
    assert passes > 2
    assert [len(each.rooms) for each in batches] == [60], "one transaction all the same"


async def test_rooms_that_become_due_again_and_again_do_not_keep_the_rest_from_the_disk(
    open_rig: Opener,
) -> None:
    rig = await open_rig(limits=replace(QUICK, rooms_at_once=1, room_portions=10))
    tables = [
        rig.table("connect-four", rig.sign_in(rig.player(one))[0].player, kim)
        for one, kim in (
            (one, rig.sign_in(rig.player(f"{one} too"))[0].player) for one in ("Ada", "Bob", "Eve")
        )
    ]

    async def change() -> None:
        while True:
            for room in tables:
                rig.store._rooms._note(room.id)
            await asyncio.sleep(0)

    changing = asyncio.create_task(change())
    await within(TIMEOUT, rig.store._rooms.collect())
    changing.cancel()


async def test_actions_of_a_bot_and_returns_are_distinguished_from_moves(rig: StorageRig) -> None:
    room = rig.table("snake-arena", *players(rig))
    rig.play_until(3.0)
    seat = 0
    assert room.match is not None
    room.seats[seat].replace_by_bot()
    rig.room_stream.publish(
        rig.rooms.act(room.seats[seat].player, room.id, {"turn": "up"}, 3.0)  # type: ignore[arg-type]
    )
    room.seats[1].replace_by_bot()
    rig.play_until(60.0)
    events = await rig.rows("SELECT DISTINCT event FROM moves WHERE seat = 0")
    assert ("back",) in events
    assert ("bot",) in await rig.rows("SELECT DISTINCT event FROM moves WHERE seat = 1")
    assert await rig.check_matches() == 1
