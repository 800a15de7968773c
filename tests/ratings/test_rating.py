"""How ratings follow from results."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.ratings.limits import Limits
from server.ratings.rating import NEW, Rating, counts, places, rate

RATINGS = st.builds(Rating, st.floats(0, 50), st.floats(0.5, 25 / 3))


def test_a_new_player_has_1000() -> None:
    assert NEW.shown == 1000


def test_the_winner_gains_what_the_loser_loses_and_both_are_known_better() -> None:
    won, lost = rate([NEW, NEW], [1, 2])
    # The figures of the library's documentation for two new players.
    assert (round(won.mu, 2), round(won.sigma, 2)) == (27.64, 8.07)
    assert (round(lost.mu, 2), round(lost.sigma, 2)) == (22.36, 8.07)
    assert won.shown > 1000 > lost.shown


def test_to_win_against_a_weaker_player_gains_less() -> None:
    strong, weak = Rating(35, 2), Rating(15, 2)
    expected, _ = rate([strong, weak], [1, 2])
    _, upset = rate([strong, weak], [2, 1])
    assert expected.mu - strong.mu < 0.1 < upset.mu - weak.mu


@given(st.lists(RATINGS, min_size=2, max_size=16), st.data())
def test_who_is_ahead_of_an_equal_is_rated_above_them(
    ratings: list[Rating], data: st.DataObject
) -> None:
    same = [ratings[0]] * len(ratings)
    where = data.draw(st.permutations(range(1, len(same) + 1)))
    rated = rate(same, where)
    assert len(rated) == len(same)
    in_order = [rated[where.index(place)].mu for place in range(1, len(same) + 1)]
    assert all(better > worse for better, worse in itertools.pairwise(in_order))


def test_a_draw_between_equals_changes_no_mean() -> None:
    assert [round(each.mu, 9) for each in rate([NEW, NEW], [1, 1])] == [25.0, 25.0]


@pytest.mark.parametrize(
    ("winners", "scores", "expected"),
    [
        ((1,), None, [2, 1, 2]),
        ((0, 2), None, [1, 2, 1]),
        ((), None, [1, 1, 1]),
        ((), (3.0, 2.0, 1.0), [1, 1, 1]),
        ((2,), (5.0, 7.0, 9.0), [3, 2, 1]),
        ((2,), (5.0, 5.0, 9.0), [2, 2, 1]),
        # Who survives wins, however much the others had.
        ((0,), (1.0, 7.0, 4.0), [1, 2, 3]),
        ((0, 1), (1.0, 7.0, 4.0), [1, 1, 2]),
    ],
)
def test_winners_are_ahead_and_the_others_by_their_scores(
    winners: tuple[int, ...], scores: tuple[float, ...] | None, expected: list[int]
) -> None:
    assert places(3, winners, scores) == expected


@pytest.mark.parametrize(
    ("reason", "seconds", "steps", "expected"),
    [
        ("finished", 3.0, 8, True),
        ("resigned", 20.0, 0, True),
        ("resigned", 19.9, 7, False),
        ("abandoned", 300.0, 90, False),
        ("failed", 300.0, 90, False),
    ],
)
def test_only_a_match_that_was_played_counts(
    reason: str, seconds: float, steps: int, expected: bool
) -> None:
    assert counts(reason, seconds, steps, 2, Limits()) is expected
