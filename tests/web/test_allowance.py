"""The bytes of answers are an allowance, of which long answers wait for more."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from server.accounts.ports import StorageUnavailable
from server.base.rates import Rate
from server.limits import Limits
from server.storage.rows import StoredPlayer
from tests.hostile.costs import ANSWERS
from tests.support.answers import calls_of, refusal, until
from tests.support.live_server import LiveServer, Visitor, run_server
from tests.support.peers import Peers

REFUSED = (429, "too_many_attempts")
LONG = {
    "GET /api/players",
    "GET /api/players/{id}/history",
    "GET /api/rooms",
    "GET /api/matches",
    "GET /api/standings",
    "GET /api/matches/{id}",
    "GET /openapi.json",
}
NARROW = msgspec.structs.replace(
    Limits(),
    web=msgspec.structs.replace(
        Limits().web,
        answers_of_player=Rate(10.0, 2_000.0),
        answers_of_address=Rate(100.0, 20_000.0),
    ),
)
"""With allowances that a test can use up."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    database = tmp_path / "test.db"
    async with run_server(database, limits=NARROW, trusted_proxies="127.0.0.1") as running:
        yield running


def from_address(address: str) -> dict[str, str]:
    """The header of a trusted proxy."""
    return {"X-Forwarded-For": address}


async def guest_at(server: LiveServer, address: str, name: str) -> Visitor:
    visitor = await server.visitor(headers=from_address(address))
    response = await visitor.http.post("/api/guests", json={"name": name})
    assert response.status_code == 201
    visitor.view = response.json()
    return visitor


async def use_up(visitor: Visitor, path: str = "/api/games", **headers: str) -> int:
    """Ask for what is never refused until a list would be; return the bytes that were sent."""
    sent = 0
    for _ in range(500):
        answer = await visitor.http.get(path, headers=headers)
        assert answer.status_code == 200
        sent += len(answer.content)
        # Of no player and no match: it charges little if it is let through.
        asked = await visitor.http.get("/api/rooms?game=none", headers=headers)
        if asked.status_code != 200:
            assert refusal(asked) == REFUSED
            return sent
        sent += len(asked.content)
    raise AssertionError(f"{sent} bytes, and nothing is refused")


def wait_of(refused: httpx.Response) -> float:
    assert refusal(refused) == REFUSED
    return float(refused.headers["retry-after"])


