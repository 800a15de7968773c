"""A restart keeps the players' seats, their boards and their time."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from server.games.catalogue import find_games
from server.games.connect_four import ConnectFour
from server.games.snake_arena import Arena
from server.rooms.events import MatchAdvanced, RoomEvent
from server.rooms.limits import Limits
from server.rooms.replay import Moved, move_of, replay
from server.wire.views import to_rfc3339
from tests.support.answers import until
from tests.support.live_server import LiveServer, run_server
from tests.support.manual_clock import START_MS, ManualClock
from tests.support.tables import Player, match_of, played, room_of, seated, whose_turn

LIMITS = Limits()

Run: TypeAlias = Callable[..., AbstractAsyncContextManager[LiveServer]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a server on the same file each time; `at` is the presence time at which it starts."""

    @asynccontextmanager
    async def run_(at: float = 0.0) -> AsyncIterator[LiveServer]:
        async with run_server(tmp_path / "test.db", ManualClock(at)) as server:
            yield server

    return run_


def other(player: Player, *players: Player) -> Player:
    (found,) = set(players) - {player}
    return found


async def passes(server: LiveServer, seconds: float, *players: Player) -> None:
    """Let time pass while players read their messages."""
    await server.advance(seconds)
    for player in players:
        await player.tab.quiet()


def replayed(match: dict[str, Any]) -> list[Moved]:
    """The states of a match, replayed from the API's answer."""
    game = find_games()[match["game"]]
    moves = [move_of(each) for each in match["moves"]]
    return [*replay(game, match["seed"], len(match["players"]), moves, match["steps"])]


# After a restart


async def test_players_find_the_same_board_in_their_seats_and_play_on(run: Run) -> None:
    async with run() as server:
        ada, kim = await seated(server, "connect-four")
        await server.advance(20)
        await whose_turn(server, ada, kim).act({"column": 3})
        match = match_of(server)
        before = match.id, match.ordinal, match.step, match.state
        host = room_of(server).host
    async with run(at=100) as server:
        match = match_of(server)
        assert (match.id, match.ordinal, match.step, match.state) == before
        assert match.time(100) == 20, "a restart takes no match time"
        shown = [await ada.come_back(server), await kim.come_back(server)]
        assert [each["seat"] for each in shown] == [0, 1]
        view = shown[1]["room"]
        assert view["state"] == "playing"
        assert view["match"]["view"]["columns"][3] != ""
        assert view["host"] == host
        assert {seat: each["player"]["name"] for seat, each in view["seats"].items()} == {
            "0": "Ada",
            "1": "Kim",
        }
        await whose_turn(server, ada, kim).act({"column": 3})
        assert len(match.state.columns[3]) == 2


async def test_chat_is_restored_with_its_times(run: Run) -> None:
    async with run() as server:
        ada, _ = await seated(server, "connect-four")
        await server.advance(30)
        await ada.tab.ask("say", "said", room=ada.room, text="Hello there")
    async with run(at=100) as server:
        chat = (await ada.come_back(server))["chat"]
        assert chat[-1]["text"] == "Hello there"
        assert chat[-1]["at"] == to_rfc3339(START_MS + 30_000)
        said = await ada.tab.ask("say", "said", room=ada.room, text="Again")
        assert said["line"]["id"] == chat[-1]["id"] + 1


async def test_a_private_room_stays_private_and_keeps_its_maker(run: Run) -> None:
    async with run() as server:
        ada = await Player.new(server, "Ada")
        await ada.join(await ada.open("connect-four", private=True))
    async with run(at=10) as server:
        assert room_of(server).is_private
        assert room_of(server).made_by == ada.id
        assert room_of(server).opened_at == 0.0
        assert (await ada.come_back(server))["room"]["private"] is True
        listed = await ada.visitor.http.get("/api/rooms")
        assert listed.json() == {"rooms": [], "total": 0}


async def test_the_result_stays_on_the_table_and_the_next_match_has_the_next_number(
    run: Run,
) -> None:
    async with run() as server:
        ada, kim = await seated(server, "connect-four")
        quitter = other(whose_turn(server, ada, kim), ada, kim)
        await server.advance(60.1)  # the player whose turn it is says nothing
        assert room_of(server).state == "over"
        outcome, state = match_of(server).outcome, match_of(server).state
        await quitter.tab.send("start", room=quitter.room)
        await quitter.tab.quiet()
    async with run(at=80) as server:
        assert (match_of(server).outcome, match_of(server).state) == (outcome, state)
        shown = await ada.come_back(server)
        assert shown["room"]["state"] == "over"
        assert shown["room"]["match"]["outcome"]["reason"] == "forfeit"
        await kim.come_back(server)
        begins = other(quitter, ada, kim)
        await begins.tab.send("start", room=begins.room)
        while (await begins.tab.next("room"))["room"]["state"] != "playing":
            pass
        assert match_of(server).ordinal == 2


# Clocks


