"""Requests that h11 parses: bounded heads, and where one request ends. More in `test_http.py`."""

import pytest

from server.transport.limits import Limits
from server.transport.parser import RequestParser
from server.transport.request import RequestHead
from server.wire.problem import Problem

LIMITS = Limits()
POST = b"POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\n"


def parser_of(data: bytes) -> RequestParser:
    parser = RequestParser(LIMITS)
    assert parser.feed(data) == b""
    return parser


def test_the_head_comes_first_then_the_body_as_it_arrives_then_the_end() -> None:
    parser = parser_of(POST + b"ab")
    head = parser.next_part()
    assert isinstance(head, RequestHead)
    assert head.target == b"/x"
    assert parser.next_part() == b"ab"
    assert parser.next_part() is None
    assert not parser.is_complete
    parser.feed(b"cdGET /next")
    assert parser.next_part() == b"cd"
    assert parser.next_part() is None
    assert parser.is_complete
    assert parser.rest == b"GET /next"


def test_no_more_of_a_head_is_taken_than_shows_that_it_is_too_large() -> None:
    parser = RequestParser(LIMITS)
    first = b"GET / HTTP/1.1\r\nHost: "
    assert parser.feed(first) == b""
    assert parser.next_part() is None
    room = LIMITS.largest_header + 1 - len(first)
    assert parser.feed(b"a" * room + b"rest") == b"rest"
    with pytest.raises(Problem) as raised:
        parser.next_part()
    assert raised.value.status == 431


def test_a_body_is_taken_whole_and_counted() -> None:
    size = LIMITS.largest_request
    head = POST.replace(b" 4", b" %d" % size)
    parser = parser_of(head)
    assert isinstance(parser.next_part(), RequestHead)
    assert parser.feed(bytes(size - len(head))) == b""
    assert not parser.is_too_large
    assert parser.feed(b"x") == b""
    assert parser.is_too_large


@pytest.mark.parametrize(("method", "is_head"), [(b"HEAD", True), (b"GET", False)])
def test_what_is_refused_within_its_head_is_known_to_be_a_head_request(
    method: bytes, is_head: bool
) -> None:
    parser = parser_of(method + b" / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    with pytest.raises(Problem):
        parser.next_part()
    assert parser.is_head is is_head
