"""The topics of rooms over a real server: a snapshot and the changes after it give the present
state."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.client.merge_patch import merged
from server.games.game import AfkPolicy, Silence, View
from server.limits import Limits
from server.realtime.limits import Limits as RealtimeLimits
from server.rooms.errors import GameFailed
from tests.games.test_snake_arena import applied as snake_applied
from tests.rooms.games import Bug, Buggy, Hand, Ticking, Timed, Together, Turns, variant
from tests.rooms.page import Page, bring, passes, seat, table
from tests.support.answers import until
from tests.support.live_server import LiveServer, Tab, run_server

SKIPS = AfkPolicy(move_time=20.0, silence=Silence.SKIP, brb_budget=30.0)


@pytest.fixture
def room_list_pace() -> float:
    """Seconds for which changes of the list of rooms are collected."""
    return 0.0


@pytest.fixture
async def server(tmp_path: Path, room_list_pace: float) -> AsyncIterator[LiveServer]:
    limits = Limits(realtime=RealtimeLimits(room_list_pace=room_list_pace))
    database = tmp_path / "test.db"
    async with run_server(database, limits=limits, max_messages_per_second=0) as running:
        bring(
            running,
            Turns(),
            Ticking(),
            variant(Hand, policy=SKIPS, most=3, starts_when_full=False),
            variant(Timed, policy=SKIPS),
            Together(),
        )
        yield running


def ticking_applied(view: View, diff: View) -> View:
    """Apply the own diff of the ticking test game, as a page does."""
    return {"ticks": view["ticks"] + diff["plus"], "moved": diff["moved"]}


APPLIES = {"ticking": ticking_applied, "snake-arena": snake_applied}


# Snapshot and changes


@pytest.mark.parametrize("game", ["hand", "timed", "ticking", "connect-four", "trivia-round"])
async def test_after_any_requests_every_page_equals_the_room_without_a_gap(
    server: LiveServer, game: str
) -> None:
    dice = random.Random(game)
    names = ["Ada", "Kim"]
    pages = await table(server, game, *names)
    room_id = pages[0].room_id
    eve = await server.guest("Eve")
    pages.append(await seat(server, eve, room_id, spectate=True))
    for page in pages:
        page.apply = APPLIES.get(game, merged)
    rooms = server.still_here.rooms
    for _ in range(50):
        room = rooms.all.get(room_id)  # type: ignore[call-overload]
        if room is None:
            break
        page = dice.choice(pages)
        match dice.randrange(16):
            case 0:
                await page.tab.send("say", room=room_id, text=str(dice.random()))
            case 1:
                await page.tab.send("brb", room=room_id, seconds=dice.choice([0, 5, 20]))
            case 2:
                await page.tab.send("leave", room=room_id)
                await page.tab.send("join", room=room_id)
            case 3:
                await page.tab.send("join", room=room_id, seat=dice.randrange(4))
            case 4:
                await page.tab.send("pulse", room=room_id, seat=dice.randrange(2))
            case 5:
                await page.tab.send("claim", room=room_id, result="draw")
            case 6 | 7:
                await passes(dice.choice([0.15, 1.0, 4.0, 10.0]), *pages)
            case 8:
                await page.tab.send("start", room=room_id)
            case 9:
                await page.tab.send("ping")
            case _ if room.running is not None:
                for number in room.running.waits_for:
                    player = room.seats[number].player
                    for each in pages:
                        if player is not None and each.visitor.id == player.id:
                            action = dice.choice([{}, {"column": 3}, {"question": 0, "choice": 1}])
                            await each.tab.send("act", room=room_id, action=action)
                            await each.read()
            case _:
                await page.tab.send("start", room=room_id)
        for each in pages:
            await each.read()
        for each in pages:
            await each.is_right()
    assert any(page.version > 8 for page in pages)
    late = await seat(server, eve, room_id, spectate=True)
    assert late.wholes == 1


async def test_a_snake_arena_is_sent_whole_once_and_then_in_its_own_diffs(
    server: LiveServer,
) -> None:
    pages = await table(server, "snake-arena", "Ada", "Kim")
    for page in pages:
        page.apply = snake_applied
    await pages[0].tab.send("start", room=pages[0].room_id)
    await pages[0].read()
    for page in pages:
        await page.is_right()
    wholes = pages[1].wholes
    await passes(3.05, *pages)
    for _ in range(10):
        await passes(0.1, *pages)
        for page in pages:
            await page.is_right()
    await pages[0].tab.send("act", room=pages[0].room_id, action={"turn": "up"})
    await passes(0.5, *pages)
    for page in pages:
        await page.is_right()
    assert pages[1].wholes == wholes
    diffs = [each for each in pages[1].tab.seen if "moves" in each.get("view", {})]
    assert diffs
    assert max(len(json.dumps(each)) for each in diffs) < 400


async def test_changes_in_one_turn_of_the_loop_are_one_message(server: LiveServer) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    await kim.is_right()
    version = kim.version
    await ada.tab.send("act", room=ada.room_id, action={})
    await ada.is_right()
    await kim.is_right()
    assert kim.version == version + 1


async def test_a_reader_that_catches_up_is_sent_the_whole_room(server: LiveServer) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    (connection,) = server.still_here.tabs.of(kim.visitor.session)
    wholes = kim.wholes
    # As if the peer had not yet read the earlier messages.
    connection.is_behind = True
    await ada.tab.send("act", room=ada.room_id, action={})
    await ada.tab.send("say", room=ada.room_id, text="Hello")
    await ada.tab.send("leave", room=ada.room_id)
    await ada.tab.send("join", room=ada.room_id)
    await ada.is_right()
    connection.is_behind = False
    server.still_here.topics.caught_up(connection)
    await kim.is_right()
    assert kim.wholes == wholes + 1
    await kim.tab.send("act", room=ada.room_id, action={})
    await kim.is_right()
    await ada.is_right()
    assert kim.wholes == wholes + 1, "and diffs again from there on"


async def test_spectators_do_not_delay_messages_to_seated_players(server: LiveServer) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    watcher = await seat(server, await server.guest("Eve"), ada.room_id, spectate=True)
    for page in (ada, kim, watcher):
        await page.is_right()
    topic = server.still_here.room_topics._topics[ada.room_id]  # type: ignore[index]
    # As if it had just been sent to thousands of watchers.
    topic._not_before = topic._early_from = topic._time() + 3600
    versions = kim.version, watcher.version
    await ada.tab.send("act", room=ada.room_id, action={})
    await ada.is_right()
    await kim.is_right()
    await watcher.read()
    assert (kim.version, watcher.version) == (versions[0] + 1, versions[1])
    topic._not_before = topic._early_from = 0.0
    topic.changed()
    await watcher.is_right()
    assert watcher.version == kim.version


# Private state


async def test_a_player_is_never_sent_the_cards_of_another(server: LiveServer) -> None:
    pages = await table(server, "hand", "Ada", "Kim", "Bo")
    room_id = pages[0].room_id
    eve = await server.guest("Eve")
    watcher = await seat(server, eve, room_id, spectate=True)
    await pages[0].tab.send("start", room=room_id)
    await pages[0].is_right()
    for number in (0, 1, 2, 0):
        await pages[number].tab.send("act", room=room_id, action={})
        await pages[number].read()
    second = await seat(server, eve, room_id)
    await pages[2].tab.send("leave", room=room_id)
    await pages[2].read()
    await server.advance(11)
    again = await seat(server, pages[2].visitor, room_id)
    for number, page in enumerate(pages):
        await page.read()
        sent = "".join(json.dumps(message) for message in page.tab.seen)
        own = f"card {number}-"
        assert own in sent
        assert sent.replace(own, "").count("card ") == 0
    for page in (watcher, second, again):
        await page.read()
        if page is not again:
            assert "card " not in "".join(json.dumps(message) for message in page.tab.seen)


async def test_two_tabs_of_a_player_see_the_same_seat(server: LiveServer) -> None:
    ada, _ = await table(server, "hand", "Ada", "Kim")
    await ada.tab.send("start", room=ada.room_id)
    await ada.is_right()
    other = Page(server, ada.visitor, await ada.visitor.tab(), ada.room_id)
    await other.tab.ask("watch", "room", topic=ada.topic)
    await other.is_right()
    assert (other.seat, other.view) == (ada.seat, ada.view)
    await other.tab.send("act", room=ada.room_id, action={})
    await ada.read()
    await other.is_right()
    await ada.is_right()


# A room that closes


async def test_a_room_that_closes_says_why_and_its_topic_is_gone(server: LiveServer) -> None:
    (ada,) = await table(server, "together", "Ada")
    eve = await server.guest("Eve")
    watcher = await seat(server, eve, ada.room_id, spectate=True)
    await ada.tab.ask("leave", "left", room=ada.room_id)
    await server.advance(31)
    closed = await watcher.tab.next("room_closed")
    assert closed == {
        "type": "room_closed",
        "topic": ada.topic,
        "reason": "empty",
        "detail": closed["detail"],
    }
    for type_ in ("watch", "unwatch"):
        error = await watcher.tab.ask(type_, "error", topic=ada.topic)
        assert error["code"] == "unknown_topic"
    assert not server.still_here.room_topics._topics


@pytest.mark.parametrize("at", ["act", "view", "diff", "tick"])
async def test_a_game_that_breaks_down_ends_with_an_apology_and_a_log_entry(
    server: LiveServer, at: str, caplog: pytest.LogCaptureFixture
) -> None:
    game = variant(Buggy, at=at)
    bring(server, game)
    ada, kim = await table(server, "buggy", "Ada", "Kim")
    others = await table(server, "turns", "Bo", "Eve")
    await ada.tab.send("start", room=ada.room_id)
    await ada.read()
    game.is_armed = True
    await ada.tab.send("act", room=ada.room_id, action={})
    await passes(0.2, ada, kim, *others)
    for page in (ada, kim):
        await page.read()
        assert page.closed == "failed"
        (closed,) = [each for each in page.tab.seen if each["type"] == "room_closed"]
        assert "sorry" in closed["detail"]
    (entry,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert ada.room_id in entry.getMessage()
    assert entry.exc_info is not None
    error = entry.exc_info[1]
    assert isinstance(error, GameFailed)
    assert isinstance(error.__cause__, Bug)
    for page in others:
        await page.is_right()
        assert not page.closed
    await others[0].tab.send("act", room=others[0].room_id, action={})
    await others[1].is_right()


# The list


class Listed:
    """Applies the messages of the topic `rooms` as a page does."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.version = 0
        self.rooms: dict[str, View] = {}
        self._read = 0

    async def read(self) -> None:
        await asyncio.sleep(0.001)  # even with a pace of 0, a timer is used
        await self.tab.ask("look", "session")
        await self.tab.ask("look", "session")
        new, self._read = self.tab.seen[self._read :], len(self.tab.seen)
        for message in new:
            if message.get("topic") == "rooms":
                self.take(message)

    def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "rooms":
            self.rooms = {room["id"]: room for room in message["rooms"]}
        else:
            assert message["version"] == self.version + 1
            for room in message["opened"]:
                assert room["id"] not in self.rooms
            for room in message["changed"]:
                assert room["id"] in self.rooms
            for id in message["closed"]:
                del self.rooms[id]
            for room in (*message["opened"], *message["changed"]):
                self.rooms[room["id"]] = room
        assert len(self.rooms) == message["total"]
        self.version = message["version"]


