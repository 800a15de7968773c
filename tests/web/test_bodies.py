"""Invalid bodies and queries: each gets its answer, and other players notice nothing."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.web.limits import Limits
from tests.support.answers import Bystanders, refusal
from tests.support.live_server import LiveServer

LARGEST = Limits().largest_body
JSON = {"Content-Type": "application/json"}
WITH_BODY = ["/api/guests", "/api/players", "/api/session"]

BROKEN = {
    "nothing": b"",
    "a space": b" ",
    "half": b'{"name": "Ada"',
    "two": b'{"name": "Ada"} {"name": "Ada"}',
    "a trailing comma": b'{"name": "Ada",}',
    "single quotes": b"{'name': 'Ada'}",
    "a word": b"name",
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": -Infinity}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "half a pair": b'{"name": "\\udc00\\ud800"}',
    "Latin-1": '{"name": "Zoë"}'.encode("latin-1"),
    "an overlong NUL": b'{"name": "\xc0\x80"}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "UTF-16": '{"name": "Ada"}'.encode("utf-16"),
    "a raw newline in a string": b'{"name": "A\nda"}',
    "a raw NUL": b"\x00",
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"a":' * 10_000,
    "deep inside a known field": b'{"name":' + b"[" * 50_000,
    "a form": b"name=Ada&password=correct+horse",
}

WRONG: dict[str, Any] = {
    "a list": [],
    "null": None,
    "a string": "Ada",
    "a number": 5,
    "no fields": {},
    "name: number": {"name": 5, "password": "correct horse"},
    "name: null": {"name": None, "password": "correct horse"},
    "name: list": {"name": ["Ada"], "password": "correct horse"},
    "name: object": {"name": {"$ne": ""}, "password": "correct horse"},
    "name: true": {"name": True, "password": "correct horse"},
}

HOSTILE_NAMES = {
    "empty": "",
    "blank": " \t ",
    "too long": "a" * 41,
    "far too long": "a" * 10_000,
    "a control": "A\x07da",
    "NUL": "A\x00da",
    "a newline": "Ada\nBob",
    "escape": "\x1b[31mAda",
    "right to left override": "\u202eadA",
    "an isolate": "\u2067Ada\u2069",
    "a zero-width space": "Ada\u200b",
    "a zero-width joiner": "Ada\u200d",
    "a soft hyphen": "A\u00adda",
    "a byte order mark": "\ufeffAda",
    "a private character": "Ada\ue000",
    "an unassigned character": "Ada\U000e0fff",
    "a tag character": "Ada\U000e0041",
    "a noncharacter": "Ada\ufffe",
    "a line separator": "Ada\u2028",
    "nothing visible": "\u115f",
    "braille blank": "\u2800",
    "a heap of marks": "A" + "\u0301" * 30,
}


@pytest.mark.parametrize("path", WITH_BODY)
async def test_a_body_that_is_not_json_is_broken(bystanders: Bystanders, path: str) -> None:
    for what, body in BROKEN.items():
        response = await bystanders.ada.http.post(path, content=body, headers=JSON)
        assert refusal(response) == (400, "bad_json"), what
        assert response.json()["detail"].endswith("."), what


@pytest.mark.parametrize("path", WITH_BODY)
async def test_json_of_the_wrong_shape_is_invalid(bystanders: Bystanders, path: str) -> None:
    for what, body in WRONG.items():
        content = json.dumps(body).encode()
        response = await bystanders.ada.http.post(path, content=content, headers=JSON)
        assert refusal(response) == (422, "invalid"), what


async def test_fields_of_the_wrong_type_are_invalid(bystanders: Bystanders) -> None:
    right = {"name": "Ada", "password": "correct horse"}
    cases: list[tuple[str, str, list[Any]]] = [
        ("/api/players", "password", [None, 5, ["correct horse"], {}, True, 1e300]),
        ("/api/session", "password", [None, 5, ["correct horse"], {}, True]),
        ("/api/session", "remember", [None, 0, 1, "true", [], {}]),
    ]
    for path, field, values in cases:
        for value in values:
            response = await bystanders.ada.http.post(path, json={**right, field: value})
            assert refusal(response) == (422, "invalid"), (path, field, value)


async def test_numbers_out_of_range_are_refused(bystanders: Bystanders) -> None:
    for number in ["1e999", "-1e999", "9" * 400, "1e-999", "0." + "1" * 400]:
        body = f'{{"name": {number}}}'.encode()
        response = await bystanders.ada.http.post("/api/guests", content=body, headers=JSON)
        assert refusal(response) == (422, "invalid"), number


async def test_a_repeated_key_counts_once(server: LiveServer) -> None:
    browser = await server.visitor()
    body = b'{"name": 5, "name": "Eve"}'
    response = await browser.http.post("/api/guests", content=body, headers=JSON)
    assert response.status_code in (201, 422)


@pytest.mark.parametrize("path", ["/api/guests", "/api/players"])
async def test_a_hostile_name_is_invalid(bystanders: Bystanders, path: str) -> None:
    for what, name in HOSTILE_NAMES.items():
        body = json.dumps({"name": name, "password": "correct horse"})
        response = await bystanders.ada.http.post(path, content=body, headers=JSON)
        assert refusal(response) == (422, "invalid"), what
        assert response.json()["detail"].isprintable(), what


# Size


def padded(size: int) -> bytes:
    """A body of exactly `size` bytes that would sign in a guest."""
    body = b'{"name": "Eve"}'
    return body + b" " * (size - len(body))


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    """A body without a length."""
    for start in range(0, len(body), 8192):
        yield body[start : start + 8192]


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_of_64_kib_is_accepted(server: LiveServer, is_chunked: bool) -> None:
    browser = await server.visitor()
    body = padded(LARGEST)
    response = await browser.http.post(
        "/api/guests", content=chunks(body) if is_chunked else body, headers=JSON
    )
    assert response.status_code == 201


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("size", [LARGEST + 1, 2_000_000])
async def test_a_body_over_64_kib_is_too_large(
    bystanders: Bystanders, is_chunked: bool, size: int
) -> None:
    for path in WITH_BODY:
        body = padded(size)
        response = await bystanders.ada.http.post(
            path, content=chunks(body) if is_chunked else body, headers=JSON
        )
        assert refusal(response) == (413, "too_large"), path


async def test_a_hundred_thousand_nested_brackets_are_too_large(bystanders: Bystanders) -> None:
    response = await bystanders.ada.http.post("/api/guests", content=b"[" * 100_000, headers=JSON)
    assert refusal(response) == (413, "too_large")


# Queries


async def test_an_invalid_query_is_refused(server: LiveServer) -> None:
    browser = await server.visitor()
    for query in [
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=",
        "limit=1.5",
        "limit=1e2",
        "limit=%2B5",
        "limit=1_0",
        "limit=%D9%A3",
        "limit=99999999999999999999999",
        "status=here",
        "status=OFFLINE",
        "status=%00",
    ]:
        response = await browser.http.get(f"/api/players?{query}")
        assert refusal(response) == (422, "invalid"), query


async def test_the_size_of_a_page_is_limited_at_both_ends(server: LiveServer) -> None:
    browser = await server.visitor()
    for limit in (1, 500):
        assert (await browser.http.get(f"/api/players?limit={limit}")).status_code == 200
