"""Trivia round: eight questions of four choices each, which all players answer at once.

A question is open for 20 seconds. When all players that the match waits for have answered, or the
time is up, the right answer is shown for 5 seconds, with each player's answer and points. A right
answer is worth 100 points, and up to 100 more for speed. Most points after the last question win;
equals share the win.

A player who does not answer in time is skipped: the match no longer waits for them in this
question, though they may still answer it. A question without any answer stays open for its whole
time.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from server.games.game import (
    NEVER,
    AfkPolicy,
    Game,
    Moment,
    NotAllowed,
    Outcome,
    Seat,
    Silence,
    Until,
    View,
)

QUESTIONS_IN_MATCH = 8
QUESTION_TIME = 20.0
REVEAL_TIME = 5.0
LATENESS = 2.0
"""The room skips players who are silent for QUESTION_TIME and counts that; skipping the last one
ends the question. Without that it ends this much later by itself."""

RIGHT = 100
FOR_SPEED = 100
"""The points for a right answer, and the most for speed, which fall linearly."""


Wording: TypeAlias = tuple[str, str, str, str, str]
"""A question in one language, then its choices: the right one, and three wrong ones in the same
order in all languages."""


class Question(msgspec.Struct, frozen=True):
    """A question in each language of the page."""

    en: Wording
    zh: Wording
    es: Wording


QUESTIONS = msgspec.json.decode(
    Path(__file__).with_name("trivia_questions.json").read_bytes(), type=tuple[Question, ...]
)
"""Stored matches refer to them by index: add new ones at the end."""


class Asked(msgspec.Struct, frozen=True):
    """A question of this match."""

    number: int
    """Index in QUESTIONS."""

    order: tuple[int, int, int, int]
    """Which of the wording's choices is shown first, second... The right one is 0."""


class TriviaSeat(msgspec.Struct, frozen=True, gc=False):
    """The state of one seat."""

    score: int = 0
    """Points of all revealed questions."""

    choice: int | None = None
    points: int = 0
    """The answer to the present question and its points; secret until revealed."""

    is_skipped: bool = False
    """The match no longer waits for their answer to the present question."""

    is_gone: bool = False


class TriviaState(msgspec.Struct, frozen=True):
    """A match: question number `asked` of `questions` is open, or revealed, since `since`; the
    match is over after the last one."""

    questions: tuple[Asked, ...]
    players: tuple[TriviaSeat, ...]
    since: float
    asked: int = 0
    is_revealed: bool = False


