"""The document is right about the server: its numbers are those of its limits."""

from pathlib import Path
from typing import Any

import pytest

from server.accounts.limits import Limits as AccountLimits
from server.limits import Limits
from server.transport.limits import Limits as TransportLimits
from server.web.limits import Limits as WebLimits
from tests.support.live_server import LiveServer, run_server

OTHERS = Limits(
    accounts=AccountLimits(
        longest_name=23, shortest_password=11, longest_password=57, longest_sign_in=101
    ),
    transport=TransportLimits(
        largest_header=12_345, longest_header_line=6_789, most_header_lines=77
    ),
    web=WebLimits(
        largest_body=54_321,
        page_of_players=7,
        largest_page_of_players=9,
        page_of_matches=3,
        largest_page_of_matches=5,
    ),
)


@pytest.fixture
async def document(tmp_path: Path) -> dict[str, Any]:
    async with run_server(tmp_path / "test.db", limits=OTHERS) as server:
        found = (await (await server.visitor()).http.get("/openapi.json")).json()
    assert isinstance(found, dict)
    return found


def test_bodies_are_described_by_the_limits_of_names_and_passwords(
    document: dict[str, Any],
) -> None:
    schemas = document["components"]["schemas"]
    for kind in ("NewGuest", "NewPlayer"):
        about = schemas[kind]["properties"]["name"]["description"]
        assert about.startswith("1 to 23 characters")
    for kind, field in (("NewPlayer", "password"), ("PasswordChange", "new")):
        password = schemas[kind]["properties"][field]
        assert password["description"].startswith("11 to 57 characters")
        assert (password["minLength"], password["maxLength"]) == (11, 57)
    for kind, field in (("SignIn", "name"), ("SignIn", "password"), ("PasswordChange", "current")):
        assert schemas[kind]["properties"][field] == {"type": "string", "maxLength": 101}


def test_refusals_are_described_by_the_limits_that_are_broken(document: dict[str, Any]) -> None:
    answers = document["paths"]["/api/guests"]["post"]["responses"]
    assert "over 54,321 bytes" in answers["413"]["description"]
    assert "over 6,789 bytes" in answers["414"]["description"]
    for figure in ("12,345 bytes", "77 lines", "6,789 bytes"):
        assert figure in answers["431"]["description"]


def test_pages_are_described_by_the_limits_of_pages(document: dict[str, Any]) -> None:
    for path, least, most in (("/api/players", 7, 9), ("/api/matches", 3, 5)):
        (schema,) = (
            each["schema"]
            for each in document["paths"][path]["get"]["parameters"]
            if each.get("name") == "limit"
        )
        assert (schema["default"], schema["maximum"]) == (least, most)


@pytest.mark.parametrize(("length", "code"), [(101, "bad_credentials"), (102, "invalid")])
@pytest.mark.parametrize("field", ["name", "password"])
async def test_too_long_a_name_or_password_is_refused_and_no_guess(
    tmp_path: Path, field: str, length: int, code: str
) -> None:
    async with run_server(tmp_path / "test.db", limits=OTHERS) as server:
        visitor = await server.visitor()
        body = {"name": "Ada", "password": "correct horse"} | {field: "x" * length}
        answer = (await visitor.http.post("/api/session", json=body)).json()
        assert answer["code"] == code
        assert code != "invalid" or f"`{field}` has at most 101 characters" in answer["detail"]


async def test_a_page_has_as_many_players_as_the_limits_say(tmp_path: Path) -> None:
    async with run_server(tmp_path / "test.db", limits=OTHERS) as server:
        await all_here(server, 10)
        visitor = await server.visitor()
        page = (await visitor.http.get("/api/players")).json()
        assert len(page["players"]) == 7
        assert len((await visitor.http.get("/api/players?limit=9")).json()["players"]) == 9
        assert (await visitor.http.get("/api/players?limit=10")).status_code == 422


async def all_here(server: LiveServer, count: int) -> None:
    for number in range(count):
        await (await server.guest(f"Player {number}")).tab()
