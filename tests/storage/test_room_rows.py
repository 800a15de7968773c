"""What becomes of rooms is written: the latest state, every move, and all of it at once."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest

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
from tests.support.house import QUICK, House
from tests.support.manual_clock import ManualClock

Opener: TypeAlias = Callable[..., Awaitable[House]]

FOUR = (3, 4, 3, 4, 3, 4, 3)


def players(house: House) -> tuple[Player, Player]:
    ada, _ = house.sign_in()
    kim, _ = house.sign_in(house.player("Kim"))
    return ada.player, kim.player


@pytest.fixture
def documents(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every document that is made of a room."""
    made: list[str] = []

    def write_and_keep(*arguments: Any) -> str:
        made.append(write_room(*arguments))
        return made[-1]

    monkeypatch.setattr(room_rows_module, "write_room", write_and_keep)
    return made


@pytest.fixture
def batches(house: House, monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """Every batch that is written."""
    written: list[Batch] = []
    write = house.engine.write

    async def write_and_keep(batch: Batch) -> None:
        written.append(batch)
        await write(batch)

    monkeypatch.setattr(house.engine, "write", write_and_keep)
    return written


async def test_a_room_is_there_with_its_match_and_who_plays(house: House) -> None:
    ada, kim = players(house)
    room = house.table("connect-four", ada, kim)
    assert await house.rows("SELECT id, game, private, made_by, closed_at FROM rooms") == [
        (room.id, "connect-four", 0, ada.id, None)
    ]
    assert room.match is not None
    assert await house.rows("SELECT id, room_id, number, ended_at, winners FROM matches") == [
        (room.match.id, room.id, 1, None, None)
    ]
    assert await house.rows("SELECT seat, player_id, name, ended_at FROM match_players") == [
        (0, ada.id, "Ada", None),
        (1, kim.id, "Kim", None),
    ]


async def test_whatever_happened_since_the_last_batch_is_one_document(
    house: House, documents: list[str]
) -> None:
    room = house.table("connect-four", *players(house))
    for column in FOUR[:5]:
        house.act(room, {"column": column})
    await house.store.flush()
    assert len(documents) == 1
    assert len(await house.rows("SELECT step FROM moves")) == 5
    house.act(room, {"column": 0})
    await house.store.flush()
    assert len(documents) == 2, "a move in a game without ticks does not wait"


async def test_a_match_that_ticks_is_written_once_a_second(
    house: House, documents: list[str]
) -> None:
    house.table("snake-arena", *players(house))
    await house.store.flush()
    documents.clear()
    for tenths in range(30, 60):  # it begins after 3 s
        house.play_until(tenths / 10 + 0.05)
        await house.store.flush()
    assert 3 <= len(documents) <= 4
    assert len({json.loads(each)["match"]["step"] for each in documents}) == len(documents)


async def test_the_last_state_before_nothing_happens_is_written_too(
    house: House, documents: list[str]
) -> None:
    room = house.table("snake-arena", *players(house))
    house.play_until(3.1)
    house.act(room, {"turn": "up"})  # which is seen, since they had not done anything for long
    await house.store.flush()
    documents.clear()
    house.play_until(3.3)
    house.act(room, {"turn": "right"})
    await house.store.flush()
    assert documents == []
    house.clock.move_to(3.1 + QUICK.room_interval)
    await until(lambda: bool(documents))
    await house.store.flush()
    assert room.match is not None
    assert [json.loads(each)["match"]["step"] for each in documents] == [room.match.step]
    assert await house.rows("SELECT action FROM moves ORDER BY step") == [
        ('{"turn":"up"}',),
        ('{"turn":"right"}',),
    ]


async def test_a_stop_waits_for_nothing(house: House, open_house: Opener) -> None:
    room = house.table("snake-arena", *players(house))
    house.play_until(3.1)
    house.act(room, {"turn": "up"})
    await house.store.flush()
    house.play_until(3.3)
    house.act(room, {"turn": "right"})
    house.play_until(3.45)
    match = room.match
    assert match is not None
    await house.store.close()
    again = await open_house(ManualClock(10))
    (restored,) = again.rooms.all.values()
    assert restored.match is not None
    assert (restored.match.step, restored.match.state) == (match.step, match.state)
    assert await again.check_matches() == 1


async def test_the_end_of_a_match_is_one_transaction(house: House, batches: list[Batch]) -> None:
    room = house.table("connect-four", *players(house))
    await house.store.flush()
    for column in FOUR:
        house.act(room, {"column": column})
    match = room.match
    assert match is not None
    await house.store.flush()
    (batch,) = (each for each in batches if each.moves)
    assert len(batch.moves) == len(FOUR)
    document = json.loads(str(batch.rooms[room.id].state))
    assert document["match"]["outcome"]["reason"] == "four"
    (row,) = await house.rows(
        "SELECT id, reason, winners, scores, steps, lasted, ended_at IS NULL FROM matches"
    )
    assert match.outcome is not None
    assert row == (match.id, "four", f"[{match.outcome.winners[0]}]", None, 8, 0, 0)
    assert await house.rows("SELECT count(*) FROM match_players WHERE ended_at IS NULL") == [(0,)]


async def test_moves_that_are_queued_are_kept_in_one_place_only(house: House) -> None:
    room = house.table("connect-four", *players(house))
    house.act(room, {"column": 3})
    assert room.match is not None
    assert room.match.moves == []
    await house.store.flush()
    assert await house.check_matches() == 1


async def test_a_failing_disk_loses_no_move_and_writes_none_twice(
    house: House, monkeypatch: pytest.MonkeyPatch, open_house: Opener
) -> None:
    disk = BrokenDisk(house, monkeypatch)
    room = house.table("connect-four", *players(house))
    await disk.wait_until_tried()
    before = house.store.statistics().waiting
    for column in FOUR:
        house.act(room, {"column": column})
        await disk.wait_until_tried()
    await disk.wait_until_tried()
    grown = house.store.statistics().waiting - before
    assert grown >= 2 * len(FOUR), "moves count as well as rooms"
    disk.is_broken = False
    rows = await house.rows("SELECT step, action FROM moves ORDER BY step")
    assert rows == [(step, f'{{"column":{column}}}') for step, column in enumerate(FOUR, 1)]
    assert await house.check_matches() == 1
    assert house.store.statistics().waiting == 0


async def test_a_closed_room_says_when_and_why_and_keeps_no_state(
    house: House, open_house: Opener
) -> None:
    ada, kim = players(house)
    room = house.table("connect-four", ada, kim)
    await house.store.flush()
    for player in (ada, kim):
        house.room_stream.publish(house.rooms.went(player.id, room.id, 0.0, has_left=False))
    house.play_until(61)
    assert room.is_closed
    (row,) = await house.rows("SELECT close_reason, closed_at - opened_at, state FROM rooms")
    assert (row[0], row[2]) == ("empty", None)
    assert 60_000 <= row[1] < 60_100
    assert await house.rows("SELECT reason FROM matches") == [("abandoned",)]
    await house.store.close()
    assert not (await open_house(ManualClock(400))).rooms.all


async def test_a_room_that_opens_and_closes_in_one_moment_is_written_as_closed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: SnakeArena, seats: int, moment: Moment) -> Arena:
        raise RuntimeError("no arena today")

    monkeypatch.setattr(SnakeArena, "start", fail)
    with pytest.raises(AssertionError):
        house.table("snake-arena", *players(house))
    assert await house.rows("SELECT close_reason, state FROM rooms") == [("failed", None)]
    assert await house.rows("SELECT reason, winners FROM matches") == [("failed", "[]")]


