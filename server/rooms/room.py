"""A room: seats, spectators, a chat, and one match after another."""

from collections.abc import Iterable, Iterator
from math import nextafter
from typing import Literal, TypeAlias

from server.base.ids import PlayerId, RoomId
from server.base.units import NEVER
from server.games.catalogue import AnyGame
from server.presence.session import Player
from server.presence.status import Status
from server.rooms.chat import Chat
from server.rooms.limits import Limits
from server.rooms.match import Match
from server.rooms.robots import Robot
from server.rooms.seat import SeatState

RoomState: TypeAlias = Literal["open", "playing", "over"]


class Room:
    """One room; only its methods, and its match, change it and its seats. What changes a player's
    view of it also marks it as changed, until `settle`. Instants are presence time."""

    __slots__ = (
        "chat",
        "empty_after",
        "empty_since",
        "enough_since",
        "game",
        "host",
        "id",
        "is_alone",
        "is_attended",
        "is_changed",
        "is_closed",
        "is_matched",
        "is_private",
        "is_to_keep",
        "is_urgent",
        "limits",
        "made_by",
        "match",
        "opened_at",
        "quiet_since",
        "seats",
        "seats_due",
        "slot",
        "spectators",
        "taken_since",
        "vacant_for",
        "vacant_until",
    )

    def __init__(
        self,
        id: RoomId,
        game: AnyGame,
        opened_at: float,
        *,
        is_private: bool,
        made_by: PlayerId,
        limits: Limits,
        is_matched: bool = False,
        is_alone: bool = False,
    ) -> None:
        """`is_matched`: opened by quick match, whose players are not in it yet; `is_alone`: one
        player is enough for a match."""
        self.id = id
        self.game = game
        self.is_alone = is_alone
        self.opened_at = opened_at
        self.is_private = is_private
        self.made_by = made_by
        self.limits = limits
        self.seats = [SeatState() for _ in range(game.most)]
        self.host: PlayerId | None = None
        self.spectators: dict[PlayerId, Player] = {}
        self.chat = Chat(limits)
        self.match: Match | None = None
        # Since when enough players are here for a match that has not begun.
        self.enough_since = NEVER
        # Since when no player keeps the room open.
        self.quiet_since = opened_at
        # Since when no player is here at all. An idle player who is cut off must find the room
        # again.
        self.empty_since = opened_at
        # For how long it stays open then. Not at all, if those for whom it was opened never came.
        self.empty_after = 0.0 if is_matched else limits.empty_after
        self.is_matched = is_matched
        # Since when somebody has a seat; when the room closes if nobody has; for how long that may
        # be in all.
        self.taken_since = opened_at
        self.vacant_until = NEVER
        self.vacant_for = limits.vacant_after
        # Whether an active player is here.
        self.is_attended = False
        self.is_closed = False
        # Whether there is a change to publish, one that is to be kept too, and at once. When the
        # seats must be looked at next.
        self.is_changed = False
        self.is_to_keep = False
        self.is_urgent = False
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
        """The match, if it has not ended."""
        match = self.match
        return match if match is not None and match.outcome is None else None

    @property
    def free(self) -> int:
        """The number of seats that are free, or become free for whoever comes: those of robots,
        unless a match is running."""
        is_match = self.running is not None
        return sum(seat.is_free or (seat.is_robot and not is_match) for seat in self.seats)

    @property
    def least(self) -> int:
        """The least number of players of a match."""
        return 1 if self.is_alone else self.game.least

    @property
    def is_practice(self) -> bool:
        """True if nobody has a seat here but one player, alone or with robots."""
        return self._is_for_one and sum(seat.is_person for seat in self.seats) == 1

    @property
    def is_left_to_robots(self) -> bool:
        """True if robots sit here, or nobody was to meet here, and all players are gone."""
        return self._is_for_one and not any(seat.is_person for seat in self.seats)

    @property
    def _is_for_one(self) -> bool:
        return self.is_alone or any(seat.is_robot for seat in self.seats)

    def taken(self) -> Iterator[tuple[int, SeatState, Player]]:
        """Yield the seats that are not free, with their numbers and players."""
        for number, seat in enumerate(self.seats):
            if seat.player is not None:
                yield number, seat, seat.player

    def seat_of(self, player_id: PlayerId) -> int | None:
        """Return the number of a player's seat."""
        for number, _, player in self.taken():
            if player.id == player_id:
                return number
        return None

    def first_free(self) -> int | None:
        """Return the number of the first free seat, or of the last robot's: see `free`."""
        for number, seat in enumerate(self.seats):
            if seat.is_free:
                return number
        robots = (
            [] if self.running else [each for each, seat in enumerate(self.seats) if seat.robot]
        )
        return robots[-1] if robots else None

    def present(self) -> list[int]:
        """Return the seats of the players who are in the room, robots included."""
        return [number for number, seat in enumerate(self.seats) if seat.is_here]

    def has_people(self) -> bool:
        """Return True if a player who is no robot is in the room."""
        return any(seat.is_here and seat.is_person for seat in self.seats)

    # What follows from that

    def closes_at(self) -> float:
        """Return when the room closes if nothing changes."""
        if self.quiet_since == NEVER:
            return NEVER
        if self.running is not None:
            return self.quiet_since + self.limits.deserted_after
        return min(
            self.quiet_since + self.limits.idle_after,
            self.empty_since + self.empty_after,
            self.vacant_until,
        )

    def is_kept_open(self) -> bool:
        """Return True if an active seated player, or a reservation, keeps the room open; during a
        match, if any of its players is here."""
        if self.running is not None:
            return not self.running.is_unattended()
        return any(
            seat.is_reserved or (seat.is_here and player.status is Status.ACTIVE)
            for _, seat, player in self.taken()
            if seat.is_person
        )

    def begins_by_itself(self, now: float) -> bool:
        """Return True if a match begins now without the host: the first one when every seat is
        taken, when nobody else is expected, or when the host's time for gathering is over; the next
        one when all who are here want it."""
        present = self.present()
        if self.state == "playing" or len(present) < self.least or not self.has_people():
            return False
        if self.state == "open":
            is_full = self.game.starts_when_full and len(present) == self.game.most
            return is_full or self.is_practice or self.starts_at() <= now
        return all(self.seats[each].wants_more or self.seats[each].is_robot for each in present)

    def may_go(self, number: int) -> bool:
        """Return True if the player of a seat may leave at once: they do not play, have no part in
        the rest of the match, or only practise. Raises GameFailed."""
        match = self.running
        if match is None or not self.seats[number].is_playing or self.is_practice:
            return True
        return match.is_out(number)

    def can_be_found(self) -> bool:
        """Return True if quick match may bring players here."""
        is_open = self.state == "open" and not self.is_private and not self.is_practice
        is_waiting = is_open and self.free > 0
        return is_waiting and self.quiet_since == NEVER and self.has_people()

    def starts_at(self) -> float:
        """Return when the first match begins without the host; NEVER if only the host begins it.
        Quick match brings others here, and no host may keep them waiting."""
        return NEVER if self.is_private else self.enough_since + self.limits.gathering

    def choose_host(self, now: float) -> PlayerId | None:
        """Return the player who should be the host: the present one while they sit here and are not
        idle, are on their way, or were just cut off; else the first active player here; else any
        player."""
        best: PlayerId | None = None
        best_rank = 0
        for _, seat, player in self.taken():
            if seat.is_robot:
                continue
            is_coming = now < seat.reserved_until < NEVER
            is_expected = seat.is_expected(self.game.policy, now)
            is_here = seat.is_here or is_expected or (is_coming and player.id == self.made_by)
            is_active = player.status.may_be_active
            rank = 1 + 2 * is_here + 2 * (is_here and is_active) + (player.id == self.host)
            if rank > best_rank:
                best, best_rank = player.id, rank
        return best

    def claimable_at(self) -> float:
        """Return when the others may claim a match that waits for absent players: when the grace of
        the last of these is over; NEVER if it waits for a player who is here."""
        match, policy = self.running, self.game.policy
        if match is None or not policy.may_claim or not match.waits_for:
            return NEVER
        waited_for = [self.seats[number] for number in match.waits_for]
        if any(seat.is_bot for seat in waited_for):
            return NEVER
        return max(seat.may_return_until(policy) for seat in waited_for)

    # Seats and spectators

    def sit(self, number: int, player: Player) -> None:
        """Give a seat, free or a robot's, to a player who is in the room."""
        self.seats[number].clear()
        self.seats[number].sit(player)
        self.empty_after = self.limits.empty_after
        self.mark()

    def seat_robots(self, robots: Iterable[Robot]) -> None:
        """Give the last seats, which are free, to robots."""
        for seat, robot in zip(reversed(self.seats), robots, strict=False):
            seat.sit(robot)
        self.mark()

    def reserve(self, number: int, player: Player, until: float) -> None:
        """Reserve a seat, free or a robot's, for a player who has not entered yet."""
        self.seats[number].clear()
        self.seats[number].reserve(player, until)
        self.mark()

    def arrive(self, number: int, player: Player) -> None:
        """The player of a seat entered the room, for the first time or again."""
        was_reserved = self.seats[number].is_reserved
        self.seats[number].arrive(player)
        self.spectators.pop(player.id, None)
        self.empty_after = self.limits.empty_after
        self.mark(is_urgent=was_reserved)

    def change_seat(self, own: int, to: int) -> None:
        """Move the player of one seat to a free one."""
        self.seats[to], self.seats[own] = self.seats[own], self.seats[to]
        self.mark()

    def free_seat(self, number: int) -> None:
        """Free a seat."""
        self.seats[number].clear()
        self.mark()

    def depart(self, number: int, now: float, *, has_left: bool) -> None:
        """The last connection of a seated player to the room closed; `has_left`: on purpose."""
        self.seats[number].depart(now, has_left=has_left)
        self.mark(is_urgent=False)  # after a restart all are absent anyway

    def survive_restart(self, now: float) -> None:
        """Restored after a restart: all players are absent from `now` on."""
        for _, seat, _ in self.taken():
            if seat.is_person:
                seat.survive_restart(now)
        self.mark()

    def set_presence(self, number: int, player: Player | None, signs_out_at: float) -> None:
        """The status of a seated player changed: see `SeatState.set_presence`."""
        self.seats[number].set_presence(player, signs_out_at)
        self.mark(is_urgent=False)

    def want_more(self, number: int) -> None:
        """The player of a seat votes for the next match. Idempotent."""
        if not self.seats[number].wants_more:
            self.seats[number].want_more()
            self.mark(is_urgent=False)

    def reset_seat(self, number: int) -> None:
        """A match has ended: reset what counted within it."""
        self.seats[number].reset(0.0, plays=False)
        self.mark()

    def leave_match(self, number: int, now: float) -> None:
        """The player of a seat leaves the running match, and resigns after `leave_grace`. Of two
        who leave at the same instant, the first resigns first."""
        at = now + self.game.policy.leave_grace
        for seat in self.seats:
            if at <= seat.resigns_at < NEVER:
                at = nextafter(seat.resigns_at, NEVER)
        self.seats[number].leave_match(now, at)
        self.mark()

    def add_spectator(self, player: Player) -> None:
        """Add a spectator. Idempotent."""
        if player.id not in self.spectators:
            self.spectators[player.id] = player
            self.mark(is_to_keep=False)

    def remove_spectator(self, player_id: PlayerId) -> None:
        """Remove a spectator. Idempotent."""
        if self.spectators.pop(player_id, None) is not None:
            self.mark(is_to_keep=False)

    # Pulse checks, and "be right back"

    def ask(self, number: int, by: str, now: float) -> None:
        """Begin a pulse check of a seat by the player named `by`."""
        self.seats[number].ask(by, now, now + self.game.policy.pulse_time)
        self.mark()

    def end_pulse(self, number: int) -> None:
        """End the pulse check of a seat. Idempotent."""
        if self.seats[number].is_asked:
            self.seats[number].end_pulse()
            self.mark()

    def begin_brb(self, number: int, now: float, seconds: float) -> None:
        """Begin a "be right back"."""
        skipped_at = NEVER if self.game.policy.brb_waits else now + self.limits.skip_after
        self.seats[number].begin_brb(now, seconds, skipped_at)
        self.mark()

    def end_brb(self, number: int, now: float) -> None:
        """End a "be right back"."""
        self.seats[number].end_brb(now, waits=self.game.policy.brb_waits)
        self.mark()

    # Changes

    def begin(self, match: Match) -> None:
        """Begin a match of the players in the first seats."""
        for number, seat in enumerate(self.seats):
            seat.reset(self.game.policy.brb_budget, plays=number < match.size)
            seat.see_as(number if seat.plays else None)
        self.match = match
        self.mark()

    def move_up(self) -> list[Player]:
        """Give the first seats to the players who are here, robots last, in order, and return
        them."""
        self.seats.sort(key=lambda seat: (not seat.is_here, seat.is_robot))  # stable
        self.mark()
        return [seat.player for seat in self.seats if seat.is_here and seat.player is not None]

    def restore(
        self, host: PlayerId | None, chat: Chat, match: Match | None, *, is_alone: bool
    ) -> None:
        """Restore what the last process left. Counts the room as empty from now on."""
        self.is_alone = is_alone
        self.host = host
        self.chat = chat
        self.match = match
        self.quiet_since = self.empty_since = NEVER
        self.mark()

    def mark(self, *, is_to_keep: bool = True, is_urgent: bool = True) -> None:
        """Mark the room as changed, so that the turn publishes it. To be called from elsewhere
        where its match changed it, or time. `is_to_keep`: its document changes too; `is_urgent`: in
        more than can be written a little later."""
        self.is_changed = True
        self.is_to_keep = self.is_to_keep or is_to_keep
        self.is_urgent = self.is_urgent or (is_to_keep and is_urgent)

    def count_presence(self, now: float) -> None:
        """Update since when enough players are here to begin. A short absence, as in a reload of
        the page, does not count: the others need not wait anew."""
        policy, least = self.game.policy, self.least
        present = len(self.present())
        expected = sum(seat.is_expected(policy, now) for _, seat, _ in self.taken())
        if self.state != "open" or present + expected < least:
            self.enough_since = NEVER
        elif present >= least:
            self.enough_since = min(self.enough_since, now)

    def settle(self, now: float) -> tuple[bool, bool]:
        """Choose the host; update since when the room is quiet, and when its seats are looked at
        next. The caller publishes the changes; return whether they are to be kept, and at once."""
        before, self.host = self.host, self.choose_host(now)
        if self.is_kept_open():
            self.quiet_since = self.empty_since = NEVER
        else:
            self.quiet_since = min(self.quiet_since, now)
            self.empty_since = NEVER if self.has_people() else min(self.empty_since, now)
        self._count_vacancy(now)
        self.is_attended = any(
            seat.is_here and seat.is_person and player.status is Status.ACTIVE
            for _, seat, player in self.taken()
        )
        is_to_keep = self.is_to_keep or self.host != before
        is_urgent = self.is_urgent
        self.is_changed = self.is_to_keep = self.is_urgent = False
        self.seats_due = min(self._looks(now))
        return is_to_keep, is_urgent

    def close_soon(self) -> None:
        """Close the room as soon as nobody has a seat, unless somebody takes one before."""
        self.empty_after = 0.0
        self.mark(is_to_keep=False)

    def close(self) -> None:
        """Close the room."""
        self.is_closed = True

    def _count_vacancy(self, now: float) -> None:
        is_vacant = not any(seat.is_person for seat in self.seats)
        if is_vacant and self.vacant_until == NEVER:
            if now - self.taken_since >= self.limits.idle_after:
                self.vacant_for = self.limits.vacant_after
            self.vacant_until = now + self.vacant_for
        elif not is_vacant and self.vacant_until != NEVER:
            self.vacant_for = self.vacant_until - now
            self.taken_since, self.vacant_until = now, NEVER

    def _looks(self, now: float) -> Iterator[float]:
        policy = self.game.policy
        is_ticking = self.running is not None and self.running.is_ticking
        yield self.closes_at()
        yield _ahead(self.starts_at(), now)
        for seat in self.seats:
            if seat.player is None:
                continue
            yield seat.next_due()
            if is_ticking:
                yield _ahead(seat.clock_shown_at(policy, is_ticking=True), now)
            if seat.absent_since != NEVER:
                yield _ahead(seat.absence_shown_at(policy), now)
                yield _ahead(seat.expected_until(policy), now)
                # When the seat is freed, or the match may be claimed.
                yield _ahead(seat.grace_until(policy), now)


def _ahead(instant: float, now: float) -> float:
    """Return `instant`; NEVER if it is over."""
    return instant if instant > now else NEVER
