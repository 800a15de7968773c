"""Names that imitate others, hide something or carry markup, for guests and registered players."""

import json
import unicodedata
from pathlib import Path

import pytest

from server.limits import Limits
from server.web.pages import static_folder
from tests.support.answers import refusal
from tests.support.live_server import UNLIMITED, LiveServer, Visitor, run_server

VICTIM = "Admin"

TWINS = {
    "the same": "Admin",
    "another case": "aDMIN",
    "spaces around": "  Admin ",
    "no-break spaces around": "\u00a0Admin\u3000",
    "full width": "\uff21\uff44\uff4d\uff49\uff4e",
    "Cyrillic a": "\u0430dmin",
    "Cyrillic A": "\u0410dmin",
    "Greek A": "\u0391dmin",
    "dotless i": "Adm\u0131n",
    "mathematical letters": "\U0001d400\U0001d41d\U0001d426\U0001d422\U0001d427",
    "small capitals": "\u1d00\u1d05\u1d0d\u026a\u0274",
    "circled": "Ⓐⓓⓜⓘⓝ",
    "rn for m": "Adrnin",
}
"""Names that look like the victim's: taken."""

HIDDEN = {
    "zero-width space": "Ad\u200bmin",
    "zero-width joiner": "Admin\u200d",
    "zero-width non-joiner": "Adm\u200cin",
    "word joiner": "Admin\u2060",
    "byte order mark": "\ufeffAdmin",
    "soft hyphen": "Ad\u00admin",
    "right-to-left override": "\u202enimdA",
    "right-to-left isolate": "\u2067Admin\u2069",
    "right-to-left mark": "Admin\u200f",
    "left-to-right mark": "Admin\u200e",
    "tag characters": "Admin" + "".join(chr(0xE0000 + ord(each)) for each in "x"),
    "variation selector and more": "Admin\ufe0f\ufe0f\ufe0f\ufe0f",
    "a flood of marks": "A\u0301\u0302\u0303\u0304\u0305dmin",
    "nothing but a filler": "\u3164",
    "nothing but a blank of braille": "\u2800",
    "a blank of braille": "Admin\u2800",
    "a blank of braille ahead": "\u2800Admin",
    "a blank of music": "Admin\U0001d159",
    "a line of its own": "Admin\nBob",
    "a NUL": "Admin\x00",
    "a bell": "Admin\x07",
    "an escape": "\x1b[2JAdmin",
    "an object": "Admin\ufffc",
    "a language tag": "Admin\U000e0001",
}
"""Names with invisible characters or ones that change the direction of text: refused."""

MARKUP = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</script><b>",
    '"><svg onload=alert(1)>',
    "{{7*7}} ${7*7}",
    "javascript:alert(1)",
    "'; DROP TABLE players; --",
    "=1+1|cmd",
    "%s%n%x",
    "../../etc/passwd",
]

ROUTES = ["/api/guests", "/api/players"]


async def ask_for(browser: Visitor, path: str, name: str) -> tuple[int, str]:
    content = json.dumps({"name": name, "password": "correct horse"})
    response = await browser.http.post(
        path, content=content, headers={"Content-Type": "application/json"}
    )
    if response.status_code == 201:
        return 201, response.json()["player"]["name"]
    assert "set-cookie" not in response.headers
    return refusal(response)


@pytest.mark.parametrize("path", ROUTES)
async def test_a_name_that_looks_like_a_taken_one_is_refused(server: LiveServer, path: str) -> None:
    await server.member(VICTIM)
    eve = await server.visitor()
    for what, name in TWINS.items():
        assert await ask_for(eve, path, name) == (409, "name_taken"), what


@pytest.mark.parametrize("path", ROUTES)
async def test_a_name_with_hidden_characters_is_refused(server: LiveServer, path: str) -> None:
    eve = await server.visitor()
    for what, name in HIDDEN.items():
        assert await ask_for(eve, path, name) == (422, "invalid"), what
    assert not server.still_here.registry.players


