"""The messages of a tab about rooms, over a real server: answers, refusals, and their effects on
presence."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from server.base.ids import PlayerId, RoomId
from server.games.game import AfkPolicy, Silence
from server.limits import Limits
from server.presence.status import Reason
from server.realtime.limits import Limits as RealtimeLimits
from server.realtime.reader import Reader
from server.rooms.limits import Limits as RoomLimits
from server.wire.closing import ABNORMAL
from tests.rooms.games import Ticking, Together, Turns, variant
from tests.rooms.page import Page, bring, passes, seat, table
from tests.support.answers import until, until_status
from tests.support.live_server import LiveServer, Tab, run_server
from tests.support.manual_clock import SLOT, CountingClock

ROOM_LIMITS = RoomLimits()

PATIENT = AfkPolicy(move_time=5000.0)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    limits = Limits(realtime=RealtimeLimits(room_list_pace=0.0))
    async with run_server(tmp_path / "test.db", limits=limits) as running:
        bring(
            running,
            Turns(),
            variant(Turns, name="patient", policy=PATIENT),
            variant(Together, policy=AfkPolicy(silence=Silence.SKIP, brb_waits=False)),
            Ticking(),
        )
        yield running


def status_on(page: Page, number: int) -> str:
    return str(page.room["seats"][str(number)]["status"])


def idle_for(page: Page) -> float:
    """Seconds on the idle clock."""
    session = page.visitor.session
    return page.server.clock.now() - session.idle_from


# Answers and refusals


async def test_a_join_is_answered_with_the_seat_and_then_the_room(server: LiveServer) -> None:
    ada, kim = await server.guest("Ada"), await server.guest("Kim")
    room = (await ada.http.post("/api/rooms", json={"game": "turns"})).json()
    tab = await ada.tab()
    before = len(tab.seen)
    await tab.send("join", room=room["id"])
    await tab.next("room")
    joined, now = [each for each in tab.seen[before:] if each["type"] in ("joined", "room")]
    assert joined == {"type": "joined", "room": room["id"], "seat": 0}
    assert (now["seat"], now["room"]["host"]) == (0, ada.id)
    assert [line["notice"] for line in now["chat"]] == ["joined"]
    other = await kim.tab()
    assert "seat" not in await other.ask("join", "joined", room=room["id"], spectate=True)
    assert "seat" not in await other.next("room")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "join", "room": "r_nowhere"}, "no_such_room"),
        ({"type": "start", "room": "r_nowhere"}, "no_such_room"),
        ({"type": "act", "room": "r_nowhere", "action": {}}, "no_such_room"),
        ({"type": "say", "room": "r_nowhere", "text": "Hello"}, "no_such_room"),
        ({"type": "claim", "room": "r_nowhere", "result": "win"}, "no_such_room"),
        ({"type": "pulse", "room": "r_nowhere", "seat": 0}, "no_such_room"),
        ({"type": "brb", "room": "r_nowhere", "seconds": 1}, "no_such_room"),
        ({"type": "quick_match", "game": "chess"}, "no_such_game"),
        ({"type": "join"}, "invalid"),
        ({"type": "join", "room": "x" * 101}, "invalid"),
        ({"type": "brb", "room": "r", "seconds": -1}, "invalid"),
        ({"type": "pulse", "room": "r", "seat": "0"}, "invalid"),
        ({"type": "watch", "topic": "room:r_nowhere"}, "unknown_topic"),
        ({"type": "unwatch", "topic": "room:r_nowhere"}, "unknown_topic"),
        ({"type": "watch", "topic": "room"}, "unknown_topic"),
        ({"type": "act", "room": "ROOM", "action": {"is_legal": False}}, "not_allowed"),
        ({"type": "act", "room": "ROOM", "action": 7}, "invalid"),
        ({"type": "start", "room": "ROOM"}, "not_allowed"),
        ({"type": "say", "room": "ROOM", "text": ""}, "invalid"),
        ({"type": "claim", "room": "ROOM", "result": "win"}, "not_allowed"),
        ({"type": "pulse", "room": "ROOM", "seat": 1}, "not_allowed"),
        ({"type": "join", "room": "OTHER"}, "already_seated"),
        ({"type": "quick_match"}, "already_seated"),
    ],
)
async def test_a_refused_request_has_its_code_changes_nothing_and_is_no_activity(
    server: LiveServer, message: dict[str, object], code: str
) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    (bo,) = await table(server, "turns", "Bo")
    await passes(30, ada, kim, bo)
    version = (await ada.is_right()).version
    sent = json.loads(json.dumps(message).replace("ROOM", ada.room_id).replace("OTHER", bo.room_id))
    error = await ada.tab.ask(sent.pop("type"), "error", **sent)
    assert (error["code"], error["re"]) == (code, message["type"])
    assert error["detail"]
    assert (await ada.is_right()).version == version
    assert idle_for(ada) == 30.0
    assert ada.visitor.session.last_activity_by == "game"


async def test_everything_done_in_a_room_is_answered_with_done(server: LiveServer) -> None:
    ada, _ = await table(server, "turns", "Ada", "Kim")
    requests: list[tuple[str, dict[str, Any]]] = [
        ("join", {}),
        ("say", {"text": "Hello"}),
        ("act", {"action": {}}),
        ("brb", {"seconds": 5}),
        ("brb", {"seconds": 0}),
        ("leave", {}),
    ]
    for kind, fields in requests:
        done = await ada.tab.ask(kind, "done", "error", room=ada.room_id, id=kind, **fields)
        assert done == {"type": "done", "id": kind}


async def test_a_game_action_is_an_activity(server: LiveServer) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    await passes(30, ada, kim)
    await ada.tab.send("act", room=ada.room_id, action={})
    await ada.is_right()
    assert ada.visitor.session.last_activity == server.clock.now()
    assert ada.visitor.session.last_activity_by == "game action"


async def test_requests_in_a_room_are_activities(server: LiveServer) -> None:
    ada, kim = await table(server, "together", "Ada", "Kim")
    for type_, fields in (
        ("say", {"text": "Hello"}),
        ("start", {}),
        ("brb", {"seconds": 0}),
        ("join", {}),
    ):
        await passes(20, ada, kim)
        assert idle_for(ada) > 0
        await ada.tab.send(type_, room=ada.room_id, **fields)
        await ada.is_right()
        assert idle_for(ada) == 0, type_


async def test_chat_reaches_everybody_in_the_room_and_is_limited(server: LiveServer) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    eve = await seat(server, await server.guest("Eve"), ada.room_id, spectate=True)
    await eve.tab.send("say", room=ada.room_id, text=" Good   luck ")
    for page in (ada, kim, eve):
        await page.is_right()
        line = page.chat[-1]
        assert line["player"] == {"id": eve.visitor.id, "name": "Eve"}
        assert line["text"] == "Good   luck"
    for _ in range(4):
        await eve.tab.send("say", room=ada.room_id, text="x" * 300)
    error = await eve.tab.ask("say", "error", room=ada.room_id, text="one more")
    assert error["code"] == "too_much_chat"


async def test_a_connection_watches_twenty_rooms_and_no_more(server: LiveServer) -> None:
    eve = await server.guest("Eve")
    tab = await eve.tab()
    rooms = []
    for number in range(ROOM_LIMITS.rooms_watched + 1):
        maker = await server.guest(f"Maker {number}")
        response = await maker.http.post("/api/rooms", json={"game": "together"})
        rooms.append(response.json()["id"])
    for room_id in rooms[:-1]:
        await tab.ask("watch", "room", topic=f"room:{room_id}")
        await server.advance(0.1)
    error = await tab.ask("watch", "error", topic=f"room:{rooms[-1]}")
    assert error["code"] == "too_many_rooms"
    await tab.send("unwatch", topic=f"room:{rooms[0]}")
    await tab.ask("watch", "room", topic=f"room:{rooms[-1]}")


async def test_the_rooms_that_the_tabs_of_a_player_watch_are_limited_and_added_up(
    tmp_path: Path,
) -> None:
    limits = Limits(rooms=RoomLimits(rooms_watched=2, rooms_watched_by_player=3))
    async with run_server(tmp_path / "test.db", limits=limits) as server:
        rooms = []
        for name in ("Ada", "Bo", "Kim", "Max"):
            maker = await server.guest(name)
            response = await maker.http.post("/api/rooms", json={"game": "connect-four"})
            rooms.append(f"room:{response.json()['id']}")
        await server.member("Eve")
        phone, laptop = await server.sign_in("Eve"), await server.sign_in("Eve")
        one, two, three = await phone.tab(), await phone.tab(), await laptop.tab()
        for topic in rooms[:2]:
            await one.ask("watch", "room", topic=topic)
        for _ in range(2):  # again: it is the same watch
            await two.ask("watch", "room", topic=rooms[0])
        for topic in (rooms[0], rooms[2]):
            error = await three.ask("watch", "error", topic=topic)
            assert error["code"] == "too_many_rooms"
        await two.send("unwatch", topic=rooms[0])
        await three.ask("watch", "room", topic=rooms[0])
        await two.ask("watch", "error", topic=rooms[3])
        await one.socket.close()
        for topic in rooms[2:]:
            await two.ask("watch", "room", topic=topic)
        await three.ask("watch", "error", topic=rooms[1])


# Quick match


async def test_two_players_are_matched_and_play(server: LiveServer) -> None:
    ada, kim = await server.guest("Ada"), await server.guest("Kim")
    tabs = [await ada.tab(), await kim.tab()]
    queued = await tabs[0].ask("quick_match", "queued", game="turns")
    assert queued == {"type": "queued", "game": "turns", "waiting": 1}
    await tabs[1].send("quick_match")
    matched = [await tab.next("matched") for tab in tabs]
    assert matched[0] == matched[1]
    assert (matched[0]["game"], matched[0]["expires_in"]) == ("turns", 15.0)
    last = [each for each in tabs[0].seen if each["type"] == "queued"][-1]
    assert last == {"type": "queued", "game": "turns", "waiting": 0, "reason": "matched"}
    for tab in tabs:
        await tab.ask("join", "joined", room=matched[0]["room"])
    assert server.still_here.rooms.find(matched[0]["room"]).state == "playing"


async def test_a_change_in_the_queue_is_told_to_every_tab_and_a_repetition_answered_alone(
    server: LiveServer,
) -> None:
    ada = await server.guest("Ada")
    asking, other = await ada.tab(), await ada.tab()
    looks = {"type": "queued", "game": "turns", "waiting": 1}
    cancelled = {"type": "queued", "waiting": 0, "reason": "cancelled"}
    assert await asking.ask("quick_match", "queued", game="turns") == looks
    assert await other.quiet() == [looks]
    assert await asking.ask("quick_match", "queued", game="turns") == looks
    assert await other.quiet() == []
    assert await asking.ask("quick_match", "queued", cancel=True) == looks | cancelled
    assert len(await other.quiet()) == 1
    assert await asking.ask("quick_match", "queued", cancel=True) == cancelled
    assert await other.quiet() == []


async def test_an_away_player_is_removed_from_the_queue_and_told(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await tab.ask("quick_match", "queued", game="turns")
    await server.advance(119)
    assert server.still_here.rooms.waiting
    await server.advance(1 + SLOT)
    queued = await tab.next("queued")
    assert queued == {"type": "queued", "game": "turns", "waiting": 0, "reason": "away"}
    queued = await tab.ask("quick_match", "queued", game="turns", cancel=True)
    assert queued["reason"] == "cancelled"


# Disconnected and returning players


async def test_a_lost_connection_is_shown_after_five_seconds_and_a_return_cancels_it(
    server: LiveServer,
) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    ada.tab.socket.transport.abort()
    await until_status(ada.visitor, "reconnecting")
    await kim.is_right()
    assert status_on(kim, 0) == "reconnecting"
    await passes(5 + SLOT, kim)
    await kim.is_right()
    assert "claim_at" in kim.room["seats"]["0"]["absent"]
    assert "left" not in kim.room["seats"]["0"]["absent"]
    again = await seat(server, ada.visitor, ada.room_id)
    assert again.seat == 0
    await kim.is_right()
    assert "absent" not in kim.room["seats"]["0"]


async def test_a_closed_tab_is_shown_at_once_and_may_be_claimed_after_ten_seconds(
    server: LiveServer,
) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    await ada.tab.socket.close(1001)
    await until_status(ada.visitor, "reconnecting")
    await kim.is_right()
    assert kim.room["seats"]["0"]["absent"]["left"] is True
    await passes(9.9, kim)
    error = await kim.tab.ask("claim", "error", room=kim.room_id, result="win")
    assert error["code"] == "too_soon"
    await passes(0.2, kim)
    await kim.tab.send("claim", room=kim.room_id, result="win")
    await kim.is_right()
    assert kim.room["match"]["outcome"] == {"winners": [1], "reason": "claimed", "by": 0}


async def test_closing_one_of_two_tabs_in_a_room_is_not_shown(
    server: LiveServer,
) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    second = Page(server, ada.visitor, await ada.visitor.tab(), ada.room_id)
    await second.tab.ask("watch", "room", topic=ada.topic)
    version = (await kim.is_right()).version
    await ada.tab.socket.close()
    await until(lambda: ada.visitor.session.connections == 1)
    assert (await kim.is_right()).version == version
    await second.tab.send("unwatch", topic=ada.topic)
    await second.tab.ask("look", "session")
    await kim.is_right()
    assert kim.room["seats"]["0"]["absent"]["left"] is True


async def test_a_spectator_who_signs_out_is_removed(server: LiveServer) -> None:
    ada, _ = await table(server, "turns", "Ada", "Kim")
    eve = await seat(server, await server.guest("Eve"), ada.room_id, spectate=True)
    await ada.is_right()
    assert ada.room["spectators"] == 1
    await eve.visitor.http.delete("/api/session")
    await ada.is_right()
    assert ada.room["spectators"] == 0


async def test_with_one_browser_signed_out_a_lost_connection_of_the_other_is_shown(
    server: LiveServer,
) -> None:
    await server.member("Ada")
    first, second = [await server.sign_in("Ada") for _ in range(2)]
    kim = await server.guest("Kim")
    room = (await first.http.post("/api/rooms", json={"game": "turns"})).json()["id"]
    pages = [await seat(server, visitor, room) for visitor in (first, second, kim)]
    await first.http.delete("/api/session")
    await pages[2].is_right()
    assert "absent" not in pages[2].room["seats"]["0"], "she is there with the other browser"
    pages[1].tab.socket.transport.abort()
    await until(lambda: second.session.connections == 0)
    await passes(5 + SLOT, pages[2])
    await pages[2].is_right()
    absent = pages[2].room["seats"]["0"]["absent"]
    assert "left" not in absent
    assert "claim_at" in absent


@pytest.mark.parametrize("how", ["sign out", "the idle timeout", "asleep"])
async def test_a_watcher_of_the_list_of_rooms_is_removed_when_its_session_ends(
    server: LiveServer, how: str
) -> None:
    await server.member("Ada")
    visitors = [await server.sign_in("Ada", remember=how == "asleep") for _ in range(3)]
    for visitor in visitors:
        await (await visitor.tab()).ask("watch", "rooms", topic="rooms")
    assert len(server.still_here.room_list.watchers) == 3
    if how == "sign out":
        await visitors[0].http.delete("/api/sessions")
    else:
        await server.advance(300 + SLOT)
    assert not server.still_here.room_list.watchers


async def test_a_long_list_names_the_rooms_in_which_somebody_is_active_first(
    tmp_path: Path,
) -> None:
    limits = Limits(rooms=RoomLimits(rooms_listed=2))
    async with run_server(tmp_path / "list.db", limits=limits) as server:
        bring(server, Turns())
        ada, kim = await server.guest("Ada"), await server.guest("Kim")
        opened, watcher = [], await kim.tab()
        await watcher.ask("watch", "rooms", topic="rooms")
        for visitor in (ada, kim, kim, kim):
            opened.append((await visitor.http.post("/api/rooms", json={"game": "turns"})).json())
            if visitor is ada:
                await (await ada.tab()).ask("join", "joined", room=opened[0]["id"])
        while (await watcher.next("rooms_changed"))["total"] < len(opened):
            pass
        told = await (await kim.tab()).ask("watch", "rooms", topic="rooms")
        named = {"rooms": [opened[-1]["id"], opened[0]["id"]], "total": 4}
        for answer in (told, (await kim.http.get("/api/rooms")).json()):
            ids = [room["id"] for room in answer["rooms"]]
            assert {"rooms": ids, "total": answer["total"]} == named


async def test_signing_out_during_a_match_leaves_it(server: LiveServer) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    await ada.visitor.http.delete("/api/session")
    await kim.is_right()
    assert kim.room["seats"]["0"]["absent"]["left"] is True


async def test_the_seat_and_the_session_agree_that_the_page_was_closed(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, _ = await table(server, "turns", "Ada", "Kim")
    still_here, session = server.still_here, ada.visitor.session
    await ada.visitor.http.post("/api/session/leave")
    (connection,) = still_here.tabs.of(session)
    # The socket is lost at the end of the time for which the page's word counts.
    last = session.left_at + still_here.presence.policy.reload_grace
    readings = (last + each / 1000 for each in count())
    monkeypatch.setattr(server.clock, "now", lambda: next(readings))
    still_here.endpoint.gone(connection, ABNORMAL)
    monkeypatch.undo()
    assert session.grace_reason is Reason.LEFT
    assert server.still_here.rooms.all[RoomId(ada.room_id)].seats[0].has_left
    await server.advance(5.1)


async def test_a_stop_of_the_server_is_no_departure(tmp_path: Path) -> None:
    async with AsyncExitStack() as after_the_stop, run_server(tmp_path / "stop.db") as server:
        bring(server, Turns())
        ada = await server.guest("Ada")
        room_id = (await ada.http.post("/api/rooms", json={"game": "turns"})).json()["id"]
        tab = await Tab.open(server.url, ada.cookie)
        after_the_stop.push_async_callback(tab.socket.close)
        await tab.ask("join", "room", room=room_id)
        topics, room = server.still_here.room_topics, server.still_here.rooms.all[RoomId(room_id)]
        assert (len(topics.sessions(room.id)), room.seats[0].is_here) == (1, True)
    assert (len(topics.sessions(room.id)), room.seats[0].is_here) == (0, True)


async def test_leaving_a_room_unwatches_it_in_every_tab(server: LiveServer) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    second = Page(server, ada.visitor, await ada.visitor.tab(), ada.room_id)
    await second.tab.ask("watch", "room", topic=ada.topic)
    await ada.tab.ask("leave", "left", room=ada.room_id)
    await second.read()
    version = second.version
    await kim.tab.send("say", room=kim.room_id, text="Bye")
    await kim.is_right()
    assert kim.room["seats"]["0"]["absent"]["resigns_at"] is not None
    await second.read()
    assert second.version == version


async def test_a_pulse_check_reaches_every_tab_and_a_ping_answers_it(server: LiveServer) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    second = await ada.visitor.tab()
    await passes(10, ada, kim)
    await kim.tab.send("pulse", room=kim.room_id, seat=0)
    for tab in (ada.tab, second):
        asked = await tab.next("pulse")
        assert asked == {"type": "pulse", "room": ada.room_id, "by": "Kim", "expires_in": 30.0}
    await kim.is_right()
    assert kim.room["seats"]["0"]["asked"]["by"] == "Kim"
    await second.ask("ping", "pong")
    await kim.is_right()
    assert "asked" not in kim.room["seats"]["0"]


async def test_a_request_over_http_answers_a_pulse_check(server: LiveServer) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    await passes(10, ada, kim)
    await kim.tab.send("pulse", room=kim.room_id, seat=0)
    await kim.is_right()
    await ada.visitor.http.get("/api/session")
    await kim.is_right()
    assert kim.room["seats"]["0"]["asked"]["by"] == "Kim", "a look is no activity"
    await ada.visitor.http.get("/api/players")
    await kim.is_right()
    assert "asked" not in kim.room["seats"]["0"]


# Be right back


async def test_refused_attempts_to_be_right_back_are_not_counted(server: LiveServer) -> None:
    ada, _ = await table(server, "patient", "Ada", "Kim")
    for _ in range(2):
        for _ in range(45):
            error = await ada.tab.ask("brb", "error", room="r_nowhere", seconds=5)
            assert error["code"] == "no_such_room"
        await server.advance(45)
    await ada.tab.send("brb", room=ada.room_id, seconds=5)
    await ada.is_right()
    assert "back_at" in ada.room["seats"]["0"]


async def test_be_right_back_is_shown_as_away_and_any_activity_ends_it(server: LiveServer) -> None:
    ada, kim = await table(server, "patient", "Ada", "Kim")
    await ada.tab.send("brb", room=ada.room_id, seconds=100)
    await ada.is_right()
    await kim.is_right()
    seen = kim.room["seats"]["0"]
    assert (seen["status"], seen["brb_left"]) == ("away", 80)
    assert "back_at" in seen
    await passes(40, ada, kim)
    await ada.tab.ask("ping", "pong")
    await kim.is_right()
    seen = kim.room["seats"]["0"]
    assert (seen["status"], seen["brb_left"]) == ("active", 140)
    assert "back_at" not in seen


async def test_an_away_player_may_say_be_right_back_and_lengthen_it(server: LiveServer) -> None:
    ada, kim = await table(server, "patient", "Ada", "Kim")
    await passes(130, ada, kim)
    await kim.is_right()
    assert status_on(kim, 0) == "away"
    for seconds, left in ((100, 80), (120, 60)):
        await ada.tab.send("brb", room=ada.room_id, seconds=seconds)
        await ada.is_right()
        await kim.is_right()
        assert "back_at" in kim.room["seats"]["0"], "what was granted is not lost at once"
        assert kim.room["seats"]["0"]["brb_left"] == left
        assert status_on(kim, 0) == "away"


# Stops of the idle clock


async def test_the_idle_clock_runs_only_for_the_player_the_match_waits_for(
    server: LiveServer,
) -> None:
    ada, kim = await table(server, "patient", "Ada", "Kim")
    eve = await seat(server, await server.guest("Eve"), ada.room_id, spectate=True)
    await passes(240 + SLOT, ada, kim, eve)
    for page in (ada, kim, eve):
        await page.is_right()
    statuses = [page.visitor.session.status for page in (ada, kim, eve)]
    assert statuses == ["warned", "active", "active"]
    assert round(kim.room["seats"]["0"]["signs_out_at"] - server.clock.now()) == 60
    await passes(60 + SLOT, kim, eve)
    assert ada.visitor.view["session"]["id"] not in server.still_here.registry.sessions
    await passes(5 + SLOT, kim, eve)
    await kim.is_right()
    assert "claim_at" in kim.room["seats"]["0"]["absent"]


async def test_a_warned_spectator_is_held_unless_their_budget_for_rows_is_spent(
    server: LiveServer,
) -> None:
    """A hold withdraws the warning, and its end gives it again: whoever comes and goes would write
    rows of the history without end."""
    ada, _ = await table(server, "patient", "Ada", "Kim")
    bob, eve = await server.guest("Bob"), await server.guest("Eve")
    tabs = await bob.tab(), await eve.tab()
    await server.advance(240 + SLOT)
    budget, owes = server.still_here.budget, PlayerId(eve.id)
    for _ in range(2):
        budget.charge(owes, int(Limits().budget.player.burst), server.clock.now())
    for tab in tabs:
        await tab.ask("watch", "room", topic=ada.topic)
    assert not bob.session.is_idle_warned
    assert eve.session.is_idle_warned
    await server.advance(60 + SLOT)
    assert eve.view["session"]["id"] not in server.still_here.registry.sessions


async def test_the_idle_clock_in_a_room_stands_still_for_at_most_max_hold(
    server: LiveServer,
) -> None:
    ada, kim = await table(server, "patient", "Ada", "Kim")
    for _ in range(5):
        await passes(119, ada, kim)
        await ada.tab.ask("ping", "pong")
    await passes(4 + 240, ada, kim)
    await ada.tab.ask("ping", "pong")
    assert kim.visitor.session.status == "away"
    await passes(1 + SLOT, ada, kim)
    assert kim.visitor.session.status == "warned"


async def test_the_idle_clock_runs_on_when_the_turn_begins(
    server: LiveServer,
) -> None:
    ada, kim = await table(server, "patient", "Ada", "Kim")
    await passes(100, ada, kim)
    assert idle_for(kim) <= 0
    await ada.tab.send("act", room=ada.room_id, action={})
    await ada.is_right()
    assert idle_for(kim) == 0.0
    await passes(120 + SLOT, ada, kim)
    assert kim.visitor.session.status == "away"
    assert ada.visitor.session.status == "active", "she waits now"


async def test_a_move_does_not_check_every_spectator(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    players = await table(server, "patient", "Ada", "Kim")
    eve = await seat(server, await server.guest("Eve"), players[0].room_id, spectate=True)
    await passes(RealtimeLimits().holds_pace, *players, eve)
    looks = Mock(wraps=server.still_here.room_topics.sessions)
    monkeypatch.setattr(server.still_here.room_topics, "sessions", looks)
    for number in range(6):
        await players[number % 2].tab.send("act", room=eve.room_id, action={})
        await eve.is_right()
    assert looks.call_count <= 1


@pytest.mark.parametrize("how", ["unwatch", "leave", "close the tab", "the end"])
async def test_the_idle_clock_of_a_player_who_stops_watching_runs_on(
    server: LiveServer, how: str
) -> None:
    ada, kim = await table(server, "patient", "Ada", "Kim")
    guest = await server.guest("Eve")
    lobby = await guest.tab()
    eve = await seat(server, guest, ada.room_id, spectate=True)
    await passes(100, ada, kim, eve)
    match how:
        case "unwatch":
            await eve.tab.send("unwatch", topic=eve.topic)
            await eve.tab.ask("look", "session")
        case "leave":
            await eve.tab.ask("leave", "left", room=eve.room_id)
        case "close the tab":
            await eve.tab.socket.close()
            await until(lambda: guest.session.connections == 1)
        case _:
            await ada.tab.send("act", room=ada.room_id, action={"wins": True})
            await ada.is_right()
    assert 0 <= idle_for(eve) < 1
    await server.advance(240 + SLOT)
    assert (await lobby.next("warning"))["reason"] == "idle_timeout"


async def test_a_player_still_watches_after_one_of_two_tabs_unwatches(
    server: LiveServer,
) -> None:
    ada, kim = await table(server, "patient", "Ada", "Kim")
    guest = await server.guest("Eve")
    first = await seat(server, guest, ada.room_id, spectate=True)
    await seat(server, guest, ada.room_id, spectate=True)
    await first.tab.send("unwatch", topic=first.topic)
    await first.tab.ask("look", "session")
    await passes(240, ada, kim)
    assert guest.session.status == "active"


async def test_a_second_watching_browser_is_not_signed_out(server: LiveServer) -> None:
    ada, kim = await table(server, "patient", "Ada", "Kim")
    await server.member("Eve")
    browsers = [await server.sign_in("Eve") for _ in range(2)]
    pages = [await seat(server, browser, ada.room_id, spectate=True) for browser in browsers]
    await passes(250, ada, kim, *pages)
    assert [browser.session.status for browser in browsers] == ["active", "active"]


async def test_without_a_match_no_idle_clock_stands_still(server: LiveServer) -> None:
    (ada,) = await table(server, "together", "Ada")
    eve = await seat(server, await server.guest("Eve"), ada.room_id, spectate=True)
    await passes(120 + SLOT, ada, eve)
    assert [page.visitor.session.status for page in (ada, eve)] == ["away", "away"]


async def test_many_messages_at_once_end_the_connection_and_not_the_match(
    server: LiveServer,
) -> None:
    ada, kim = await table(server, "turns", "Ada", "Kim")
    for _ in range(200):
        await ada.tab.send("pulse", room=ada.room_id, seat=1)
    code, _ = await ada.tab.closed()
    assert code == 4401
    await asyncio.sleep(0)
    await kim.is_right()
    assert kim.room["state"] == "playing"


# Time


async def test_a_message_about_a_room_is_of_one_instant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All effects of a message have the time of its one reading of the clock."""
    clock = CountingClock()
    readings: list[tuple[str, int]] = []
    hear = Reader.hear

    def counted(reader: Reader, data: str) -> None:
        before = clock.readings
        hear(reader, data)
        readings.append((json.loads(data)["type"], clock.readings - before))

    async with run_server(tmp_path / "test.db", clock=clock) as server:
        bring(server, Turns())
        ada, kim = await table(server, "turns", "Ada", "Kim")
        bo = await (await server.guest("Bo")).tab()
        monkeypatch.setattr(Reader, "hear", counted)
        room = ada.room_id
        await ada.tab.send("say", room=room, text="Hello")
        await ada.tab.send("act", room=room, action={})
        await ada.tab.send("claim", room=room, result="win")
        await ada.tab.send("pulse", room=room, seat=1)
        await kim.tab.send("brb", room=room, seconds=10)
        await kim.tab.send("act", room=room, action={"wins": True})
        await ada.tab.send("start", room=room)
        await bo.send("join", room=room, spectate=True)
        await bo.send("unwatch", topic=f"room:{room}")
        await bo.send("watch", topic=f"room:{room}")
        await bo.send("leave", room=room)
        await bo.send("quick_match", game="turns")
        await bo.send("quick_match", cancel=True)
        for tab in (ada.tab, kim.tab, bo):
            await tab.ask("ping", "pong")
    assert len({name for name, _ in readings}) == 12
    assert [(name, count) for name, count in readings if count != 1] == []