async def test_players_the_match_waits_for_have_their_full_time_again(run: Run) -> None:
    async with run() as server:
        ada, kim = await seated(server, "connect-four")
        await server.advance(59)
    async with run(at=100) as server:
        slow = whose_turn(server, ada, kim)
        seats = (await slow.come_back(server))["room"]["seats"]
        (left,) = (seat["move_in"] for seat in seats.values() if "move_in" in seat)
        assert left == 60.0
        await server.advance(59.9)
        assert room_of(server).state == "playing"
        await server.advance(0.2)
        assert room_of(server).state == "over"


async def test_a_countdown_to_a_claim_does_not_run_on_while_the_server_is_down(run: Run) -> None:
    async with run() as server:
        ada, kim = await seated(server, "connect-four")
        gone = whose_turn(server, ada, kim)
        there = other(gone, ada, kim)
        gone.tab.socket.transport.abort()
        (seat,) = match_of(server).waits_for
        await until(lambda: not room_of(server).seats[seat].is_here)
        await server.advance(25)
    async with run(at=200) as server:
        await there.come_back(server)
        await server.advance(29.9)
        refused = await there.tab.ask("claim", "error", room=there.room, result="win")
        assert refused["code"] == "too_soon"
        await server.advance(0.2)
        await there.tab.send("claim", room=there.room, result="win")
        await there.tab.quiet()
        outcome = match_of(server).outcome
        assert outcome is not None
        assert (outcome.reason, len(outcome.winners)) == ("claimed", 1)


async def test_a_closed_page_keeps_the_shorter_grace(run: Run) -> None:
    async with run() as server:
        ada, kim = await seated(server, "connect-four")
        gone = whose_turn(server, ada, kim)
        await gone.tab.socket.close(1001)
        (seat,) = match_of(server).waits_for
        await until(lambda: room_of(server).seats[seat].has_left)
    async with run(at=100) as server:
        there = other(gone, ada, kim)
        await there.come_back(server)
        await server.advance(9.9)
        refused = await there.tab.ask("claim", "error", room=there.room, result="win")
        assert refused["code"] == "too_soon"
        await server.advance(0.2)
        await there.tab.send("claim", room=there.room, result="win")
        await there.tab.quiet()
        assert room_of(server).state == "over"


async def test_be_right_back_keeps_its_remaining_budget(run: Run) -> None:
    async with run() as server:
        ada, kim = await seated(server, "connect-four")
        away = whose_turn(server, ada, kim)
        await away.tab.send("brb", room=away.room, seconds=100)
        await away.tab.quiet()
        await server.advance(40)
    async with run(at=200) as server:
        seats = (await other(away, ada, kim).come_back(server))["room"]["seats"]
        (seat,) = (each for each in seats.values() if "back_in" in each)
        assert seat["back_in"] == 60.0
        assert seat["brb_left"] == 80
        assert seat["move_in"] == 120.0, "the match waits for who will be right back"


async def test_a_leaving_player_is_still_leaving(run: Run) -> None:
    async with run() as server:
        ada, kim = await seated(server, "connect-four")
        await kim.tab.ask("leave", "left", room=kim.room)
        await server.advance(4)
    async with run(at=100) as server:
        await ada.come_back(server)
        await server.advance(5.9)
        assert room_of(server).state == "playing"
        await server.advance(0.2)
        outcome = match_of(server).outcome
        assert outcome is not None
        assert (outcome.reason, outcome.winners) == ("resigned", (0,))


async def test_a_ticking_game_pauses_for_players_to_return(
    run: Run,
) -> None:
    async with run() as server:
        await seated(server, "snake-arena")
        await server.advance(4)
        step, time = match_of(server).step, match_of(server).time(4)
    async with run(at=60) as server:
        assert match_of(server).step == step
        await server.advance(LIMITS.restart_pause - 0.001)
        assert match_of(server).step == step
        assert match_of(server).time(60 + LIMITS.restart_pause - 0.001) == time
        await server.advance(0.3)
        assert match_of(server).step in (step + 2, step + 3)


async def test_deadlines_of_a_view_include_the_pause(run: Run) -> None:
    async with run() as server:
        ada, _ = await seated(server, "trivia-round")
        await server.advance(8)
    async with run(at=60) as server:
        view = (await ada.come_back(server))["room"]["match"]["view"]
        assert view["ends_in"] == 12.0 + LIMITS.restart_pause


# Rooms that end


async def test_a_room_without_returning_players_closes(run: Run) -> None:
    async with run() as server:
        await seated(server, "connect-four")
    async with run(at=50) as server:
        await server.advance(LIMITS.deserted_after - 0.1)
        assert server.still_here.rooms.all
        await server.advance(0.2)
        assert not server.still_here.rooms.all
    async with run(at=200) as server:
        assert not server.still_here.rooms.all


