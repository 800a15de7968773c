"""How many messages a connection may send."""

from hypothesis import given
from hypothesis import strategies as st

from server.base.limits import TokenBucket


def test_a_burst_and_no_more() -> None:
    bucket = TokenBucket(rate=50, burst=100, now=7.0)
    assert [bucket.take(7.0) for _ in range(101)] == [True] * 100 + [False]


def test_tokens_come_back_at_the_rate_and_not_sooner() -> None:
    bucket = TokenBucket(rate=2, burst=1, now=0.0)
    assert bucket.take(0.0)
    assert not bucket.take(0.499)
    assert bucket.take(0.5)
    assert not bucket.take(0.5)


def test_idle_time_fills_no_more_than_a_burst() -> None:
    bucket = TokenBucket(rate=1, burst=3, now=0.0)
    assert [bucket.take(1e6) for _ in range(4)] == [True, True, True, False]


def test_asking_in_vain_costs_nothing() -> None:
    bucket = TokenBucket(rate=1, burst=1, now=0.0)
    assert bucket.take(0.0)
    assert not any(bucket.take(tenth / 10) for tenth in range(1, 10))
    assert bucket.take(1.001)


@given(st.lists(st.floats(0, 0.5), max_size=200), st.integers(1, 20), st.integers(1, 20))
def test_over_any_time_no_more_than_burst_and_rate_allow(
    waits: list[float], rate: int, burst: int
) -> None:
    bucket = TokenBucket(rate, burst, 0.0)
    now, taken = 0.0, 0
    for wait in waits:
        now += wait
        taken += bucket.take(now)
    assert taken <= burst + rate * now + 1e-6
