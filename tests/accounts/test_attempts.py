"""Limits on attempts: per name and host, and per address over all names."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.accounts.attempts import Attempts
from server.accounts.errors import BadCredentials, TooBusy, TooManyAttempts, TooManyInARow
from server.accounts.limits import Limits
from server.accounts.place import Place
from server.accounts.ports import StorageUnavailable
from server.base.ids import PlayerId
from server.base.rates import Quota
from tests.support.places import HERE, LIMITED


@pytest.fixture
def attempts() -> Attempts:
    return Attempts(Limits())


def place(host: str, address: str | None) -> Place:
    """A place; limits by address do not apply if `address` is None."""
    return Place(host, () if address is None else (address,))


class Check:
    """A password that is being checked. Raises TooManyAttempts."""

    def __init__(
        self, attempts: Attempts, name: str, host: str, address: str | None, now: float = 0.0
    ) -> None:
        self._block = attempts.guess(name, place(host, address), now)
        self._block.__enter__()

    def end(self, error: BaseException | None = None) -> None:
        """End the check with `error`; None means that the password was right."""
        kind = None if error is None else type(error)
        assert not self._block.__exit__(kind, error, None)


WRONG = BadCredentials()


def wait(attempts: Attempts, name: str, host: str, address: str | None, now: float = 0.0) -> int:
    """The seconds to wait before another guess; 0 if a right password was let through."""
    try:
        Check(attempts, name, host, address, now).end()
    except TooManyAttempts as refused:
        return refused.retry_after
    return 0


def checks(
    attempts: Attempts, count: int, name: str, host: str, address: str | None, now: float = 0.0
) -> list[Check]:
    """The checks of `count` guesses at once that were let through."""
    through = []
    for _ in range(count):
        with suppress(TooManyAttempts):
            through.append(Check(attempts, name, host, address, now))
    return through


def guesses(
    attempts: Attempts, count: int, name: str, host: str, address: str | None, now: float = 0.0
) -> int:
    """The number of `count` wrong guesses in sequence that were let through."""
    through = 0
    for _ in range(count):
        for check in checks(attempts, 1, name, host, address, now):
            check.end(WRONG)
            through += 1
    return through


def test_the_limits_are_those_that_are_published() -> None:
    limits = Limits()
    assert limits.guesses_per_name == Quota(10, 300)
    assert limits.guesses_per_address == Quota(100, 300)
    assert limits.guesses_in_a_row == Quota(100, 86_400)
    assert limits.sign_ins_per_player == Quota(120, 600)
    assert limits.sign_ins_per_address == Quota(600, 600)
    assert limits.players_per_address == Quota(60, 600)


def test_a_place_has_ten_guesses_for_a_name(attempts: Attempts) -> None:
    assert guesses(attempts, 11, "ada", "here", None) == 10


def test_guesses_count_for_their_name_and_place_only(attempts: Attempts) -> None:
    guesses(attempts, 11, "ada", "here", None)
    assert guesses(attempts, 10, "bob", "here", None) == 10
    assert guesses(attempts, 10, "ada", "there", None) == 10


def test_an_address_has_a_hundred_guesses_over_all_names(attempts: Attempts) -> None:
    through = [guesses(attempts, 9, f"player {n}", "here", "here") for n in range(12)]
    assert sum(through) == 100
    assert guesses(attempts, 1, "another", "there", "there") == 1
    assert guesses(attempts, 1, "another", "here", None) == 1


def test_a_right_password_forgives_the_guesses_at_this_name_from_this_place_only(
    attempts: Attempts,
) -> None:
    guesses(attempts, 9, "ada", "here", None)
    guesses(attempts, 9, "ada", "there", None)
    guesses(attempts, 9, "bob", "here", None)
    assert wait(attempts, "ada", "here", None) == 0
    assert guesses(attempts, 11, "ada", "here", None) == 10
    assert guesses(attempts, 2, "ada", "there", None) == 1
    assert guesses(attempts, 2, "bob", "here", None) == 1


def test_right_passwords_lock_no_player_out_behind_a_shared_address(
    attempts: Attempts,
) -> None:
    for number in range(300):
        assert wait(attempts, f"player {number}", "here", "here") == 0
    assert guesses(attempts, 100, "another", "there", "here") == 10


def test_signing_in_to_an_own_account_gives_no_more_guesses_at_others(attempts: Attempts) -> None:
    through = 0
    for number in range(110):
        through += guesses(attempts, 1, f"player {number}", "here", "here")
        if through < 100:
            assert wait(attempts, "own", "here", "here") == 0
    assert through == 100


# Several at once


def test_simultaneous_guesses_at_a_name_are_limited_as_successive_ones_are(
    attempts: Attempts,
) -> None:
    through = checks(attempts, 30, "ada", "here", None)
    assert len(through) == 10
    for check in through:
        assert checks(attempts, 30, "ada", "here", None) == []
        check.end(WRONG)
    assert wait(attempts, "ada", "here", None, 0.0) == 300
    assert wait(attempts, "ada", "here", None, 299.5) == 1
    assert wait(attempts, "ada", "here", None, 300.0) == 0


def test_simultaneous_guesses_at_many_names_are_limited_as_successive_ones_are(
    attempts: Attempts,
) -> None:
    through = []
    for number in range(120):
        through += checks(attempts, 1, f"player {number}", "here", "here")
    assert len(through) == 100
    assert wait(attempts, "another", "here", "here") == 1
    for check in through:
        check.end(WRONG)
    assert wait(attempts, "another", "here", "here") == 300


def test_a_limit_reached_by_unfinished_checks_alone_gives_a_short_wait(attempts: Attempts) -> None:
    """All devices of a player sign in at once, with the right password: no guess was wrong."""
    through = checks(attempts, 10, "ada", "here", "here")
    assert wait(attempts, "ada", "here", "here") == 1
    through.pop().end()
    assert wait(attempts, "ada", "here", "here") == 0
    for check in through:
        check.end()
    assert guesses(attempts, 11, "ada", "here", "here") == 10


def test_wrong_guesses_and_unfinished_checks_count_together(attempts: Attempts) -> None:
    assert guesses(attempts, 9, "ada", "here", None) == 9
    (last,) = checks(attempts, 5, "ada", "here", None)
    assert wait(attempts, "ada", "here", None) == 1
    last.end(WRONG)
    assert wait(attempts, "ada", "here", None) == 300


def test_a_right_password_forgives_no_unfinished_check(attempts: Attempts) -> None:
    right, *others = checks(attempts, 10, "ada", "here", None)
    right.end()
    one_more = checks(attempts, 10, "ada", "here", None, now=1.0)
    assert len(one_more) == 1
    for check in others:
        check.end(WRONG)
    assert wait(attempts, "ada", "here", None, 2.0) == 1


@pytest.mark.parametrize("error", [TooBusy(5), StorageUnavailable("It does not answer.")])
def test_a_check_that_could_not_be_made_is_no_guess(attempts: Attempts, error: Exception) -> None:
    for number in range(200):
        Check(attempts, "ada", "here", "here", float(number) / 1000).end(error)
    assert guesses(attempts, 11, "ada", "here", "here") == 10


@pytest.mark.parametrize("error", [asyncio.CancelledError(), OSError("a bug")])
def test_a_check_that_may_have_been_made_is_a_guess(
    attempts: Attempts, error: BaseException
) -> None:
    for check in checks(attempts, 10, "ada", "here", None):
        check.end(error)
    assert wait(attempts, "ada", "here", None) == 300


def test_a_guess_counts_from_its_beginning(attempts: Attempts) -> None:
    """Otherwise ten slow guesses would leave the window too early."""
    (slow,) = checks(attempts, 1, "ada", "here", None, now=0.0)
    assert guesses(attempts, 9, "ada", "here", None, now=100.0) == 9
    slow.end(WRONG)
    assert wait(attempts, "ada", "here", None, now=100.0) == 200
    assert guesses(attempts, 5, "ada", "here", None, now=300.0) == 1
    assert wait(attempts, "ada", "here", None, now=300.0) == 100


def test_other_names_make_no_room_for_more_guesses_while_some_are_checked() -> None:
    attempts = Attempts(Limits(counted_keys=10))
    through = checks(attempts, 10, "ada", "here", None)
    for number in range(100):
        guesses(attempts, 1, f"player {number}", "here", None)
    assert len(through) == 10
    assert checks(attempts, 10, "ada", "here", None) == []


STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "wrong", "first wrong", "right", "busy"]), st.floats(0, 4)),
    max_size=80,
)


@given(STEPS)
def test_no_order_of_guesses_gets_more_checked_than_the_quota(
    steps: list[tuple[str, float]],
) -> None:
    """No window without a right guess has more checks that were or may be wrong."""
    quota = Quota(3, 10.0)
    attempts = Attempts(Limits(guesses_per_name=quota))
    unfinished: list[tuple[float, Check]] = []
    wrong: list[float] = []
    now = 0.0
    for what, later in steps:
        now += later
        if what == "begin":
            held = len([at for at in wrong if now - at < quota.seconds])
            through = checks(attempts, 1, "ada", "here", None, now)
            assert bool(through) == (held + len(unfinished) < quota.count)
            unfinished += [(now, check) for check in through]
        elif unfinished:
            at, check = unfinished.pop(0 if what == "first wrong" else -1)
            check.end({"right": None, "busy": TooBusy(5)}.get(what, WRONG))
            if what == "right":
                wrong.clear()
            elif what != "busy":
                wrong.append(at)


# A name, over all addresses

DAY = 86_400.0
OWN = PlayerId("p_ada")


def botnet(attempts: Attempts, count: int = 110, now: float = 0.0) -> int:
    """The number of `count` wrong guesses at Ada, from an address each, that were let through."""
    return sum(guess(attempts, "ada", elsewhere(number), now) for number in range(count))


def elsewhere(number: int) -> Place:
    return Place(f"bot {number}", (f"bot {number}",))


def test_a_name_can_be_guessed_a_hundred_times_in_a_row_over_all_addresses(
    attempts: Attempts,
) -> None:
    assert botnet(attempts) == 100
    assert guess(attempts, "bob", elsewhere(0))
    with pytest.raises(TooManyAttempts) as caught, attempts.guess("ada", LIMITED, 100.0):
        pass
    assert caught.value.retry_after == DAY - 100
    assert isinstance(caught.value, TooManyInARow)
    assert botnet(attempts, now=DAY - 1) == 0
    assert botnet(attempts, now=DAY) == 100


def test_guesses_are_in_a_row_until_a_day_goes_by_without_one(attempts: Attempts) -> None:
    through = [botnet(attempts, 1, now=day * 0.99 * DAY) for day in range(110)]
    assert through == [1] * 100 + [0] + [1] * 9


def test_a_guesser_locks_nobody_out_of_where_they_have_signed_in(attempts: Attempts) -> None:
    attempts.know_only("ada", HERE)  # she has registered
    assert wait(attempts, "ada", LIMITED.address, LIMITED.address) == 0
    assert botnet(attempts) == 100
    for at in (HERE, LIMITED):
        assert not attempts.needs_own_browser("ada", at, 0.0)
        for _ in range(3):
            assert guess(attempts, "ada", at)
        assert wait(attempts, "ada", at.address, None) == 0
    assert attempts.needs_own_browser("ada", elsewhere(200), 0.0)


def test_a_right_password_does_not_let_others_go_on_guessing(attempts: Attempts) -> None:
    attempts.know_only("ada", HERE)
    assert botnet(attempts, 60) == 60
    assert wait(attempts, "ada", HERE.address, None) == 0
    assert wait(attempts, "ada", "a new place", None) == 0
    assert botnet(attempts) == 40


def test_a_known_place_has_a_hundred_guesses_of_its_own(attempts: Attempts) -> None:
    """Somebody else may be there, too."""
    attempts.know_only("ada", HERE)
    times = [300.0 * number for number in range(20)]
    assert sum(guesses(attempts, 10, "ada", HERE.address, None, now) for now in times) == 100
    assert botnet(attempts) == 100


def test_a_right_password_ends_the_row_of_its_place(attempts: Attempts) -> None:
    attempts.know_only("ada", HERE)
    for number in range(20):
        assert guesses(attempts, 9, "ada", HERE.address, None, 300.0 * number) == 9
        assert wait(attempts, "ada", HERE.address, None, 300.0 * number) == 0


def test_the_players_own_browser_may_try_anywhere(attempts: Attempts) -> None:
    assert botnet(attempts) == 100
    at = elsewhere(200)
    for _ in range(10):
        with pytest.raises(BadCredentials), attempts.guess("ada", at, 0.0, OWN):
            raise BadCredentials
    with pytest.raises(TooManyAttempts), attempts.guess("ada", at, 0.0, OWN):
        pass
    with attempts.guess("ada", at, 300.0, OWN):
        pass
    assert not attempts.needs_own_browser("ada", at, 300.0), "it is known from then on"


def test_simultaneous_guesses_from_many_addresses_are_limited_as_successive_ones_are(
    attempts: Attempts,
) -> None:
    through = []
    for number in range(120):
        through += checks(attempts, 1, "ada", f"bot {number}", f"bot {number}")
    assert len(through) == 100
    assert wait(attempts, "ada", "here", None) == 1
    for check in through:
        check.end(WRONG)
    assert wait(attempts, "ada", "here", None) == DAY


def test_a_new_password_makes_other_places_unknown(attempts: Attempts) -> None:
    attempts.know_only("ada", LIMITED)
    attempts.know_only("ada", HERE)
    assert botnet(attempts) == 100
    assert attempts.needs_own_browser("ada", LIMITED, 0.0)
    assert not attempts.needs_own_browser("ada", HERE, 0.0)


def test_the_latest_places_of_a_player_and_the_latest_players_are_known() -> None:
    attempts = Attempts(Limits(known_places=2, counted_keys=3))
    for at in ("a", "b", "a", "c"):
        assert wait(attempts, "ada", at, None) == 0
    assert botnet(attempts) == 100

    def known() -> list[str]:
        return [at for at in "abc" if not attempts.needs_own_browser("ada", Place(at, ()), 0.0)]

    assert known() == ["a", "c"]
    for name in ("bob", "cem"):
        attempts.know_only(name, HERE)
    assert known() == ["a", "c"]
    attempts.know_only("dan", HERE)
    assert known() == []


def test_guessing_at_other_names_soon_makes_no_room_for_more() -> None:
    attempts = Attempts(Limits(counted_keys=3))
    assert botnet(attempts) == 100
    for number in range(50):
        assert guess(attempts, f"player {number}", elsewhere(number))
    assert botnet(attempts) == 0


# Right passwords


def sign_ins(attempts: Attempts, count: int, player: str, at: Place, now: float = 0.0) -> int:
    """The number of `count` right passwords that were let through."""
    through = 0
    for _ in range(count):
        with suppress(TooManyAttempts):
            attempts.sign_in(PlayerId(player), at, now)
            through += 1
    return through


def test_a_player_may_sign_in_a_hundred_and_twenty_times_from_wherever(attempts: Attempts) -> None:
    assert sign_ins(attempts, 70, "ada", HERE) == 70
    assert sign_ins(attempts, 70, "ada", LIMITED, now=100.0) == 50
    with pytest.raises(TooManyAttempts) as caught:
        attempts.sign_in(PlayerId("ada"), LIMITED, 100.0)
    assert caught.value.retry_after == 500
    assert sign_ins(attempts, 1, "bob", LIMITED, now=100.0) == 1
    assert sign_ins(attempts, 100, "ada", HERE, now=600.0) == 70


def test_an_address_may_sign_in_six_hundred_times_over_all_players(attempts: Attempts) -> None:
    through = [sign_ins(attempts, 100, f"player {number}", LIMITED) for number in range(7)]
    assert through == [100] * 6 + [0]
    # A refused one does not count for its player.
    assert sign_ins(attempts, 130, "player 6", HERE) == 120


def test_changes_are_limited_as_sign_ins_are_and_counted_apart(attempts: Attempts) -> None:
    for number in range(600):
        attempts.change(PlayerId(f"player {number % 5}"), LIMITED, 0.0)
    for player, at in (("player 0", HERE), ("another", LIMITED)):
        with pytest.raises(TooManyAttempts):
            attempts.change(PlayerId(player), at, 0.0)
    attempts.change(PlayerId("another"), HERE, 0.0)
    assert sign_ins(attempts, 130, "player 0", LIMITED) == 120


def test_sign_ins_count_for_the_wider_networks_too(attempts: Attempts) -> None:
    through = [
        sum(sign_ins(attempts, 120, f"{number} {n}", in_a_48(number)) for n in range(6))
        for number in range(16)
    ]
    assert through == [600] * 8 + [0] * 8


# New players


def test_an_address_may_create_sixty_players(attempts: Attempts) -> None:
    for _ in range(60):
        attempts.new_player(place("here", "here"), 0.0)
    with pytest.raises(TooManyAttempts) as caught:
        attempts.new_player(place("here", "here"), 0.0)
    assert caught.value.retry_after == 600
    attempts.new_player(place("there", "there"), 0.0)
    for _ in range(100):
        attempts.new_player(place("here", None), 0.0)


# Networks


def in_a_48(number: int) -> Place:
    """A /64 of a /48; sixteen in turn share a /56."""
    return Place(f"/64 {number}", (f"/64 {number}", f"/56 {number // 16}", "/48"))


def guess(attempts: Attempts, name: str, at: Place, now: float = 0.0) -> bool:
    """Guess wrong; return False if that was refused."""
    try:
        with attempts.guess(name, at, now):
            raise BadCredentials
    except BadCredentials:
        return True
    except TooManyAttempts:
        return False


def test_a_customer_with_many_64s_has_the_guesses_of_eight_or_sixty_four_of_them(
    attempts: Attempts,
) -> None:
    through = [
        sum(guess(attempts, f"{number} {n}", in_a_48(number)) for n in range(110))
        for number in range(160)
    ]
    assert through == ([100] * 8 + [0] * 8) * 8 + [0] * 32
    assert guess(attempts, "ada", Place("elsewhere", ("elsewhere",)))
    assert guess(attempts, "ada", in_a_48(159), now=300.0)


def test_a_customer_with_many_64s_creates_as_many_players_as_eight_or_sixty_four_of_them(
    attempts: Attempts,
) -> None:
    created = []
    for number in range(160):
        created.append(0)
        with suppress(TooManyAttempts):
            for _ in range(70):
                attempts.new_player(in_a_48(number), 0.0)
                created[-1] += 1
    assert created == ([60] * 8 + [0] * 8) * 8 + [0] * 32


def test_a_guess_is_allowed_again_after_the_wait_that_was_told(attempts: Attempts) -> None:
    guesses(attempts, 5, "ada", "here", None, now=0.0)
    guesses(attempts, 5, "ada", "here", None, now=100.0)
    assert wait(attempts, "ada", "here", None, 100.0) == 200
    assert wait(attempts, "ada", "here", None, 299.9) == 1, "whole seconds, and never none"
    assert guesses(attempts, 10, "ada", "here", None, now=300.0) == 5, "those of the first minute"
    assert guesses(attempts, 20, "ada", "here", None, now=600.0) == 10


def test_a_guess_refused_for_its_address_does_not_count_for_the_name(attempts: Attempts) -> None:
    for number in range(100):
        guesses(attempts, 1, f"player {number}", "here", "here")
    assert guesses(attempts, 50, "ada", "here", "here") == 0
    assert guesses(attempts, 50, "ada", "here", None) == 10


def test_the_number_of_remembered_keys_is_limited() -> None:
    attempts = Attempts(Limits(guesses_per_name=Quota(1, 300), counted_keys=10))
    for number in range(100):
        guesses(attempts, 1, f"player {number}", "here", None)
    assert guesses(attempts, 1, "player 99", "here", None) == 0
    assert guesses(attempts, 1, "player 0", "here", None) == 1
