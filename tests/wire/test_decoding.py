"""The error for a text that is not JSON."""

import msgspec
import pytest

from server.wire.decoding import BROKEN, NotJson, what_is_wrong

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
