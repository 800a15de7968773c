"""Rooms are written: the latest state, every move, and in one transaction."""

import asyncio
import json
import logging
from typing import Any

import pytest
from msgspec.structs import replace

from server.base.ids import PlayerId
from server.base.waiting import within
from server.games.game import Moment
from server.games.snake_arena import Arena, SnakeArena
from server.presence.session import Player
from server.rooms.document import write_room
from server.rooms.events import LineSaid, MatchAdvanced, RoomEvent, RoomUpdated
from server.rooms.match import Move
from server.rooms.room import Room
from server.storage import room_rows as room_rows_module
from server.storage.batch import Batch
from server.storage.prices import PAGE
from tests.storage.test_journal import BrokenDisk
from tests.support.answers import until
from tests.support.live_server import TIMEOUT
from tests.support.manual_clock import ManualClock
from tests.support.places import ANYBODY
from tests.support.storage_rig import QUICK, Opener, StorageRig

FOUR = (3, 4, 3, 4, 3, 4, 3)


class LaterClock(ManualClock):
    """The clock of a process that started an hour later."""

    def to_wall(self, instant: float) -> int:
        return super().to_wall(instant + 3600)

    def from_wall(self, unix_ms: int) -> float:
        return super().from_wall(unix_ms) - 3600


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


def say(rig: StorageRig, room: Room, text: str, seat: int = 0) -> None:
    player = room.seats[seat].player
    assert player is not None
    rig.room_stream.publish(rig.rooms.say(player, room.id, text, rig.clock.now()))


async def talk(rig: StorageRig, room: Room, lines: int) -> list[str]:
    """As many lines, one and a half seconds apart; return their texts."""
    said = [f"line {number}" for number in range(lines)]
    for text in said:
        rig.clock.move_to(rig.clock.now() + 1.5)
        say(rig, room, text)
        await rig.store.journal.written_up_to_here()
    return said


