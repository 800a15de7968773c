"""Names: what may be one, and which two are the same to a human eye.

A name is prepared by the Nickname profile of PRECIS (RFC 8266), which normalises width and
spaces and refuses controls, bidi controls and invisible characters. Whether two names are too
much alike is decided on skeletons (Unicode UTS #39, section 4).
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from confusable_homoglyphs.confusables import confusables_data
from precis_i18n import get_profile

from server.accounts.errors import NameRefused

LONGEST = 40
"""Code points a name may have."""

_LONGEST_RAW = 4 * LONGEST
_MOST_MARKS = 3
_UNSEEN = frozenset("\ufffc\ufffd\u2800\U0001d159\U00016fe4\u2d7f\U0001107f")
"""What PRECIS lets pass and nobody can see. Two stand for something that is not there: no font
shows them alike, and some nothing. The others have no ink in their glyphs: blanks of braille,
of music and of Khitan, and joiners of Tifinagh and Brahmi. All that Unicode itself calls ignorable
(Default_Ignorable_Code_Point) PRECIS refuses."""

_MOST_PROTOTYPES = 4096

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
        raise _too_long(raw)
    if not raw.strip():
        raise NameRefused("A name needs at least one character.", "name_empty")
    spread = unicodedata.normalize("NFKC", raw)
    if len("".join(spread.split())) > LONGEST:
        # One ligature can become eighteen characters; PRECIS would look at each for 5 ms in all.
        raise _too_long(" ".join(spread.split()))
    try:
        text = str(_profile.enforce(raw))
    except UnicodeEncodeError as error:
        refusal = _not_in_names(raw[error.start]) if error.start < len(raw) else _invisible()
        raise refusal from None
    if len(text) > LONGEST:
        raise _too_long(text)
    _check_visible(text)
    return Name(text, text.casefold(), _lookalikes(text))


def sort_key(text: str) -> str:
    """What lists of names are ordered by; compared code point by code point."""
    return text.casefold()


def _check_visible(text: str) -> None:
    marks = 0
    visible = False
    for character in text:
        if character in _UNSEEN:
            raise _not_in_names(character)
        if unicodedata.category(character).startswith("M"):
            marks += 1
            if marks > _MOST_MARKS:
                raise NameRefused(
                    f"A letter can carry at most {_MOST_MARKS} marks.",
                    "name_marks",
                    limit=_MOST_MARKS,
                )
        else:
            marks = 0
            visible = visible or not character.isspace()
    if not visible:
        raise _invisible()


def _too_long(text: str) -> NameRefused:
    return NameRefused(
        f"A name has at most {LONGEST} characters; this one has {len(text)}.",
        "name_too_long",
        limit=LONGEST,
        length=len(text),
    )


def _not_in_names(character: str) -> NameRefused:
    code = f"U+{ord(character):04X}"
    return NameRefused(
        f"A name cannot contain the character {code}.", "name_character", character=code
    )


def _invisible() -> NameRefused:
    return NameRefused("A name needs at least one visible character.", "name_invisible")


def _lookalikes(text: str) -> frozenset[str]:
    # Folding case first and last catch different doubles: "BILL" is "bill" only if it is folded
    # first, and "BiIl" looks like "Bill" only as long as its capital I is not yet an i.
    return frozenset({_skeleton(text.casefold()), _skeleton(text).casefold()})


def _skeleton(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFD", "".join(map(_prototype, decomposed)))


# Bounded: of all there are in Unicode, 17 MB would stay.
@lru_cache(_MOST_PROTOTYPES)
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
