"""Session tokens: signed with the newest key, and refused if they were changed."""

import hashlib
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer

from server.accounts.tokens import SessionTokens

OLD, NEW, OTHER = "old " * 10, "new " * 10, "other " * 10
ALPHABET = string.ascii_letters + string.digits + "-_.=!"


@pytest.fixture
def tokens() -> SessionTokens:
    return SessionTokens([NEW])


def test_a_minted_token_can_be_read(tokens: SessionTokens) -> None:
    token = tokens.mint()
    assert tokens.read(token.cookie) == token.digest
    assert len(token.digest) == 32


def test_a_token_holds_256_random_bits_and_nothing_else(tokens: SessionTokens) -> None:
    cookies = {tokens.mint().cookie for _ in range(500)}
    assert len(cookies) == 500
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}", each) for each in cookies)
    assert all(tokens.read(each) for each in cookies)


def test_the_digest_does_not_lead_to_the_cookie(tokens: SessionTokens) -> None:
    token = tokens.mint()
    assert token.digest.hex() not in token.cookie
    assert tokens.read(token.digest.hex()) is None


def test_the_newest_key_signs_and_older_ones_verify() -> None:
    old = SessionTokens([OLD]).mint()
    rotated = SessionTokens([NEW, OLD])
    assert rotated.read(old.cookie) == old.digest
    new = rotated.mint()
    assert SessionTokens([NEW]).read(new.cookie) == new.digest
    assert SessionTokens([OLD]).read(new.cookie) is None


def test_a_retired_key_is_refused() -> None:
    old = SessionTokens([OLD]).mint()
    assert SessionTokens([NEW]).read(old.cookie) is None
    assert SessionTokens([NEW, OTHER]).read(old.cookie) is None


def test_signatures_are_those_of_itsdangerous(tokens: SessionTokens) -> None:
    plain = Signer([NEW], "stillhere.session", key_derivation="hmac", digest_method=hashlib.sha256)
    token = tokens.mint()
    secret = plain.unsign(token.cookie)
    assert hashlib.sha256(secret).digest() == token.digest
    assert tokens.read(plain.sign(secret).decode()) == token.digest


def test_tokens_need_a_key() -> None:
    with pytest.raises(ValueError, match="key"):
        SessionTokens([])


def test_a_cookie_changed_at_any_place_is_refused(
    tokens: SessionTokens,
) -> None:
    cookie = tokens.mint().cookie
    for place in range(len(cookie)):
        assert tokens.read(cookie[:place] + cookie[place + 1 :]) is None, place
        for other in ALPHABET:
            changed = cookie[:place] + other + cookie[place + 1 :]
            assert changed == cookie or tokens.read(changed) is None, (place, other)
            assert tokens.read(cookie[:place] + other + cookie[place:]) is None, (place, other)
    for more in ALPHABET + "\n ":
        assert tokens.read(cookie + more) is None


def test_a_cookie_cut_short_anywhere_is_refused(tokens: SessionTokens) -> None:
    cookie = tokens.mint().cookie
    assert not any(tokens.read(cookie[:length]) for length in range(len(cookie)))


def test_the_secret_of_one_with_the_signature_of_another_is_refused(
    tokens: SessionTokens,
) -> None:
    (one, _, _), (_, _, other) = (tokens.mint().cookie.partition(".") for _ in range(2))
    assert tokens.read(f"{one}.{other}") is None


@given(st.text(max_size=600))
def test_no_text_crashes_the_reader(text: str) -> None:
    assert SessionTokens([NEW]).read(text) is None


@given(st.text(alphabet=ALPHABET, min_size=85, max_size=89))
def test_no_text_that_looks_like_a_cookie_is_one(text: str) -> None:
    assert SessionTokens([NEW]).read(text) is None