class TriviaAction(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An answer: the number of the question and the index of the choice, both from 0."""

    question: int
    choice: int


class TriviaRound(Game[TriviaState, TriviaAction]):
    """All answer at once: see the module."""

    name = "trivia-round"
    most = 16
    starts_when_full = False
    plays_alone = True  # and bots could only guess
    state = TriviaState
    action = TriviaAction
    policy = AfkPolicy(
        move_time=QUESTION_TIME,
        silence=Silence.SKIP,
        most_skips=2,
        may_claim=False,
        brb_budget=120.0,
        brb_waits=False,
    )

    # The match

    def start(self, seats: int, moment: Moment) -> TriviaState:
        dice = moment.random
        drawn = dice.sample(range(len(QUESTIONS)), QUESTIONS_IN_MATCH)
        orders = [dice.sample(range(4), 4) for _ in drawn]
        return TriviaState(
            questions=tuple(
                Asked(number, (a, b, c, d))
                for number, (a, b, c, d) in zip(drawn, orders, strict=True)
            ),
            players=(TriviaSeat(),) * seats,
            since=moment.now,
        )

    def act(
        self, state: TriviaState, seat: Seat, action: TriviaAction, moment: Moment
    ) -> TriviaState:
        if seat not in _remaining(state):
            raise NotAllowed("You do not play in this match.")
        if _is_over(state):
            raise NotAllowed("The match is over.")
        if action.question > state.asked:
            raise NotAllowed("This question has not been asked yet.")
        if action.question < state.asked or state.is_revealed:
            raise NotAllowed("Too late: the answer to this question has been shown.")
        if not 0 <= action.choice < 4:
            raise NotAllowed("There are four choices, 0 to 3.")
        if state.players[seat].choice is not None:
            raise NotAllowed("You have answered already, and an answer is final.")
        state = _with(
            state,
            seat,
            choice=action.choice,
            points=_points(state, action.choice, moment.now),
            is_skipped=False,
        )
        return self._revealed_if_complete(state, moment)

    def view(self, state: TriviaState, seat: Seat | None) -> View:
        """`texts`: the question and its choices in every language, so that the page can switch at
        once; `lasts`: seconds of the whole phase. `right`, and every `choice` and `points`, are
        there once revealed; before that only the player's own `choice`."""
        view: View = {
            "phase": "over" if _is_over(state) else "reveal" if state.is_revealed else "question",
            "questions": len(state.questions),
            "players": {
                str(other): _seen(player, state.is_revealed or other == seat, state.is_revealed)
                for other, player in enumerate(state.players)
            },
        }
        if _is_over(state):
            return view
        asked = state.questions[state.asked]
        view["number"] = state.asked
        view["texts"] = _texts(asked)
        if state.is_revealed:
            view["right"] = asked.order.index(0)
        view["lasts"] = REVEAL_TIME if state.is_revealed else QUESTION_TIME
        view["ends_in"] = Until(state.since + view["lasts"])
        return view

    def waits_for(self, state: TriviaState) -> Collection[Seat]:
        if state.is_revealed or _is_over(state):
            return ()
        return [
            seat
            for seat in _remaining(state)
            if state.players[seat].choice is None and not state.players[seat].is_skipped
        ]

    def outcome(self, state: TriviaState) -> Outcome | None:
        """Reasons: `finished`, or `gone` if too few are left. Only players who are left can win,
        only with points, and nobody wins alone."""
        if not _is_over(state):
            return None
        left = _remaining(state)
        scores = tuple(float(player.score) for player in state.players)
        if _is_deserted(state):
            return Outcome(tuple(left), "gone", scores)
        if len(state.players) == 1:
            return Outcome(scores=scores)
        best = max(scores[seat] for seat in left)
        return Outcome(tuple(seat for seat in left if scores[seat] == best > 0), scores=scores)

    # Time

    def due(self, state: TriviaState) -> float:
        if _is_over(state):
            return NEVER
        return state.since + (REVEAL_TIME if state.is_revealed else QUESTION_TIME + LATENESS)

    def tick(self, state: TriviaState, moment: Moment) -> TriviaState:
        if not state.is_revealed:
            return _revealed(state, moment)
        return msgspec.structs.replace(
            state,
            asked=state.asked + 1,
            is_revealed=False,
            since=moment.now,
            players=tuple(
                msgspec.structs.replace(player, choice=None, points=0, is_skipped=False)
                for player in state.players
            ),
        )

    # Absent players

    def player_away(self, state: TriviaState, seat: Seat, moment: Moment) -> TriviaState:
        """Skips this question only: at the next the match waits for them again, so that the room
        can count silences in a row. A player who said "be right back" is skipped at once."""
        if seat not in self.waits_for(state):
            return state
        return self._revealed_if_complete(_with(state, seat, is_skipped=True), moment)

    def player_back(self, state: TriviaState, seat: Seat, moment: Moment) -> TriviaState:
        return _with(state, seat, is_skipped=False)

    def player_gone(self, state: TriviaState, seat: Seat, moment: Moment) -> TriviaState:
        return self._revealed_if_complete(_with(state, seat, is_gone=True), moment)

    def bot(self, state: TriviaState, seat: Seat, moment: Moment) -> TriviaAction | None:
        can_answer = not state.is_revealed and not _is_over(state) and seat in _remaining(state)
        if not can_answer or state.players[seat].choice is not None:
            return None
        return TriviaAction(state.asked, moment.random.randrange(4))

    # Rules shared by several of these

    def _revealed_if_complete(self, state: TriviaState, moment: Moment) -> TriviaState:
        """Reveal the answer if the match waits for no one. Without any answer the question stays
        open, or players who are right back would find the match half over."""
        if state.is_revealed or _is_over(state) or self.waits_for(state):
            return state
        has_answers = any(player.choice is not None for player in state.players)
        is_time_up = moment.now >= state.since + QUESTION_TIME
        return _revealed(state, moment) if has_answers or is_time_up else state


def _revealed(state: TriviaState, moment: Moment) -> TriviaState:
    return msgspec.structs.replace(
        state,
        is_revealed=True,
        since=moment.now,
        players=tuple(
            msgspec.structs.replace(player, score=player.score + player.points)
            for player in state.players
        ),
    )


def _points(state: TriviaState, choice: int, now: float) -> int:
    """Return the points of a choice made now."""
    if state.questions[state.asked].order[choice] != 0:
        return 0
    time_left = max(0.0, state.since + QUESTION_TIME - now)
    return RIGHT + round(FOR_SPEED * time_left / QUESTION_TIME)


def _texts(asked: Asked) -> View:
    """Return a question in every language, with its choices in the order of this match."""
    wordings = msgspec.structs.asdict(QUESTIONS[asked.number])
    return {
        language: {"question": question, "choices": [choices[place] for place in asked.order]}
        for language, (question, *choices) in wordings.items()
    }


def _seen(player: TriviaSeat, shows_choice: bool, shows_points: bool) -> View:
    """Return a player's view; false values are left out."""
    seen: View = {"score": player.score}
    if player.choice is not None:
        seen["has_answered"] = True
        if shows_choice:
            seen["choice"] = player.choice
    if shows_points:
        seen["points"] = player.points
    if player.is_skipped:
        seen["is_skipped"] = True
    if player.is_gone:
        seen["is_gone"] = True
    return seen


def _remaining(state: TriviaState) -> list[Seat]:
    """The seats that are still in the match."""
    return [seat for seat, player in enumerate(state.players) if not player.is_gone]


def _is_over(state: TriviaState) -> bool:
    return state.asked == len(state.questions) or _is_deserted(state)


def _is_deserted(state: TriviaState) -> bool:
    return len(_remaining(state)) < min(2, len(state.players))


def _with(state: TriviaState, seat: Seat, **changes: Any) -> TriviaState:
    """Return the state with one player changed."""
    players = list(state.players)
    players[seat] = msgspec.structs.replace(players[seat], **changes)
    return msgspec.structs.replace(state, players=tuple(players))
