"""The list of common passwords: long enough, useful, and read only when it is needed."""

from pathlib import Path

import pytest

from server.accounts import common_passwords
from server.accounts.common_passwords import _text, is_common
from server.accounts.errors import PasswordRefused
from server.accounts.limits import Limits
from server.accounts.passwords import check_password


def test_there_are_three_thousand_that_would_be_passwords_here() -> None:
    """ASVS 5.0, 6.2.4: at least the top 3,000 that fit the policy."""
    words = _text().split()
    assert len(words) == len(set(words)) == 11_611
    assert all(len(word) >= Limits().shortest_password for word in words)
    assert all(word == word.casefold() for word in words), "they are looked for in small letters"


@pytest.mark.parametrize(
    "password",
    ["password", "12345678", "iloveyou", "sunshine", "qwertyuiop", "Password1", "STARWARS"],
)
def test_a_common_password_in_any_case_is_refused(password: str) -> None:
    assert is_common(password)
    with pytest.raises(PasswordRefused, match="guessers"):
        check_password(password, "Ada")


@pytest.mark.parametrize(
    "password",
    ["correct horse", "password 1", " password", "passwor", "sword\npassw", "pässword", "ord\n123"],
)
def test_what_is_only_like_one_may_be_had(password: str) -> None:
    assert not is_common(password)


def test_it_says_where_it_is_from_and_that_it_may_be_used() -> None:
    license = Path(common_passwords.__file__).with_name("common_passwords.LICENSE").read_text()
    assert "zxcvbn" in license
    assert "Permission is hereby granted, free of charge" in license


def test_it_is_not_read_before_somebody_registers() -> None:
    _text.cache_clear()
    check_too_short = pytest.raises(PasswordRefused)
    with check_too_short:
        check_password("short", "Ada")
    assert _text.cache_info().currsize == 0