async def test_what_is_told_of_a_room_after_its_end_does_not_open_it_again(house: House) -> None:
    room = house.table("connect-four", *players(house))
    line = room.chat.note("out", 0.0, "Ada", 0)
    assert line is not None
    now = house.clock.now()
    for player in [player for _, _, player in room.taken()]:
        house.room_stream.publish(house.rooms.went(player.id, room.id, now, has_left=True))
    house.play_until(61)
    assert room.is_closed
    house.room_stream.publish([LineSaid(room.id, line, 61.0), RoomUpdated(room.id, 61.0)])
    assert await house.rows("SELECT close_reason, state FROM rooms") == [("empty", None)]


async def test_a_state_that_cannot_be_written_harms_no_other_room(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ada, kim = players(house)
    bad = house.table("snake-arena", ada, kim)
    bo, eve = (house.sign_in(house.player(name))[0].player for name in ("Bo", "Eve"))
    good = house.table("connect-four", bo, eve)
    assert bad.match is not None
    bad.match.state = object()
    for _ in range(2):
        for room in (bad, good):
            house.room_stream.publish(
                house.rooms.say(next(room.taken())[2], room.id, "Hello", house.clock.now())
            )
        await house.store.flush()
    assert await house.rows("SELECT game, state IS NULL FROM rooms ORDER BY game") == [
        ("connect-four", 0),
        ("snake-arena", 1),
    ]
    logged = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert ["cannot survive a restart" in each.getMessage() for each in logged] == [True]


async def test_a_move_that_cannot_be_written_does_not_end_all_writing(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room = house.table("connect-four", *players(house))
    await house.store.flush()
    assert room.match is not None
    bad = Move(1, 0.0, 0, object())
    house.room_stream.publish([MatchAdvanced(room.id, room.match.id, (bad,), 0.0)])
    house.act(room, {"column": 3})
    await house.store.flush()
    house.act(room, {"column": 4})
    assert len(await house.rows("SELECT state FROM rooms")) == 1
    # The others of the same match, before it and after it, are there.
    assert await house.rows("SELECT action FROM moves ORDER BY step") == [
        ('{"column":3}',),
        ('{"column":4}',),
    ]
    logged = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert ["cannot be stored" in each.getMessage() for each in logged] == [True]


async def test_many_rooms_are_written_in_portions_between_which_others_are_served(
    house: House, batches: list[Batch]
) -> None:
    rooms: list[Room] = []
    for number in range(60):
        pair = [house.sign_in(house.player(f"player {number} {each}"))[0].player for each in "ab"]
        rooms.append(house.table("connect-four", *pair))
    await house.store.flush()
    batches.clear()
    for room in rooms:
        house.act(room, {"column": 3})
    flushing = asyncio.create_task(house.store.flush())
    passes = 0
    while not batches:
        await asyncio.sleep(0)
        passes += 1
    await flushing
    assert passes > 2
    assert [len(each.rooms) for each in batches] == [60], "one transaction all the same"


async def test_a_bot_and_who_is_back_are_told_from_the_moves(house: House) -> None:
    room = house.table("snake-arena", *players(house))
    house.play_until(3.0)
    seat = 0
    assert room.match is not None
    room.seats[seat].replace_by_bot()
    house.room_stream.publish(
        house.rooms.act(room.seats[seat].player, room.id, {"turn": "up"}, 3.0)  # type: ignore[arg-type]
    )
    room.seats[1].replace_by_bot()
    house.play_until(60.0)
    events = await house.rows("SELECT DISTINCT event FROM moves WHERE seat = 0")
    assert ("back",) in events
    assert ("bot",) in await house.rows("SELECT DISTINCT event FROM moves WHERE seat = 1")
    assert await house.check_matches() == 1
