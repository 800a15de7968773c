"""Limits on attempts: per name and place, and per address over all names."""

import pytest

from server.accounts.attempts import Attempts
from server.accounts.errors import TooManyAttempts
from server.accounts.limits import Limits
from server.base.limits import Quota


@pytest.fixture
def attempts() -> Attempts:
    return Attempts(Limits())


def guesses(
    attempts: Attempts, count: int, name: str, host: str, address: str | None, now: float = 0.0
) -> int:
    """How many of `count` guesses were let through."""
    through = 0
    for _ in range(count):
        try:
            attempts.guess(name, host, address, now)
        except TooManyAttempts:
            continue
        through += 1
    return through


def test_the_limits_are_those_that_are_published() -> None:
    limits = Limits()
    assert limits.guesses_per_name == Quota(10, 300)
    assert limits.guesses_per_address == Quota(100, 300)
    assert limits.players_per_address == Quota(60, 600)


def test_ten_guesses_for_a_name_from_a_place_and_no_more(attempts: Attempts) -> None:
    assert guesses(attempts, 11, "ada", "here", None) == 10


def test_other_names_and_other_places_are_free(attempts: Attempts) -> None:
    guesses(attempts, 11, "ada", "here", None)
    assert guesses(attempts, 10, "bob", "here", None) == 10
    assert guesses(attempts, 10, "ada", "there", None) == 10


def test_a_hundred_guesses_from_an_address_over_all_names(attempts: Attempts) -> None:
    through = [guesses(attempts, 9, f"player {n}", "here", "here") for n in range(12)]
    assert sum(through) == 100
    assert guesses(attempts, 1, "another", "there", "there") == 1
    assert guesses(attempts, 1, "another", "here", None) == 1


def test_guessing_right_forgives_this_name_from_here_and_nothing_else(attempts: Attempts) -> None:
    guesses(attempts, 10, "ada", "here", None)
    guesses(attempts, 10, "ada", "there", None)
    guesses(attempts, 10, "bob", "here", None)
    attempts.guessed_right("ada", "here", None)
    assert guesses(attempts, 11, "ada", "here", None) == 10
    assert guesses(attempts, 1, "ada", "there", None) == 0
    assert guesses(attempts, 1, "bob", "here", None) == 0


def test_right_passwords_shut_nobody_out_of_a_school_behind_one_address(
    attempts: Attempts,
) -> None:
    for number in range(300):
        attempts.guess(f"player {number}", "here", "here", 0.0)
        attempts.guessed_right(f"player {number}", "here", "here")
    assert guesses(attempts, 100, "another", "there", "here") == 10


def test_an_account_of_ones_own_buys_no_guesses_at_others(attempts: Attempts) -> None:
    through = 0
    for number in range(110):
        through += guesses(attempts, 1, f"player {number}", "here", "here")
        if through < 100:
            attempts.guess("own", "here", "here", 0.0)
            attempts.guessed_right("own", "here", "here")
    assert through == 100


def test_sixty_new_players_an_address(attempts: Attempts) -> None:
    for _ in range(60):
        attempts.new_player("here", 0.0)
    with pytest.raises(TooManyAttempts) as caught:
        attempts.new_player("here", 0.0)
    assert caught.value.retry_after == 600
    attempts.new_player("there", 0.0)
    for _ in range(100):
        attempts.new_player(None, 0.0)


def test_who_is_told_to_come_back_then_may(attempts: Attempts) -> None:
    guesses(attempts, 5, "ada", "here", None, now=0.0)
    guesses(attempts, 5, "ada", "here", None, now=100.0)
    with pytest.raises(TooManyAttempts) as caught:
        attempts.guess("ada", "here", None, 100.0)
    assert caught.value.retry_after == 200
    with pytest.raises(TooManyAttempts) as caught:
        attempts.guess("ada", "here", None, 299.9)
    assert caught.value.retry_after == 1, "whole seconds, and never none"
    assert guesses(attempts, 10, "ada", "here", None, now=300.0) == 5, "those of the first minute"
    assert guesses(attempts, 20, "ada", "here", None, now=600.0) == 10


def test_an_address_that_may_guess_no_more_counts_for_no_name(attempts: Attempts) -> None:
    for number in range(100):
        guesses(attempts, 1, f"player {number}", "here", "here")
    assert guesses(attempts, 50, "ada", "here", "here") == 0
    assert guesses(attempts, 50, "ada", "here", None) == 10


def test_only_so_many_keys_are_remembered() -> None:
    attempts = Attempts(Limits(guesses_per_name=Quota(1, 300), counted_keys=10))
    for number in range(100):
        guesses(attempts, 1, f"player {number}", "here", None)
    assert guesses(attempts, 1, "player 99", "here", None) == 0
    assert guesses(attempts, 1, "player 0", "here", None) == 1
