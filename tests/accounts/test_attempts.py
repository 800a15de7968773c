"""Limits on attempts: per name and place, and per address over all names."""

import pytest

from server.accounts import attempts as module
from server.accounts.attempts import Attempts
from server.accounts.errors import TooManyAttempts


async def guesses(attempts: Attempts, count: int, name: str, host: str, address: str | None) -> int:
    """How many of `count` guesses were let through."""
    through = 0
    for _ in range(count):
        try:
            await attempts.guess(name, host, address)
        except TooManyAttempts:
            continue
        through += 1
    return through


async def test_ten_guesses_for_a_name_from_a_place_and_no_more() -> None:
    attempts = Attempts()
    assert await guesses(attempts, 10, "ada", "here", None) == 10
    with pytest.raises(TooManyAttempts) as caught:
        await attempts.guess("ada", "here", None)
    assert 1 <= caught.value.retry_after <= 300


async def test_other_names_and_other_places_are_free() -> None:
    attempts = Attempts()
    await guesses(attempts, 11, "ada", "here", None)
    assert await guesses(attempts, 10, "bob", "here", None) == 10
    assert await guesses(attempts, 10, "ada", "there", None) == 10


async def test_a_hundred_guesses_from_an_address_over_all_names() -> None:
    attempts = Attempts()
    through = [await guesses(attempts, 9, f"player {n}", "here", "here") for n in range(12)]
    assert sum(through) == 100
    assert await guesses(attempts, 1, "another", "there", "there") == 1
    assert await guesses(attempts, 1, "another", "here", None) == 1


async def test_guessing_right_forgives_this_name_from_here_and_nothing_else() -> None:
    attempts = Attempts()
    await guesses(attempts, 10, "ada", "here", None)
    await guesses(attempts, 10, "ada", "there", None)
    await guesses(attempts, 10, "bob", "here", None)
    await attempts.guessed_right("ada", "here")
    assert await guesses(attempts, 11, "ada", "here", None) == 10
    assert await guesses(attempts, 1, "ada", "there", None) == 0
    assert await guesses(attempts, 1, "bob", "here", None) == 0


async def test_sixty_new_players_an_address() -> None:
    attempts = Attempts()
    for _ in range(60):
        await attempts.new_player("here")
    with pytest.raises(TooManyAttempts) as caught:
        await attempts.new_player("here")
    assert 1 <= caught.value.retry_after <= 600
    await attempts.new_player("there")
    for _ in range(100):
        await attempts.new_player(None)


def test_the_limits_are_those_that_are_published() -> None:
    assert (module.GUESSES_PER_NAME.amount, module.GUESSES_PER_NAME.get_expiry()) == (10, 300)
    assert (module.GUESSES_PER_ADDRESS.amount, module.GUESSES_PER_ADDRESS.get_expiry()) == (
        100,
        300,
    )
    assert (module.PLAYERS_PER_ADDRESS.amount, module.PLAYERS_PER_ADDRESS.get_expiry()) == (60, 600)
