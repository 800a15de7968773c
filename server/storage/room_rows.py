"""What becomes of rooms, on its way into a batch.

It hears what happens in rooms, and notes *which* of them have changed; what they are then is made
a row when the journal is about to write, so that a room is written once a batch, however much has
happened in it. Of a match in which things happen by themselves that is once in `SAVED_EVERY`: 300
arenas at 10 ticks a second would else be 3,000 documents a second.

A room's document, the moves that led to it, and the end of its match are rows of one batch, and
with that of one transaction: what is read after a kill is one state, and all that led to it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from server.base.clock import Clock
from server.base.ids import MatchId, PlayerId, RoomId
from server.presence.session import LONG_AGO
from server.rooms.document import write_room
from server.rooms.events import (
    LineSaid,
    MatchAdvanced,
    MatchEnded,
    MatchStarted,
    RoomChanged,
    RoomClosed,
    RoomEvent,
    RoomOpened,
)
from server.rooms.match import Match, Move
from server.rooms.room import Room
from server.storage.sqlite.batch import Batch, Row

_log = logging.getLogger("stillhere.storage")

SAVED_EVERY = 1.0
"""Seconds between two writings of a match in which things happen by themselves."""


class StoredRoom(NamedTuple):
    """A room that was open when the last process stopped. `state`: None if it could not be
    written. `opened_at` is in Unix milliseconds."""

    id: RoomId
    game: str
    private: bool
    made_by: PlayerId
    opened_at: int
    state: str | None


class RoomRows:
    """Subscribes to the events of rooms; the journal takes what they come to."""

    def __init__(self, clock: Clock, note_queued: Callable[[int], None]) -> None:
        """`note_queued` is told how many more entries wait."""
        self._clock = clock
        self._note_queued = note_queued
        self._rows = Batch()
        # Rooms whose documents are to be made now, and those that may wait a moment.
        self._due: dict[RoomId, Room] = {}
        self._later: dict[RoomId, Room] = {}
        self.some_wait = asyncio.Event()
        """Set while there are rooms that may wait a moment: then call `look` now and then."""
        self._saved_at: dict[RoomId, float] = {}
        self._unwritable: set[RoomId] = set()

    def hear(self, event: RoomEvent) -> None:
        """Subscriber: note what has changed."""
        match event:
            case MatchAdvanced(room=room, match=match, at=at):
                if match.is_ticking and self._is_fresh(room.id, at):
                    self._later[room.id] = room
                    self.some_wait.set()
                else:
                    self._note(room)
            case RoomOpened(room=room) | RoomChanged(room=room) | LineSaid(room=room):
                self._note(room)
            case MatchStarted(room=room, match=match):
                self._note_match(room, match)
                self._note(room)
            case MatchEnded(room=room, match=match):
                self._note(room)
                self._take_moves(match)
                self._note_match(room, match)
            case RoomClosed(room=room, reason=reason, at=at):
                self._forget(room.id)
                self._rows.rooms[room.id] = self._row(room, None, self._clock.to_wall(at), reason)
                self._note_queued(1)
            case _:
                pass

    def give_up(self, stored: StoredRoom) -> None:
        """A room of the last process cannot be gone on with: it is closed, its match over."""
        at = self._clock.to_wall(self._clock.now())
        self._rows.rooms[stored.id] = (
            *(stored.id, stored.game, int(stored.private), stored.made_by, stored.opened_at),
            *(at, "failed", None),
        )
        self._rows.lost_rooms.append((at, stored.id))
        self._note_queued(1)

    def look(self) -> None:
        """Note the rooms that have waited long enough."""
        now = self._clock.now()
        for room in [room for id, room in self._later.items() if not self._is_fresh(id, now)]:
            self._note(room)
        if not self._later:
            self.some_wait.clear()

    def hurry(self) -> None:
        """Note all that may wait: there will be no later."""
        for room in list(self._later.values()):
            self._note(room)

    def write(self, limit: int) -> bool:
        """Make the documents of at most `limit` rooms; says whether there are more to make."""
        for id in list(self._due)[:limit]:
            self._write(self._due.pop(id))
        return bool(self._due)

    def take(self) -> Batch:
        """Everything that there is to be written, and every document that is to be made."""
        self.write(len(self._due))
        rows, self._rows = self._rows, Batch()
        return rows

    def _is_fresh(self, id: RoomId, now: float) -> bool:
        return now < self._saved_at.get(id, LONG_AGO) + SAVED_EVERY

    def _note(self, room: Room) -> None:
        self._later.pop(room.id, None)
        # What is told of a room in the moment of its end comes after the end.
        if room.id in self._due or room.is_closed:
            return
        self._due[room.id] = room
        self._note_queued(1)

    def _forget(self, id: RoomId) -> None:
        self._due.pop(id, None)
        self._later.pop(id, None)
        self._saved_at.pop(id, None)
        self._unwritable.discard(id)

    def _write(self, room: Room) -> None:
        state: str | None = None
        try:
            state = write_room(room, self._clock)
        except Exception as error:
            # Whatever a game keeps as its state, the rest of the batch is not to suffer for it.
            if room.id not in self._unwritable:
                self._unwritable.add(room.id)
                _log.error("%r cannot survive a restart: %s", room, error)
        self._rows.rooms[room.id] = self._row(room, state)
        if room.match is not None:
            self._take_moves(room.match)
        self._saved_at[room.id] = self._clock.now()

    def _row(
        self,
        room: Room,
        state: str | None,
        closed_at: int | None = None,
        reason: str | None = None,
    ) -> Row:
        return (
            room.id,
            room.game.name,
            int(room.is_private),
            room.made_by,
            self._clock.to_wall(room.opened_at),
            closed_at,
            reason,
            state,
        )

    def _note_match(self, room: Room, match: Match) -> None:
        outcome = match.outcome
        has_ended = outcome is not None
        ended_at = self._clock.to_wall(match.ended_at) if has_ended else None
        self._rows.matches[match.id] = (
            match.id,
            room.id,
            match.number,
            match.game.name,
            int(room.is_private),
            self._clock.to_wall(match.began),
            ended_at,
            _milliseconds(match.time(match.ended_at)) if has_ended else None,
            match.step if has_ended else None,
            outcome.reason if outcome is not None else None,
            _json(outcome.winners) if outcome is not None else None,
            _json(outcome.scores) if outcome is not None and outcome.scores is not None else None,
            match.ended_by,
            match.seed,
        )
        for seat, (player_id, name) in enumerate(match.players):
            self._rows.match_players[match.id, seat] = match.id, seat, player_id, name, ended_at
        self._note_queued(1 + match.size)

    def _take_moves(self, match: Match) -> None:
        for move in match.take_moves():
            try:
                self._rows.moves.append(_move_row(match.id, move))
            except Exception as error:
                # Whatever a game takes for an action, the others are not to suffer for it.
                _log.error("a move of %s cannot be stored: %s", match.id, error)
            else:
                self._note_queued(1)


def _move_row(match_id: MatchId, move: Move) -> Row:
    event, action = move.event, None
    if event is None:
        action = _json(move.action)
        event = "bot" if move.by_bot else "back" if move.is_back else None
    return match_id, move.step, _milliseconds(move.at), move.seat, action, event


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000 + 0.5)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
