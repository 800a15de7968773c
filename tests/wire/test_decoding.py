"""The error for a text that is not JSON."""

import sys
from types import FrameType
from typing import Any

import msgspec
import pytest

from server.base.decoding import BROKEN
from server.wire.decoding import NotJson, what_is_wrong

HALF = "is half of a surrogate pair, and no character; escape both halves, or send the character"


def why(data: bytes | str) -> str:
    with pytest.raises(BROKEN) as caught:
        msgspec.json.decode(data)
    wrong = what_is_wrong(data, caught.value)
    assert isinstance(wrong, NotJson)
    return wrong.why


@pytest.mark.parametrize(
    ("data", "escape", "at"),
    [
        (b'{"name":"\\ud800"}', "\\ud800", 9),
        (b'{"name":"a\\uDC00b","password":"xxxxxxxxxxx"}', "\\uDC00", 10),
        (b'["\\udc00\\ud800"]', "\\udc00", 2),
        (b'["\\ud83d\\ude00", "\\ud83d-\\ude00"]', "\\ud83d", 18),
        (b'["\\ud83d\\ud83d\\ude00"]', "\\ud83d", 2),
        (b'["\\\\ud800", "\\ud800\\u0041"]', "\\ud800", 13),
        (b'["\\\\\\ud800\\\\\\udc00"]', "\\ud800", 4),
        (b'["\\ud83d\\ude00\\ude00"]', "\\ude00", 14),
    ],
)
def test_half_of_a_surrogate_pair_is_named(data: bytes, escape: str, at: int) -> None:
    told = f"the escape {escape} (byte {at}) {HALF} itself"
    assert why(data) == told
    assert why(data.decode()) == told


@pytest.mark.parametrize("data", [b'["\\ud800', b'["\\ud800", x]', b'{"a": \\ud800}'])
def test_text_with_another_error_is_not_blamed_on_a_surrogate(data: bytes) -> None:
    assert "surrogate pair, and no character" not in why(data)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'{"name":"\xed\xa0\x80"}', "it is not UTF-8 (byte 9 is 0xed)"),
        (b'{"name":"Zo\xeb"}', "it is not UTF-8 (byte 11 is 0xeb)"),
        (b"[" * 60_000, "it is nested too deeply"),
    ],
    ids=["a surrogate", "Latin-1", "deep"],
)
def test_bytes_that_json_cannot_contain_are_named(data: bytes, told: str) -> None:
    assert why(data) == told


def steps_of(data: bytes) -> int:
    """Lines of code and calls that run to name the fault of `data`."""
    with pytest.raises(BROKEN) as caught:
        msgspec.json.decode(data)
    steps = 0

    def count(_: FrameType, event: str, __: object) -> Any:
        nonlocal steps
        steps += event in ("line", "c_call")
        return count

    tracing, profiling = sys.gettrace(), sys.getprofile()
    sys.settrace(count)
    sys.setprofile(count)
    try:
        what_is_wrong(data, caught.value)
    finally:
        sys.setprofile(profiling)
        sys.settrace(tracing)
    return steps


@pytest.mark.parametrize("escape", [b"\\\\", b"\\n", b"\\ud800", b"\\ud83d\\ude00"])
def test_a_fault_is_named_in_as_many_steps_however_many_escapes_there_are(escape: bytes) -> None:
    few, many = (b'{"name":"' + escape * n + b'\\udc00"}' for n in (10, 5_000))
    steps_of(few)  # the first one compiles the replacement
    assert 0 < steps_of(many) == steps_of(few)
