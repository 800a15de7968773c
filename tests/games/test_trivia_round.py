"""The rules of the trivia round: its questions, its edges by example, and hostile matches."""

import random
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.games.game import NEVER, Moment, NotAllowed, Outcome, Silence, Until
from server.games.trivia_round import (
    LATENESS,
    QUESTION_TIME,
    QUESTIONS,
    QUESTIONS_IN_MATCH,
    REVEAL_TIME,
    Question,
    TriviaAction,
    TriviaRound,
    TriviaState,
    Wording,
)

GAME = TriviaRound()


def at(now: float, seed: object = "any") -> Moment:
    return Moment(now, str(seed))


def match_of(seats: int, seed: object = "any") -> TriviaState:
    return GAME.start(seats, at(0.0, seed))


def right(state: TriviaState) -> int:
    """The number of the right choice of the present question."""
    return state.questions[state.asked].order.index(0)


def answered(state: TriviaState, seat: int, *, is_right: bool, now: float = 0.0) -> TriviaState:
    choice = right(state) if is_right else (right(state) + 1) % 4
    return GAME.act(state, seat, TriviaAction(state.asked, choice), at(now))


def all_answered(state: TriviaState, *who_is_right: int, now: float = 0.0) -> TriviaState:
    """All seats that the match waits for answer at once; those in `who_is_right` are right."""
    for seat in tuple(GAME.waits_for(state)):
        state = answered(state, seat, is_right=seat in who_is_right, now=now)
    return state


def ticked(state: TriviaState) -> TriviaState:
    return GAME.tick(state, at(GAME.due(state)))


def scores(state: TriviaState) -> list[int]:
    return [player.score for player in state.players]


def refused(state: TriviaState, seat: int, question: int, choice: int, now: float = 0.0) -> str:
    """The reason for which an answer is refused."""
    with pytest.raises(NotAllowed) as refusal:
        GAME.act(state, seat, TriviaAction(question, choice), at(now))
    return refusal.value.detail


# The questions


def wordings() -> Iterator[tuple[Question, str, Wording]]:
    for question in QUESTIONS:
        for language, wording in msgspec.structs.asdict(question).items():
            yield question, language, wording


def test_there_are_at_least_120_questions_without_duplicates() -> None:
    assert len(QUESTIONS) >= 120
    for language in ("en", "zh", "es"):
        assert len({getattr(question, language)[0] for question in QUESTIONS}) == len(QUESTIONS)


def test_every_question_is_complete_and_short_enough_in_every_language() -> None:
    for _, language, (question, *choices) in wordings():
        assert question[-1] in "?？", question
        assert question.startswith("¿") or language != "es" or "¿" in question, question
        assert len(set(choices)) == 4, question
        assert all(text == text.strip() != "" for text in (question, *choices)), question
        assert len(question) <= 100, question
        assert max(map(len, choices)) <= 32, question


def test_no_question_gives_its_own_answer_away() -> None:
    for _, language, (question, right_one, *_) in wordings():
        edge = "" if language == "zh" else r"\b"
        assert not re.search(f"{edge}{re.escape(right_one)}{edge}", question, re.I), question


def test_choices_that_are_numbers_are_the_same_in_every_language() -> None:
    for question in QUESTIONS:
        for first, *others in zip(question.en, question.zh, question.es, strict=True):
            if first.isdigit():
                assert others == [first, first], question.en


# A match


def test_a_match_has_eight_different_questions_drawn_by_chance() -> None:
    drawn = [match_of(2, seed).questions for seed in range(20)]
    for questions in drawn:
        assert len({asked.number for asked in questions}) == QUESTIONS_IN_MATCH == 8
    assert len(set(drawn)) == 20
    assert drawn == [match_of(2, seed).questions for seed in range(20)]


def test_the_right_choice_stands_in_any_place() -> None:
    places = [asked.order.index(0) for seed in range(20) for asked in match_of(2, seed).questions]
    assert all(20 <= places.count(place) <= 60 for place in range(4))


def test_the_page_gets_the_same_choices_in_the_same_order_in_every_language() -> None:
    for state in map(match_of, [2] * 9, range(9)):
        number, order = msgspec.structs.astuple(state.questions[0])
        texts = GAME.view(state, 0)["texts"]
        for language, (question, *choices) in msgspec.structs.asdict(QUESTIONS[number]).items():
            assert texts[language]["question"] == question
            assert texts[language]["choices"] == [choices[place] for place in order]


