"""The bytes of answers are an allowance, of which long answers wait for more."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from server.base.rates import Rate
from server.limits import Limits
from server.storage.rows import StoredPlayer
from server.web.allowance import Lines
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


async def test_wider_networks_have_eight_times_as_much_each(server: LiveServer) -> None:
    visitor = await server.visitor()
    size = len((await visitor.http.get("/openapi.json")).content)
    burst = NARROW.web.answers_of_address.burst
    assert burst < size < 8 * burst
    through = 0
    for number in range(100):
        at = from_address(f"2001:db8:0:{number:x}::1")
        through += (await visitor.http.get("/openapi.json", headers=at)).status_code == 200
    # One answer for each /64, until the /56 has spent its own.
    assert 8 * burst <= through * size < 8 * burst + size
    through = 0
    for number in range(100):
        at = from_address(f"2001:db8:0:{number:x}00::1")
        through += (await visitor.http.get("/openapi.json", headers=at)).status_code == 200
    assert 40 * burst < through * size < 64 * burst + size
    elsewhere = from_address("2001:db8:1::1")
    assert (await visitor.http.get("/openapi.json", headers=elsewhere)).status_code == 200


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


async def test_of_the_long_answers_of_an_address_only_so_many_are_made_at_a_time(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = Limits().web.long_answers_of_address
    reading: list[str] = []
    may_go_on = asyncio.Event()
    store = server.still_here.store
    offline_players = store.offline_players

    async def slowly(after: tuple[str, str], limit: int) -> list[StoredPlayer]:
        reading.append(after[0])
        if after[0] != "quick":
            await may_go_on.wait()
        return await offline_players(after, limit)

    monkeypatch.setattr(store, "offline_players", slowly)
    visitor = await server.visitor()

    async def ask(address: str, after: str) -> int:
        path = f"/api/players?status=offline&after={after}"
        return (await visitor.http.get(path, headers=from_address(address))).status_code

    greedy = [asyncio.create_task(ask("203.0.113.1", "slow")) for _ in range(2 * most)]
    await until(lambda: len(reading) == most)
    assert await ask("203.0.113.2", "quick") == 200
    assert reading == [*["slow"] * most, "quick"]
    greedy[-1].cancel()
    may_go_on.set()
    assert await asyncio.gather(*greedy[:-1]) == [200] * (2 * most - 1)


async def test_whoever_has_gone_waits_in_no_line(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading: list[str] = []
    may_go_on = asyncio.Event()

    async def slowly(after: tuple[str, str], limit: int) -> list[StoredPlayer]:
        reading.append(after[0])
        await may_go_on.wait()
        return []

    monkeypatch.setattr(server.still_here.store, "offline_players", slowly)
    most = Limits().web.long_answers_of_address
    visitor = await server.visitor()
    asked = [
        asyncio.create_task(
            visitor.http.get("/api/players?status=offline", headers=from_address("203.0.113.1"))
        )
        for _ in range(most)
    ]
    await until(lambda: len(reading) == most)
    waiting = asyncio.all_tasks()
    with Peers(server.port) as peers:
        peer = await peers.connect()
        await peer.send(
            b"GET /api/players?status=offline HTTP/1.1\r\nHost: a\r\n"
            b"X-Forwarded-For: 203.0.113.1\r\n\r\n"
        )
        # Its exchange, the endpoint in line, and the look-out for the disconnect.
        await until(lambda: len(asyncio.all_tasks() - waiting) == 3)
        peer.reset()
        await until(lambda: not asyncio.all_tasks() - waiting)
    may_go_on.set()
    await asyncio.gather(*asked)
    assert len(reading) == most


async def test_a_line_is_served_in_order_and_forgotten_when_it_is_empty() -> None:
    lines = Lines(2)
    served: list[int] = []
    gates = [asyncio.Event() for _ in range(5)]

    async def wait(number: int) -> None:
        async with lines.turn("ada"):
            served.append(number)
            await gates[number].wait()

    waiting = [asyncio.create_task(wait(number)) for number in range(5)]
    await until(lambda: len(served) == 2)
    async with lines.turn("bob"):
        assert len(lines) == 2
    waiting[2].cancel()
    for number in (1, 0):
        gates[number].set()
        await asyncio.wait([waiting[number]])
    await until(lambda: len(served) == 4)
    assert served == [0, 1, 3, 4]
    for gate in gates:
        gate.set()
    await asyncio.wait(waiting)
    assert not len(lines)
