"""What a player makes the server keep for good is bounded, whatever they do."""

import logging
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from server.base.ids import PlayerId, RoomId
from server.base.rates import Rate
from server.base.units import to_wait
from server.limits import Limits
from tests.support.answers import refusal, until
from tests.support.database import rows
from tests.support.live_server import LiveServer, Tab, Visitor, run_server
from tests.support.manual_clock import SLOT

PLAYER = Limits().budget.player
OWED = 3_000
"""Bytes over the budget of who has spent it."""
WAIT = OWED / PLAYER.per_second
"""Seconds until they are paid back."""


def spend(visitor: Visitor) -> None:
    """Charge a player so much that they owe."""
    here = visitor.server.still_here
    now = here.clock.now()
    here.budget.charge(PlayerId(visitor.id), int(PLAYER.burst), now)
    owed = here.budget.wait(PlayerId(visitor.id), now) * PLAYER.per_second
    here.budget.charge(PlayerId(visitor.id), OWED - round(owed), now)


# Who has spent their budget


async def test_signs_in_nowhere_with_the_right_password_and_learns_nothing_with_a_wrong_one(
    server: LiveServer,
) -> None:
    ada, bob = await server.member("Ada"), await server.member("Bob")
    spend(ada)
    browser = await server.visitor()
    body = {"name": "Ada", "password": "correct horse"}
    refused = await browser.http.post("/api/session", json=body)
    assert refusal(refused) == (429, "too_many_attempts")
    assert refused.headers["retry-after"] == str(to_wait(WAIT))
    wrong = await browser.http.post("/api/session", json=body | {"password": "wrong horse"})
    assert refusal(wrong) == (401, "bad_credentials")
    await server.sign_in("Bob")
    for visitor in (ada, bob):
        assert (await visitor.http.get("/api/session")).status_code == 200
    for _ in range(20):  # no guesses
        assert (await browser.http.post("/api/session", json=body)).status_code == 429
    await server.advance(WAIT)
    await server.sign_in("Ada")


async def test_opens_no_socket_but_beside_an_open_one(server: LiveServer) -> None:
    ada, bob = await server.guest("Ada"), await server.guest("Bob")
    tab = await bob.tab()
    for visitor in (ada, bob):
        spend(visitor)
    assert await (await server.tab(ada.cookie)).closed() == (4402, [])
    assert (await (await bob.tab()).ask("ping", "pong"))["expires_in"] == 300.0
    assert (await tab.ask("ping", "pong"))["expires_in"] == 300.0
    await server.advance(WAIT)
    assert (await (await ada.tab()).ask("ping", "pong"))["expires_in"] == 300.0