async def test_whoever_has_been_sent_too_much_waits_for_lists_and_histories_and_for_nothing_else(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await server.member("Ada"), await server.member("Bob")
    await use_up(ada)

    async def read(*_: object) -> None:
        raise AssertionError("the disk was asked")

    with monkeypatch.context() as patch:
        for name in ("matches_of", "find_match", "history", "offline_players"):
            patch.setattr(server.still_here.store, name, read)
        for path in (
            f"/api/players/{ada.id}/history",
            "/api/players",
            "/api/players?status=offline",
            "/api/rooms",
            "/api/matches",
            "/api/matches/m_0123456789012345678901",
        ):
            assert refusal(await ada.http.get(path)) == REFUSED, path
            assert refusal(await ada.http.get(path)) == REFUSED, path
    for path in ("/api/session", "/api/sessions", "/api/games", f"/api/players/{ada.id}"):
        assert (await ada.http.get(path)).status_code == 200, path
    assert (await bob.http.get("/api/players")).status_code == 200
    for path in ("/api/session/activity", "/api/session/leave"):
        assert (await ada.http.post(path)).is_success
    wait = wait_of(await ada.http.get("/api/players"))
    await server.advance(wait)
    assert (await ada.http.get("/api/players")).status_code == 200
    await use_up(ada)
    change = {"current": "correct horse", "new": "battery staple"}
    assert (await ada.http.put("/api/password", json=change)).status_code == 204
    assert (await ada.http.post("/api/rooms", json={"game": "connect-four"})).status_code == 201
    assert (await ada.http.delete("/api/session")).status_code == 204


async def test_a_player_is_sent_no_more_than_the_allowance(server: LiveServer) -> None:
    ada = await server.member("Ada")
    largest = 1_000
    first = await use_up(ada)
    limit = NARROW.web.answers_of_player
    assert limit.burst - largest < first <= limit.burst + 3 * largest
    # Not even by never asking for a list: a small answer is charged, too.
    for _ in range(20):
        await ada.http.get("/api/games")
    most = limit.burst / limit.per_second  # what is owed is bounded, and so is the wait
    assert wait_of(await ada.http.get("/api/rooms")) <= most
    await server.advance(most)
    assert (await ada.http.get("/api/rooms")).status_code == 200


async def test_guests_and_those_without_a_session_are_charged_to_their_address_as_well(
    server: LiveServer,
) -> None:
    here, there = "198.51.100.1", "198.51.100.2"
    stranger = await server.visitor(headers=from_address(here))
    registered = await server.visitor(headers=from_address(here))
    body = {"name": "Reg", "password": "correct horse"}
    assert (await registered.http.post("/api/players", json=body)).status_code == 201
    guests = [await guest_at(server, here, f"Guest {number}") for number in range(15)]
    elsewhere = await guest_at(server, there, "Elsewhere")
    assert (await stranger.http.get("/openapi.json")).status_code == 200  # more than the allowance
    assert refusal(await stranger.http.get("/openapi.json")) == REFUSED
    for guest in guests:
        assert refusal(await guest.http.get("/api/rooms")) == REFUSED
    for other in (registered, elsewhere):
        assert (await other.http.get("/api/rooms")).status_code == 200
    limit = NARROW.web.answers_of_address
    await server.advance(limit.burst / limit.per_second)
    assert (await stranger.http.get("/api/rooms")).status_code == 200
    for guest in guests:
        await use_up(guest)
    assert refusal(await stranger.http.get("/api/rooms")) == REFUSED


async def test_wider_networks_have_twice_as_much_each(server: LiveServer) -> None:
    visitor = await server.visitor()
    burst = NARROW.web.answers_of_address.burst

    async def spend(address: str) -> float:
        """Return what was sent, in bursts of an address."""
        return await use_up(visitor, **from_address(address)) / burst

    for network in ("2001:db8:0:1", "2001:db8:0:2"):
        assert spent_one(await spend(f"{network}01::1"))
        assert spent_one(await spend(f"{network}02::1"))
        assert await spend(f"{network}03::1") < 0.2, "the /56 has spent what two have"
    assert await spend("2001:db8:0:301::1") < 0.2, "the /48 has spent what four have"
    assert spent_one(await spend("2001:db8:1::1"))


def spent_one(bursts: float) -> bool:
    return 0.8 < bursts < 1.2


async def test_this_machine_itself_has_no_limit_by_address(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", limits=NARROW) as server:
        visitor = await server.visitor()
        for _ in range(5):
            assert (await visitor.http.get("/openapi.json")).status_code == 200


async def test_the_calls_that_can_be_refused_are_those_whose_answers_are_long(
    server: LiveServer,
) -> None:
    calls = {f"{each.method} {each.path}": each for each in calls_of(server.still_here.app)}
    assert {name for name, each in calls.items() if each.is_long} == LONG
    least = min(ANSWERS[name] for name in LONG)
    # `/metrics` is no call for players, and the proxy keeps it to itself.
    assert max(size for name, size in ANSWERS.items() if name not in LONG) < least / 5
    visitor = await server.visitor()
    document = (await visitor.http.get("/openapi.json")).json()
    for name in LONG:
        method, _, path = name.partition(" ")
        refused = document["paths"][path][method.lower()]["responses"]["429"]
        assert "too_many_attempts" in refused["description"]
        assert "Retry-After" in refused["headers"]


def test_a_class_behind_one_address_that_loads_the_longest_of_everything_is_not_refused() -> None:
    everything = sum(ANSWERS.values())
    assert 8 * everything < Limits().web.answers_of_player.burst
    assert 30 * everything < Limits().web.answers_of_address.burst
    assert 100 * everything < Limits().web.answers_of_crowd.burst
    assert everything < Limits().web.answers_of_player_in_crowd.burst


async def test_registered_players_of_an_address_have_a_bound_that_stops_no_neighbour(
    tmp_path: Path,
) -> None:
    web = msgspec.structs.replace(
        NARROW.web,
        answers_of_player=Rate(100.0, 15_000.0),
        answers_of_crowd=Rate(200.0, 30_000.0),
        answers_of_player_in_crowd=Rate(10.0, 1_500.0),
    )
    limits = msgspec.structs.replace(NARROW, web=web)
    crowd, little = web.answers_of_crowd, web.answers_of_player_in_crowd
    async with run_server(
        tmp_path / "test.db", limits=limits, trusted_proxies="127.0.0.1"
    ) as server:
        players = []
        for number in range(7):
            visitor = await server.visitor(headers=from_address("198.51.100.1"))
            account = {"name": f"Player {number}", "password": "correct horse"}
            assert (await visitor.http.post("/api/players", json=account)).status_code == 201
            players.append(visitor)
        *greedy, neighbour = players
        sent = sum([await use_up(each) for each in greedy])
        # A third of what each may be sent elsewhere.
        assert crowd.burst < sent < crowd.burst + len(greedy) * (little.burst + 1_000)
        assert sent < len(greedy) * web.answers_of_player.burst * 0.55
        assert (await neighbour.http.get("/api/rooms")).status_code == 200
        wait = wait_of(await greedy[-1].http.get("/api/rooms"))
        assert wait <= crowd.burst / crowd.per_second
        assert await use_up(neighbour) < little.burst + 1_000
        await server.advance(crowd.burst / crowd.per_second)
        assert (await greedy[-1].http.get("/api/rooms")).status_code == 200


async def test_lists_and_histories_are_read_in_turn_by_place_and_then_by_player(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths: list[tuple[str, ...]] = []

    async def note(*arguments: Any) -> None:
        paths.append(tuple(arguments[-1].path))
        raise StorageUnavailable("on purpose")

    for name in ("matches_of", "find_match", "history", "offline_players", "find_player"):
        monkeypatch.setattr(server.still_here.store, name, note)
    guest = await guest_at(server, "2001:db8:0:1::1", "Ada")
    for path in (
        "/api/players?status=offline",
        "/api/players/p_0123456789012345678901",
        f"/api/players/{guest.id}/history",
        "/api/matches",
        "/api/matches/m_0123456789012345678901",
    ):
        assert (await guest.http.get(path)).status_code == 503
    networks = ("2001:db8::/48", "2001:db8::/56", "2001:db8:0:1::/64")
    assert paths == [(*networks, guest.id)] * 5
    paths.clear()
    body = {"name": "Reg", "password": "correct horse"}
    registered = await server.visitor(headers=from_address("198.51.100.1"))
    response = await registered.http.post("/api/players", json=body)
    stranger, own = await server.visitor(), await server.visitor()
    path = "/api/players?status=offline"
    await registered.http.get(path)
    await stranger.http.get(path, headers=from_address("198.51.100.1"))
    await own.http.get(path)
    player = response.json()["player"]["id"]
    assert paths == [("198.51.100.1", player), ("198.51.100.1", ""), ("127.0.0.1", "")]


async def test_whoever_has_gone_waits_in_no_line(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading: list[str] = []
    may_go_on = asyncio.Event()

    async def slowly(after: tuple[str, str], limit: int) -> list[StoredPlayer]:
        reading.append(after[0])
        await may_go_on.wait()
        return []

    store = server.still_here.store
    monkeypatch.setattr(store.engine.reads, "offline_players", slowly)
    most = Limits().storage.reads_at_once
    visitor = await server.visitor()
    asked = [
        asyncio.create_task(visitor.http.get("/api/players?status=offline")) for _ in range(most)
    ]
    await until(lambda: len(reading) == most)
    with Peers(server.port) as peers:
        peer = await peers.connect()
        await peer.send(b"GET /api/players?status=offline HTTP/1.1\r\nHost: a\r\n\r\n")
        await until(lambda: len(store._browsing) == 1)
        peer.reset()
        await until(lambda: not len(store._browsing))
    may_go_on.set()
    await asyncio.gather(*asked)
    assert len(reading) == most