@pytest.mark.parametrize(
    ("now", "points"), [(0.0, 200), (5.0, 175), (10.0, 150), (20.0, 100), (21.9, 100)]
)
def test_a_right_answer_is_worth_more_the_sooner_it_comes(now: float, points: int) -> None:
    state = answered(match_of(2), 0, is_right=True, now=now)
    assert scores(answered(state, 1, is_right=False, now=now)) == [points, 0]


def test_speed_is_counted_from_when_the_question_was_asked() -> None:
    state = ticked(all_answered(match_of(2), now=4.0))
    assert state.since == 4.0 + REVEAL_TIME
    assert scores(all_answered(state, 0, 1, now=state.since + 10)) == [150, 150]


def test_the_reveal_comes_as_soon_as_all_have_answered() -> None:
    state = match_of(3)
    assert GAME.waits_for(state) == [0, 1, 2]
    state = answered(state, 1, is_right=True, now=2.0)
    state = answered(state, 0, is_right=True, now=3.0)
    assert (GAME.waits_for(state), state.is_revealed) == ([2], False)
    state = answered(state, 2, is_right=False, now=4.0)
    assert (list(GAME.waits_for(state)), state.is_revealed, state.since) == ([], True, 4.0)
    assert GAME.due(state) == 4.0 + REVEAL_TIME


def test_after_the_reveal_comes_the_next_question_with_nothing_kept_but_the_points() -> None:
    state = ticked(all_answered(match_of(2), 1))
    assert (state.asked, state.is_revealed, state.since) == (1, False, REVEAL_TIME)
    assert GAME.waits_for(state) == [0, 1]
    assert scores(state) == [0, 200]
    assert GAME.view(state, 0)["players"] == {"0": {"score": 0}, "1": {"score": 200}}
    assert scores(ticked(state)) == [0, 200], "no answer, no points"


def test_the_player_with_most_points_wins_after_the_last_reveal() -> None:
    state = match_of(3)
    for question in range(QUESTIONS_IN_MATCH):
        assert GAME.outcome(state) is None
        state = all_answered(state, 2, *([0] if question == 3 else []), now=state.since)
        assert GAME.outcome(state) is None, "the last answer is shown before the result"
        state = ticked(state)
    assert GAME.outcome(state) == Outcome((2,), "finished", (200.0, 0.0, 1600.0))
    assert GAME.due(state) == NEVER
    assert list(GAME.waits_for(state)) == []
    assert GAME.view(state, None) == {
        "phase": "over",
        "questions": 8,
        "players": {"0": {"score": 200}, "1": {"score": 0}, "2": {"score": 1600}},
    }


def test_equal_best_scores_share_the_win_and_without_points_there_is_no_winner() -> None:
    for who_is_right in [(0, 2), ()]:
        state = match_of(3)
        while GAME.due(state) != NEVER:
            state = ticked(all_answered(state, *who_is_right, now=state.since))
        outcome = GAME.outcome(state)
        assert outcome is not None
        assert outcome.winners == who_is_right


# What is refused


def test_an_answer_is_final() -> None:
    state = answered(match_of(2), 0, is_right=False)
    for choice in range(4):
        assert refused(state, 0, 0, choice).startswith("You have answered already")


def test_an_answer_to_another_question_is_refused() -> None:
    state = ticked(all_answered(match_of(2)))
    assert refused(state, 0, 0, 1).startswith("Too late")
    assert refused(state, 0, -1, 1).startswith("Too late")
    assert refused(state, 0, 2, 1) == "This question has not been asked yet."


def test_an_answer_after_the_reveal_is_too_late() -> None:
    state = ticked(answered(match_of(2), 0, is_right=True))
    assert state.is_revealed
    assert refused(state, 1, 0, right(state)).startswith("Too late")


@pytest.mark.parametrize("choice", [-1, -4, 4, 10**30])
def test_a_choice_out_of_range_is_refused(choice: int) -> None:
    assert refused(match_of(2), 0, 0, choice) == "There are four choices, 0 to 3."


@pytest.mark.parametrize("seat", [-1, -2, 2, 16])
def test_a_player_without_a_seat_in_the_match_is_refused(seat: int) -> None:
    assert refused(match_of(2), seat, 0, 0) == "You do not play in this match."


