"""`/openapi.json` is right: it has every route, and the responses to schemathesis' requests conform
to it."""

import ast
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import given, settings

from server.accounts.errors import NameRule, PasswordRule
from server.web.calls import Cookie
from server.web.devices import BROWSERS, SYSTEMS
from server.web.openapi import NOT_CALLS
from server.web.problems import PROBLEMS
from server.wire.problem import ProblemDetails
from tests.hostile.conftest import GENERATED, OTHERS_USE_RANDOM, Served
from tests.support.answers import calls_of, routes_of
from tests.support.examples import examples
from tests.support.live_server import LiveServer
from tests.support.paths import ROOT

EXAMPLES = {"positive": 6, "negative": 4}
"""Examples of each call by schemathesis' modes: requests that the document allows, and others."""


async def document_of(server: LiveServer) -> dict[str, Any]:
    visitor = await server.visitor()
    response = await visitor.http.get("/openapi.json")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    assert isinstance(document, dict)
    return document


async def test_every_route_is_in_the_document_or_named_as_left_out(server: LiveServer) -> None:
    document = await document_of(server)
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    there = set()
    for route in routes_of(server.still_here.app):
        if route.path in NOT_CALLS:
            assert route.path.replace(":path", "") in document["info"]["description"]
        else:
            there |= {(method, route.path) for method in (route.methods or set()) - {"HEAD"}}
    assert described == there
    assert "/ws" in document["info"]["description"]
    assert set(NOT_CALLS) <= {getattr(each, "path", "") for each in server.still_here.app.routes}


async def test_the_document_describes_the_cookie_passive_requests_and_refusals(
    server: LiveServer,
) -> None:
    document = await document_of(server)
    schemes = document["components"]["securitySchemes"].values()
    assert {(each["in"], each["name"]) for each in schemes} == {
        ("cookie", "session"),
        ("cookie", "__Host-session"),
    }
    for call in calls_of(server.still_here.app):
        operation = document["paths"][call.path][call.method.lower()]
        is_passive = "passive" in operation["summary"] or not call.path.startswith("/api/")
        takes_passive = {"$ref": "#/components/parameters/Passive"} in operation["parameters"]
        ends_something = call.cookie in (Cookie.SET, Cookie.TAKEN_AWAY)
        assert takes_passive == (not is_passive and not ends_something), call.path
        needs = {"session": []} in operation["security"] and {} not in operation["security"]
        assert needs == ("401" in operation["responses"] and call.path != "/api/session") or (
            call.path == "/api/session"
        )
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                (media_type,) = response["content"]
                assert media_type == "application/problem+json"
                assert response["description"].startswith("`")
    assert set(document["components"]["schemas"]["ProblemDetails"]["required"]) == set(
        ProblemDetails.__struct_fields__
    )


async def test_the_document_describes_refusals_with_further_members(server: LiveServer) -> None:
    document = await document_of(server)
    schemas = document["components"]["schemas"]
    said = {
        (call.method, call.path, status): response["content"]["application/problem+json"]["schema"]
        for call in calls_of(server.still_here.app)
        for status, response in document["paths"][call.path][call.method.lower()][
            "responses"
        ].items()
        if int(status) >= 400
    }
    more = {where: schema["$ref"].rpartition("/")[2] for where, schema in said.items()}
    expected = {("GET", "/api/session", "401"): "NotSignedIn"}
    refused = "NameOrPasswordRefused"
    expected |= {("POST", path, "422"): refused for path in ("/api/guests", "/api/players")}
    expected["PUT", "/api/password", "422"] = refused
    assert {where: name for where, name in more.items() if name != "ProblemDetails"} == expected
    assert "policy" in schemas["NotSignedIn"]["required"]
    assert "remember_lifetime" in schemas["SignInPolicy"]["required"]
    assert "remember_lifetime" not in schemas["PolicyView"]["properties"]
    rules = [each["enum"] for each in schemas[refused]["properties"]["rule"]["anyOf"]]
    assert rules == [sorted(get_args(NameRule)), sorted(get_args(PasswordRule))]
    assert not {"rule", "limit", "length", "character"} & set(schemas[refused]["required"])
    browsers, _ = schemas["OwnSession"]["properties"]["browser"]["anyOf"]
    assert browsers["enum"] == list(BROWSERS)


