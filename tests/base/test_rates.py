"""Rate limits: a token bucket, a moving window, and debts."""

import doctest
from weakref import WeakSet

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base import rates as module
from server.base.rates import Debts, MovingWindow, Quota, Rate, TokenBucket


def test_a_full_bucket_allows_one_burst() -> None:
    bucket = TokenBucket(Rate(50, 100), now=7.0)
    assert [bucket.take(7.0) for _ in range(101)] == [True] * 100 + [False]


def test_tokens_come_back_at_the_rate_and_not_sooner() -> None:
    bucket = TokenBucket(Rate(2, 1), now=0.0)
    assert bucket.take(0.0)
    assert not bucket.take(0.499)
    assert bucket.take(0.5)
    assert not bucket.take(0.5)


def test_idle_time_fills_no_more_than_a_burst() -> None:
    bucket = TokenBucket(Rate(1, 3), now=0.0)
    assert [bucket.take(1e6) for _ in range(4)] == [True, True, True, False]


def test_a_refused_take_costs_no_token() -> None:
    bucket = TokenBucket(Rate(1, 1), now=0.0)
    assert bucket.take(0.0)
    assert not any(bucket.take(tenth / 10) for tenth in range(1, 10))
    assert bucket.take(1.001)


@given(st.lists(st.floats(0, 0.5), max_size=200), st.integers(1, 20), st.integers(1, 20))
def test_no_interval_allows_more_than_burst_and_rate(
    waits: list[float], rate: int, burst: int
) -> None:
    bucket = TokenBucket(Rate(rate, burst), 0.0)
    now, taken = 0.0, 0
    for wait in waits:
        now += wait
        taken += bucket.take(now)
    assert taken <= burst + rate * now + 1e-6


def test_a_key_is_counted_up_to_its_quota_and_no_further() -> None:
    window = MovingWindow[str](Quota(2, 60.0), max_keys=10)
    assert [window.take("ada", now) for now in (0.0, 10.0, 10.0, 59.999)] == [
        True,
        True,
        False,
        False,
    ]
    assert window.take("bob", 59.999)


def test_the_window_moves_with_each_instant_that_was_counted() -> None:
    window = MovingWindow[str](Quota(2, 60.0), max_keys=10)
    assert window.take("ada", 0.0)
    assert window.take("ada", 10.0)
    assert window.take("ada", 60.0)
    assert not window.take("ada", 69.999)
    assert window.take("ada", 70.0)


def test_a_refused_take_does_not_prolong_the_wait() -> None:
    window = MovingWindow[str](Quota(1, 60.0), max_keys=10)
    assert window.take("ada", 0.0)
    assert not any(window.take("ada", float(now)) for now in range(1, 60))
    assert window.take("ada", 60.0)


def test_the_wait_ends_when_one_more_may_be_counted() -> None:
    window = MovingWindow[str](Quota(2, 60.0), max_keys=10)
    assert window.wait("ada", 0.0) == 0.0
    window.take("ada", 0.0)
    assert window.wait("ada", 5.0) == 0.0
    window.take("ada", 10.0)
    assert [window.wait("ada", now) for now in (10.0, 59.0, 60.0)] == [50.0, 1.0, 0.0]
    assert window.wait("bob", 10.0) == 0.0


def test_asking_for_the_wait_counts_nothing() -> None:
    window = MovingWindow[str](Quota(1, 60.0), max_keys=10)
    assert [window.wait("ada", 0.0) for _ in range(10)] == [0.0] * 10
    assert window.count("ada", 0.0) == 0


def test_a_late_count_counts_from_its_own_instant() -> None:
    window = MovingWindow[str](Quota(2, 60.0), max_keys=10)
    assert [window.take("ada", 10.0), window.take("ada", 0.0)] == [True, True]
    assert [window.wait("ada", now) for now in (10.0, 59.0, 60.0)] == [50.0, 1.0, 0.0]
    assert [window.count("ada", now) for now in (10.0, 59.0, 60.0, 70.0)] == [2, 2, 1, 0]


def test_a_key_that_is_forgotten_has_its_whole_quota() -> None:
    window = MovingWindow[str](Quota(1, 60.0), max_keys=10)
    window.take("ada", 0.0)
    window.take("bob", 0.0)
    window.forget("ada")
    window.forget("nobody")
    assert window.take("ada", 0.0)
    assert not window.take("bob", 0.0)


class Key:
    """Lives as long as the window refers to it."""


def test_expired_keys_are_dropped_by_calls_for_other_keys() -> None:
    window = MovingWindow[Key](Quota(2, 1.0), max_keys=10_000)
    remembered: WeakSet[Key] = WeakSet()
    for second in range(3):
        for _ in range(1_000):
            key = Key()
            remembered.add(key)
            window.take(key, float(second))
        del key
        assert len(remembered) == 1_000
    window.wait(Key(), 3.0)
    assert len(remembered) == 0


def test_beyond_the_most_keys_the_one_counted_longest_ago_is_forgotten() -> None:
    window = MovingWindow[int](Quota(1, 1_000.0), max_keys=10)
    for number in range(100):
        window.take(number, float(number))
    assert [window.count(number, 100.0) for number in range(100)] == [0] * 90 + [1] * 10
    assert not window.take(90, 100.0)
    assert window.take(89, 100.0)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 20)), max_size=100))
