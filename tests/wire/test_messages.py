"""Every message, both ways: known, or an error that can be sent back."""

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.wire import messages
from server.wire.messages import (
    LARGEST_ID,
    Error,
    Hold,
    Look,
    Ping,
    Release,
    Unwatch,
    Watch,
    encode,
    parse,
)

KNOWN = (Ping, Hold, Release, Look, Watch, Unwatch, Error)
REQUIRED: dict[str, dict[str, Any]] = {
    "hold": {"seconds": 1},
    "watch": {"topic": "lobby"},
    "unwatch": {"topic": "lobby"},
    "quick_match": {},
    "act": {"room": "r", "action": 1},
    "say": {"room": "r", "text": "Hello"},
    "claim": {"room": "r", "result": "win"},
    "pulse": {"room": "r", "seat": 0},
    "brb": {"room": "r", "seconds": 1},
    "join": {"room": "r"},
    "leave": {"room": "r"},
    "start": {"room": "r"},
}
"""The fields without which a message of that type is refused."""

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
near_messages = st.fixed_dictionaries(
    {"type": st.sampled_from(["ping", "hold", "release", "look", "watch", "unwatch", "pong", 5])},
    optional={
        "id": json_values,
        "seconds": json_values,
        "why": json_values,
        "away": json_values,
        "topic": json_values,
        "x": json_values,
    },
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type": "ping"}', Ping()),
        ('{"id": 7, "type": "ping"}', Ping(7)),
        ('{"type": "ping", "id": "a"}', Ping("a")),
        ('{"type": "hold", "seconds": 5}', Hold(5.0)),
        ('{"type": "hold", "seconds": 0.5, "why": null}', Hold(0.5)),
        ('{"type": "hold", "seconds": 5, "why": "thinking"}', Hold(5.0, "thinking")),
        ('{"type": "hold", "seconds": 5, "away": true}', Hold(5.0, away=True)),
        ('{"type": "release"}', Release()),
        ('{"type": "look"}', Look()),
        ('{"type": "watch", "topic": "lobby"}', Watch("lobby")),
        ('{"type": "unwatch", "topic": "lobby", "x": [[[1]]]}', Unwatch("lobby")),
        (' \n{"type": "\\u0070ing"}\t', Ping()),
    ],
)
def test_valid_messages_are_parsed(text: str, message: messages.ClientMessage) -> None:
    assert parse(text) == message


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_any_text_is_a_message_or_an_error(text: str) -> None:
    assert isinstance(parse(text), KNOWN)


@given(st.binary(max_size=200))
def test_any_bytes_read_as_text_are_a_message_or_an_error(data: bytes) -> None:
    assert isinstance(parse(data.decode("utf-8", "replace")), KNOWN)
    assert isinstance(parse(data.decode("utf-8", "surrogateescape")), KNOWN)


@given(json_values | near_messages, st.booleans())
def test_any_json_is_a_message_or_an_error_that_can_be_sent(value: Any, is_ascii: bool) -> None:
    answer = parse(json.dumps(value, ensure_ascii=is_ascii))
    assert isinstance(answer, KNOWN)
    if isinstance(answer, Error):
        sent = json.loads(encode(answer))
        assert sent["type"] == "error"
        assert sent["detail"]
        assert len(encode(answer)) < 1000


@given(near_messages)
def test_only_well_formed_messages_are_accepted(value: dict[str, Any]) -> None:
    answer = parse(json.dumps(value))
    match answer:
        case Ping(id=id):
            assert isinstance(id, str | int | float | None) or "id" not in value
        case Hold(seconds=seconds, why=why, away=away):
            assert isinstance(away, bool)
            assert seconds > 0
            assert why is None or isinstance(why, str)
        case Watch(topic=topic) | Unwatch(topic=topic):
            assert isinstance(topic, str)
        case Error(code=code):
            assert code in ("bad_json", "invalid", "unknown_type")


@pytest.mark.parametrize("depth", [10, 900, 1100, 8000, 100_000])
@pytest.mark.parametrize("start", ["[", '{"type":', '{"type": "ping", "id": ['])
def test_any_depth_of_nesting_is_bad_json_and_no_crash(depth: int, start: str) -> None:
    answer = parse(start * depth)
    assert isinstance(answer, Error)
    assert answer.code == "bad_json"


def test_fields_are_accepted_up_to_their_greatest_length() -> None:
    assert isinstance(parse(json.dumps({"type": "ping", "id": "é" * 100})), Ping)
    assert isinstance(parse(json.dumps({"type": "ping", "id": "é" * 101})), Error)
    hold = {"type": "hold", "seconds": 1}
    assert isinstance(parse(json.dumps({**hold, "why": "é" * 200})), Hold)
    assert isinstance(parse(json.dumps({**hold, "why": "é" * 201})), Error)


@pytest.mark.parametrize("id", ["", "a" * 100, "é" * 100, 0, 7, LARGEST_ID])
def test_every_message_but_a_ping_may_have_an_id(id: str | int) -> None:
    for each in get_args(messages.ClientMessage):
        kind = each.__struct_config__.tag
        text = json.dumps({"type": kind, **REQUIRED.get(kind, {}), "id": id})
        assert parse(text).id == id


@pytest.mark.parametrize("id", ["a" * 101, -1, LARGEST_ID + 1, 1.5, True, [], {}, 1e300])
def test_an_invalid_id_is_refused_in_words_and_not_echoed(id: Any) -> None:
    answer = parse(json.dumps({"type": "act", "room": "r", "action": 1, "id": id}))
    detail = (
        "An `id` is a string of at most 100 characters, or an integer from 0 to 9007199254740991."
    )
    assert answer == Error("invalid", detail, "act")
    assert "id" not in json.loads(encode(answer))


def test_a_null_id_counts_as_no_id() -> None:
    answer = parse('{"type": "look", "id": null}')
    assert answer == Look(id=None)


@pytest.mark.parametrize(
    "message",
    [{"type": "act"}, {"type": "watch", "topic": 5}, {"type": "no such type"}, {}, {"type": 5}],
)
def test_a_message_refused_before_it_is_decoded_gets_its_id_back(message: dict[str, Any]) -> None:
    answer = parse(json.dumps({**message, "id": "x7"}))
    assert isinstance(answer, Error)
    type_ = message.get("type")
    assert answer.re == (type_ if isinstance(type_, str) else msgspec.UNSET)
    assert answer.id == "x7"
    assert parse(json.dumps({**message, "id": []})).id is msgspec.UNSET


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400])
def test_a_message_with_a_number_beyond_floats_gets_its_type_and_id_back(number: str) -> None:
    answer = parse(f'{{"type": "hold", "seconds": {number}, "id": 7}}')
    assert answer == Error("invalid", "Number out of range - at `$.seconds`.", "hold", 7)
    answer = parse(f'{{"type": "no such type", "x": {number}, "id": 7}}')
    assert isinstance(answer, Error)
    assert (answer.code, answer.id) == ("unknown_type", 7)


def test_unset_fields_are_not_sent() -> None:
    assert json.loads(encode(messages.Pong(1.5))) == {"type": "pong", "expires_in": 1.5}
    assert json.loads(encode(Error("invalid", "No."))) == {
        "type": "error",
        "code": "invalid",
        "detail": "No.",
    }
