"""Characters that no text may contain: the same on every version of Python."""

import time
import unicodedata

import pytest

from server.base.text import code_of, emoji_around, find_unsafe, is_blank, printable

NONCHARACTERS = {*range(0xFDD0, 0xFDF0)} | {
    plane * 0x10000 + last for plane in range(17) for last in (0xFFFE, 0xFFFF)
}


def test_the_unsafe_characters_are_the_same_on_every_python() -> None:
    unsafe = set()
    for first in range(0, 0x110000, 256):
        points = range(first, first + 256)
        # Most ranges have none, which one call tells.
        if find_unsafe("".join(f"a{chr(point)}b" for point in points)):
            unsafe |= {point for point in points if find_unsafe(f"a{chr(point)}b")}
    expected = (
        {*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x2070)}
        | {*range(0xFFF9, 0xFFFC), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B)}
        | {*range(0xE0000, 0xE1000), *range(0xD800, 0xE000)}
        | NONCHARACTERS
    )
    assert unsafe == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hello", None),
        ("a\x07b", ("\x07", "a control character")),
        ("\u2067a", ("\u2067", "a character that changes the direction of text")),
        ("a\ufff9b\x00", ("\ufff9", "an invisible formatting character")),
        ("a\U0001ffff", ("\U0001ffff", "a code that is no character")),
    ],
)
def test_the_first_unsafe_character_is_named(text: str, found: tuple[str, str] | None) -> None:
    assert find_unsafe(text) == found


def tagged(text: str) -> str:
    """A black flag with `text` in invisible tag characters, and an end tag."""
    return "\U0001f3f4" + "".join(chr(0xE0000 + ord(each)) for each in text) + "\U000e007f"


@pytest.mark.parametrize("region", ["gbeng", "gbsct", "gbwls", "ustx", "fr75c", "840a"])
def test_tags_are_safe_only_in_the_flag_of_a_region(region: str) -> None:
    flag = tagged(region)
    assert find_unsafe(f"{flag} and {flag}!") is None
    for text in (flag[1:], flag[:-1], f"a{flag[1:]}", flag + flag[-1]):
        assert find_unsafe(text) is not None


@pytest.mark.parametrize("text", ["", "gb", "GBSCT", "gbscotl", "gb sct", "buy gold at", "a1sct"])
def test_a_flag_hides_no_text(text: str) -> None:
    assert find_unsafe(tagged(text)) is not None


def test_text_that_shows_nothing_is_blank() -> None:
    for text in ("", " ", "\u00a0\u3000", "\u200b\ufeff", "\u2800", "\u3164", "\ufe0f", "\u200d"):
        assert is_blank(text), ascii(text)
    for text in ("a", " .", "\u200b\u4e00", "\u2764\ufe0f", "\u0301", "\U0001fa77", "\uf8ff"):
        assert not is_blank(text), ascii(text)


def test_all_that_this_python_calls_a_space_is_blank() -> None:
    spaces = [chr(point) for point in range(0x110000) if unicodedata.category(chr(point)) == "Zs"]
    assert all(map(is_blank, spaces))


@pytest.mark.parametrize(
    ("text", "index", "emoji"),
    [
        ("Ada \u2764\ufe0f!", 5, "\u2764\ufe0f"),
        ("1\ufe0f\u20e3", 1, "1\ufe0f\u20e3"),
        (
            "\U0001f468\u200d\U0001f469\u200d\U0001f467 x",
            1,
            "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        ),
        ("\U0001f44d\U0001f3fd", 1, "\U0001f44d\U0001f3fd"),
        ("Ada\ufe0f", 3, None),
        ("Ada\u200d", 3, None),
        ("Ada", 1, None),
        ("\U0001f600", 0, None),
    ],
)
def test_an_emoji_is_found_around_its_parts(text: str, index: int, emoji: str | None) -> None:
    assert emoji_around(text, index) == emoji


def test_a_code_has_at_least_four_digits() -> None:
    assert [code_of(each) for each in "\x1b\u202e\U000e0041"] == ["U+001B", "U+202E", "U+E0041"]


@pytest.mark.parametrize(
    "text", ["\U0001f3f4", "\U0001f3f4\U000e0067", " ", "#\u200d", "a", "\u200b"]
)
def test_the_longest_message_is_checked_quickly(text: str) -> None:
    text = text * (16_384 // len(text))
    began = time.process_time()
    find_unsafe(text)
    is_blank(text)
    emoji_around(text, len(text) - 1)
    assert time.process_time() - began < 0.1


def test_a_text_of_a_peer_cannot_forge_a_line_of_the_log() -> None:
    forged = "/a\r\nERROR all is lost\x1b[2J\u2028\u202e\x85"
    assert printable(forged) == r"/a\r\nERROR all is lost\x1b[2J\u2028\u202e\x85"
    assert printable("/a\\n'") == r"/a\\n'"
    assert printable("x" * 500) == "x" * 200