def test_a_window_counts_as_a_list_of_everything_would(events: list[tuple[str, float]]) -> None:
    window = MovingWindow[str](Quota(3, 30.0), max_keys=2)
    counted: list[tuple[str, float]] = []
    now = 0.0
    for key, wait in events:
        now += wait
        current = [then for who, then in counted if who == key and now - then < 30.0]
        assert (window.wait(key, now) == 0.0) == (len(current) < 3)
        if window.take(key, now):
            counted.append((key, now))
            assert len(current) < 3
        else:
            assert len(current) == 3


# Debts


def test_what_was_spent_beyond_the_burst_is_waited_for() -> None:
    debts = Debts[str](Rate(10, 100), max_keys=10)
    debts.charge("ada", 100, now=5.0)
    assert debts.wait("ada", 5.0) == 0.0, "all is spent, and nothing owed"
    debts.charge("ada", 30, now=5.0)
    assert debts.wait("ada", 5.0) == pytest.approx(3.0)
    assert debts.wait("ada", 7.9) == pytest.approx(0.1)
    assert debts.wait("ada", 8.0) == 0.0
    assert debts.wait("bob", 5.0) == 0.0


def test_idle_time_earns_no_more_than_a_burst() -> None:
    debts = Debts[str](Rate(10, 100), max_keys=10)
    debts.charge("ada", 100, now=0.0)
    debts.charge("ada", 110, now=1e6)
    assert debts.wait("ada", 1e6) == pytest.approx(1.0)


def test_nobody_owes_more_than_a_burst() -> None:
    debts = Debts[str](Rate(10, 100), max_keys=10)
    for _ in range(100):
        debts.charge("ada", 1_000_000, now=0.0)
    assert debts.wait("ada", 0.0) == 10.0


def test_a_charge_may_be_earlier_than_the_one_before() -> None:
    debts = Debts[str](Rate(10, 100), max_keys=10)
    debts.charge("ada", 100, now=8.0)
    debts.charge("ada", 50, now=7.0)
    assert debts.wait("ada", 8.0) == pytest.approx(5.0)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 150), st.floats(0, 30)), max_size=100)
)
def test_debts_are_those_of_a_bucket_that_may_be_overdrawn(
    charges: list[tuple[str, int, float]],
) -> None:
    debts = Debts[str](Rate(10, 100), max_keys=3)
    tokens, at = dict.fromkeys("abc", 100.0), 0.0
    for key, amount, wait in charges:
        at += wait
        tokens = {each: min(left + 10 * wait, 100.0) for each, left in tokens.items()}
        tokens[key] = max(tokens[key] - amount, -100.0)
        debts.charge(key, amount, at)
        for each, left in tokens.items():
            assert debts.wait(each, at) == pytest.approx(max(-left, 0) / 10, abs=1e-6)


def test_keys_that_owe_nothing_are_dropped() -> None:
    remembered: WeakSet[Key] = WeakSet()
    debts = Debts[Key](Rate(10, 100), max_keys=1_000_000)
    for number in range(10_000):
        key = Key()
        remembered.add(key)
        debts.charge(key, 1, number / 10)  # each for at most 20 s
    del key
    assert len(remembered) <= 400
    for now in (2_000.0, 3_000.0):
        debts.charge(Key(), 1, now)
    assert len(remembered) == 0


def test_beyond_the_most_keys_those_charged_longest_ago_are_forgiven() -> None:
    debts = Debts[int](Rate(1, 1), max_keys=10)
    for number in range(100):
        debts.charge(number, 2.0, 0.0)
    assert [debts.wait(number, 0.0) for number in range(80)] == [0.0] * 80
    assert [debts.wait(number, 0.0) for number in range(90, 100)] == [1.0] * 10


def test_who_has_spent_a_burst_is_not_forgiven_because_many_others_spend_a_little() -> None:
    debts = Debts[int](Rate(10, 100), max_keys=10)
    debts.charge(0, 200, 0.0)
    debts.charge(1, 99, 0.0)
    for number in range(2, 1000):
        debts.charge(number, 1, 0.0)
    assert debts.wait(0, 0.0) == 10.0
    assert len(debts._paid_at) + len(debts._earlier) <= 30
    debts.charge(1, 2, 0.0)
    assert debts.wait(1, 0.0) == 0.0, "what they had spent is forgotten"


@pytest.mark.parametrize(("bursts", "wait"), [(1.0, 20.0), (1.5, 15.0), (2.0, 10.0), (3.0, 0.0)])
def test_some_may_spend_more_bursts_than_others_of_the_same_key(bursts: float, wait: float) -> None:
    debts = Debts[str](Rate(10, 100), max_keys=10, most=3.0)
    debts.charge("ada", 1000, 0.0)
    assert debts.wait("ada", 0.0, bursts) == wait
    assert debts.wait("ada", 20.0) == 0.0


def test_a_key_that_goes_on_being_charged_is_kept() -> None:
    debts = Debts[int](Rate(10, 100), max_keys=10)
    debts.charge(0, 200, 0.0)
    for number in range(1, 100):
        debts.charge(number, 1, 0.0)
        debts.charge(0, 1, 0.0)
    assert debts.wait(0, 0.0) == 10.0


def test_the_example_in_the_docstring_is_true() -> None:
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 0


def test_a_refusal_says_what_the_quota_is() -> None:
    told = Quota(5, 60).refusal("lines")
    assert told == "5 lines in 60 seconds are enough: try again later."