def test_every_refusal_in_the_code_has_its_line_among_the_problems() -> None:
    raised = set()
    for path in sorted((ROOT / "server").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name(id="Problem" | "_later"),
                    args=[ast.Constant(value=int(status)), ast.Constant(value=str(code)), *_],
                ):
                    raised.add((code, status))
    assert len(raised) > 10
    assert {(code, PROBLEMS[code][0]) for code, _ in raised} == raised


def test_the_protocol_document_has_every_code() -> None:
    protocol = (ROOT / "docs" / "protocol.md").read_text()
    for code, (status, _) in PROBLEMS.items():
        assert f"`{code}`" in protocol, code
        assert re.search(rf"\b{status}\b", protocol), code
    for word in [*get_args(NameRule), *get_args(PasswordRule), *BROWSERS, *SYSTEMS]:
        assert re.search(rf"\b{word}\b", protocol), word


# Generated requests


@pytest.fixture
def schema(served: Served) -> Any:
    # Imported here, because every process of the suite imports this file and only one needs it.
    import schemathesis

    return schemathesis.openapi.from_url(f"{served.url}/openapi.json")


@pytest.fixture
def http() -> Iterator[Any]:
    import requests

    with requests.Session() as session:
        yield session


@OTHERS_USE_RANDOM
@pytest.mark.parametrize("mode", EXAMPLES)
def test_requests_generated_from_the_document_are_answered_as_it_says(
    served: Served, schema: Any, http: Any, mode: str
) -> None:
    player = Player(served, http)
    operations = [result.ok() for result in schema.get_all_operations()]
    # schemathesis leaves out the call of the document itself.
    assert len(operations) == len(calls_of(served.server.still_here.app)) - 1
    seen = {
        each.label: statuses_of(each, mode, http, player)
        for each in operations
        if mode == "positive" or can_be_wrong(each)
    }
    if mode == "positive":
        # The player was signed in.
        for label in ("GET /api/session", "GET /api/sessions", "POST /api/session/activity"):
            assert seen[label] == {200}
        assert 204 in seen["DELETE /api/session"]
        # Whether a generated name is valid depends on the constants of the code; `Player` signs in
        # as a guest with a valid one, and checks the 201.
        assert seen["POST /api/guests"] <= {201, 422}


def can_be_wrong(operation: Any) -> bool:
    """True if an example can be invalid: in a path or a cookie, any text is valid."""
    return any(len(list(part)) for part in (operation.query, operation.body))


def statuses_of(operation: Any, mode: str, http: Any, player: "Player") -> set[int]:
    """Generate calls of `operation`, send each with and without the player's cookie, check each
    response, and return the statuses of those with the cookie."""
    from schemathesis import checks
    from schemathesis.generation import GenerationMode

    # The other checks do not apply: a valid name may be taken, and unknown fields are ignored.
    promised = [
        checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    statuses = set()

    @settings(GENERATED, max_examples=examples(EXAMPLES[mode]))
    @given(case=operation.as_strategy(generation_mode=GenerationMode(mode)))
    def attack(case: Any) -> None:
        # Generating a call costs much more than sending it.
        for cookies in (player.cookies(), {}):
            response = case.call(session=http, cookies=cookies)
            http.cookies.clear()
            case.validate_response(response, checks=promised)
            if cookies:
                statuses.add(response.status_code)

    attack()
    return statuses


class Player:
    """A client that is signed in, whatever its last call did."""

    def __init__(self, served: Served, http: Any) -> None:
        self._served = served
        self._http = http
        self._count = 0
        self._cookies: dict[str, str] = {}

    def cookies(self) -> dict[str, str]:
        """The cookie of a living session; sign in again if the last one has ended."""
        url = f"{self._served.url}/api"
        if self._cookies and self._http.get(f"{url}/session", cookies=self._cookies).ok:
            return self._cookies
        self._count += 1
        response = self._http.post(f"{url}/guests", json={"name": f"Player {self._count}"})
        assert response.status_code == 201, response.text
        self._cookies = {each.name: each.value or "" for each in response.cookies}
        self._http.cookies.clear()
        return self._cookies
