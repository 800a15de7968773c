"""A match: a running game, and the clocks of the players it waits for.

It changes the seats of its players (`seat.py`), and calls the hooks of the game. `now` is presence
time; the game gets match time, in which a restart of the server takes none.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from server.base.ids import MatchId, PlayerId
from server.base.units import NEVER, round_to_ms
from server.games.catalogue import AnyGame
from server.games.game import Moment, NotAllowed, Outcome, Silence, View
from server.rooms import calls
from server.rooms.calls import Hook
from server.rooms.errors import CommandRefused, GameFailed
from server.rooms.limits import Limits
from server.rooms.seat import SeatState
from server.rooms.thoughts import Thoughts

T = TypeVar("T")


class Move(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A change of a match other than a tick. The moves and the seed are enough to replay it
    (`replay.py`).

    `step`: the number of changes before it, ticks included; `at`: match seconds. `event`: the hook
    of the game that was called (`away`, `back`, `gone`), for a move without an action. `by_bot`: a
    bot acted for the player. `is_back`: with this action the player is back, after being skipped or
    replaced by a bot.
    """

    step: int
    at: float
    seat: int
    action: Any = None
    event: Hook | None = None
    by_bot: bool = False
    is_back: bool = False


class Match:
    """One instance per match; only its methods change it. `seats` are those of the room, of which
    the first `size` play; `number` is that of a seat."""

    __slots__ = (
        "_due",
        "_limits",
        "_seats",
        "_thoughts",
        "began",
        "bot_due",
        "ended_at",
        "ended_by",
        "game",
        "id",
        "is_end_published",
        "moves",
        "ordinal",
        "outcome",
        "players",
        "seed",
        "state",
        "step",
        "stood_at",
        "waits_for",
    )

    def __init__(
        self,
        id: MatchId,
        seed: str,
        ordinal: int,
        game: AnyGame,
        seats: Sequence[SeatState],
        players: tuple[tuple[PlayerId, str], ...],
        began: float,
        limits: Limits,
    ) -> None:
        self.id = id
        # Secret until the match is over: it determines the random numbers.
        self.seed = seed
        # From 1, in the room.
        self.ordinal = ordinal
        self.game = game
        self.players = players
        self.began = began
        self.step = 0
        self.state: Any = None
        self.outcome: Outcome | None = None
        self.ended_by: int | None = None
        self.ended_at = NEVER
        # `MatchEnded` was published.
        self.is_end_published = False
        # The moves since the last `take_moves`.
        self.moves: list[Move] = []
        # Match time at the last standstill: it never goes back before this.
        self.stood_at = 0.0
        self.waits_for: tuple[int, ...] = ()
        # When bots move, other than robots that think.
        self.bot_due = NEVER
        self._thoughts = Thoughts(game.thinking, limits)
        self._seats = seats
        self._limits = limits
        self._due = NEVER

    # What is known

    @property
    def size(self) -> int:
        return len(self.players)

    @property
    def is_ticking(self) -> bool:
        """True if the game has a tick ahead."""
        return self._due != NEVER

    def time(self, now: float) -> float:
        """Return match time in seconds, rounded to milliseconds, so that stored moves are read back
        the same."""
        return max(round_to_ms(now - self.began), self.stood_at)

    def running_time(self, now: float) -> float:
        """Return match time without correction for a standstill: during one it is less than `time`,
        so that countdowns in a view include the wait."""
        return now - self.began

    def next_tick(self) -> float:
        """Return the presence instant at which the game's next tick is due."""
        return NEVER if self.outcome is not None else self._due + self.began

    def next_bot(self, now: float) -> float:
        """Return the presence instant at which a bot may move next."""
        return min(self.bot_due, self._thoughts.next_due(now))

    @property
    def is_hurried(self) -> bool:
        """True if only robots play on: the others have no part in the rest of the match."""
        return any(seat.is_robot and seat.is_playing for seat in self._seats) and not any(
            seat.is_person and seat.is_playing and not self.is_out(number)
            for number, seat in enumerate(self._seats)
        )

    def is_out(self, number: int) -> bool:
        """Return True if the player of a seat has no part in the rest of the match. Raises
        GameFailed."""
        return bool(self._ask(calls.is_out, self.state, number))

    def view(self, number: int | None) -> View:
        """Return what the player of a seat may see; None: a spectator. Raises GameFailed."""
        return self._ask(calls.view, self.state, number)

    def diff(self, before: View, after: View) -> View | None:
        """Return the game's own diff of two views, if it has one. Raises GameFailed."""
        return self._ask(calls.diff, before, after)

    def restore(
        self,
        time: float,
        step: int,
        state: Any,
        outcome: Outcome | None,
        ended_by: int | None,
        now: float,
    ) -> None:
        """Restore a match that the last process left at `time` of the match. If it had ended, that
        was published."""
        self.began = now - time
        self.stood_at = time
        self.step = step
        self.state = state
        if outcome is not None:
            self.outcome = outcome
            self.ended_by = ended_by
            self.ended_at = now
            self.is_end_published = True

    def take_outcome(self) -> Outcome:
        """Return the outcome, whose end the caller publishes."""
        assert self.outcome is not None
        self.is_end_published = True
        return self.outcome

    # Facts: each may raise GameFailed

    def start(self, now: float) -> None:
        """Compute the first state, and whom the match waits for."""
        self._step(self.time(now), lambda game, moment: game.start(self.size, moment))
        self.review(now)

    def resume(self, now: float) -> None:
        """Go on after a restart: match time stood still, and every clock starts anew in full."""
        self.began = now - self.stood_at
        self._look()
        if self.is_ticking:
            self.began += self._limits.restart_pause
        self.review(now)
        for number in self.waits_for if self.is_ticking else ():
            self._seats[number].wait_longer(self._limits.restart_pause)
            self.cut_off(number, now + self._limits.restart_pause)

    def act(self, number: int, action: Any, now: float, *, is_bot: bool = False) -> None:
        """Apply a player's action. Raises CommandRefused, which changes nothing."""
        try:
            typed: Any = msgspec.convert(action, self.game.action)
        except msgspec.ValidationError as error:
            raise CommandRefused(
                "invalid", f"This is no action of {self.game.name}: {error}."
            ) from error
        state, seat = self.state, self._seats[number]
        is_back = not is_bot and (seat.is_bot or seat.skipped > 0)
        moment = self._moment(self.time(now))
        try:
            state = calls.act(self.game, state, number, typed, moment, is_back=is_back)
        except NotAllowed as refusal:
            raise CommandRefused("not_allowed", refusal.detail) from None
        except Exception as error:
            raise GameFailed(self.game.name) from error
        # An action without effect is not stored: such actions could fill the disk.
        if state is not self.state:
            # As decoded, without unknown fields.
            taken = msgspec.to_builtins(typed)
            move = Move(self.step, moment.now, number, taken, by_bot=is_bot, is_back=is_back)
            self._take(state)
            self.moves.append(move)
        if not is_bot:
            seat.act()
        seat.stop_clock()
        self.review(now)

    def tick(self, now: float) -> bool:
        """Run the ticks and bot moves that are due; return False if there were none."""
        ticks = 0
        while self.outcome is None and self.next_tick() <= now:
            behind = now - self.next_tick()
            if ticks >= self._limits.ticks_at_once or behind > self._limits.most_behind:
                # Let match time stand still: then no tick is late, and a replay needs no clock.
                self.stood_at = self.time(now)
                self.began = now - self._due
            self._ask_bots(now)
            if self.outcome is not None or self.next_tick() > now:
                continue
            due = self._due
            self._step(due, lambda game, moment: game.tick(self.state, moment))
            if self._due <= due:
                # The loop would never end, and block the process.
                raise GameFailed(self.game.name) from RuntimeError(f"a tick is due again at {due}")
            if self.is_ticking and self.is_hurried:
                self.began -= (self._due - due) * (1 - 1 / self._limits.hurry)
            ticks += 1
            self.review(now)
        if self.next_bot(now) <= now and self.outcome is None:
            self.bot_due = NEVER
            self._ask_bots(now)
            ticks += 1
        return ticks > 0

    def run_out(self, number: int, now: float) -> None:
        """A player whom the game waits for let their time run out, or a pulse check."""
        seat, policy = self._seats[number], self.game.policy
        seat.stop_clock()
        if policy.silence is Silence.BOT:
            seat.replace_by_bot()
            self.review(now)
            return
        if self.is_deserted(now):
            self.end(Outcome((), "abandoned"), None, now)
            return
        if seat.brb_for(now):
            self._hook("away", number, now)  # they said so: no penalty
        elif policy.silence is Silence.SKIP and seat.skipped < policy.most_skips:
            seat.skip()
            self._hook("away", number, now)
        else:
            self.drop_out(number, "forfeit", now)
            return
        self.review(now)

    def take_asked(self) -> list[int]:
        """Return the seats of robots that have to think, since the last call, as of `step`."""
        return self._thoughts.take_asked(self.step)

    def think(self, number: int, step: int, action: Any) -> None:
        """The robot of a seat, asked at that step, has thought, and acts in the next tick. Ignored
        if it is too late. `action`: None if it failed."""
        self._thoughts.answer(number, step, action)

    def take_moves(self) -> list[Move]:
        """Return the moves since the last call."""
        moves, self.moves = self.moves, []
        return moves

    def cut_off(self, number: int, now: float) -> None:
        """A player lost their connection. In games with bots, one plays for them soon, as a game in
        real time does not wait; not if they are back before."""
        seat = self._seats[number]
        if self.game.policy.silence is Silence.BOT and seat.is_waited_for:
            seat.expect_bot(now + self._limits.skip_after)

    def come_back(self, number: int, now: float) -> None:
        """A player is back from "be right back" in a game that does not wait. If they were not
        skipped, their clock has run on: otherwise each "be right back" would restart it."""
        seat = self._seats[number]
        if self.outcome is None and seat.is_playing:
            until = seat.runs_on_until
            seat.stop_clock()
            seat.dismiss_bot()
            self._hook("back", number, now)
            self.review(now)
            if seat.is_waited_for:
                seat.wait_until(max(until, now))

    def drop_out(self, number: int, reason: str, now: float) -> None:
        """A player is out of the match. `reason` is that of the outcome, if the match ends."""
        self._seats[number].drop_out()
        self._hook("gone", number, now)
        outcome = self._outcome()
        if outcome is not None:
            # The remaining players have won, connected or not.
            self.end(msgspec.structs.replace(outcome, reason=reason), number, now)
        elif self.is_deserted(now):
            self.end(Outcome((), "abandoned"), number, now)
        else:
            self.review(now)

    def end(self, outcome: Outcome, by: int | None, now: float) -> None:
        """End the match. `by` is the seat that caused it; None if none did."""
        self.outcome = outcome
        self.ended_by = by
        self.ended_at = now
        self.waits_for = ()
        self.bot_due = NEVER
        self._thoughts.keep(())
        for seat in self._seats:
            seat.stop_clock()

    def is_unattended(self) -> bool:
        """Return True if no player of the match is in the room now, but robots."""
        return not any(seat.is_playing and seat.is_here and seat.is_person for seat in self._seats)

    def is_deserted(self, now: float) -> bool:
        """Return True if every player, but robots, has been cut off for longer than the policy
        allows.

        False while one of them is leaving: their resignation decides the match.
        """
        policy = self.game.policy
        return all(
            not seat.is_leaving and seat.may_return_until(policy) <= now
            for seat in self._seats
            if seat.is_playing and seat.is_person
        )

    def review(self, now: float) -> None:
        """To be called after any change: end the match if the game says so, else start and stop
        clocks."""
        if self.outcome is not None:
            return
        outcome = self._outcome()
        if outcome is not None:
            self.end(outcome, None, now)
            return
        waits_for = self._ask(calls.waits_for, self.state, self._seats)
        if waits_for != self.waits_for:
            for number in self.waits_for:
                if number not in waits_for:
                    self._seats[number].stop_clock()
            self.waits_for = waits_for
            self._thoughts.keep(waits_for)
        policy = self.game.policy
        for number in waits_for:
            seat = self._seats[number]
            if self._thinks(seat):
                self._thoughts.ask(number, now)
            elif seat.is_bot or seat.is_robot:
                if self._due == NEVER and self.bot_due == NEVER:
                    self.bot_due = now + self._limits.bot_after
            elif not seat.is_waited_for:
                held = seat.brb_for(now)
                if held and not policy.brb_waits:
                    seat.wait(now, now + self._limits.skip_after)
                else:
                    seat.wait(now, now + policy.move_time + held)

    # Calls of the game

    def _ask(self, question: Callable[..., T], *about: Any) -> T:
        """Call the game, by a function of `calls.py`; raise GameFailed from any exception."""
        try:
            return question(self.game, *about)
        except Exception as error:
            raise GameFailed(self.game.name) from error

    def _ask_bots(self, now: float) -> None:
        for number in self.waits_for:
            seat = self._seats[number]
            # A bot before it may have changed what the match waits for.
            if not (seat.is_bot or seat.is_robot) or number not in self.waits_for:
                continue
            if self._thinks(seat):
                if not self._thoughts.is_due(number, now):
                    continue
                if self._acts_as_thought(number, self._thoughts.take(number), now):
                    continue
            moment = self._moment(self.time(now))
            action = self._ask(calls.bot, self.state, number, moment)
            if action is not None:
                try:
                    self.act(number, action, now, is_bot=True)
                except CommandRefused as error:
                    raise GameFailed(self.game.name) from error
            elif seat.is_robot and not self.is_ticking:
                # The match would wait for it for ever.
                self.drop_out(number, "resigned", now)
            if self.outcome is not None:
                return

    def _thinks(self, seat: SeatState) -> bool:
        return seat.is_robot and self.game.thinking > 0

    def _acts_as_thought(self, number: int, action: Any, now: float) -> bool:
        """Make the move of a robot that has thought; return False if it has none, or one that is
        not allowed."""
        if action is None:
            return False
        try:
            self.act(number, action, now, is_bot=True)
        except CommandRefused:
            return False
        return True

    def _hook(self, event: Hook, number: int, now: float) -> None:
        step, at = self.step, self.time(now)
        self._step(at, lambda game, moment: calls.hook_of(game, event)(self.state, number, moment))
        self.moves.append(Move(step, at, number, event=event))

    def _step(self, at: float, step: Callable[[AnyGame, Moment], Any]) -> None:
        self._take(self._ask(step, self._moment(at)))

    def _take(self, state: Any) -> None:
        self.state = state
        self.step += 1
        self._look()

    def _look(self) -> None:
        self._due = self._ask(calls.due, self.state)

    def _moment(self, at: float) -> Moment:
        return calls.moment_of(self.seed, self.step, at)

    def _outcome(self) -> Outcome | None:
        return self._ask(calls.outcome, self.state, self.size)