async def test_lines_of_chat_are_written_apart_once_a_second_and_only_the_new_ones(
    rig: StorageRig, documents: list[str], batches: list[Batch]
) -> None:
    room = rig.table("connect-four", *players(rig))
    await rig.store.journal.written_up_to_here()
    documents.clear()
    batches.clear()
    said = []
    for tenths in range(51):
        rig.clock.move_to(2 + tenths / 10)
        if tenths % 6 == 0:
            said.append(f"at {tenths}")
            say(rig, room, said[-1], seat=tenths // 6 % 2)
        rig.store._rooms.look()
        await rig.store.journal.written_up_to_here()
    assert documents == [], "what was said is not part of it"
    lines = [[line.text for line in batch.lines.values()] for batch in batches if batch.lines]
    assert 5 <= len(lines) <= 6
    assert [text for written in lines for text in written] == said


async def test_of_a_chat_the_latest_lines_are_kept_and_none_twice(
    rig: StorageRig, open_rig: Opener
) -> None:
    room = rig.table("connect-four", *players(rig))
    kept = rig.rooms.limits.lines_kept
    await talk(rig, room, kept + 3)
    rows = await rig.rows("SELECT number, text FROM chat_lines ORDER BY number")
    assert rows == [(line.id, line.text) for line in room.chat.lines]
    assert len(rows) == kept
    before = [replace(line, at=rig.clock.to_wall(line.at)) for line in room.chat.lines]
    await rig.kill()
    clock = LaterClock(200.0)
    again = await open_rig(clock)
    (room,) = again.rooms.all.values()
    assert [replace(line, at=clock.to_wall(line.at)) for line in room.chat.lines] == before


async def test_a_kill_loses_at_most_the_last_second_of_a_chat(
    rig: StorageRig, open_rig: Opener
) -> None:
    ada, kim = players(rig)
    room = rig.table("connect-four", ada, kim)
    said = await talk(rig, room, 3)
    at = rig.clock.now()
    say(rig, room, "in the same second")
    rig.clock.move_to(at + QUICK.room_interval)
    rig.store._rooms.look()
    await rig.store.journal.written_up_to_here()
    say(rig, room, "in the last second", seat=1)
    rig.act(room, {"column": 3})  # whose document comes without the line
    await rig.store.journal.written_up_to_here()
    await rig.kill()
    again = await open_rig(ManualClock(10.0))
    (room,) = again.rooms.all.values()
    assert [line.text for line in room.chat.lines if line.text] == [*said, "in the same second"]
    assert await again.check_matches() == 1


async def test_the_chat_of_a_room_goes_with_it_and_no_other(rig: StorageRig) -> None:
    first = rig.table("connect-four", *players(rig))
    bo, eve = (rig.sign_in(rig.player(name))[0].player for name in ("Bo", "Eve"))
    second = rig.table("connect-four", bo, eve)
    for room in (first, second):
        say(rig, room, "Hello")
    await rig.store.journal.written_up_to_here()
    say(rig, first, "Bye")  # in the batch that closes the room, at the latest
    for _, _, player in list(first.taken()):
        events = rig.rooms.disconnect(player.id, first.id, rig.clock.now(), has_left=False)
        rig.room_stream.publish(events)
    rig.play_until(59.0)
    say(rig, second, "Still here?")
    rig.play_until(61.0)
    assert first.is_closed
    assert await rig.rows(
        "SELECT room_id, text FROM chat_lines WHERE text IS NOT NULL ORDER BY number"
    ) == [(second.id, "Hello"), (second.id, "Still here?")]


async def test_a_failing_disk_loses_no_line_that_is_kept_and_piles_up_no_others(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = rig.table("connect-four", *players(rig))
    await rig.store.journal.written_up_to_here()
    disk = BrokenDisk(rig, monkeypatch)
    rows = 0
    for number in range(rig.rooms.limits.lines_kept + 3):
        rig.clock.move_to(rig.clock.now() + 1.5)
        say(rig, room, f"{number}")
        await disk.wait_until_tried()
        rows = max(rows, len(rig.store.journal._pending.lines))
    assert rows == rig.rooms.limits.lines_kept
    disk.is_broken = False
    assert await rig.rows("SELECT number, text FROM chat_lines ORDER BY number") == [
        (line.id, line.text) for line in room.chat.lines
    ]


async def test_changes_of_seats_are_written_at_once_and_many_in_a_row_once_a_second(
    rig: StorageRig, documents: list[str]
) -> None:
    (ada, kim), now = players(rig), 0.0
    room, events = rig.rooms.open(ada, "snake-arena", now)
    for player in (ada, kim):
        events += rig.rooms.join(player, room.id, now)[1]
    rig.room_stream.publish(events)
    await rig.store.journal.written_up_to_here()
    documents.clear()
    for number in range(80):
        now = number / 4
        rig.clock.move_to(now)
        if number % 2:
            rig.room_stream.publish(rig.rooms.join(kim, room.id, now)[1])
        else:
            rig.room_stream.publish(rig.rooms.leave(kim.id, room.id, now))
        rig.store._rooms.look()
        await rig.store.journal.written_up_to_here()
        if number < QUICK.room_burst:
            assert len(documents) == number + 1, "a seat is there after a kill"
    assert len(documents) - QUICK.room_burst <= now / QUICK.room_interval
    rig.clock.move_to(now + QUICK.room_interval)
    rig.store._rooms.look()
    await rig.store.journal.written_up_to_here()
    names = [seat["player"]["name"] for seat in json.loads(documents[-1])["seats"][:2]]
    assert names == ["Ada", "Kim"]


async def test_what_is_written_is_charged_to_who_caused_it_and_not_to_whose_room_it_is(
    rig: StorageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, kim = players(rig)
    room, events = rig.rooms.open(ada, "snake-arena", 0.0)
    rig.room_stream.publish(events + rig.rooms.join(ada, room.id, 0.0)[1])
    await rig.store.journal.written_up_to_here()
    paid: list[tuple[PlayerId, int]] = []
    monkeypatch.setattr(
        rig.budget, "charge_writing", lambda player, size, now: paid.append((player, size))
    )

    async def paid_for(seconds: float, events: list[RoomEvent]) -> set[tuple[PlayerId, int]]:
        rig.room_stream.publish(events)
        await rig.store.journal.written_up_to_here()
        rig.clock.move_to(seconds + 2.0)
        found = set(paid)
        paid.clear()
        return found

    # Kim comes, which the room says; talks; and goes.
    assert await paid_for(2.0, rig.rooms.join(kim, room.id, 2.0)[1]) == {(kim.id, PAGE)}
    said = rig.rooms.say(kim, room.id, "\N{GRINNING FACE}" * 300, 4.0)
    assert await paid_for(4.0, said) == {(kim.id, 2 * PAGE)}
    assert await paid_for(6.0, rig.rooms.leave(kim.id, room.id, 6.0)) == {(kim.id, PAGE)}
    assert await paid_for(8.0, rig.rooms.say(ada, room.id, "Bye", 8.0)) == {(ada.id, PAGE)}
    # What time does is charged to who made the room.
    updated = RoomUpdated(room.id, 10.0, is_urgent=False)
    assert await paid_for(10.0, [updated]) == {(ada.id, PAGE)}


async def test_votes_are_written_once_a_second(rig: StorageRig, documents: list[str]) -> None:
    ada, kim = players(rig)
    room = rig.table("connect-four", ada, kim)
    for column in FOUR:
        rig.act(room, {"column": column})
    await rig.store.journal.written_up_to_here()
    documents.clear()
    for tenths in range(1, 12):
        rig.clock.move_to(tenths / 10)
        rig.room_stream.publish(rig.rooms.start(ada, room.id, rig.clock.now()))
        rig.store._rooms.look()
        await rig.store.journal.written_up_to_here()
        assert bool(documents) == (tenths / 10 >= QUICK.room_interval)
    (document,) = documents
    seats = json.loads(document)["seats"]
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
    rig.room_stream.publish(rig.rooms.start(kim, room.id, rig.clock.now()))
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
    open_rig: Opener, documents: list[str]
) -> None:
    rig = await open_rig(limits=replace(QUICK, rooms_at_once=1))
    tables = [
        rig.table("connect-four", rig.sign_in(rig.player(one))[0].player, kim)
        for one, kim in (
            (one, rig.sign_in(rig.player(f"{one} too"))[0].player) for one in ("Ada", "Bob", "Eve")
        )
    ]
    await rig.store.journal.written_up_to_here()
    documents.clear()

    def change() -> None:
        for room in tables:
            assert room.match is not None
            advanced = MatchAdvanced(room.id, room.match.id, room.match.players, (), 0.0)
            rig.room_stream.publish([advanced])

    async def go_on() -> None:
        while True:
            change()
            await asyncio.sleep(0)

    change()
    changing = asyncio.create_task(go_on())
    await within(TIMEOUT, rig.store._rooms.collect())
    changing.cancel()
    assert len(documents) == 2 * len(tables), "those that were due, and those of meanwhile, once"


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


async def test_bots_who_play_have_rows_and_are_no_offline_players(rig: StorageRig) -> None:
    ada, _ = players(rig)
    for _ in range(2):
        room, events = rig.rooms.open(ada, "connect-four", rig.clock.now(), bots=1, level="hard")
        rig.room_stream.publish(events)
        rig.room_stream.publish(rig.rooms.join(ada, room.id, rig.clock.now())[1])
        rig.room_stream.publish(rig.rooms.leave(ada.id, room.id, rig.clock.now()))
        assert await rig.rows("SELECT id, name, name_key, bot FROM players WHERE bot = 1") == [
            ("p_bot-hard-01-----------", "Bot 1", None, 1)
        ]
    assert len(await rig.rows("SELECT 1 FROM match_players WHERE player_id LIKE 'p_bot%'")) == 2
    assert await rig.store.offline_players(("", ""), 10, ANYBODY) == []
    found = await rig.store.find_player(PlayerId("p_bot-hard-01-----------"), ANYBODY)
    assert found is not None
    assert found.name == "Bot 1"
