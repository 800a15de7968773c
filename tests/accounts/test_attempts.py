"""Limits on attempts: per name and place, and per address over all names."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from limits import RateLimitItemPerSecond

from server.accounts import attempts as module
from server.accounts.attempts import Attempts, MovingWindow
from server.accounts.errors import TooManyAttempts
from tests.simulation.virtual import VirtualLoop


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
    await attempts.guessed_right("ada", "here", None)
    assert await guesses(attempts, 11, "ada", "here", None) == 10
    assert await guesses(attempts, 1, "ada", "there", None) == 0
    assert await guesses(attempts, 1, "bob", "here", None) == 0


async def test_right_passwords_shut_nobody_out_of_a_school_behind_one_address() -> None:
    attempts = Attempts()
    for number in range(300):
        await attempts.guess(f"player {number}", "here", "here")
        await attempts.guessed_right(f"player {number}", "here", "here")
    assert len(attempts._guesses_per_address) == 0
    assert await guesses(attempts, 1, "another", "here", "here") == 1


async def test_an_account_of_ones_own_buys_no_guesses_at_others() -> None:
    attempts = Attempts()
    through = 0
    for number in range(110):
        through += await guesses(attempts, 1, f"player {number}", "here", "here")
        if through < 100:
            await attempts.guess("own", "here", "here")
            await attempts.guessed_right("own", "here", "here")
    assert through == 100


async def test_what_was_taken_back_was_counted_at_least_once() -> None:
    window = MovingWindow(RateLimitItemPerSecond(2, 60))
    window.take_back("a")
    window.count("a")
    window.count("a")
    window.take_back("a")
    window.count("a")
    with pytest.raises(TooManyAttempts):
        window.count("a")


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


def on_virtual_time(promise: Callable[[], Awaitable[Any]]) -> None:
    """Run `promise` in a loop in which nobody waits for anything."""
    loop = VirtualLoop()
    loop.run_until_complete(asyncio.ensure_future(promise(), loop=loop))
    loop.close()


def test_who_is_told_to_come_back_then_may() -> None:
    async def locked_out() -> None:
        attempts = Attempts()
        await guesses(attempts, 5, "ada", "here", None)
        await asyncio.sleep(100)
        await guesses(attempts, 5, "ada", "here", None)
        with pytest.raises(TooManyAttempts) as caught:
            await attempts.guess("ada", "here", None)
        assert caught.value.retry_after == 200
        await asyncio.sleep(199.9)
        # Having tried meanwhile costs no more than it did.
        assert await guesses(attempts, 100, "ada", "here", None) == 0
        await asyncio.sleep(0.1)
        assert await guesses(attempts, 10, "ada", "here", None) == 5, "those of the first minute"
        await asyncio.sleep(300)
        assert await guesses(attempts, 20, "ada", "here", None) == 10

    on_virtual_time(locked_out)


def test_what_the_wall_clock_says_frees_nobody_and_locks_nobody_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def stepped() -> None:
        attempts = Attempts()
        await guesses(attempts, 10, "ada", "here", None)
        monkeypatch.setattr("time.time", lambda: 1e10)
        assert await guesses(attempts, 1, "ada", "here", None) == 0
        monkeypatch.setattr("time.time", lambda: 0.0)
        await asyncio.sleep(300)
        assert await guesses(attempts, 20, "ada", "here", None) == 10

    on_virtual_time(stepped)


async def test_an_address_that_may_guess_no_more_fills_no_memory() -> None:
    attempts = Attempts()
    for number in range(5_000):
        await guesses(attempts, 1, f"player {number}", "here", "here")
    assert len(attempts._guesses_per_name) == 100
    assert len(attempts._guesses_per_address) == 1


def test_nothing_is_kept_of_what_is_long_over() -> None:
    async def come_and_go() -> None:
        window = MovingWindow(RateLimitItemPerSecond(2))
        for _ in range(3):
            for number in range(1_000):
                window.count(number)
            assert len(window) == 1_000
            await asyncio.sleep(1)
        window.check("anybody")
        assert len(window) == 0

    on_virtual_time(come_and_go)


async def test_however_many_there_are_so_many_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_KEYS", 10)
    window = MovingWindow(RateLimitItemPerSecond(2, 1_000))
    for number in range(100):
        window.count(number)
    assert len(window) == 10
    window.count(99)
    with pytest.raises(TooManyAttempts):
        window.count(99)


async def test_counting_leaves_no_task_behind() -> None:
    """A right password while others are counted used to end a task of a library's."""
    attempts = Attempts()
    for number in range(100):
        await attempts.guess(f"player {number}", "here", None)
        await asyncio.sleep(0)
        await attempts.guessed_right(f"player {99 - number}", "here", None)
    assert asyncio.all_tasks() == {asyncio.current_task()}