async def test_the_list_and_its_changes_equal_the_answer_over_http(server: LiveServer) -> None:
    eve = await server.guest("Eve")
    watcher = Listed(await eve.tab())
    await watcher.tab.ask("watch", "rooms", topic="rooms")

    async def is_right() -> None:
        await watcher.read()
        told = (await eve.http.get("/api/rooms", headers={"Passive": "1"})).json()
        assert watcher.rooms == {room["id"]: room for room in told["rooms"]}
        assert told["total"] == len(watcher.rooms)

    await is_right()
    pages = await table(server, "turns", "Ada", "Kim")
    await is_right()
    (private,) = await table(server, "together", "Bo", private=True)
    await is_right()
    (public,) = await table(server, "together", "Max")
    await is_right()
    assert set(watcher.rooms) == {pages[0].room_id, public.room_id}
    await seat(server, eve, public.room_id, spectate=True)
    await pages[0].tab.send("act", room=pages[0].room_id, action={"wins": True})
    await pages[0].read()
    await is_right()
    assert watcher.rooms[pages[0].room_id]["state"] == "over"
    late = Listed(await eve.tab())
    await late.tab.ask("watch", "rooms", topic="rooms")
    await late.read()
    assert late.rooms == watcher.rooms
    await public.tab.send("leave", room=public.room_id)
    await public.read()
    await server.advance(31)
    await is_right()
    await late.read()
    assert late.rooms == watcher.rooms
    assert public.room_id not in watcher.rooms
    assert private.room_id not in str(watcher.tab.seen)
    await watcher.tab.send("unwatch", topic="rooms")
    await public.tab.send("quick_match", game="together")
    await public.read()
    before = watcher.version
    await table(server, "turns", "Zoe")
    await watcher.read()
    assert watcher.version == before
    await late.read()
    assert late.version > before