@pytest.mark.parametrize("why", ["the game is gone", "its state is another one", "no document"])
async def test_a_room_that_cannot_be_restored_is_closed_and_the_start_succeeds(
    run: Run,
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with run() as server:
        ada, kim = await seated(server, "connect-four")
        await whose_turn(server, ada, kim).act({"column": 3})
    games = dict(find_games())
    match why:
        case "the game is gone":
            del games["connect-four"]
        case "its state is another one":
            monkeypatch.setattr(ConnectFour, "state", Arena)
        case _:
            with closing(sqlite3.connect(tmp_path / "test.db")) as disk, disk:
                disk.execute("UPDATE rooms SET state = '{'")
    monkeypatch.setattr("server.app.find_games", lambda: games)
    async with run(at=50) as server:
        assert not server.still_here.rooms.all
        (logged,) = (each for each in caplog.records if each.levelname == "ERROR")
        assert "is closed" in logged.getMessage()
        response = await server.visitor()
        ada.visitor = response
        ada.visitor.http.cookies.set("session", ada.cookie)
        match = await played(ada)
        assert (match["reason"], match["winners"]) == ("abandoned", [])
        assert len(match["moves"]) == 1
    caplog.clear()
    async with run(at=60) as server:
        assert not server.still_here.rooms.all
        assert not [each for each in caplog.records if each.levelname == "ERROR"]


async def test_a_game_that_fails_on_its_restored_state_closes_its_room_only(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run() as server:
        await seated(server, "connect-four")
        eve = await Player.new(server, "Eve")
        await eve.join(await eve.open("trivia-round"))

    def fail(self: object, state: object) -> None:
        raise RuntimeError("this board makes no sense")

    monkeypatch.setattr("server.games.connect_four.ConnectFour.waits_for", fail)
    async with run(at=20) as server:
        assert room_of(server).game.name == "trivia-round"


# Finished matches


def note_states(server: LiveServer, seen: list[Any]) -> None:
    """Record each new state of the match."""

    def note(event: RoomEvent) -> None:
        if isinstance(event, MatchAdvanced):
            match = server.still_here.rooms.all[event.room_id].match
            if match is not None and match.state not in seen[-1:]:
                seen.append(match.state)

    server.still_here.room_stream.subscribe(note)


async def in_circles(server: LiveServer, *players: Player) -> None:
    for turn in ("up", "right", "down", "left") * 2:
        for player in players:
            await player.act({"turn": turn})
        await server.advance(0.437)


async def test_a_match_over_a_restart_replays_to_the_same_end(run: Run) -> None:
    async with run() as server:
        ada, kim = await seated(server, "connect-four")
        for column in (0, 1, 0):
            await whose_turn(server, ada, kim).act({"column": column})
    async with run(at=60) as server:
        await ada.come_back(server)
        await kim.come_back(server)
        for column in (1, 0, 1, 0):
            await whose_turn(server, ada, kim).act({"column": column})
        match = match_of(server)
        told = await played(ada)
        assert told["moves"][0] == {
            "step": 1,
            "at": 0.0,
            "seat": told["moves"][0]["seat"],
            "action": {"column": 0},
        }
        *_, last = replayed(told)
        assert last.state == match.state
        assert match.outcome == match.game.outcome(last.state)
        assert match.outcome is not None
        assert [told["winners"], told["reason"]] == [list(match.outcome.winners), "four"]


async def test_a_match_that_ticks_replays_every_state_with_the_same_dice(run: Run) -> None:
    seen: list[Any] = []
    async with run() as server:
        note_states(server, seen)
        ada, kim = await seated(server, "snake-arena")
        await server.advance(3.05)
        await in_circles(server, ada, kim)
    async with run(at=60) as server:
        note_states(server, seen)
        await ada.come_back(server)
        await kim.come_back(server)
        await server.advance(LIMITS.restart_pause)
        await in_circles(server, ada, kim)
        match = match_of(server)
        for _ in range(200):
            if match.outcome is not None:
                break
            await passes(server, 1, ada, kim)
        states = [moved.state for moved in replayed(await played(ada))]
        assert len(states) == match.step
        assert states[-1] == match.state
        assert match.outcome == match.game.outcome(match.state)
        left = iter(states)
        assert all(state in left for state in seen), "the same states, in the same order"
        assert len(seen) > 50


async def test_a_match_with_silence_replays_to_the_same_end(run: Run) -> None:
    async with run() as server:
        seen: list[Any] = []
        note_states(server, seen)
        ada, kim = await seated(server, "trivia-round")
        await passes(server, 3.1234567, ada, kim)
        await ada.act({"question": 0, "choice": 1})
        await passes(server, 17.2345678, ada, kim)  # Kim is skipped
        await passes(server, 6.3456789, ada, kim)
        await kim.act({"question": 1, "choice": 2})
        await passes(server, 0.4567891, ada, kim)
        await ada.act({"question": 1, "choice": 0})
        while match_of(server).outcome is None:
            await passes(server, 5, ada, kim)
        match = match_of(server)
        told = await played(ada)
        states = [moved.state for moved in replayed(told)]
        assert states[-1] == match.state
        left = iter(states)
        assert all(state in left for state in seen)
        assert {move.get("event") for move in told["moves"]} >= {None, "away", "back"}
