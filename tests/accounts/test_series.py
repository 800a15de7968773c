"""Series of failures: compared with a plain count of each key."""

import doctest

from hypothesis import given
from hypothesis import strategies as st

from server.accounts import series
from server.accounts.series import Series
from server.base.rates import Quota

QUOTA = Quota(3, 10.0)


def test_the_example_is_true() -> None:
    assert doctest.testmod(series).failed == 0


STEPS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["fail", "forget"]), st.floats(-2, 12)),
    max_size=40,
)


@given(STEPS)
def test_a_series_goes_on_until_the_time_is_over(steps: list[tuple[str, str, float]]) -> None:
    counted = Series(QUOTA, max_keys=10)
    plain: dict[str, tuple[int, float]] = {}
    latest = 0.0
    for key, what, later in steps:
        now = max(0.0, latest + later)  # one that took long says when it began
        latest = max(now, latest)
        count, at = plain.get(key, (0, latest))
        if latest - at >= QUOTA.seconds:
            count, at = 0, latest
            plain.pop(key, None)
        assert counted.count(key, now) == count
        wait = 0.0 if count < QUOTA.count else QUOTA.seconds - (latest - at)
        assert counted.wait(key, now) == wait
        if what == "forget":
            counted.forget(key)
            plain.pop(key, None)
        else:
            counted.take(key, now)
            plain[key] = count + 1, latest


def test_keys_are_dropped_in_the_order_of_their_latest_and_those_used_up_apart() -> None:
    counted = Series(QUOTA, max_keys=2)
    for _ in range(3):
        counted.take("used up", 0.0)
    for key in ("a", "b", "a", "c"):
        counted.take(key, 1.0)
    assert [counted.count(key, 1.0) for key in ("used up", "a", "b", "c")] == [3, 2, 0, 1]
    for key in ("d", "e"):
        for _ in range(3):
            counted.take(key, 2.0)
    assert [counted.count(key, 2.0) for key in ("used up", "d", "e", "a", "c")] == [0, 3, 3, 0, 1]
    # Those that have ended are not kept.
    assert counted.count("another", 20.0) == 0
    assert not counted._counted
    assert not counted._used_up