async def test_a_reader_of_the_list_that_catches_up_is_sent_the_whole_list(
    server: LiveServer,
) -> None:
    eve = await server.guest("Eve")
    watcher = Listed(await eve.tab())
    await watcher.tab.ask("watch", "rooms", topic="rooms")
    (connection,) = server.still_here.tabs.of(eve.session)
    connection.is_behind = True
    room_list = server.still_here.room_list
    before = room_list.version
    await table(server, "turns", "Ada")
    await until(lambda: room_list.version > before)
    connection.is_behind = False
    server.still_here.topics.caught_up(connection)
    await watcher.read()
    assert len(watcher.rooms) == 1
    assert [each["type"] for each in watcher.tab.seen if each.get("topic")] == ["rooms", "rooms"]


@pytest.mark.parametrize("room_list_pace", [3600.0])
async def test_changes_of_the_list_in_quick_succession_are_one_message(server: LiveServer) -> None:
    eve = await server.guest("Eve")
    watcher = Listed(await eve.tab())
    await watcher.tab.ask("watch", "rooms", topic="rooms")
    await table(server, "turns", "Ada", "Kim")
    (bo,) = await table(server, "together", "Bo")
    await bo.tab.ask("leave", "left", room=bo.room_id)
    await server.advance(31)
    here = server.still_here
    here.room_list._tell()
    await watcher.read()
    assert (watcher.version, len(watcher.rooms)) == (1, 1), "what came and went is not told"
    here.room_list._tell()
    await watcher.read()
    assert watcher.version == 1


async def test_topics_are_dropped_with_their_last_watcher(server: LiveServer) -> None:
    pages = await table(server, "turns", "Ada", "Kim")
    await pages[0].tab.ask("watch", "rooms", topic="rooms")
    for page in pages:
        await page.tab.socket.close()
    await until(lambda: not len(server.still_here.tabs))
    assert not server.still_here.room_topics._topics
    assert not server.still_here.room_list.watchers
