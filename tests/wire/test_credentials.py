"""Invalid cookies, proxies, and limits by address."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.accounts.errors import TooBusy
from server.accounts.passwords import Verdict
from server.accounts.place import Place
from server.accounts.tokens import SessionTokens
from server.transport.limits import Limits
from server.wire.credentials import place_of, session_cookie
from tests.support.answers import Bystanders, cookie_of, refusal, until
from tests.support.live_server import LiveServer, run_server

HTTPS = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}


# Cookies


async def test_an_invalid_cookie_signs_no_player_in(
    bystanders: Bystanders, server: LiveServer
) -> None:
    own = bystanders.ada.cookie
    secret, _, signature = own.rpartition(".")
    browser = await server.visitor()
    for header in [
        f"session={own[:-1]}",
        f"session={own[1:]}",
        f"session={secret}",
        f"session={secret}.",
        f"session=.{signature}",
        f"session={own}x",
        f"session={own}.{signature}",
        f"session={own.swapcase()}",
        f"session={SessionTokens(['another key, and long enough to be one']).mint().cookie}",
        f"session={bystanders.ada.view['session']['id']}",
        f"session={bystanders.ada.id}",
        "session=",
        "session",
        "session=.",
        "session=..",
        "session=a.b",
        "session=None",
        "session=" + "x" * 6000,
        'session="',
        "session=\xff\xfe",
        f"__Host-session={own}",
        f"Session={own}",
        ";" * 500,
    ]:
        headers = {b"Cookie": header.encode("latin-1")}
        for method, path in [("GET", "/api/session"), ("POST", "/api/session/activity")]:
            response = await browser.http.request(method, path, headers=headers)
            assert refusal(response) == (401, "not_signed_in"), header


async def test_a_cookie_changed_at_any_place_signs_no_player_in(
    bystanders: Bystanders, server: LiveServer
) -> None:
    own = bystanders.ada.cookie
    browser = await server.visitor()
    for place, character in enumerate(own):
        # The last character has bits that a careless decoder ignores as padding.
        for other in "BCD" if place == len(own) - 1 else "A":
            if character == other:
                continue
            headers = {"Cookie": f"session={own[:place]}{other}{own[place + 1 :]}"}
            response = await browser.http.get("/api/session", headers=headers)
            assert refusal(response) == (401, "not_signed_in"), place


async def test_a_bad_cookie_does_not_prevent_signing_in(server: LiveServer) -> None:
    browser = await server.visitor(headers={"Cookie": "session=nonsense"})
    response = await browser.http.post("/api/guests", json={"name": "Ada"})
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("session=a.b", "a.b"),
        ("x=1; session=a.b; y=2", "a.b"),
        (" session = a.b\t;", "a.b"),
        ("session=a=b=", "a=b="),
        ("session=", ""),
        ("session=a; session=a", "a"),
        ('session="a.b"', '"a.b"'),
        ("session", None),
        ("xsession=a; session-x=a; Session=a; __Host-session=a", None),
        ("", None),
    ],
)
def test_a_cookie_is_found_among_others(header: str, value: str | None) -> None:
    assert session_cookie(asking(header)) == value


@pytest.mark.parametrize(
    "headers", [["session=a; session=b"], ["session=a", "session=b"], ["session=a; session="]]
)
def test_two_different_session_cookies_are_both_ignored(headers: list[str]) -> None:
    assert session_cookie(asking(*headers)) is None


async def test_a_cookie_set_by_a_sibling_host_does_not_sign_in_its_owner(
    server: LiveServer,
) -> None:
    ada, eve = await server.guest("Ada"), await server.guest("Eve")
    browser = await server.visitor()
    for first, second in [(ada, eve), (eve, ada)]:
        sent = {"Cookie": f"session={first.cookie}; session={second.cookie}"}
        response = await browser.http.get("/api/session", headers=sent)
        assert refusal(response) == (401, "not_signed_in")
        tab = await server.tab(None, headers=sent)
        assert (await tab.receive())["type"] == "signed_out"


@pytest.mark.parametrize("filling", ['\\"', "\\101", ";", "=;", "session=x;", "session=\t;"])
def test_no_header_takes_much_longer_to_read_than_another_of_its_length(filling: str) -> None:
    """Some take 5 times as long; removing quotes took 10,000 times. The rest is tolerance."""
    length = Limits().longest_header_line - 100
    quoted = filling * (length // len(filling))
    worst = max(time_to_read(f'a="{quoted}"'), time_to_read(f'session="{quoted}"'))
    assert worst < 100 * time_to_read("session=x;" * (length // 10))


def asking(*headers: str) -> dict[str, Any]:
    """The scope of a request with these `Cookie` headers."""
    raw = [(b"cookie", header.encode()) for header in headers]
    return {"type": "http", "scheme": "http", "headers": raw}


def time_to_read(header: str) -> float:
    """The processor time in seconds; the least of several tries."""
    scope = asking(header)
    tries = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(5):
            session_cookie(scope)
        tries.append(time.process_time() - began)
    return min(tries)


# Proxies


async def test_behind_a_trusted_proxy_the_cookie_is_bound_to_its_host(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", trusted_proxies="127.0.0.1") as server:
        browser = await server.visitor()
        response = await browser.http.post("/api/guests", json={"name": "Ada"}, headers=HTTPS)
        assert response.status_code == 201
        cookie = cookie_of(response)
        assert cookie.key == "__Host-session"
        assert cookie["secure"] is True
        assert cookie["httponly"] is True
        assert cookie["samesite"].lower() == "lax"
        assert cookie["path"] == "/"
        assert not cookie["domain"]
        assert response.headers["strict-transport-security"].startswith("max-age=31536000")
        sent = {**HTTPS, "Cookie": f"__Host-session={cookie.value}"}
        stranger = await server.visitor()
        assert (await stranger.http.get("/api/session", headers=sent)).status_code == 200
        plain = {**HTTPS, "Cookie": f"session={cookie.value}"}
        assert (await stranger.http.get("/api/session", headers=plain)).status_code == 401
        tab = await server.tab(None, headers=sent)
        assert (await tab.receive())["type"] == "hello"
        origin = {"Origin": f"https://127.0.0.1:{server.port}"}
        tab = await server.tab(None, headers=sent | origin)
        assert (await tab.receive())["type"] == "hello"
        signed_out = await stranger.http.delete("/api/session", headers=sent | origin)
        assert signed_out.status_code == 204
        gone = cookie_of(signed_out)
        assert (gone.key, gone["secure"], gone["max-age"]) == ("__Host-session", True, "0")


@pytest.mark.parametrize("trusted", ["", "198.51.100.7", "10.0.0.0/8"])
async def test_headers_of_an_untrusted_proxy_are_ignored(tmp_path: Path, trusted: str) -> None:
    async with run_server(tmp_path / "test.db", trusted_proxies=trusted) as server:
        browser = await server.visitor()
        response = await browser.http.post("/api/guests", json={"name": "Ada"}, headers=HTTPS)
        cookie = cookie_of(response)
        assert cookie.key == "session"
        assert not cookie["secure"]
        assert "strict-transport-security" not in response.headers
        origin = {"Origin": f"https://127.0.0.1:{server.port}"}
        refused = await browser.http.post("/api/session/activity", headers=HTTPS | origin)
        assert refusal(refused) == (403, "cross_origin")


# Limits by address


async def guess(browser: httpx.AsyncClient, name: str = "Ada", **headers: str) -> httpx.Response:
    return await browser.post(
        "/api/session", json={"name": name, "password": "wrong horse"}, headers=headers
    )


async def test_ten_wrong_passwords_lock_out_the_guesser_only(
    bystanders: Bystanders, server: LiveServer
) -> None:
    guesser = await server.visitor()
    for _ in range(10):
        assert refusal(await guess(guesser.http)) == (401, "bad_credentials")
    for name in ("Ada", "ADA", " ada "):
        eleventh = await guess(guesser.http, name)
        assert refusal(eleventh) == (429, "too_many_attempts")
        assert 1 <= int(eleventh.headers["retry-after"]) <= 300
    right = {"name": "Ada", "password": "correct horse"}
    assert refusal(await guesser.http.post("/api/session", json=right))[0] == 429
    # Another name from here, and the same name from another address, are not limited.
    assert refusal(await guess(guesser.http, "Eve"))[0] == 401
    elsewhere = await server.visitor(transport=httpx.AsyncHTTPTransport(local_address="127.0.0.2"))
    wrong = await guess(elsewhere.http)
    assert refusal(wrong) == (401, "bad_credentials")


async def test_the_owner_elsewhere_can_still_sign_in(server: LiveServer) -> None:
    await server.member("Ada")
    guesser = await server.visitor()
    for _ in range(12):
        await guess(guesser.http)
    elsewhere = await server.visitor(transport=httpx.AsyncHTTPTransport(local_address="127.0.0.2"))
    right = {"name": "Ada", "password": "correct horse"}
    assert (await elsewhere.http.post("/api/session", json=right)).status_code == 201


async def test_a_right_password_forgives_earlier_wrong_ones(server: LiveServer) -> None:
    await server.member("Ada")
    browser = await server.visitor()
    for _ in range(2):
        for _ in range(9):
            assert (await guess(browser.http)).status_code == 401
        right = {"name": "Ada", "password": "correct horse"}
        assert (await browser.http.post("/api/session", json=right)).status_code == 201


async def test_at_most_ten_of_thirty_simultaneous_guesses_are_checked(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.member("Ada")
    passwords = server.still_here.passwords
    checked = 0
    verify = passwords.verify

    async def count(password: str, hashed: str | None, place: Place) -> Verdict:
        nonlocal checked
        checked += 1
        return await verify(password, hashed, place)

    monkeypatch.setattr(passwords, "verify", count)
    browser = await server.visitor()
    answers = await asyncio.gather(*(guess(browser.http) for _ in range(30)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [401] * 10 + [429] * 20
    assert checked == 10


async def test_simultaneous_right_passwords_lock_no_player_out(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.member("Ada")
    passwords = server.still_here.passwords
    may_go_on = asyncio.Event()
    verify = passwords.verify

    async def slowly(password: str, hashed: str | None, place: Place) -> Verdict:
        await may_go_on.wait()
        return await verify(password, hashed, place)

    monkeypatch.setattr(passwords, "verify", slowly)
    browser = await server.visitor()
    right = {"name": "Ada", "password": "correct horse"}

    async def sign_in() -> httpx.Response:
        return await browser.http.post("/api/session", json=right)

    answers = [asyncio.create_task(sign_in()) for _ in range(12)]
    await until(lambda: sum(answer.done() for answer in answers) == 2)
    for held in [answer.result() for answer in answers if answer.done()]:
        assert refusal(held) == (429, "too_many_attempts")
        assert held.headers["retry-after"] == "1", "not for as long as a guesser"
    may_go_on.set()
    done = await asyncio.gather(*answers)
    assert sorted(answer.status_code for answer in done) == [201] * 10 + [429] * 2
    assert (await sign_in()).status_code == 201


async def test_a_sign_in_that_could_not_be_checked_is_no_guess(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.member("Ada")
    browser = await server.visitor()
    right = {"name": "Ada", "password": "correct horse"}

    async def refuse(password: str, hashed: str | None, place: Place) -> Verdict:
        raise TooBusy(5)

    with monkeypatch.context() as patched:
        patched.setattr(server.still_here.passwords, "verify", refuse)
        for _ in range(12):
            busy = await browser.http.post("/api/session", json=right)
            assert refusal(busy) == (503, "too_busy")
    assert (await browser.http.post("/api/session", json=right)).status_code == 201


async def test_the_number_of_new_players_of_an_address_is_limited(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", trusted_proxies="127.0.0.1") as server:
        browser = await server.visitor()

        async def arrive(number: int, address: str) -> httpx.Response:
            return await browser.http.post(
                "/api/guests",
                json={"name": f"Guest {number}"},
                headers={"X-Forwarded-For": address, "Cookie": ""},
            )

        for number in range(60):
            assert (await arrive(number, "198.51.100.7")).status_code == 201
        late = await arrive(60, "198.51.100.7")
        assert refusal(late) == (429, "too_many_attempts")
        assert 1 <= int(late.headers["retry-after"]) <= 600
        assert (await arrive(61, "198.51.100.8")).status_code == 201
        # An IPv6 customer can choose addresses from a /64.
        assert (await arrive(62, "2001:db8::1")).status_code == 201


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("198.51.100.7", ["198.51.100.7"]),
        ("::ffff:198.51.100.7", ["198.51.100.7"]),
        ("64:ff9b::c633:6407", ["198.51.100.7"]),
        ("2002:c633:6407:1:2:3:4:5", ["198.51.100.7"]),
        ("64:ff9b:1:2::c633:6407", ["64:ff9b:1:2::c633:6407"]),
        ("64:ff9b:2::1", ["64:ff9b:2::/64", "64:ff9b:2::/56", "64:ff9b:2::/48"]),
        (
            "2001:db8:1:2345::1",
            ["2001:db8:1:2345::/64", "2001:db8:1:2300::/56", "2001:db8:1::/48"],
        ),
        ("fe80::1%eth0", ["fe80::/64", "fe80::/56", "fe80::/48"]),
        ("a name", ["a name"]),
        ("", [""]),
    ],
)
def test_an_address_counts_for_the_networks_that_a_client_may_have(
    address: str, networks: list[str]
) -> None:
    place = place_of(from_peer(address))
    assert place == Place(networks[0], tuple(networks))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_not_limited(address: str) -> None:
    assert place_of(from_peer(address)).networks == ()


@pytest.mark.parametrize("address", ["64:ff9b::7f00:1", "2002:7f00:1::1"])
def test_nobody_is_this_machine_by_a_translated_address(address: str) -> None:
    assert place_of(from_peer(address)).networks == ("127.0.0.1",)


def from_peer(address: str) -> dict[str, Any]:
    """The scope of a request from this address."""
    return {"type": "http", "scheme": "http", "headers": [], "client": (address, 1)}


async def test_an_untrusted_proxy_on_this_machine_is_limited_as_one_address(
    server: LiveServer,
) -> None:
    browser = await server.visitor()
    statuses = []
    for number in range(62):
        response = await browser.http.post(
            "/api/guests",
            json={"name": f"Guest {number}"},
            headers={"X-Forwarded-For": f"198.51.100.{number}", "Cookie": ""},
        )
        statuses.append(response.status_code)
    assert statuses == [201] * 60 + [429] * 2


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-Proto: https", "X-Forwarded-Host: a", "Forwarded: for=a", "Via: 1.1 a",
     "X-Real-IP: a", "CF-Connecting-IP: a", "True-Client-IP: a"],
)  # fmt: skip
async def test_a_proxy_that_does_not_tell_the_address_of_clients_is_limited_as_one(
    header: str, tmp_path: Path
) -> None:
    async with run_server(tmp_path / "test.db", trusted_proxies="127.0.0.1") as server:
        browser = await server.visitor()
        name, _, value = header.partition(": ")
        answers: list[Any] = [
            await browser.http.post(
                "/api/guests",
                json={"name": f"Guest {number}"},
                headers={name: value, "Cookie": ""},
            )
            for number in range(61)
        ]
    assert [answer.status_code for answer in answers] == [201] * 60 + [429]


async def test_a_load_script_on_this_machine_is_not_limited(server: LiveServer) -> None:
    browser = await server.visitor()
    answers: list[Any] = [
        await browser.http.post(
            "/api/guests", json={"name": f"Guest {number}"}, headers={"Cookie": ""}
        )
        for number in range(65)
    ]
    assert {answer.status_code for answer in answers} == {201}
