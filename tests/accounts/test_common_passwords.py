"""The list of common passwords: long enough, useful, and read only when it is needed."""

from pathlib import Path

import pytest

from server.accounts import common_passwords
from server.accounts.common_passwords import _text, is_common
from server.accounts.errors import PasswordRefused
from server.accounts.limits import Limits
from server.accounts.passwords import check_password


def test_the_list_has_at_least_three_thousand_passwords_that_fit_the_policy() -> None:
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
        check_password(password, "Ada", Limits())


@pytest.mark.parametrize(
    "password",
    ["correct horse", "password 1", " password", "passwor", "sword\npassw", "pässword", "ord\n123"],
)
def test_a_password_that_resembles_a_common_one_is_allowed(password: str) -> None:
    assert not is_common(password)


def test_the_list_names_its_source_and_licence() -> None:
    license = Path(common_passwords.__file__).with_name("common_passwords.LICENSE").read_text()
    assert "zxcvbn" in license
    assert "Permission is hereby granted, free of charge" in license


def test_the_list_is_read_at_the_first_registration() -> None:
    _text.cache_clear()
    check_too_short = pytest.raises(PasswordRefused)
    with check_too_short:
        check_password("short", "Ada", Limits())
    assert _text.cache_info().currsize == 0