async def test_says_no_be_right_back(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    spend(ada)
    await tab.ask("hold", "held", seconds=60)
    await tab.send("hold", seconds=60, away=True)
    assert (await tab.closed())[0] == 4401


async def test_withdraws_no_warning_by_a_hold(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    await server.advance(240.0)
    spend(ada)
    await tab.send("hold", seconds=60)
    assert (await tab.closed())[0] == 4401
    assert ada.session.is_idle_warned


async def test_goes_offline_no_sooner_by_saying_that_the_page_closes(server: LiveServer) -> None:
    ada, bob = await server.guest("Ada"), await server.guest("Bob")
    for visitor in (ada, bob):
        tab = await visitor.tab()
        await tab.socket.close(4000)
    await until(lambda: not any(each.session.connections for each in (ada, bob)))
    spend(ada)
    for visitor in (ada, bob):
        assert (await visitor.http.post("/api/session/leave")).status_code == 204
    await server.advance(server.settings.reload_grace + SLOT)
    assert (await ada.status(), await bob.status()) == ("reconnecting", "offline")


async def test_opens_no_room_and_plays_no_match(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    spend(ada)
    opened = await ada.http.post("/api/rooms", json={"game": "connect-four"})
    assert refusal(opened) == (409, "too_many_rooms")
    error = await tab.ask("quick_match", "error", game="connect-four")
    assert error["code"] == "too_soon"
    assert str(to_wait(WAIT)) in error["detail"]
    await server.advance(WAIT)
    assert (await ada.http.post("/api/rooms", json={"game": "connect-four"})).status_code == 201


# What leads there, and no further


def kept(server: LiveServer) -> int:
    return server.still_here.budget.kept


async def size_of(server: LiveServer) -> int:
    """The bytes of the database, with what is in its log."""
    await server.still_here.store.journal.written_up_to_here()
    ((pages,),) = rows(server.settings.database, "SELECT page_count FROM pragma_page_count")
    return int(pages) * 4096


async def test_a_series_of_matches_is_refused_once_both_have_spent_their_budgets(
    server: LiveServer,
) -> None:
    """Two guests who play matches of the fewest moves as fast as they can."""
    players = [await server.guest(name) for name in ("Ada", "Kim")]
    tabs = [await player.tab() for player in players]
    bystander = await (await server.guest("Bob")).tab()
    before, size = kept(server), await size_of(server)
    room = (await players[0].http.post("/api/rooms", json={"game": "connect-four"})).json()["id"]
    for tab in tabs:
        await tab.ask("join", "joined", room=room)
    refusals: set[str] = set()
    matches = 0
    while not refusals:
        matches += 1
        refusals = await play(server, tabs, room)
    assert refusals == {"too_soon"}
    assert matches > 150, "what a person plays in an evening"
    overshoot = 2_000
    assert kept(server) - before < 2 * (PLAYER.burst + PLAYER.per_second * 60) + overshoot
    assert await size_of(server) - size < 1.1 * (kept(server) - before)
    assert (await bystander.ask("ping", "pong"))["expires_in"] > 0
    # They are refused all the same from other tabs, and may go on a little later.
    again = [await player.tab() for player in players]
    error = await again[0].ask("start", "error", room=room)
    assert error["code"] in ("too_soon", "not_allowed", "not_seated")
    await server.advance(60.0)
    assert not await play(server, tabs, room)


async def play(server: LiveServer, tabs: list[Tab], room_id: str) -> set[str]:
    """Play a match of seven moves, or its rest; return the codes of what was refused."""
    codes: set[str] = set()

    async def send(tab: Tab, type: str, **fields: Any) -> None:
        # `done` or `error` is the answer.
        answer = await tab.ask(type, "done", "error", room=room_id, id=1, **fields)
        if answer["type"] == "error":
            codes.add(answer["code"])

    room = server.still_here.rooms.all[RoomId(room_id)]
    if room.running is None:
        for tab in tabs:
            await send(tab, "start")
    columns = [3, 4]
    while not codes and room.running is not None:
        seat = room.running.waits_for[0]
        player = room.running.players[seat][0]
        tab = next(each for each in tabs if each.seen[0]["player"]["id"] == player)
        await send(tab, "act", action={"column": columns[seat]})
        await server.advance(0.05)
    return codes


async def test_right_passwords_end_in_refusals_for_their_player_alone(server: LiveServer) -> None:
    ada, _ = await server.member("Ada"), await server.member("Bob")
    tab = await ada.tab()
    browser = await server.visitor()
    body = {"name": "Ada", "password": "correct horse"}
    codes = [(await browser.http.post("/api/session", json=body)).status_code for _ in range(200)]
    signed_in = codes.count(201)
    assert codes == [201] * signed_in + [429] * (200 - signed_in)
    assert signed_in > 100, "an evening on ten devices"
    assert kept(server) < PLAYER.burst + 10_000
    await server.sign_in("Bob")
    # Their owner, who is in, can stay and put an end to it.
    assert (await tab.ask("ping", "pong"))["expires_in"] == 300.0
    change = {"current": "correct horse", "new": "battery staple"}
    assert (await ada.http.put("/api/password", json=change)).status_code == 204
    assert (await browser.http.get("/api/session")).status_code == 401


# Guests and their addresses


def may_keep(size: int) -> Limits:
    """Limits by which the guests of an address may have `size` bytes kept, and no more for long;
    and likewise its registered players."""
    address = Rate(size / 1000, size)
    return Limits(
        budget=msgspec.structs.replace(
            Limits().budget, address=address, registered_of_address=address
        )
    )


def spend_of_address(visitor: Visitor) -> None:
    """Charge a player twice what their address may have kept, and less than they may."""
    here = visitor.server.still_here
    here.budget.charge(PlayerId(visitor.id), 100_000, here.clock.now())


async def guest_from(server: LiveServer, address: str, name: str) -> Visitor:
    return await one_from(server, address, "guests", name=name)


async def one_from(server: LiveServer, address: str, call: str, **body: str) -> Visitor:
    """Who comes in by a call from an address."""
    visitor = await server.visitor(headers={"X-Forwarded-For": address})
    answer = await visitor.http.post(f"/api/{call}", json=body)
    assert answer.status_code == 201, answer.text
    visitor.view = answer.json()
    return visitor


async def test_guests_of_one_address_pay_together_and_nobody_else_with_them(
    tmp_path: Path,
) -> None:
    path, proxy = tmp_path / "test.db", "127.0.0.1"
    async with run_server(path, limits=may_keep(50_000), trusted_proxies=proxy) as server:
        here, elsewhere = "2001:db8::1", "2001:db8:ffff::1"
        ada, bob = [await guest_from(server, here, name) for name in ("Ada", "Bob")]
        eve, kim = await guest_from(server, elsewhere, "Eve"), await server.member("Kim")
        spend_of_address(ada)
        for visitor in (ada, bob):
            opened = await visitor.http.post("/api/rooms", json={"game": "snake-arena"})
            assert refusal(opened) == (409, "too_many_rooms")
        for visitor in (eve, kim):
            opened = await visitor.http.post("/api/rooms", json={"game": "snake-arena"})
            assert opened.status_code == 201
        browser = await server.visitor(headers={"X-Forwarded-For": here})
        new = await browser.http.post("/api/guests", json={"name": "Zoe"})
        assert refusal(new) == (429, "too_many_attempts")
        assert 1000 < int(new.headers["retry-after"]) <= 1100
        body = {"name": "Zoe", "password": "correct horse"}
        assert (await browser.http.post("/api/players", json=body)).status_code == 201
        assert (await ada.http.delete("/api/session")).status_code == 204
        assert not server.still_here.budget.knows(PlayerId(ada.id))


@pytest.mark.parametrize("by_call", [True, False], ids=["taken", "as ASGI says"])
async def test_guests_of_the_last_process_pay_by_the_address_they_come_back_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_call: bool
) -> None:
    path, proxy = tmp_path / "test.db", "127.0.0.1"
    async with run_server(path, trusted_proxies=proxy) as server:
        ada, bob = [await guest_from(server, "192.0.2.1", name) for name in ("Ada", "Bob")]
    async with run_server(path, limits=may_keep(50_000), trusted_proxies=proxy) as server:
        if not by_call:
            monkeypatch.setattr(server.still_here.take_socket, "_take", lambda scope, socket: False)
        header = {"X-Forwarded-For": "192.0.2.1"}
        for visitor in (ada, bob):
            visitor.server = server
            await server.tab(visitor.cookie, headers=header)
        spend_of_address(ada)
        browser = await server.visitor(cookies=bob.http.cookies)
        opened = await browser.http.post("/api/rooms", json={"game": "snake-arena"})
        assert refusal(opened) == (409, "too_many_rooms")


async def test_guests_of_the_last_process_pay_by_their_address_without_a_socket_too(
    tmp_path: Path,
) -> None:
    path, proxy = tmp_path / "test.db", "127.0.0.1"
    async with run_server(path, trusted_proxies=proxy) as server:
        ada = await guest_from(server, "192.0.2.1", "Ada")
        zoe = await one_from(server, "192.0.2.1", "players", name="Zoe", password=SECRET)
    async with run_server(path, limits=may_keep(50_000), trusted_proxies=proxy) as server:
        budget = server.still_here.budget
        for visitor in (ada, zoe):
            browser = await server.visitor(
                cookies=visitor.http.cookies, headers={"X-Forwarded-For": "192.0.2.1"}
            )
            assert not budget.knows(PlayerId(visitor.id))
            assert (await browser.http.get("/api/session")).status_code == 200
            visitor.server = server
            spend_of_address(visitor)
            opened = await browser.http.post("/api/rooms", json={"game": "snake-arena"})
            assert refusal(opened) == (409, "too_many_rooms")


async def test_a_guest_who_has_signed_out_pays_by_their_address_until_the_match_is_over(
    tmp_path: Path,
) -> None:
    path, proxy = tmp_path / "test.db", "127.0.0.1"
    async with run_server(path, trusted_proxies=proxy) as server:
        ada, kim = [await guest_from(server, "192.0.2.1", name) for name in ("Ada", "Kim")]
        tabs = [await player.tab() for player in (ada, kim)]
        opened = await ada.http.post("/api/rooms", json={"game": "connect-four"})
        room = opened.json()["id"]
        for tab in tabs:
            await tab.ask("join", "joined", room=room)
        budget = server.still_here.budget
        await until(lambda: server.still_here.rooms.all[RoomId(room)].running is not None)
        for visitor in (ada, kim):
            assert (await visitor.http.delete("/api/session")).status_code == 204
        assert [budget.knows(PlayerId(each.id)) for each in (ada, kim)] == [True, True]
        await server.advance(600.0)
        assert [budget.knows(PlayerId(each.id)) for each in (ada, kim)] == [False, False]


# Registered players and their addresses

SECRET = "correct horse"


async def test_accounts_of_an_address_pay_together_and_stop_nobody_who_is_registered_for_longer(
    tmp_path: Path,
) -> None:
    path, proxy = tmp_path / "test.db", "127.0.0.1"
    here = "192.0.2.1"
    async with run_server(path, limits=may_keep(50_000), trusted_proxies=proxy) as server:
        await one_from(server, here, "players", name="Ada", password=SECRET)
        await server.advance(Limits().budget.ages[0])
        ada = await one_from(server, here, "session", name="Ada", password=SECRET)
        bob, eve = [
            await one_from(server, here, "players", name=name, password=SECRET)
            for name in ("Bob", "Eve")
        ]
        spend_of_address(eve)
        for visitor in (bob, eve):
            opened = await visitor.http.post("/api/rooms", json={"game": "snake-arena"})
            assert refusal(opened) == (409, "too_many_rooms")
        for visitor in (ada, await guest_from(server, here, "Zoe")):
            opened = await visitor.http.post("/api/rooms", json={"game": "snake-arena"})
            assert opened.status_code == 201
        browser = await server.visitor(headers={"X-Forwarded-For": here})
        body = {"name": "Another", "password": SECRET}
        new = await browser.http.post("/api/players", json=body)
        assert refusal(new) == (429, "too_many_attempts")
        elsewhere = await one_from(server, "192.0.2.2", "players", name="Kim", password=SECRET)
        opened = await elsewhere.http.post("/api/rooms", json={"game": "snake-arena"})
        assert opened.status_code == 201


# A disk that is nearly full


async def test_a_disk_that_is_nearly_full_lets_nobody_new_in_and_those_who_are_known_play(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "stillhere.storage")
    reserve, store = Limits().storage.disk_reserve, server.still_here.store

    async def has_left(free: int, total: int = 10**12) -> None:
        usage = SimpleNamespace(free=free, total=total)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        await server.guest(f"Guest {free}") if store.reserve_left >= 1 else await server.sign_in(
            "Kim"
        )

    async def opens(visitor: Visitor) -> int:
        return (await visitor.http.post("/api/rooms", json={"game": "snake-arena"})).status_code

    for name in ("Ada", "Eve"):
        await server.member(name)
    await server.advance(Limits().budget.established)
    await server.member("Kim")
    ada, eve, bob = (
        await server.sign_in("Ada"),
        await server.sign_in("Eve"),
        await server.guest("Bob"),
    )
    await has_left(reserve)
    assert store.reserve_left == 1.0
    await has_left(reserve - 1)
    visitor = await server.visitor()
    body = {"name": "Zoe", "password": SECRET}
    for call in ("guests", "players"):
        refused = await visitor.http.post(f"/api/{call}", json=body)
        assert refusal(refused) == (503, "storage_unavailable")
    assert [await opens(each) for each in (ada, bob)] == [201, 409]
    assert caplog.text.count("nobody new is let in") == 1
    await has_left(reserve // 2 - 1)
    assert await opens(eve) == 409
    assert (await bob.http.delete("/api/session")).status_code == 204
    # A small disk keeps less of itself.
    await has_left(60_000_000, 10**9)
    await server.guest("Zoe")


async def test_all_players_of_an_address_have_rooms_written_later_when_it_had_enough_written(
    tmp_path: Path,
) -> None:
    path, proxy = tmp_path / "test.db", "127.0.0.1"
    written = Rate(10_000, 20_000)
    limits = Limits(budget=msgspec.structs.replace(Limits().budget, written=written))
    async with run_server(path, limits=limits, trusted_proxies=proxy) as server:
        here, elsewhere = "192.0.2.1", "192.0.2.2"
        ada = await guest_from(server, here, "Ada")
        kim = await one_from(server, here, "players", name="Kim", password=SECRET)
        eve = await guest_from(server, elsewhere, "Eve")
        tabs = {
            name: await server.tab(visitor.cookie)
            for name, visitor in (("Ada", ada), ("Kim", kim), ("Eve", eve))
        }
        opened = await kim.http.post("/api/rooms", json={"game": "snake-arena"})
        room = opened.json()["id"]
        for tab in tabs.values():
            await tab.ask("join", "joined", room=room)

        async def say(name: str, text: str) -> None:
            await tabs[name].send("say", room=room, text=text)
            await tabs[name].quiet()

        async def said(after: float) -> list[str]:
            await server.advance(after)
            store = server.still_here.store
            store._rooms.look()
            await store.flush()
            return [text for (text,) in rows(path, "SELECT text FROM chat_lines WHERE text <> ''")]

        assert await said(after=10.0) == []
        assert await said(after=10.0) == []
        budget, clock = server.still_here.budget, server.still_here.clock
        budget.charge_writing(PlayerId(ada.id), 40_000, clock.now())
        # Kim is registered, which makes no difference. Nothing is refused.
        await say("Kim", "from Kim")
        assert await said(after=1.5) == []
        assert await said(after=0.6) == ["from Kim"]
        budget.charge_writing(PlayerId(ada.id), 40_000, clock.now())
        assert await said(after=1.2) == ["from Kim"]
        await say("Eve", "from Eve")
        assert await said(after=0.0) == ["from Kim", "from Eve"]
        await say("Kim", "before the stop")
    assert len(rows(path, "SELECT 1 FROM chat_lines WHERE text <> ''")) == 3
