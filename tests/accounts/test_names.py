"""Names: what may be one, and which two are the same to a human eye."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.accounts.errors import NameRefused
from server.accounts.names import LONGEST, Name, parse_name, sort_key

any_text = st.text(st.characters(exclude_categories=()), max_size=170)
wild_text = st.one_of(
    any_text,
    st.text(
        "aIl1O0 \u0301\u200b\u200d\u202e\u2067\ufeff\u00ad\u3000ﾞﬁßİıſΣς\U0001f600", max_size=45
    ),
    st.text("\u0627\u05d0a1 -", max_size=45),
)


# What may be a name


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Ada", "Ada"),
        ("a", "a"),
        ("  Ada  ", "Ada"),
        ("Ada   Lovelace", "Ada Lovelace"),
        ("Ada\u3000Lovelace", "Ada Lovelace"),
        ("Ａｄａ", "Ada"),
        ("Zoe\u0308", "Zoë"),
        ("漢字", "漢字"),
        ("עדה", "עדה"),
        ("O'Brien", "O'Brien"),
        ("😀", "😀"),
        ("<b>", "<b>"),
        ("0", "0"),
    ],
)
def test_a_name_is_prepared_and_keeps_its_case(raw: str, text: str) -> None:
    assert parse_name(raw).text == text


def test_a_name_has_forty_characters_and_no_more() -> None:
    assert LONGEST == 40
    assert parse_name("x" * 40).text == "x" * 40
    assert parse_name("漢" * 40).text == "漢" * 40
    assert parse_name(" " * 60 + "x" * 40 + " " * 60).text == "x" * 40
    for name in ("x" * 41, "漢" * 41, "x" * 160, "x" * 161, "x" * 1_000_000):
        with pytest.raises(NameRefused, match="at most 40 characters"):
            parse_name(name)


def test_what_grows_in_preparation_is_measured_when_it_has() -> None:
    assert len(parse_name("ﬃ" * 13).text) == 39
    with pytest.raises(NameRefused, match="at most 40"):
        parse_name("ﬃ" * 14)


@pytest.mark.parametrize("marks", [0, 1, 3])
def test_a_letter_can_carry_three_marks(marks: int) -> None:
    assert parse_name("q" + "\u0323" * marks)


def test_a_letter_cannot_carry_four_marks() -> None:
    with pytest.raises(NameRefused, match="marks"):
        parse_name("q" + "\u0323" * 4)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "\t\n",
        "\u3000",
        "\u2800",
        "\u115f",
        "\u0301",
        "\u200b",
        "\u00ad",
        "\x00",
        "A\x1bda",
        "A\x7fda",
        "A\u0085da",
        "Ada\nBob",
        "\u202eadA",
        "\u2066Ada\u2069",
        "\u200eAda",
        "Ada\u200b",
        "Ada\u200d",
        "Ada\ufeff",
        "Ada\ud800",
        "Ada\ue000",
        "Ada\ufffe",
        "Ada\U000e0041",
        "Ada\u2028",
    ],
)
def test_what_cannot_be_seen_or_turns_the_line_around_is_no_name(raw: str) -> None:
    with pytest.raises(NameRefused) as caught:
        parse_name(raw)
    assert str(caught.value).endswith(".")
    assert str(caught.value).isprintable()


# Which two are the same


@pytest.mark.parametrize(
    ("name", "double"),
    [
        ("Ada", "ADA"),
        ("Bill", "BILL"),
        ("Bill", "BiIl"),
        ("Bill", "Bi1l"),
        ("Bill", "B\u0456ll"),
        ("Bill", "Ｂｉｌｌ"),
        ("admin", "аdmin"),
        ("admin", "Admin"),
        ("paypal", "раураl"),
        ("Zoë", "Zoe\u0308"),
        ("rn", "m"),
        ("Bob", "B0b"),
        ("Straße", "STRASSE"),
    ],
)
def test_look_alikes_share_a_skeleton_whoever_came_first(name: str, double: str) -> None:
    first, second = parse_name(name), parse_name(double)
    assert first.lookalikes & second.lookalikes
    assert second.lookalikes & first.lookalikes


@pytest.mark.parametrize(
    ("name", "other"),
    [("Ada", "Ida"), ("Bill", "Bull"), ("Zoe", "Zoé"), ("Ann", "Anne"), ("A B", "AB")],
)
def test_names_that_can_be_told_apart_can_both_be_had(name: str, other: str) -> None:
    assert not parse_name(name).lookalikes & parse_name(other).lookalikes


def test_the_key_knows_no_case() -> None:
    assert parse_name("Ada Lovelace").key == parse_name(" ada  LOVELACE ").key
    assert parse_name("Ada").key != parse_name("Аda").key


def test_lists_are_ordered_without_case() -> None:
    assert sorted(["b", "A", "a b", "B"], key=sort_key) == ["A", "a b", "b", "B"]


# Whatever somebody types


@given(wild_text)
def test_any_text_is_a_name_or_refused_with_a_sentence(raw: str) -> None:
    try:
        name: Name | str = parse_name(raw)
    except NameRefused as refused:
        name = str(refused)
    if isinstance(name, str):
        assert name.endswith(".")
        assert name.encode()
        return
    assert 1 <= len(name.text) <= LONGEST
    assert name.key == name.text.casefold()
    assert name.lookalikes
    assert name.text.encode()


@given(wild_text)
def test_a_prepared_name_prepared_again_is_the_same(raw: str) -> None:
    with contextlib.suppress(NameRefused):
        name = parse_name(raw)
        assert parse_name(name.text) == name


@given(wild_text)
def test_a_name_looks_like_itself_in_any_case(raw: str) -> None:
    with contextlib.suppress(NameRefused):
        name = parse_name(raw)
        for double in (name.text.upper(), name.text.lower()):
            with contextlib.suppress(NameRefused):
                assert name.lookalikes & parse_name(double).lookalikes
