"""Kinds of characters that are not allowed in texts typed by players.

The kinds are fixed ranges and not Python's tables, which differ by version, so that all servers
accept the same texts. Characters newer than the ranges are allowed.
"""

import re

_EXCERPT = 200
"""Characters of a quote in an error message or in a line of the log."""

_KINDS = (
    (
        "a control character",
        "\x00-\x1f\x7f-\x9f",
    ),
    (
        # Trojan Source, CVE-2021-42574: they reorder the text around them, including other
        # players'. The marks U+200E, U+200F and U+061C do not, and people type them.
        "a character that changes the direction of text",
        "\u202a-\u202e\u2066-\u2069",
    ),
    (
        "an invisible formatting character",
        "\u206a-\u206f\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff",
    ),
    (
        "a code that is no character",
        "\ud800-\udfff\ufdd0-\ufdef"
        + "".join(
            f"{chr(0x10000 * plane + 0xFFFE)}-{chr(0x10000 * plane + 0xFFFF)}"
            for plane in range(17)
        ),
    ),
)
_UNSAFE = re.compile("|".join(f"([{ranges}])" for _, ranges in _KINDS))

_INVISIBLE = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u2800"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8]*"
)

_LETTER, _DIGIT = "[\U000e0061-\U000e007a]", "[\U000e0030-\U000e0039]"
_EMOJI_TAGS = re.compile(
    f"\U0001f3f4(?:{_LETTER}{{2}}|{_DIGIT}{{3}})(?:{_LETTER}|{_DIGIT}){{1,4}}\U000e007f"
)
"""Flags of regions, such as that of Scotland: a black flag, the code of a subdivision in invisible
characters, and an end (UTS 51, ED-14a and B.1). Other sequences of them could hide a text."""

_SYMBOL = "[#*0-9\u00a9\u00ae\u203c-\u2048\u204a-\u205e\u2100-\u3299\U0001f000-\U0001faff]"
_EMOJI = re.compile(
    f"{_SYMBOL}(?:[\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]|\u200d{_SYMBOL})+"
)


def find_unsafe(text: str) -> tuple[str, str] | None:
    """Return the first character of `text` that is not safe to show and its kind, as in "a control
    character"; None if there is none."""
    found = _UNSAFE.search(_EMOJI_TAGS.sub(" ", text))
    if found is None:
        return None
    assert found.lastindex is not None
    return found.group(), _KINDS[found.lastindex - 1][0]


def is_blank(text: str) -> bool:
    """Return True if `text` has no visible character."""
    return _INVISIBLE.fullmatch(text) is not None


def emoji_around(text: str, index: int) -> str | None:
    """Return the emoji of several characters that contains the one at `index`, such as a heart and
    its variation selector; None if there is none."""
    for found in _EMOJI.finditer(text):
        if found.start() <= index < found.end():
            return found.group()
    return None


def describe(text: str, index: int) -> str:
    """Describe the character at `index` to a person who may not have seen it: "the emoji “❤️”", "a
    control character (U+001B)", "the invisible character U+200B"."""
    emoji = emoji_around(text, index)
    if emoji is not None:
        return f"the emoji “{emoji}”"
    character = text[index]
    unsafe = find_unsafe(character)
    if unsafe is not None:
        return f"{unsafe[1]} ({code_of(character)})"
    kind = "invisible character" if is_blank(character) else "character"
    return f"the {kind} {code_of(character)}"


def code_of(character: str) -> str:
    """Return the code point in Unicode's notation, such as U+202E."""
    return f"U+{ord(character):04X}"


def utf8_size(text: str) -> int:
    """Return the bytes of `text` in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def excerpt(text: str) -> str:
    """Return the beginning of a peer's text, to be quoted in an error message."""
    return text[:_EXCERPT]


def printable(text: str) -> str:
    """Return the beginning of a peer's text for the log: in ASCII, with all other characters
    escaped, so that it can neither begin a line of its own nor control a terminal."""
    return ascii(excerpt(text))[1:-1]