def test_actions_of_a_gone_player_or_after_the_end_are_refused() -> None:
    state = GAME.player_gone(match_of(3), 1, at(1.0))
    assert refused(state, 1, 0, 0) == "You do not play in this match."
    state = GAME.player_gone(state, 2, at(2.0))
    assert refused(state, 0, 0, 0) == "The match is over."


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"question": 0},
        {"question": 0, "choice": "1"},
        {"question": 0, "choice": 1.5},
        {"question": 0, "choice": True},
        {"question": 0, "choice": None},
        {"question": 0, "choice": 1, "seat": 2},
    ],
)
def test_an_action_of_another_shape_is_refused_by_its_type(message: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(message, GAME.action)


# Views


def test_before_the_reveal_a_player_sees_only_that_others_have_answered() -> None:
    state = answered(match_of(3), 1, is_right=True, now=1.0)
    for seat in (0, 2, None):
        view = GAME.view(state, seat)
        assert view["players"] == {
            "0": {"score": 0},
            "1": {"score": 0, "has_answered": True},
            "2": {"score": 0},
        }
        assert "right" not in view
    own = GAME.view(state, 1)
    assert own["players"]["1"] == {"score": 0, "has_answered": True, "choice": right(state)}
    assert "right" not in own


def test_the_reveal_shows_the_right_choice_and_each_answer() -> None:
    state = answered(match_of(3), 1, is_right=True, now=10.0)
    state = GAME.player_away(answered(state, 0, is_right=False, now=11.0), 2, at(12.0))
    for seat in (0, 1, 2, None):
        view = GAME.view(state, seat)
        assert (view["phase"], view["right"]) == ("reveal", right(state))
        assert view["players"] == {
            "0": {"score": 0, "has_answered": True, "choice": (right(state) + 1) % 4, "points": 0},
            "1": {"score": 150, "has_answered": True, "choice": right(state), "points": 150},
            "2": {"score": 0, "points": 0, "is_skipped": True},
        }


def test_the_view_says_when_the_phase_ends() -> None:
    state = match_of(2)
    assert type(GAME.view(state, 0)["ends_in"]) is Until
    assert (GAME.view(state, 0)["ends_in"], GAME.view(state, 0)["lasts"]) == (20.0, 20.0)
    view = GAME.view(all_answered(state, now=3.0), 0)
    assert (view["ends_in"], view["lasts"]) == (8.0, 5.0)


# Absent players


def test_the_room_hears_of_a_silence_before_the_question_ends_by_itself() -> None:
    """So the room can count them: the third silence in a row costs the seat."""
    state = match_of(2)
    assert GAME.policy.move_time == QUESTION_TIME
    assert GAME.due(state) == QUESTION_TIME + LATENESS > QUESTION_TIME
    assert GAME.policy.silence is Silence.SKIP
    assert GAME.policy.most_skips + 1 == 3


def test_a_question_ends_with_the_last_skip_and_the_next_waits_for_all() -> None:
    state = answered(match_of(3), 0, is_right=True, now=19.0)
    state = GAME.player_away(state, 1, at(QUESTION_TIME))
    assert (GAME.waits_for(state), state.is_revealed) == ([2], False)
    state = GAME.player_away(state, 2, at(QUESTION_TIME))
    assert state.is_revealed
    assert GAME.waits_for(ticked(state)) == [0, 1, 2]


def test_a_question_to_which_all_are_silent_ends_with_its_time() -> None:
    state = GAME.player_away(match_of(2), 0, at(QUESTION_TIME))
    assert not state.is_revealed
    state = GAME.player_away(state, 1, at(QUESTION_TIME))
    assert (state.is_revealed, state.since) == (True, QUESTION_TIME)


def test_every_question_ends_without_any_answer_or_skip() -> None:
    state = ticked(match_of(2))
    assert (state.is_revealed, state.since) == (True, QUESTION_TIME + LATENESS)
    for _ in range(2 * QUESTIONS_IN_MATCH - 1):
        assert GAME.outcome(state) is None
        state = ticked(state)
    assert GAME.outcome(state) == Outcome((), "finished", (0.0, 0.0))


def test_a_question_stays_open_while_every_player_will_be_right_back() -> None:
    state = GAME.player_away(GAME.player_away(match_of(2), 0, at(1.0)), 1, at(1.0))
    assert (list(GAME.waits_for(state)), state.is_revealed) == ([], False)
    assert GAME.view(state, 0)["players"]["1"] == {"score": 0, "is_skipped": True}
    back = GAME.player_back(state, 1, at(8.0))
    assert GAME.waits_for(back) == [1]
    assert scores(answered(back, 1, is_right=True, now=10.0)) == [0, 150]
    assert ticked(state).is_revealed


def test_a_skipped_player_may_answer_while_the_question_is_open() -> None:
    state = GAME.player_away(match_of(3), 1, at(2.0))
    state = answered(state, 1, is_right=True, now=10.0)
    assert GAME.waits_for(state) == [0, 2]
    assert GAME.view(state, 0)["players"]["1"] == {"score": 0, "has_answered": True}
    assert scores(all_answered(state, now=12.0)) == [0, 150, 0]


def test_being_away_does_not_change_a_given_answer() -> None:
    state = answered(match_of(2), 0, is_right=True)
    assert GAME.player_away(state, 0, at(1.0)) == state
    revealed = all_answered(state, now=2.0)
    assert GAME.player_away(revealed, 0, at(3.0)) == revealed
    assert GAME.player_back(revealed, 1, at(3.0)) == revealed


def test_a_question_ends_when_the_last_awaited_player_is_gone() -> None:
    state = answered(answered(match_of(3), 0, is_right=True), 2, is_right=False)
    state = GAME.player_gone(state, 1, at(6.0))
    assert (state.is_revealed, state.since) == (True, 6.0)
    assert GAME.waits_for(ticked(state)) == [0, 2]
    assert GAME.view(state, 0)["players"]["1"] == {"score": 0, "points": 0, "is_gone": True}


def test_the_last_remaining_player_wins_with_any_score() -> None:
    state = all_answered(match_of(3), 0, 1)
    for seat in (0, 1):
        assert GAME.outcome(state) is None
        state = GAME.player_gone(state, seat, at(2.0))
    assert GAME.outcome(state) == Outcome((2,), "gone", (200.0, 200.0, 0.0))
    assert GAME.due(state) == NEVER
    assert GAME.outcome(GAME.player_gone(state, 2, at(3.0))) == Outcome(
        (), "gone", (200.0, 200.0, 0.0)
    )


@pytest.mark.parametrize(("seconds", "points"), [(QUESTION_TIME, 100.0), (0.0, 200.0)])
def test_a_gone_player_does_not_win_with_any_score(seconds: float, points: float) -> None:
    state = GAME.player_gone(all_answered(match_of(3), 0), 0, at(1.0))
    state = all_answered(ticked(state), 2, now=state.since + REVEAL_TIME + seconds)
    while GAME.due(state) != NEVER:
        state = ticked(all_answered(state))
    assert GAME.outcome(state) == Outcome((2,), "finished", (200.0, 0.0, points))


def test_who_plays_alone_plays_all_questions_and_has_nobody_to_beat() -> None:
    state = match_of(1)
    for _ in range(QUESTIONS_IN_MATCH):
        assert GAME.outcome(state) is None
        state = all_answered(state, 0, now=state.since)
        assert state.is_revealed
        state = ticked(state)
    assert GAME.outcome(state) == Outcome((), "finished", (QUESTIONS_IN_MATCH * 200.0,))
    left = GAME.player_gone(match_of(1), 0, at(1.0))
    assert GAME.outcome(left) == Outcome((), "gone", (0.0,))


def test_a_question_in_which_the_match_ends_is_never_revealed() -> None:
    state = GAME.player_gone(answered(match_of(2), 0, is_right=True), 1, at(1.0))
    assert GAME.outcome(state) == Outcome((0,), "gone", (0.0, 0.0))
    assert GAME.view(state, None) == {
        "phase": "over",
        "questions": 8,
        "players": {"0": {"score": 0, "has_answered": True}, "1": {"score": 0, "is_gone": True}},
    }


def test_a_bot_answers_once_and_only_while_a_question_is_open() -> None:
    state = match_of(3)
    action = GAME.bot(state, 0, at(0.0))
    assert action is not None
    state = GAME.act(state, 0, action, at(0.0))
    assert GAME.bot(state, 0, at(0.0)) is None, "it has answered"
    assert GAME.bot(GAME.player_gone(state, 1, at(0.0)), 1, at(0.0)) is None, "it is gone"
    revealed = all_answered(GAME.player_away(state, 1, at(0.0)))
    assert revealed.players[1].choice is None
    assert [GAME.bot(revealed, seat, at(0.0)) for seat in range(3)] == [None] * 3
    over = GAME.player_gone(GAME.player_gone(state, 0, at(0.0)), 1, at(0.0))
    assert GAME.bot(over, 2, at(0.0)) is None, "the match is over"


# Random and hostile players

steps = st.lists(
    st.tuples(
        st.sampled_from(["act", "act", "right", "bot", "away", "back", "gone", "tick"]),
        st.integers(-1, 6),
        st.integers(-1, 2),
        st.integers(-1, 4),
        st.floats(0.0, 9.0),
    ),
    max_size=60,
)


@settings(max_examples=60)
@given(seats=st.integers(2, 6), seed=st.integers(0, 99), steps=steps)
def test_the_rules_hold_for_any_actions(
    seats: int, seed: int, steps: list[tuple[str, int, int, int, float]]
) -> None:
    state, now = match_of(seats, seed), 0.0
    dice = random.Random(seed)
    for what, seat, question, choice, seconds in steps:
        due = GAME.due(state)
        now = due if what == "tick" and due != NEVER else min(now + seconds, due)
        before = msgspec.json.encode(state)
        after = step(state, what, seat, state.asked + question, choice, now)
        assert msgspec.json.encode(state) == before, "the state that was given is as it was"
        assert msgspec.json.decode(msgspec.json.encode(after), type=TriviaState) == after
        hold(state, after)
        hides(after, dice)
        state = after
    ticks = 0
    while GAME.outcome(state) is None:
        state = ticked(state)
        ticks += 1
    assert ticks <= 2 * QUESTIONS_IN_MATCH


def step(
    state: TriviaState, what: str, seat: int, question: int, choice: int, now: float
) -> TriviaState:
    """Do one step; refused ones change nothing."""
    moment = at(now, (what, seat, now))
    if what == "tick":
        return GAME.tick(state, moment) if GAME.due(state) != NEVER else state
    if what in ("act", "right"):
        action = (
            TriviaAction(state.asked, right(state)) if what == "right" and is_open(state) else None
        )
        try:
            return GAME.act(state, seat, action or TriviaAction(question, choice), moment)
        except NotAllowed:
            return state
    if not 0 <= seat < len(state.players):
        return state  # a room passes only seats of the match
    if what == "bot":
        bots = GAME.bot(state, seat, moment)
        return state if bots is None else GAME.act(state, seat, bots, moment)
    hooks = {"away": GAME.player_away, "back": GAME.player_back, "gone": GAME.player_gone}
    return hooks[what](state, seat, moment)


def is_open(state: TriviaState) -> bool:
    return GAME.outcome(state) is None and not state.is_revealed


def hold(before: TriviaState, after: TriviaState) -> None:
    """Check what is true of every step of every match."""
    for old, new in zip(before.players, after.players, strict=True):
        assert old.score <= new.score <= old.score + 200
        assert new.is_gone or not old.is_gone, "who is gone stays so"
        if before.asked == after.asked and old.choice is not None:
            assert (new.choice, new.points) == (old.choice, old.points), "an answer is final"
    assert after.asked - before.asked in (0, 1)
    waits_for = list(GAME.waits_for(after))
    if not is_open(after):
        assert waits_for == []
    assert all(not after.players[seat].is_gone for seat in waits_for)
    assert all(one < other for one, other in pairwise(waits_for))
    assert (GAME.due(after) == NEVER) == (GAME.outcome(after) is not None)


def hides(state: TriviaState, dice: random.Random) -> None:
    """Before the reveal, views depend neither on the answers of others nor on any points."""
    if not is_open(state):
        return
    for viewer in [None, *range(len(state.players))]:
        others = tuple(
            msgspec.structs.replace(
                player,
                points=dice.randrange(200),
                choice=player.choice
                if player.choice is None or seat == viewer
                else dice.randrange(4),
            )
            for seat, player in enumerate(state.players)
        )
        other = msgspec.structs.replace(state, players=others)
        assert GAME.view(state, viewer) == GAME.view(other, viewer)
        assert "right" not in GAME.view(state, viewer)
