"""`/openapi.json`: the HTTP API as an OpenAPI 3.1 document, generated from the calls."""

import re
from collections.abc import Iterable
from functools import cached_property
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server import __version__
from server.transport.limits import Limits as TransportLimits
from server.web.allowance import DOCUMENT
from server.web.caller import PASSIVE_CALLS
from server.web.calls import Call, Cookie, Text
from server.web.limits import Limits
from server.web.problems import meaning
from server.wire.names import COOKIE, COOKIE_BY_TLS, JSON, PASSIVE, SOCKET_PATH
from server.wire.problem import PROBLEM_JSON, ProblemDetails

NOT_CALLS = {
    "/": "the page, which the browser gets",
    "/favicon.ico": "its picture",
    "/static/{path:path}": "its modules, styles and pictures",
}
"""Routes that are no calls, and are not in the document. Nor is `/ws`, the WebSocket, which
docs/protocol.md describes."""

_ABOUT = (
    "Who is really there. Durations are seconds left, instants are RFC 3339 in UTC. Every refusal "
    "is a problem (RFC 9457) whose `code` is a stable word; what is no call at all is a 404 "
    "`not_found` or, with `Allow`, a 405 `method_not_allowed`. Whatever has GET has HEAD. A "
    "request with a session's cookie counts as activity of its player, unless it is refused, "
    f"passive by nature, or says `{PASSIVE}: 1`. Unsafe methods are for pages of the server's own "
    "origin, of those in ALLOWED_ORIGINS, and for programs, which send no `Origin`. The WebSocket "
    f"at `{SOCKET_PATH}` carries warnings and the lobby: see docs/protocol.md. Left out here: "
    + ", ".join(f"`{path.replace(':path', '')}` ({what})" for path, what in NOT_CALLS.items())
    + "."
)

_COOKIES = {"session": COOKIE, "session_by_tls": COOKIE_BY_TLS}
_REFERENCE = "#/components/schemas/{name}"
_NEEDED: list[dict[str, list[str]]] = [{id: []} for id in _COOKIES]
_SECURITY: dict[Cookie, list[dict[str, list[str]]]] = {
    Cookie.IGNORED: [],
    Cookie.WELCOME: [{}, *_NEEDED],
    Cookie.SET: [{}, *_NEEDED],
    Cookie.NEEDED: _NEEDED,
    Cookie.TAKEN_AWAY: _NEEDED,
}
_COUNTED = (Cookie.WELCOME, Cookie.NEEDED)
_PASSIVE = {
    "name": PASSIVE,
    "in": "header",
    "description": "`1`: this request is no activity.",
    "schema": {"type": "string", "enum": ["1"]},
}
_RETRY_AFTER = {
    "description": "Seconds after which asking again makes sense.",
    "schema": {"type": "integer", "minimum": 1},
}
_SET_COOKIE = {
    "description": "The session cookie, or its removal.",
    "schema": {"type": "string"},
}


class Description:
    """Serves `/openapi.json`. `calls` are all calls, including this one."""

    def __init__(self, calls: Iterable[Call], limits: Limits, transport: TransportLimits) -> None:
        self._limits = limits
        self._transport = transport
        call = Call(
            "GET",
            DOCUMENT,
            self.show,
            "This document.",
            answers={200: dict[str, Any]},
            is_long=True,
        )
        self.calls = [*calls, call]

    async def show(self, request: Request) -> Response:
        headers = {"content-type": JSON, "cache-control": "no-cache"}
        return Response(self._encoded, headers=headers)

    @cached_property
    def _encoded(self) -> bytes:
        return msgspec.json.encode(document(self.calls, self._limits, self._transport))


def document(calls: Iterable[Call], limits: Limits, transport: TransportLimits) -> dict[str, Any]:
    """Return the OpenAPI document of `calls`, with these limits."""
    calls = list(calls)
    types: list[Any] = [ProblemDetails]
    for call in calls:
        types += [type_ for type_ in (call.takes, *call.answers.values()) if _is_json(type_)]
        types += call.details.values()
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    schema_of = dict(zip(types, schemas, strict=True))
    meanings = {
        code: meaning(code, limits, transport)
        for call in calls
        for codes in call.problems.values()
        for code in codes
    }
    paths: dict[str, Any] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, schema_of, meanings)
        for name, more in call.fields.items():
            component = components[schema_of[call.takes]["$ref"].rpartition("/")[2]]
            component["properties"][name] |= more
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Still Here",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "parameters": {PASSIVE: _PASSIVE},
            "headers": {"Retry-After": _RETRY_AFTER, "Set-Cookie": _SET_COOKIE},
            "securitySchemes": {
                id: {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": name,
                    "description": "Set at a sign-in; "
                    + ("by TLS." if name.startswith("__") else "on plain HTTP."),
                }
                for id, name in _COOKIES.items()
            },
        },
    }


def _is_json(type_: Any) -> bool:
    return type_ is not None and not isinstance(type_, Text)


def _operation(call: Call, schema_of: dict[Any, Any], meanings: dict[str, str]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": call.name,
        "summary": call.summary,
        "parameters": _parameters(call),
        "security": _SECURITY[call.cookie],
        "responses": {
            str(status): _answer(call, status, type_, schema_of)
            for status, type_ in call.answers.items()
        }
        | {
            str(status): _refusal(
                status, codes, schema_of[call.details.get(status, ProblemDetails)], meanings
            )
            for status, codes in call.problems.items()
        },
    }
    if call.takes is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": schema_of[call.takes]}},
        }
    return operation


def _parameters(call: Call) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", call.path)
    ]
    parameters += [
        {"name": each.name, "in": "query", "description": each.about, "schema": each.schema}
        for each in call.query
    ]
    if call.cookie in _COUNTED and (call.method, call.path) not in PASSIVE_CALLS:
        parameters.append({"$ref": f"#/components/parameters/{PASSIVE}"})
    return parameters


def _answer(call: Call, status: int, type_: Any, schema_of: dict[Any, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if call.cookie in (Cookie.SET, Cookie.TAKEN_AWAY):
        answer["headers"] = {"Set-Cookie": {"$ref": "#/components/headers/Set-Cookie"}}
    if isinstance(type_, Text):
        answer["content"] = {str(type_): {"schema": {"type": "string"}}}
    elif type_ is not None:
        answer["content"] = {JSON: {"schema": schema_of[type_]}}
    return answer


def _refusal(
    status: int, codes: list[str], details: dict[str, Any], meanings: dict[str, str]
) -> dict[str, Any]:
    schema = details | {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    refusal: dict[str, Any] = {
        "description": " ".join(f"`{code}`: {meanings[code]}" for code in codes),
        "content": {PROBLEM_JSON: {"schema": schema}},
    }
    if status in (429, 503):
        refusal["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return refusal
