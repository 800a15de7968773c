"""The state of one seat: its player, whether they are there, and their clocks."""

from server.base.units import LONG_AGO, NEVER
from server.games.game import AfkPolicy
from server.presence.session import Player
from server.rooms.robots import Robot


class SeatState:
    """One seat of a room. Only its methods change it; rooms and matches call them. Instants are
    presence time."""

    __slots__ = (
        "absent_since",
        "asked_at",
        "asked_by",
        "asked_until",
        "bot_from",
        "brb_left",
        "brb_until",
        "has_left",
        "has_resigned",
        "is_bot",
        "is_gone",
        "move_until",
        "player",
        "plays",
        "reserved_until",
        "resigns_at",
        "runs_on_until",
        "signs_out_at",
        "skipped",
        "views_as",
        "waited_since",
        "wants_more",
    )

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Free the seat."""
        self.player: Player | None = None
        # The player has not entered the room yet; NEVER: they have.
        self.reserved_until = NEVER
        # Since when the player has no connection to the room; NEVER: they are here.
        self.absent_since = NEVER
        self.has_left = False
        # The player left a running match and did not come back in time.
        self.has_resigned = False
        # When a player who left a running match resigns.
        self.resigns_at = NEVER
        # When an idle player is signed out.
        self.signs_out_at = NEVER
        self.wants_more = False
        # The seat whose view of the match the player has, also after its end; None: a spectator's.
        self.views_as: int | None = None
        self.reset(0.0, plays=False)

    def restore(
        self,
        player: Player | None,
        *,
        views_as: int | None,
        plays: bool,
        is_gone: bool,
        is_bot: bool,
        has_left: bool,
        wants_more: bool,
        skipped: int,
        brb_left: float,
        brb_until: float,
        resigns_at: float,
    ) -> None:
        """Restore what the last process left."""
        self.player = player
        self.views_as = views_as
        self.plays = plays
        self.is_gone = is_gone
        self.is_bot = is_bot
        self.has_left = has_left
        self.wants_more = wants_more
        self.skipped = skipped
        self.brb_left = brb_left
        self.brb_until = brb_until
        self.resigns_at = resigns_at

    # State

    @property
    def is_free(self) -> bool:
        return self.player is None

    @property
    def robot(self) -> Robot | None:
        """The robot that sits here."""
        return self.player if isinstance(self.player, Robot) else None

    @property
    def is_robot(self) -> bool:
        return isinstance(self.player, Robot)

    @property
    def is_person(self) -> bool:
        """True if somebody sits here who is no robot."""
        return self.player is not None and not self.is_robot

    @property
    def is_reserved(self) -> bool:
        """True if the seat is reserved for a player who has not entered the room yet."""
        return self.reserved_until != NEVER

    @property
    def is_here(self) -> bool:
        """True if the player of this seat is in the room with a connection."""
        return self.player is not None and self.absent_since == NEVER and not self.is_reserved

    @property
    def is_playing(self) -> bool:
        """True for a player of the running match who is not out of it, present or not."""
        return self.plays and not self.is_gone

    @property
    def is_leaving(self) -> bool:
        """True for a player who left the match, and has not resigned yet."""
        return self.resigns_at != NEVER

    @property
    def is_waited_for(self) -> bool:
        return self.waited_since != NEVER  # `move_until` may be NEVER where there is no limit

    @property
    def is_asked(self) -> bool:
        """True during a pulse check."""
        return self.asked_until != NEVER

    @property
    def is_brb(self) -> bool:
        """True from a "be right back" to its end, which may be overdue: see `brb_for`."""
        return self.brb_until != LONG_AGO

    def brb_for(self, now: float) -> float:
        """Return the seconds left of a "be right back"; 0 without one."""
        return max(self.brb_until - now, 0.0)

    @property
    def runs_out_at(self) -> float:
        """When the player's time is over, or a bot plays for them; NEVER if no clock runs."""
        return min(self.move_until, self.bot_from)

    def clock_shown_at(self, policy: AfkPolicy, *, is_ticking: bool) -> float:
        """Return when the players see the time that this player has left; NEVER if none runs.

        At once; but in a game that ticks, where every action restarts the clock, in its second
        half.
        """
        if self.runs_out_at == NEVER:
            return NEVER
        return self.runs_out_at - policy.move_time / 2 if is_ticking else LONG_AGO

    def absence_shown_at(self, policy: AfkPolicy) -> float:
        """Return when the absence of a player whom the match waits for is shown: at once if they
        left on purpose; NEVER if they are here."""
        return self.absent_since + (0.0 if self.has_left else policy.shown_after)

    def expected_until(self, policy: AfkPolicy) -> float:
        """Return until when an absent player may stay the host, and the countdown to the first
        match runs on; NEVER if they are here. One who reloads the page has left on purpose, and is
        back in a moment."""
        return self.absent_since + policy.shown_after

    def is_expected(self, policy: AfkPolicy, now: float) -> bool:
        """Return True if an absent player is expected back: see `expected_until`."""
        return now < self.expected_until(policy) < NEVER

    def grace_until(self, policy: AfkPolicy) -> float:
        """Return when the grace of an absent player is over; NEVER if they are here."""
        return self.absent_since + (policy.leave_grace if self.has_left else policy.drop_grace)

    def may_return_until(self, policy: AfkPolicy) -> float:
        """Return until when an absent player may come back without a loss; NEVER if they are here.

        A player who said "be right back" has that time, connected or not.
        """
        return max(self.grace_until(policy), self.brb_until)

    def next_due(self) -> float:
        """Return the earliest deadline of this seat."""
        brb_until = self.brb_until if self.is_brb else NEVER
        return min(
            self.reserved_until, brb_until, self.resigns_at, self.asked_until, self.runs_out_at
        )

    # Who sits here

    def sit(self, player: Player) -> None:
        """Give the seat to a player."""
        self.player = player

    def reserve(self, player: Player, until: float) -> None:
        """Reserve the seat for a player who has not entered yet."""
        self.player = player
        self.reserved_until = until

    def arrive(self, player: Player) -> None:
        """The player entered the room, for the first time or again."""
        self.player = player
        self.reserved_until = NEVER
        self.absent_since = NEVER
        self.has_left = False
        self.has_resigned = False
        self.resigns_at = NEVER
        self.bot_from = NEVER

    def depart(self, now: float, *, has_left: bool) -> None:
        """The player's last connection to the room closed; `has_left`: on purpose."""
        if self.absent_since == NEVER:
            self.absent_since = now
        self.has_left = self.has_left or has_left

    def leave_match(self, now: float, resigns_at: float) -> None:
        """The player leaves a running match. Leaving again does not postpone their resignation."""
        self.depart(now, has_left=True)
        self.resigns_at = min(self.resigns_at, resigns_at)

    def survive_restart(self, now: float) -> None:
        """Restored after a restart: the player is absent from `now` on."""
        self.reserved_until = NEVER
        self.depart(now, has_left=False)

    def set_presence(self, player: Player | None, signs_out_at: float) -> None:
        """The player's status changed: `player` is None if they have no session left;
        `signs_out_at` is when they will be signed out, NEVER if not soon."""
        self.player = player or self.player
        self.signs_out_at = signs_out_at

    def want_more(self) -> None:
        """The player votes for the next match."""
        self.wants_more = True

    # The match

    def reset(self, brb_budget: float, *, plays: bool) -> None:
        """A match begins or ends: reset what counts within it."""
        self.plays = plays
        self.is_gone = False
        self.is_bot = False
        self.skipped = 0
        self.brb_left = brb_budget
        self.brb_until = LONG_AGO
        self.asked_at = LONG_AGO
        self.asked_by = ""
        self.stop_clock()
        self.wants_more = False

    def see_as(self, number: int | None) -> None:
        """Set the seat whose view of the match the player has."""
        self.views_as = number

    def wait(self, now: float, until: float) -> None:
        """The match waits for the player from `now` until `until`."""
        self.waited_since = now
        self.move_until = until

    def wait_longer(self, seconds: float) -> None:
        """Postpone the end of the player's time."""
        self.move_until += seconds

    def wait_until(self, instant: float) -> None:
        """Bring the end of the player's time forward to `instant`; never later."""
        self.move_until = min(self.move_until, instant)

    def expect_bot(self, instant: float) -> None:
        """Let a bot play for the player from `instant` on, unless they are back by then."""
        self.bot_from = min(self.bot_from, instant)

    def stop_clock(self) -> None:
        """The match no longer waits for the player; a pulse check ends."""
        self.move_until = NEVER
        # When a bot begins to play for the player, who is cut off.
        self.bot_from = NEVER
        self.waited_since = NEVER
        self.end_pulse()
        # `move_until` before a "be right back", in a game that skips the player.
        self.runs_on_until = NEVER

    def act(self) -> None:
        """The player acted: neither a bot nor skips any more."""
        self.is_bot = False
        self.skipped = 0

    def skip(self) -> None:
        """Count a skipped turn of the player."""
        self.skipped += 1

    def replace_by_bot(self) -> None:
        """Let a bot play for the player until they act."""
        self.is_bot = True

    def dismiss_bot(self) -> None:
        """The player is back: the bot stops."""
        self.is_bot = False

    def drop_out(self) -> None:
        """The player is out of the match."""
        self.is_gone = True
        self.has_resigned = self.is_leaving
        self.is_bot = False
        self.resigns_at = NEVER
        self.stop_clock()

    # Pulse checks

    def ask(self, by: str, now: float, until: float) -> None:
        """Begin a pulse check by the player named `by`."""
        self.asked_at, self.asked_by, self.asked_until = now, by, until

    def end_pulse(self) -> None:
        """End a pulse check."""
        self.asked_until = NEVER

    # Be right back

    def begin_brb(self, now: float, seconds: float, skipped_at: float) -> None:
        """Begin a "be right back"; `skipped_at`: NEVER if the game waits for the player."""
        self.brb_left -= seconds
        self.brb_until = now + seconds
        if not self.is_waited_for:
            return
        if skipped_at == NEVER:
            self.move_until += seconds
        else:
            self.runs_on_until = self.move_until
            self.move_until = min(self.move_until, skipped_at)

    def end_brb(self, now: float, *, waits: bool) -> None:
        """End a "be right back": unused time returns to the budget, and is taken off the player's
        clock."""
        unused = self.brb_for(now)
        self.brb_until = LONG_AGO
        self.brb_left += unused
        if self.is_waited_for and waits:
            self.move_until -= unused
