"""A room: a table with seats, those who watch, what they say, and one match after the other."""

from collections.abc import Iterator
from math import nextafter
from typing import Literal, TypeAlias

from server.base.ids import PlayerId, RoomId
from server.games.catalogue import AnyGame
from server.presence.session import LONG_AGO, NEVER, Player
from server.presence.status import Status
from server.rooms.chat import Chat
from server.rooms.match import Match
from server.rooms.seat import Seat

RoomState: TypeAlias = Literal["open", "playing", "over"]

GATHERING = 45.0
"""Seconds for which a host may wait for more players, in a room that anybody can be brought to."""

EMPTY_AFTER = 30.0
"""Seconds without anybody seated in it after which a room closes."""

DESERTED_AFTER = 60.0
"""The same for one with a match that nobody who plays in it attends any more."""

IDLE_AFTER = 300.0
"""The same for one whose players are there and do nothing, while no match runs."""


class Room:
    """Only `Rooms` and `Match` write here. Instants are presence time."""

    __slots__ = (
        "chat",
        "empty_since",
        "enough_since",
        "game",
        "host",
        "id",
        "is_changed",
        "is_closed",
        "is_private",
        "made_by",
        "match",
        "opened_at",
        "quiet_since",
        "seats",
        "seats_due",
        "slot",
        "spectators",
    )

    def __init__(
        self, id: RoomId, game: AnyGame, opened_at: float, *, is_private: bool, made_by: PlayerId
    ) -> None:
        self.id = id
        self.game = game
        self.opened_at = opened_at
        self.is_private = is_private
        self.made_by = made_by
        self.seats = [Seat() for _ in range(game.most)]
        self.host: PlayerId | None = None
        self.spectators: dict[PlayerId, Player] = {}
        self.chat = Chat()
        self.match: Match | None = None
        # Enough are here for a match that has not begun.
        self.enough_since = NEVER
        # Nobody whom it would be kept open for is there since.
        self.quiet_since = opened_at
        # Of these nobody was even there since. An idler who is cut off must find the room again.
        self.empty_since = opened_at
        self.is_closed = False
        # There is something to tell about it; and when its seats have to be looked at next.
        self.is_changed = False
        self.seats_due = NEVER
        self.slot: int | None = None

    def __repr__(self) -> str:
        return f"<Room {self.id}: {self.game.name}, {self.state}>"

    # What is known

    @property
    def state(self) -> RoomState:
        if self.match is None:
            return "open"
        return "playing" if self.match.outcome is None else "over"

    @property
    def running(self) -> Match | None:
        """The match that is being played."""
        match = self.match
        return match if match is not None and match.outcome is None else None

    @property
    def free(self) -> int:
        """Seats that nobody has."""
        return sum(seat.is_free for seat in self.seats)

    def taken(self) -> Iterator[tuple[int, Seat, Player]]:
        """The seats that somebody has."""
        for number, seat in enumerate(self.seats):
            if seat.player is not None:
                yield number, seat, seat.player

    def seat_of(self, player_id: PlayerId) -> int | None:
        """The number of a player's seat."""
        for number, _, player in self.taken():
            if player.id == player_id:
                return number
        return None

    def first_free(self) -> int | None:
        """The number of the first seat that nobody has."""
        return next((number for number, seat in enumerate(self.seats) if seat.is_free), None)

    def present(self) -> list[int]:
        """The seats of those who are in the room."""
        return [number for number, seat in enumerate(self.seats) if seat.is_here]

    # What follows from it

    def closes_at(self) -> float:
        """When it closes, if nothing changes."""
        if self.quiet_since == NEVER:
            return NEVER
        if self.running is not None:
            return self.quiet_since + DESERTED_AFTER
        return min(self.quiet_since + IDLE_AFTER, self.empty_since + EMPTY_AFTER)

    def is_kept_open(self) -> bool:
        """Whether somebody is there for whom it is: not those who watch, nor those who idle."""
        if self.running is not None:
            return not self.running.is_unattended()
        return any(
            seat.reserved_until != NEVER or (seat.is_here and player.status is Status.ACTIVE)
            for _, seat, player in self.taken()
        )

    def begins_by_itself(self, now: float) -> bool:
        """The first match, when every seat is taken, or a host is only waiting; the next, when
        all who are there want it."""
        present = self.present()
        if self.state == "open":
            is_full = self.game.starts_when_full and len(present) == self.game.most
            return is_full or self.starts_at() <= now
        if self.state == "playing" or len(present) < self.game.least:
            return False
        return all(self.seats[each].wants_more for each in present)

    def can_be_found(self) -> bool:
        """Whether quick match may bring somebody here."""
        is_waiting = self.state == "open" and not self.is_private and self.free > 0
        return is_waiting and self.quiet_since == NEVER and bool(self.present())

    def starts_at(self) -> float:
        """When the first match begins without the host's word; NEVER: it waits for that. Quick
        match brings others here, and no host may keep them waiting."""
        return NEVER if self.is_private else self.enough_since + GATHERING

    def next_look(self, now: float) -> float:
        """When its seats have to be looked at next, however late: see `Deadlines`."""
        return min(self._looks(now))

    def choose_host(self, now: float) -> PlayerId | None:
        """Who should be the host: the present one as long as they sit here and are not idle, are
        on their way, or were just cut off; else the first who is there and active; else anybody."""
        best: PlayerId | None = None
        best_rank = 0
        for _, seat, player in self.taken():
            is_coming = now < seat.reserved_until < NEVER
            was_here = now < seat.absent_since + self.game.policy.shown_after < NEVER
            is_here = seat.is_here or was_here or (is_coming and player.id == self.made_by)
            is_active = player.status in (Status.ACTIVE, Status.RECONNECTING)
            rank = 1 + 2 * is_here + 2 * (is_here and is_active) + (player.id == self.host)
            if rank > best_rank:
                best, best_rank = player.id, rank
        return best

    def resigns_at(self, now: float) -> float:
        """When a player who leaves the running match at `now` is out of it. Of two who leave at the
        same instant, the first comes first."""
        at = now + self.game.policy.leave_grace
        return max(
            [
                at,
                *(
                    nextafter(seat.resigns_at, NEVER)
                    for seat in self.seats
                    if at <= seat.resigns_at < NEVER
                ),
            ]
        )

    def claimable_at(self) -> float:
        """When those who are there may claim a match that waits for others who are not: the
        instant at which the last of them has used up the grace; NEVER: it waits for somebody who
        is there."""
        match, policy = self.running, self.game.policy
        if match is None or not policy.may_claim or not match.waits_for:
            return NEVER
        waited_for = [self.seats[number] for number in match.waits_for]
        if any(seat.is_bot for seat in waited_for):
            return NEVER
        return max(seat.may_return_until(policy) for seat in waited_for)

    def _looks(self, now: float) -> Iterator[float]:
        policy = self.game.policy
        yield self.closes_at()
        yield self.starts_at()
        for seat in self.seats:
            if seat.player is None:
                continue
            yield seat.reserved_until
            yield seat.resigns_at
            yield seat.asked_until
            yield seat.move_until
            if self.running is not None and self.running.is_ticking:
                shown_at = seat.move_until - policy.move_time / 2
                if now < shown_at < NEVER:
                    yield shown_at
            if seat.brb_until != LONG_AGO:
                yield seat.brb_until
            if seat.absent_since != NEVER:
                # When it is shown, and when the seat is free, or may be claimed.
                shown_at = seat.absent_since + policy.shown_after
                yield from (at for at in (shown_at, seat.grace_until(policy)) if at > now)
