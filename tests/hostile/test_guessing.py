"""Guessing passwords: soon refused for the guesser, never for the victim, and without a hint."""

import asyncio
from contextlib import suppress
from pathlib import Path

import httpx

from server.accounts.limits import Limits
from server.accounts.passwords import Passwords
from server.base.waiting import within
from tests.support.answers import refusal
from tests.support.live_server import LiveServer, Visitor, run_server

LIMITS = Limits()
PASSWORD = "correct horse"

CROWD = 16
"""Sign-ins at once; `scripts/bench.py --only hashes` has 64, and measures the loop."""


def from_address(address: str) -> dict[str, str]:
    """The header of a trusted proxy."""
    return {"X-Forwarded-For": address}


async def sign_in(
    browser: Visitor, address: str, name: str = "Ada", password: str = "wrong horse"
) -> httpx.Response:
    body = {"name": name, "password": password}
    return await browser.http.post("/api/session", json=body, headers=from_address(address))


async def test_a_guesser_with_many_addresses_never_locks_the_victim_out(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", trusted_proxies="127.0.0.1") as server:
        victim = await server.member("Ada")
        tab = await victim.tab()
        browser = await server.visitor()
        for host in range(1, 4):
            address = f"198.51.100.{host}"
            for _ in range(LIMITS.guesses_per_name.count):
                assert refusal(await sign_in(browser, address)) == (401, "bad_credentials")
            locked = await sign_in(browser, address)
            assert refusal(locked) == (429, "too_many_attempts")
            assert 1 <= int(locked.headers["retry-after"]) <= LIMITS.guesses_per_name.seconds
            # The right password is refused as well: otherwise the answer would tell that it is
            # right.
            assert (await sign_in(browser, address, password=PASSWORD)).status_code == 429
        # The victim at another address is not affected.
        elsewhere = await sign_in(browser, "203.0.113.7", password=PASSWORD)
        assert elsewhere.status_code == 201
        assert (await tab.ask("ping", "pong"))["expires_in"] == 300.0
        assert (await victim.http.get("/api/session")).status_code == 200


async def test_a_neighbour_of_the_guesser_can_do_everything_but_sign_in_as_the_victim(
    server: LiveServer,
) -> None:
    """Guesses from a shared address block only new sign-ins as that name, for five minutes. The
    player's session goes on, and others can sign in."""
    victim = await server.member("Ada")
    tab = await victim.tab()
    await server.member("Bob")
    neighbour = await server.visitor()
    wrong = {"name": "Ada", "password": "wrong horse"}
    for _ in range(LIMITS.guesses_per_name.count):
        await neighbour.http.post("/api/session", json=wrong)
    locked = await neighbour.http.post("/api/session", json=wrong)
    assert refusal(locked) == (429, "too_many_attempts")
    assert (await server.sign_in("Bob")).name == "Bob"
    assert (await victim.http.get("/api/session")).status_code == 200
    assert (await tab.ask("ping", "pong"))["expires_in"] == 300.0


async def test_one_address_cannot_try_a_common_password_on_every_name(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", trusted_proxies="127.0.0.1") as server:
        # Only the counting is tested: a hundred real hashes would take seconds.
        server.still_here.passwords._verify = lambda *_: False  # type: ignore[method-assign]
        browser = await server.visitor()
        answers = await asyncio.gather(
            *(
                sign_in(browser, "198.51.100.1", f"Player {number}")
                for number in range(LIMITS.guesses_per_address.count + 5)
            )
        )
        statuses = [answer.status_code for answer in answers]
        assert statuses.count(401) == LIMITS.guesses_per_address.count
        assert statuses.count(429) == 5
        # An IPv6 customer has a whole /64, which counts as one address.
        six = [
            (await sign_in(browser, f"2001:db8::{number:x}", "Eve")).status_code
            for number in range(1, LIMITS.guesses_per_name.count + 2)
        ]
        assert six == [401] * LIMITS.guesses_per_name.count + [429]
        assert (await sign_in(browser, "2001:db8:0:1::1", "Eve")).status_code == 401


async def test_a_botnet_has_a_hundred_guesses_at_a_name_and_locks_its_owner_out_of_no_known_place(
    tmp_path: Path,
) -> None:
    """NIST SP 800-63B, 5.2.2; each of its addresses is in a /48 of its own."""
    async with run_server(tmp_path / "test.db", trusted_proxies="127.0.0.1") as server:
        browser, home = await server.visitor(), "203.0.113.7"
        owners = await server.visitor()
        new = {"name": "Ada", "password": PASSWORD}
        await owners.http.post("/api/players", json=new, headers=from_address(home))
        cookie = {"Cookie": f"session={owners.http.cookies['session']}"}
        await owners.http.delete("/api/session", headers=from_address(home))
        # Only the counting is tested: hundreds of real hashes would take seconds.
        verify = server.still_here.passwords._verify
        server.still_here.passwords._verify = (  # type: ignore[method-assign]
            lambda password, hashed: password == PASSWORD and verify(password, hashed)
        )

        async def guess(name: str, number: int, password: str = "wrong horse") -> httpx.Response:
            return await sign_in(browser, f"2001:db8:{number:x}::1", name, password)

        most = LIMITS.guesses_in_a_row.count
        refused = []
        for name in ("Ada", "Nobody"):
            for number in range(most):
                assert refusal(await guess(name, number)) == (401, "bad_credentials")
            refused.append(await guess(name, most))
            assert refusal(refused[-1]) == (429, "too_many_attempts")
        assert refused[0].content == refused[1].content, "it does not tell that there is an Ada"
        assert int(refused[0].headers["retry-after"]) <= LIMITS.guesses_in_a_row.seconds
        assert (await guess("Ada", most, PASSWORD)).status_code == 429

        # Her own address, and a browser of hers at another, which is known from then on.
        assert (await sign_in(browser, home, password=PASSWORD)).status_code == 201
        browser.http.cookies.clear()
        away = from_address("198.51.100.7")
        stranger = await browser.http.post("/api/session", json=new, headers=away)
        assert refusal(stranger) == (429, "too_many_attempts")
        hers = await browser.http.post("/api/session", json=new, headers=away | cookie)
        assert hers.status_code == 201
        browser.http.cookies.clear()
        again = await browser.http.post("/api/session", json=new, headers=away)
        assert again.status_code == 201
        # Another player's cookie is no help.
        eve = await server.visitor()
        await eve.http.post("/api/guests", json={"name": "Eve"}, headers=from_address(home))
        theirs = {"Cookie": f"session={eve.http.cookies['session']}"} | from_address("198.51.100.8")
        refused_too = await browser.http.post("/api/session", json=new, headers=theirs)
        assert refusal(refused_too) == (429, "too_many_attempts")


async def test_right_passwords_have_a_limit_that_stops_nobody_else(server: LiveServer) -> None:
    """Each writes a session and takes a thread: without it, one account fills the disk."""
    await server.member("Ada")
    await server.member("Bob")
    browser = await server.visitor()
    most = LIMITS.sign_ins_per_player.count
    right = {"name": "Ada", "password": PASSWORD}
    for _ in range(most):
        assert (await browser.http.post("/api/session", json=right)).status_code == 201
    refused = await browser.http.post("/api/session", json=right)
    assert refusal(refused) == (429, "too_many_attempts")
    assert 1 <= int(refused.headers["retry-after"]) <= LIMITS.sign_ins_per_player.seconds
    # The last session goes on, a wrong password is answered as ever, and others can sign in.
    assert (await browser.http.get("/api/session")).status_code == 200
    wrong = {"name": "Ada", "password": "wrong horse"}
    assert refusal(await browser.http.post("/api/session", json=wrong)) == (401, "bad_credentials")
    assert (await server.sign_in("Bob")).name == "Bob"
    await server.advance(LIMITS.sign_ins_per_player.seconds)
    assert (await browser.http.post("/api/session", json=right)).status_code == 201


async def test_an_unknown_name_costs_the_same_work(server: LiveServer) -> None:
    """Counted, not measured: one argon2id with the same parameters."""
    await server.member("Ada")
    await server.guest("Gus")
    passwords: Passwords = server.still_here.passwords
    verified: list[tuple[int, str]] = []
    verify = passwords._verify

    def note(password: str, hashed: str) -> bool:
        verified.append((len(password), hashed.rpartition("p=1$")[0]))
        return verify(password, hashed)

    passwords._verify = note  # type: ignore[method-assign]
    browser = await server.visitor()
    bodies, headers = set(), set()
    for name in ("Ada", "Gus", "Nobody"):
        body = {"name": name, "password": "wrong horse"}
        response = await browser.http.post("/api/session", json=body)
        assert response.status_code == 401
        bodies.add(response.content)
        headers.add(tuple((key, value) for key, value in response.headers.items() if key != "date"))
    assert len(bodies) == len(headers) == 1
    assert len(verified) == 3
    assert len(set(verified)) == 1
    # An unknown name is locked out as well.
    for name in ("Ada", "Nobody"):
        for _ in range(LIMITS.guesses_per_name.count - 1):
            await browser.http.post("/api/session", json={"name": name, "password": "wrong horse"})
        response = await browser.http.post("/api/session", json={"name": name, "password": "x" * 9})
        assert refusal(response) == (429, "too_many_attempts")


async def test_common_passwords_are_refused(server: LiveServer) -> None:
    browser = await server.visitor()
    for password in ["password", "12345678", "Football", "trustno1", "1q2w3e4r", "Still Here"]:
        body = {"name": "Ada", "password": password}
        response = await browser.http.post("/api/players", json=body)
        assert refusal(response) == (422, "invalid"), password
    assert not server.still_here.registry.players


async def test_a_crowd_of_simultaneous_sign_ins_delays_no_ping(tmp_path: Path) -> None:
    """If one of them were hashed in the loop, pings would wait for it."""
    database = tmp_path / "test.db"
    async with run_server(database, has_real_hashes=True, max_messages_per_second=0) as server:
        await _crowd(server)


async def _crowd(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    passwords = server.still_here.passwords
    begun, in_loop = asyncio.Event(), []
    loop = asyncio.get_running_loop()
    verify = passwords._verify

    def note(password: str, hashed: str) -> bool:
        loop.call_soon_threadsafe(begun.set)
        with suppress(RuntimeError):  # raised because no loop runs in this thread, as it should be
            in_loop.append(asyncio.get_running_loop())
        return verify(password, hashed)

    passwords._verify = note  # type: ignore[method-assign]
    browser = await server.visitor()
    crowd = [
        asyncio.create_task(
            browser.http.post("/api/session", json={"name": f"{n}", "password": "wrong horse"})
        )
        for n in range(CROWD)
    ]
    await within(10, begun.wait())
    pongs = 0
    while not all(task.done() for task in crowd):
        await tab.ask("ping", "pong")
        pongs += 1
    assert {task.result().status_code for task in crowd} == {401}
    assert in_loop == []
    assert pongs > CROWD, "a ping takes far less than a password"
