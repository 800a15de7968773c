"""Rate limits: a token bucket and a moving window."""

import doctest
from weakref import WeakSet

from hypothesis import given
from hypothesis import strategies as st

from server.base import rates as module
from server.base.rates import MovingWindow, Quota, Rate, TokenBucket


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


def test_the_example_in_the_docstring_is_true() -> None:
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 0


def test_a_refusal_says_what_the_quota_is() -> None:
    told = Quota(5, 60).refusal("lines")
    assert told == "5 lines in 60 seconds are enough: try again later."
