"""The table of look-alikes is of one version of Unicode, with every version of Python."""

import sys
import unicodedata

import pytest
import unicodedata2

from server.accounts.lookalikes import _TABLES, fold, lookalikes

EXAMPLES = [
    # Character and prototype: lines of confusables.txt.
    ("m", "rn"),
    ("0", "O"),
    ("1", "l"),
    ("I", "l"),
    ("|", "l"),
    ("\u0430", "a"),
    ("\u0456", "i"),
    ("\u0131", "i"),
    ("\u03bf", "o"),
    ("\u05d5", "l"),
    ("\U0001ccd6", "A"),  # Unicode 16
]


@pytest.mark.parametrize(("character", "prototype"), EXAMPLES)
def test_skeletons_equal_those_of_the_published_table(character: str, prototype: str) -> None:
    assert prototype in lookalikes(character)


def test_a_prototype_stands_for_itself() -> None:
    """Otherwise two characters with the same look-alike would not look alike."""
    like = _TABLES["like"]
    unstable = [chr(point) for point, to in like.items() if to.translate(like) != to]
    # The table has exceptions; only one of them survives the preparation of a name.
    assert [each for each in unstable if unicodedata2.normalize("NFKC", each) == each] == ["\u048b"]


def test_small_capitals_look_like_plain_letters() -> None:
    for small, plain in [("\u1d00", "a"), ("\u043c", "m"), ("\u043a", "k"), ("\u0432", "b")]:
        assert lookalikes(small) & lookalikes(plain), small
        assert lookalikes(f"x{small}x") & lookalikes(f"X{plain}X")


def test_the_table_and_the_library_know_the_same_version_of_unicode() -> None:
    assert unicodedata2.unidata_version == "17.0.0"


def test_folding_equals_that_of_python_for_characters_that_both_know() -> None:
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        if unicodedata.category(character) != "Cn":
            assert fold(character) == character.casefold(), hex(point)


def test_characters_newer_than_this_python_are_folded() -> None:
    assert fold("\u1c89") == "\u1c8a"  # Unicode 16
    assert fold("\ua7ce") == "\ua7cf"  # Unicode 17
    assert fold("\U00010d50") == fold("\U00010d70")
    assert lookalikes("\U00010d50") & lookalikes("\U00010d70")
