"""The game in the README works, exactly as it is printed."""

import re
import sys
from types import ModuleType
from typing import Any, cast

import pytest

from server.games.catalogue import AnyGame
from tests.support.live_server import LiveServer, Tab
from tests.support.paths import ROOT

README = ROOT / "README.md"


@pytest.fixture
def game(monkeypatch: pytest.MonkeyPatch) -> AnyGame:
    found = re.search(r"<!-- game: .*?```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    assert len(found[1].splitlines()) < 40
    # In a module as in a package: structs look up their types there.
    module = ModuleType("readme_game")
    monkeypatch.setitem(sys.modules, "readme_game", module)
    exec(compile(found[1], "README.md", "exec"), vars(module))
    return cast(AnyGame, module.RockPaperScissors())


async def next_with(tab: Tab, key: str) -> dict[str, Any]:
    """The next change of the room whose match has this key."""
    while True:
        message = await tab.next("room", "room_changed")
        match = message.get("room", {}).get("match", {})
        if key in match:
            return cast(dict[str, Any], match)


async def test_a_match_is_played_and_no_hand_is_shown_early(
    server: LiveServer, game: AnyGame
) -> None:
    games = cast(dict[str, AnyGame], server.still_here.rooms.games)
    games[game.name] = game
    ada, kim = [await (await server.guest(name)).tab() for name in ("Ada", "Kim")]
    for tab in (ada, kim):
        await tab.send("quick_match", game=game.name)
    for tab in (ada, kim):
        room = (await tab.next("matched"))["room"]
        await tab.send("join", room=room)
    for tab in (ada, kim):
        await next_with(tab, "waits_for")
    await ada.send("act", room=room, action={"hand": "lizard"})
    assert "rock, paper or scissors" in (await ada.next("error"))["detail"]
    await ada.send("act", room=room, action={"hand": "rock"})
    while (await next_with(kim, "waits_for"))["waits_for"] != [1]:
        pass
    assert not any("'rock'" in str(message) for message in kim.seen)
    await kim.send("act", room=room, action={"hand": "paper"})
    outcome = (await next_with(ada, "outcome"))["outcome"]
    assert outcome["winners"] == [1]
    views = [message["view"] for message in ada.seen if "view" in message]
    assert views[-1]["hands"] == ["rock", "paper"]


def test_a_player_sees_their_own_hand_and_a_spectator_none_before_the_end(game: AnyGame) -> None:
    state = game.start(2, cast(Any, None))
    state = game.act(state, 1, game.action(hand="rock"), cast(Any, None))
    assert [game.view(state, seat) for seat in (0, 1, None)] == [
        {"yours": ""}, {"yours": "rock"}, {"yours": ""}
    ]  # fmt: skip
    state = game.act(state, 0, game.action(hand="paper"), cast(Any, None))
    assert [game.view(state, seat) for seat in (0, 1, None)] == [{"hands": ("paper", "rock")}] * 3


async def test_the_remaining_player_wins_when_the_other_is_gone(game: AnyGame) -> None:
    state = game.start(2, cast(Any, None))
    for gone in (0, 1):
        outcome = game.outcome(game.player_gone(state, gone, cast(Any, None)))
        assert outcome is not None
        assert outcome.winners == (1 - gone,)
