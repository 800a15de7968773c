"""What a game is: rules without anything else.

A game is one class in one file. It holds no state of its own: every method gets the state of a
match, and returns the next one or says something about it. It does no I/O, asks no clock and
throws no dice but those it is given, so that a match can be stopped, kept on disk, gone on with
by another process, and replayed from its moves. The room around it (`server/rooms/`) does the
rest: seats, clocks, players who drop out, chat, and storage.

Times in a game are *match time*: seconds since the match began, in which the server was there to
hear the players. A restart of the server takes no time.
"""

from collections.abc import Collection
from enum import StrEnum
from random import Random
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

import msgspec

from server.base.units import NEVER as NEVER  # for games, which import all from here

Seat: TypeAlias = int
"""The number of a place at the table, from 0."""

View: TypeAlias = dict[str, Any]
"""What somebody may see of a state: JSON, with `Until` where a time runs out."""


class Silence(StrEnum):
    """What it costs a player to let their time run out."""

    SKIP = "skip"  # `player_away`: the game goes on without them, for now
    FORFEIT = "forfeit"  # `player_gone`: they are out of the match
    BOT = "bot"  # `bot` plays for them until they are back
    SPECTATE = "spectate"  # as forfeit, and their seat is free; they may watch


class AfkPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a game expects of those it waits for. Seconds, but for the counts.

    A player is only ever measured while the game waits for them; nobody else is AFK.
    """

    move_time: float = 60.0
    """How long the game waits for a player, from when it began to wait or they last acted."""

    silence: Silence = Silence.FORFEIT
    """What it costs to let that run out, or a pulse check."""

    most_skips: int = 3
    """Times in a row that silence is a skip only; the next one costs the seat."""

    may_claim: bool = True
    """Whether those who wait for a player who has dropped out may claim the win, or a draw."""

    shown_after: float = 5.0
    """A dropped player is shown as such only after this: most are back sooner."""

    drop_grace: float = 30.0
    """From the drop until the others may claim."""

    leave_grace: float = 10.0
    """The same for a player who closed the page or left the room."""

    brb_budget: float = 180.0
    """How much "be right back" a player has in a match."""

    brb_waits: bool = True
    """Whether the game waits for who will be right back; if not, it goes on as if they were silent,
    which costs them nothing."""

    pulse_time: float = 30.0
    """How long a player who is asked "are you there?" has to touch anything."""


class Until(float):
    """A match instant in a view: the players are told the seconds that are left until then.

    Its key ends in `_in`; it stands in a dictionary, not in a list.
    """

    __slots__ = ()


class Moment:
    """The time of a step, and the dice for it. `now` is match time in seconds."""

    __slots__ = ("_random", "_seed", "now")

    def __init__(self, now: float, seed: str) -> None:
        """`seed` decides what the dice show: the same step of the same match sees the same."""
        self.now = now
        self._seed = seed
        self._random: Random | None = None

    @property
    def random(self) -> Random:
        """The dice. Made when they are asked for, since most steps throw none."""
        if self._random is None:
            self._random = Random(self._seed)  # noqa: S311 - a game's dice, not a secret
        return self._random


class Outcome(msgspec.Struct, frozen=True):
    """How a match has ended. `winners`: seats; none of them is a draw. `scores`: by seat."""

    winners: tuple[Seat, ...] = ()
    reason: str = "finished"
    scores: tuple[float, ...] | None = None


class NotAllowed(Exception):
    """The rules do not allow this action. `detail` tells the player why, in a sentence."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


StateT = TypeVar("StateT")
ActionT = TypeVar("ActionT")


class Game(Generic[StateT, ActionT]):
    """The rules of a game. Subclass it in a module of `server/games/`, or in a package of your own
    that names the class as an entry point in the group `stillhere.games`.

    States are values: a method returns a new one and leaves the one it was given as it was.
    `StateT` and `ActionT` are msgspec structs, so that a state can be stored, and an action that
    is not of this shape is refused before it comes here. A state is stored as MessagePack: it may
    hold infinities and bytes, and no integer beyond 64 bits.
    """

    name: ClassVar[str]
    """What it is called in addresses and messages: lower-case words with hyphens."""

    least: ClassVar[int] = 2
    most: ClassVar[int] = 2
    """How many seats a match may have."""

    state: ClassVar[type]
    action: ClassVar[type]
    """The types `StateT` and `ActionT`, as values."""

    policy: ClassVar[AfkPolicy] = AfkPolicy()

    starts_when_full: ClassVar[bool] = True
    """Whether a match begins by itself when `most` players sit there; else the host begins it."""

    is_open: ClassVar[bool] = False
    """Whether everybody may see everything: then `view` is asked once for all."""

    # The match

    def start(self, seats: int, moment: Moment) -> StateT:
        """A match of `seats` players begins."""
        raise NotImplementedError

    def act(self, state: StateT, seat: Seat, action: ActionT, moment: Moment) -> StateT:
        """A player acts. Raises NotAllowed, which leaves everything as it was."""
        raise NotImplementedError

    def view(self, state: StateT, seat: Seat | None) -> View:
        """What the player in `seat` may see; None: a spectator."""
        raise NotImplementedError

    def waits_for(self, state: StateT) -> Collection[Seat]:
        """The seats without whose action it does not go on. Only against them a clock runs."""
        raise NotImplementedError

    def outcome(self, state: StateT) -> Outcome | None:
        """How it has ended; None: it goes on."""
        raise NotImplementedError

    # Time, for games in which things happen by themselves

    def due(self, state: StateT) -> float:
        """The match instant at which `tick` is due; NEVER: not by itself."""
        return NEVER

    def tick(self, state: StateT, moment: Moment) -> StateT:
        """What was due happens; `moment.now` is the instant for which it was due."""
        raise NotImplementedError

    def diff(self, before: View, after: View) -> View | None:
        """What makes `after` of `before`, for a page that knows how to apply it; None: let the
        room find out what has changed (a JSON merge patch, RFC 7396)."""
        return None

    # Players who are not there

    def player_away(self, state: StateT, seat: Seat, moment: Moment) -> StateT:
        """The game waited for a player in vain and shall go on: their turn is skipped."""
        raise NotImplementedError

    def player_back(self, state: StateT, seat: Seat, moment: Moment) -> StateT:
        """A player who was skipped, or replaced by a bot, acts again, or will."""
        return state

    def player_gone(self, state: StateT, seat: Seat, moment: Moment) -> StateT:
        """A player is out, for good: they resigned, or lost their seat. `outcome` is asked next."""
        raise NotImplementedError

    def bot(self, state: StateT, seat: Seat, moment: Moment) -> ActionT | None:
        """What a simple player would do in this seat now; None: nothing."""
        raise NotImplementedError
