"""Ratings and standings over HTTP."""

from typing import Any

import httpx
import pytest

from tests.support.answers import refusal
from tests.support.live_server import LiveServer
from tests.support.tables import FOUR, Player, match_of, played, whose_turn


async def play(server: LiveServer, *names: str) -> tuple[Player, ...]:
    """A match of registered players, which the first one of them to move wins; winner first."""
    players = []
    for name in names:
        visitor = await server.member(name)
        players.append(Player(visitor, await visitor.tab()))
    room = await players[0].open("connect-four")
    for player in players:
        await player.join(room)
    first = whose_turn(server, *players)
    for column in FOUR:
        await whose_turn(server, *players).act({"column": column})
    assert match_of(server).outcome is not None
    return (first, *(player for player in players if player is not first))


async def ratings(http: httpx.AsyncClient, player: str) -> dict[str, Any]:
    response = await http.get(f"/api/players/{player}/ratings")
    assert response.status_code == 200, response.text
    body = response.json()
    assert isinstance(body, dict)
    return body


async def standings(http: httpx.AsyncClient, query: str) -> dict[str, Any]:
    response = await http.get(f"/api/standings?{query}")
    assert response.status_code == 200, response.text
    body = response.json()
    assert isinstance(body, dict)
    return body


async def test_a_match_of_registered_players_is_rated_and_says_what_it_changed(
    server: LiveServer,
) -> None:
    winner, loser = await play(server, "Ada", "Kim")
    found = await played(winner)
    changes = {each["id"]: each["rating"] for each in found["players"]}
    assert changes[winner.id]["before"] == changes[loser.id]["before"] == 1000
    assert changes[winner.id]["after"] > 1000 > changes[loser.id]["after"]
    stranger = (await server.visitor()).http
    assert await ratings(stranger, winner.id) == {
        "ratings": [
            {
                "game": "connect-four",
                "rating": changes[winner.id]["after"],
                "matches": 1,
                "wins": 1,
            }
        ],
        "records": [],
    }
    of_week = await standings(stranger, "game=connect-four&period=week")
    assert [
        (each["id"], each["gained"], each["matches"], each["wins"]) for each in of_week["players"]
    ] == [
        (player.id, changes[player.id]["after"] - 1000, 1, int(player is winner))
        for player in (winner, loser)
    ]
    assert of_week["next"] is None
    # One match says little: nobody is in the standings of all time yet.
    assert await standings(stranger, "game=connect-four") == {"players": [], "next": None}


async def test_pages_of_standings_lead_to_each_other(server: LiveServer) -> None:
    winner, loser = await play(server, "Ada", "Kim")
    await played(winner)  # it is written
    query = "game=connect-four&period=week&limit=1"
    first = await standings(winner.visitor.http, query)
    second = await standings(winner.visitor.http, f"{query}&after={first['next']}")
    assert [each["id"] for page in (first, second) for each in page["players"]] == [
        winner.id,
        loser.id,
    ]
    assert second["next"] is None


@pytest.mark.parametrize("query", ["", "game=chess", "game=connect-four%20"])
async def test_standings_of_no_game_are_refused(server: LiveServer, query: str) -> None:
    stranger = (await server.visitor()).http
    response = await stranger.get(f"/api/standings?{query}")
    assert refusal(response) == (404, "no_such_game")


@pytest.mark.parametrize("query", ["period=year", "after=x", "after=x~y", "limit=0"])
async def test_parameters_without_sense_are_refused(server: LiveServer, query: str) -> None:
    stranger = (await server.visitor()).http
    response = await stranger.get(f"/api/standings?game=connect-four&{query}")
    assert refusal(response) == (422, "invalid")


async def test_who_has_not_played_has_no_ratings(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    for id in (ada.id, "p_nobody"):
        assert await ratings(ada.http, id) == {"ratings": [], "records": []}
