"""The interface of games: pure rules.

A game is one class in one file. It is stateless: every method gets the state of a match, and
returns the next state or answers a question about it. It does no I/O, reads no clock and takes
random numbers only from its `Moment`, so that a match can be stopped, stored, continued by another
process, and replayed from its moves. The room (`server/rooms/`) does the rest: seats, clocks,
players who drop out, chat, and storage.

Times in a game are *match time*: seconds since the match began during which the server was running.
A restart of the server takes no time.
"""

from collections.abc import Callable, Collection
from enum import StrEnum
from random import Random
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar

import msgspec

from server.base.units import NEVER as NEVER  # for games, which import all from here

Seat: TypeAlias = int
"""The number of a seat, from 0."""

View: TypeAlias = dict[str, Any]
"""What a player or spectator may see of a state: JSON, with `Until` for instants."""


Level: TypeAlias = Literal["easy", "normal", "hard"]
"""The strength of a bot."""


class Silence(StrEnum):
    """What happens to a player whose time runs out."""

    SKIP = "skip"  # `player_away`: the game goes on without them, for now
    FORFEIT = "forfeit"  # `player_gone`: they are out of the match
    BOT = "bot"  # `bot` plays for them until they are back
    SPECTATE = "spectate"  # as forfeit, and their seat is free; they may watch


class AfkPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a game expects of the players it waits for. Seconds, except for the counts.

    A player's time runs only while the game waits for them.
    """

    move_time: float = 60.0
    """How long the game waits for a player, from when it began to wait or their last action."""

    silence: Silence = Silence.FORFEIT
    """What happens when that runs out, or a pulse check does."""

    most_skips: int = 3
    """How often in a row silence only skips; the next time it costs the seat."""

    may_claim: bool = True
    """True if the others may claim the win, or a draw, when a player they wait for dropped out."""

    shown_after: float = 5.0
    """A dropped player is shown as such only after this, as most are back sooner."""

    drop_grace: float = 30.0
    """From the drop until the others may claim."""

    leave_grace: float = 10.0
    """The same for a player who closed the page or left the room."""

    brb_budget: float = 180.0
    """"Be right back" of a player in a match, in all."""

    brb_waits: bool = True
    """True if the game waits for a player who will be right back. Otherwise it goes on as if they
    were silent, without a penalty."""

    pulse_time: float = 30.0
    """How long a player has to touch anything after an "are you there?"."""


class Until(float):
    """A match instant in a view; clients get the seconds left until then.

    Its key must end in `_in`, in a dictionary and not in a list.
    """

    __slots__ = ()


class Moment:
    """The time of a step, and its random numbers. `now` is match time in seconds."""

    __slots__ = ("_random", "_seed", "now")

    def __init__(self, now: float, seed: str) -> None:
        """`seed` makes the numbers reproducible: the same step of the same match gets the same."""
        self.now = now
        self._seed = seed
        self._random: Random | None = None

    @property
    def random(self) -> Random:
        """Random numbers. Created on first use, as most steps need none."""
        if self._random is None:
            self._random = Random(self._seed)  # noqa: S311 - for a game, not for a secret
        return self._random


class Outcome(msgspec.Struct, frozen=True):
    """How a match ended. `winners`: seats; empty for a draw. `scores`: by seat."""

    winners: tuple[Seat, ...] = ()
    reason: str = "finished"
    scores: tuple[float, ...] | None = None


class NotAllowed(Exception):
    """The rules do not allow an action. `detail`: a sentence for the player."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


StateT = TypeVar("StateT")
ActionT = TypeVar("ActionT")


class Game(Generic[StateT, ActionT]):
    """The rules of a game. Subclass it in a module of `server/games/`, or in a package that
    declares the class as an entry point in the group `stillhere.games`.

    States are immutable: methods return a new one. `StateT` and `ActionT` are msgspec structs, so
    that states can be stored, and actions of another shape are refused before `act`. A state is
    stored as MessagePack: it may contain infinities and bytes, and no integer beyond 64 bits.
    """

    name: ClassVar[str]
    """Its name in addresses and messages: lower-case words with hyphens."""

    least: ClassVar[int] = 2
    most: ClassVar[int] = 2
    """Seats of a match."""

    state: ClassVar[type]
    action: ClassVar[type]
    """The types `StateT` and `ActionT`, as values."""

    policy: ClassVar[AfkPolicy] = AfkPolicy()

    starts_when_full: ClassVar[bool] = True
    """True if a match begins as soon as `most` players are seated; otherwise the host begins it."""

    is_open: ClassVar[bool] = False
    """True if all may see everything: `view` is then called once for all."""

    levels: ClassVar[tuple[Level, ...]] = ()
    """The strengths of its bots as opponents, the weakest first; empty: there are none."""

    thinking: ClassVar[float] = 0.0
    """Seconds that `think` may take for a move. 0: its bots play by `bot`."""

    plays_alone: ClassVar[bool] = False
    """True if one player may play it alone, for the score."""

    # The match

    def start(self, seats: int, moment: Moment) -> StateT:
        """Begin a match of `seats` players."""
        raise NotImplementedError

    def act(self, state: StateT, seat: Seat, action: ActionT, moment: Moment) -> StateT:
        """Apply a player's action. Raises NotAllowed, which changes nothing."""
        raise NotImplementedError

    def view(self, state: StateT, seat: Seat | None) -> View:
        """Return what the player in `seat` may see; None: a spectator."""
        raise NotImplementedError

    def waits_for(self, state: StateT) -> Collection[Seat]:
        """Return the seats that the game waits for. Only their clocks run."""
        raise NotImplementedError

    def outcome(self, state: StateT) -> Outcome | None:
        """Return how the match ended; None while it goes on."""
        raise NotImplementedError

    # Time, for games that change by themselves

    def due(self, state: StateT) -> float:
        """Return the match instant at which `tick` is due; NEVER for none."""
        return NEVER

    def tick(self, state: StateT, moment: Moment) -> StateT:
        """Apply what was due; `moment.now` is the instant for which it was due."""
        raise NotImplementedError

    def diff(self, before: View, after: View) -> View | None:
        """Return the change from `before` to `after` in a form that the game's page understands;
        None for a JSON merge patch (RFC 7396), which the room makes."""
        return None

    # Absent players

    def player_away(self, state: StateT, seat: Seat, moment: Moment) -> StateT:
        """The game stops waiting for a player: skip their turn."""
        raise NotImplementedError

    def player_back(self, state: StateT, seat: Seat, moment: Moment) -> StateT:
        """A player who was skipped, or replaced by a bot, is back."""
        return state

    def player_gone(self, state: StateT, seat: Seat, moment: Moment) -> StateT:
        """A player is out for good: they resigned, or lost their seat. `outcome` is called next."""
        raise NotImplementedError

    def bot(self, state: StateT, seat: Seat, moment: Moment) -> ActionT | None:
        """Return what a simple bot would do in this seat now; None for nothing."""
        raise NotImplementedError

    def is_out(self, state: StateT, seat: Seat) -> bool:
        """Return True if a player has no part in the rest of the match: they may leave it without a
        loss."""
        return False

    # Bots as opponents

    def think(
        self,
        view: View,
        seat: Seat,
        level: Level,
        moment: Moment,
        is_time_up: Callable[[], bool],
    ) -> ActionT | None:
        """Return what a bot of this strength does in a seat for which the game waits; None for
        nothing.

        It is given what a player in that seat sees, with seconds left in place of `Until`, and is
        called in a process of its own. It should return the best so far once `is_time_up()`; a
        second later the process is ended, and `bot` makes the move, as it does after an
        exception.
        """
        raise NotImplementedError