@pytest.mark.parametrize("path", [*ROUTES, "/api/session"])
async def test_a_name_that_is_no_text_or_far_too_long_is_refused_before_it_is_prepared(
    server: LiveServer, path: str
) -> None:
    eve = await server.visitor()
    for name in ("Admin\ud800", "\udc00Admin", "\udc00\ud800"):  # halves of surrogate pairs
        assert await ask_for(eve, path, name) == (400, "bad_json")
    for character in ("A", "\u0301", "\u202e", "\ufdfa"):
        assert await ask_for(eve, path, character * 100_000) == (413, "too_large")
        expected = (401, "bad_credentials") if path == "/api/session" else (422, "invalid")
        # As many as fit into a body, or into a name for signing in.
        most = 1_000 if path == "/api/session" else 10_000
        assert await ask_for(eve, path, character * most) == expected
    assert not server.still_here.registry.players


async def test_the_first_of_two_look_alikes_has_the_name_whichever_script_it_is_in(
    server: LiveServer,
) -> None:
    await server.guest("\u0410\u0441\u0435")  # Cyrillic throughout
    eve = await server.visitor()
    for name in ("Ace", "ACE", "\uff21ce"):
        assert await ask_for(eve, "/api/players", name) == (409, "name_taken")


async def test_a_name_that_looks_the_same_does_not_sign_in(tmp_path: Path) -> None:
    """A name that only looks the same is not the same name."""
    async with run_server(tmp_path / "test.db", limits=Limits(accounts=UNLIMITED)) as server:
        await server.member(VICTIM)
        eve = await server.visitor()
        for what, name in (TWINS | HIDDEN).items():
            is_same = unicodedata.normalize("NFKC", name).strip().casefold() == VICTIM.casefold()
            body = json.dumps({"name": name, "password": "correct horse"})
            headers = {"Content-Type": "application/json"}
            if not is_same:
                response = await eve.http.post("/api/session", content=body, headers=headers)
                assert refusal(response) == (401, "bad_credentials"), what


async def test_joined_emoji_are_refused_and_single_ones_count_by_the_piece(
    server: LiveServer,
) -> None:
    eve = await server.visitor()
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    # The joiners between them are invisible: families are refused, single faces are not.
    assert await ask_for(eve, "/api/guests", family) == (422, "invalid")
    assert await ask_for(eve, "/api/guests", "\U0001f468" * 41) == (422, "invalid")
    assert (await ask_for(eve, "/api/guests", "\U0001f468\U0001f469"))[0] == 201


async def test_markup_in_a_name_is_accepted_and_returned_as_data(server: LiveServer) -> None:
    watcher = await (await server.guest("Watcher")).tab()
    await watcher.ask("watch", "roster", topic="lobby")
    for name in MARKUP:
        eve = await server.visitor()
        assert await ask_for(eve, "/api/guests", name) == (201, name)
        id = (await eve.http.get("/api/session")).json()["player"]["id"]
        assert (await eve.http.get(f"/api/players/{id}")).json()["name"] == name
        for path in ["/api/session", "/api/players", f"/api/players/{id}", "/api/sessions"]:
            response = await eve.http.get(path)
            assert response.headers["content-type"] == "application/json"
            assert response.headers["x-content-type-options"] == "nosniff"
        # The refusal repeats it as data as well.
        repeated = await (await server.visitor()).http.post("/api/guests", json={"name": name})
        assert refusal(repeated) == (409, "name_taken")
        assert name in repeated.json()["detail"]
    roster = await watcher.ask("watch", "roster", topic="lobby")
    assert {each["name"] for each in roster["players"]} == {"Watcher", *MARKUP}


SINKS = [
    *("innerHTML", "outerHTML", "insertAdjacentHTML", "setHTML", "srcdoc"),
    *("parseFromString", "createContextualFragment", "document.write", "eval(", "new Function"),
]
"""Functions and properties that make elements or code of a string."""


def test_the_page_inserts_text_and_never_markup() -> None:
    """`textContent` only (ASVS 5.0, 3.2.2). `end_to_end/test_page.py` tries it in a browser."""
    scripts = sorted(static_folder().rglob("*.js"))
    assert len(scripts) > 30
    found = {
        (script.relative_to(static_folder()).as_posix(), word)
        for script in scripts
        for word in SINKS
        if word in script.read_text()
    }
    # `addPicture`: the pictures come with the games.
    assert found == {("page/games.js", "parseFromString")}
