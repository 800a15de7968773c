"""Names: which are allowed, and which two look the same.

A name is prepared by the Nickname profile of PRECIS (RFC 8266), which normalises width and spaces
and refuses controls, bidi controls and invisible characters. Names are compared by skeletons: see
`lookalikes.py`. All of it depends on one version of Unicode, that of `unicodedata2`, and not on
Python's.
"""

import re
from dataclasses import dataclass

import unicodedata2
from precis_i18n import get_profile

from server.accounts.errors import NameRefused
from server.accounts.limits import Limits
from server.accounts.lookalikes import fold, lookalikes
from server.base.text import code_of, describe, emoji_around

_UNSEEN = frozenset("\ufffc\ufffd\u2800\U0001d159\U00016fe4\u2d7f\U0001107f")
"""Invisible characters that PRECIS accepts. Two are placeholders, for which some fonts show
nothing. The others have no ink in their glyphs: blanks of braille, of music and of Khitan, and
joiners of Tifinagh and Brahmi. PRECIS itself refuses Default_Ignorable_Code_Point."""

_profile = get_profile("NicknameCasePreserved", unicodedata=unicodedata2)

_PLAIN = re.compile("[!-~]+(?: [!-~]+)*")
"""Of visible ASCII, with single spaces. Most names are, and the profile leaves these as they are:
preparing them would take a tenth of a sign-in."""


@dataclass(frozen=True, slots=True)
class Name:
    """A valid name.

    `text` is shown, `key` (caseless) is what one signs in with, `lookalikes` must be unique.
    """

    text: str
    key: str
    lookalikes: frozenset[str]


def parse_name(raw: str, limits: Limits = Limits()) -> Name:
    """Prepare a name that a person typed. Raises NameRefused."""
    longest = limits.longest_name
    if len(raw) > limits.longest_typed * longest:
        # Preparing a megabyte would cost more than refusing it.
        raise _too_long(raw, longest)
    if not raw.strip():
        raise NameRefused("A name needs at least one character.", "name_empty")
    if _PLAIN.fullmatch(raw) and len(raw) <= longest:
        return Name(raw, fold(raw), lookalikes(raw))
    text = _prepare(raw, longest)
    _check_visible(text, limits.marks_on_a_letter)
    return Name(text, fold(text), lookalikes(text))


def _prepare(raw: str, longest: int) -> str:
    """Return what the profile makes of `raw`."""
    spread = unicodedata2.normalize("NFKC", raw)
    if len("".join(spread.split())) > longest:
        # One ligature can become eighteen characters, over which PRECIS would take 5 ms in all.
        raise _too_long(" ".join(spread.split()), longest)
    try:
        text = str(_profile.enforce(raw))
    except UnicodeEncodeError as error:
        # `object` is the text as prepared so far, and empty if nothing was left of it.
        if error.start >= len(error.object):
            raise _invisible() from None
        raise _not_in_names(error.object, error.start) from None
    if len(text) > longest:
        raise _too_long(text, longest)
    return text


def sort_key(text: str) -> str:
    """Return what lists of names are ordered by, code point by code point."""
    return fold(text)


def _check_visible(text: str, most_marks: int) -> None:
    marks = 0
    visible = False
    for index, character in enumerate(text):
        if character in _UNSEEN:
            raise _not_in_names(text, index)
        if unicodedata2.category(character).startswith("M"):
            marks += 1
            if marks > most_marks:
                raise NameRefused(
                    f"A letter can carry at most {most_marks} marks.",
                    "name_marks",
                    limit=most_marks,
                )
        else:
            marks = 0
            visible = visible or not character.isspace()
    if not visible:
        raise _invisible()


def _too_long(text: str, longest: int) -> NameRefused:
    return NameRefused(
        f"A name has at most {longest} characters; this one has {len(text)}.",
        "name_too_long",
        limit=longest,
        length=len(text),
    )


def _not_in_names(text: str, index: int) -> NameRefused:
    what = describe(text, index)
    emoji = emoji_around(text, index)
    if emoji is not None:
        return NameRefused(
            f"A name cannot contain {what}: letters, digits, spaces, punctuation and emoji of a "
            "single character, such as 😀, can be in it.",
            "name_emoji",
            character=emoji,
        )
    code = code_of(text[index])
    return NameRefused(f"A name cannot contain {what}.", "name_character", character=code)


def _invisible() -> NameRefused:
    return NameRefused("A name needs at least one visible character.", "name_invisible")
