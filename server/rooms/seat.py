"""A seat: who has it, and what is known of their being there."""

from server.games.game import AfkPolicy
from server.presence.session import LONG_AGO, NEVER, Player


class Seat:
    """A place at the table. Only `Room` and `Match` write here. Instants are presence time."""

    __slots__ = (
        "absent_since",
        "asked_at",
        "asked_by",
        "asked_until",
        "brb_left",
        "brb_until",
        "has_left",
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
        """The seat is free."""
        self.player: Player | None = None
        # They have yet to come into the room; NEVER: they have.
        self.reserved_until = NEVER
        # Their last connection to the room is gone since; NEVER: they are here.
        self.absent_since = NEVER
        self.has_left = False
        # They have left a running match, and are out of it then.
        self.resigns_at = NEVER
        # They are about to be signed out, at this instant.
        self.signs_out_at = NEVER
        self.wants_more = False
        # The seat as which they see the match, also when it is over; None: as everybody does.
        self.views_as: int | None = None
        self.begin(0.0, plays=False)

    def begin(self, brb_budget: float, *, plays: bool) -> None:
        """A match begins, or is over: what counts within one match starts anew."""
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

    @property
    def is_free(self) -> bool:
        return self.player is None

    @property
    def is_here(self) -> bool:
        """Somebody sits here and is in the room with a connection."""
        return (
            self.player is not None and self.absent_since == NEVER and self.reserved_until == NEVER
        )

    @property
    def is_playing(self) -> bool:
        """Somebody who is in the running match, present or not."""
        return self.plays and not self.is_gone

    @property
    def is_waited_for(self) -> bool:
        return self.waited_since != NEVER  # `move_until` may be NEVER where there is no limit

    def next_due(self) -> float:
        """The first instant at which something runs out for this seat."""
        brb_until = NEVER if self.brb_until == LONG_AGO else self.brb_until
        return min(
            self.reserved_until, brb_until, self.resigns_at, self.asked_until, self.move_until
        )

    def stop_clock(self) -> None:
        """The match no longer waits for them: nobody can ask, and nothing runs out."""
        self.move_until = NEVER
        self.waited_since = NEVER
        self.asked_until = NEVER
        # Their clock before they said that they would be right back, and are to be skipped.
        self.runs_on_until = NEVER

    def arrive(self, player: Player) -> None:
        """They are in the room, for the first time or again."""
        self.player = player
        self.reserved_until = NEVER
        self.absent_since = NEVER
        self.has_left = False
        self.resigns_at = NEVER

    def depart(self, now: float, *, has_left: bool) -> None:
        """Their last connection to the room is gone; `has_left`: on purpose."""
        if self.absent_since == NEVER:
            self.absent_since = now
        self.has_left = self.has_left or has_left

    def grace_until(self, policy: AfkPolicy) -> float:
        """When the grace of an absent player is over; NEVER while they are here."""
        return self.absent_since + (policy.leave_grace if self.has_left else policy.drop_grace)

    def may_return_until(self, policy: AfkPolicy) -> float:
        """Until when an absent player may come back without a loss; NEVER while they are here.

        Who said that they would be right back has until then, whatever their connection does."""
        return max(self.grace_until(policy), self.brb_until)

    def begin_brb(self, now: float, seconds: float, skipped_at: float) -> None:
        """They will be right back; `skipped_at`: NEVER where the game waits for them meanwhile."""
        self.brb_left -= seconds
        self.brb_until = now + seconds
        self.asked_until = NEVER
        if not self.is_waited_for:
            return
        if skipped_at == NEVER:
            self.move_until += seconds
        else:
            self.runs_on_until = self.move_until
            self.move_until = min(self.move_until, skipped_at)

    def end_brb(self, now: float, *, waits: bool) -> None:
        """They are back; what is left of it goes back into the budget, and off their clock."""
        unused = max(self.brb_until - now, 0.0)
        self.brb_until = LONG_AGO
        self.brb_left += unused
        if self.is_waited_for and waits:
            self.move_until -= unused
