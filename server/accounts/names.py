"""Names: what may be one, and which two are the same to a human eye.

A name is prepared by the Nickname profile of PRECIS (RFC 8266), which normalises width and
spaces and refuses controls, bidi controls and invisible characters. Whether two names are too
much alike is decided on skeletons (Unicode UTS #39, section 4).
"""

import unicodedata
from dataclasses import dataclass
from functools import cache

from confusable_homoglyphs.confusables import confusables_data
from precis_i18n import get_profile

from server.accounts.errors import NameRefused

LONGEST = 40
"""Code points a name may have."""

_LONGEST_RAW = 4 * LONGEST
_MOST_MARKS = 3
_BLANKS = {"\u2800"}
_STAND_INS = {"\ufffc", "\ufffd"}
"""What stands for something that is not there: no font shows them alike, and some nothing."""

_DIRECTION_MARK = "\u200e"
_profile = get_profile("NicknameCasePreserved")


@dataclass(frozen=True, slots=True)
class Name:
    """A name that may be somebody's.

    `text` is shown, `key` signs in (caseless), `lookalikes` are what no other name may share.
    """

    text: str
    key: str
    lookalikes: frozenset[str]


def parse_name(raw: str) -> Name:
    """The name that a person typed. Raises NameRefused with a sentence that says what is wrong."""
    if len(raw) > _LONGEST_RAW:
        # Preparing a megabyte would cost more than saying no.
        raise NameRefused(f"A name has at most {LONGEST} characters; this one has {len(raw)}.")
    if not raw.strip():
        raise NameRefused("A name needs at least one character.")
    try:
        text = str(_profile.enforce(raw))
    except UnicodeEncodeError as error:
        raise NameRefused(
            f"A name cannot contain the character U+{ord(raw[error.start]):04X}."
            if error.start < len(raw)
            else "A name needs at least one visible character."
        ) from None
    if len(text) > LONGEST:
        raise NameRefused(f"A name has at most {LONGEST} characters; this one has {len(text)}.")
    _check_visible(text)
    return Name(text, text.casefold(), _lookalikes(text))


def sort_key(text: str) -> str:
    """What lists of names are ordered by; compared code point by code point."""
    return text.casefold()


def _check_visible(text: str) -> None:
    marks = 0
    visible = False
    for character in text:
        if character in _STAND_INS:
            raise NameRefused(f"A name cannot contain the character U+{ord(character):04X}.")
        if unicodedata.category(character).startswith("M"):
            marks += 1
            if marks > _MOST_MARKS:
                raise NameRefused(f"A letter can carry at most {_MOST_MARKS} marks.")
        else:
            marks = 0
            visible = visible or not (character.isspace() or character in _BLANKS)
    if not visible:
        raise NameRefused("A name needs at least one visible character.")


def _lookalikes(text: str) -> frozenset[str]:
    # Folding case first and last catch different doubles: "BILL" is "bill" only if it is folded
    # first, and "BiIl" looks like "Bill" only as long as its capital I is not yet an i.
    return frozenset({_skeleton(text.casefold()), _skeleton(text).casefold()})


def _skeleton(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFD", "".join(map(_prototype, decomposed)))


@cache
def _prototype(character: str) -> str:
    """The character, or characters, that stand for all that look like this one.

    The table lists for a prototype everything that looks like it, and for anything else its
    prototype alone; of a pair in which each names the other, the lesser stands for both. Small
    capitals, which are letters of their own to it, are what plain letters are when they shout.
    """
    others = [entry["c"].strip(_DIRECTION_MARK) for entry in confusables_data.get(character, ())]
    for each in (character, *others):
        kind, _, letter = unicodedata.name(each[:1], "").rpartition(" ")
        if kind == "LATIN LETTER SMALL CAPITAL" and len(each) == len(letter) == 1:
            return _in_table(letter.lower())
    return _in_table(character)


def _in_table(character: str) -> str:
    others = [entry["c"].strip(_DIRECTION_MARK) for entry in confusables_data.get(character, ())]
    if len(others) != 1:
        return character
    (other,) = others
    is_prototype = len(confusables_data.get(other, ())) > 1 or other < character
    return other if is_prototype else character
