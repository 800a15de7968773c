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
from collections.abc import Callable, Mapping
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
    RoomClosed,
    RoomEvent,
    RoomOpened,
    RoomUpdated,
)
from server.rooms.match import Move
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
        self._rooms: Mapping[RoomId, Room] = {}
        self._rows = Batch()
        # Rooms whose documents are to be made now, and those that may wait a moment.
        self._due: dict[RoomId, None] = {}
        self._later: dict[RoomId, None] = {}
        # What was done in a match since the document of its room was made.
        self._moves: dict[RoomId, list[tuple[MatchId, Move]]] = {}
        self.some_wait = asyncio.Event()
        """Set while there are rooms that may wait a moment: then call `look` now and then."""
        self._saved_at: dict[RoomId, float] = {}
        self._unwritable: set[RoomId] = set()

    def read_from(self, rooms: Mapping[RoomId, Room]) -> None:
        """Make documents of these: the rooms that are open."""
        self._rooms = rooms

    def hear(self, event: RoomEvent) -> None:
        """Subscriber: note what has changed."""
        match event:
            case MatchAdvanced(room_id=id, match_id=match_id, moves=moves, at=at):
                if moves:
                    self._moves.setdefault(id, []).extend((match_id, move) for move in moves)
                room = self._rooms.get(id)
                is_ticking = room is not None and room.running and room.running.is_ticking
                if is_ticking and self._is_fresh(id, at):
                    self._later[id] = None
                    self.some_wait.set()
                else:
                    self._note(id)
            case RoomOpened(room_id=id) | RoomUpdated(room_id=id) | LineSaid(room_id=id):
                self._note(id)
            case MatchStarted(room_id=id):
                self._note_start(event)
                self._note(id)
            case MatchEnded(room_id=id):
                self._note(id)
                self._take_moves(id)
                self._note_end(event)
            case RoomClosed(room_id=id):
                self._forget(id)
                self._take_moves(id)
                self._rows.rooms[id] = (
                    *(id, event.game, int(event.is_private), event.made_by),
                    *(self._clock.to_wall(event.opened_at), self._clock.to_wall(event.at)),
                    *(event.reason, None),
                )
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
        for id in [id for id in self._later if not self._is_fresh(id, now)]:
            self._note(id)
        if not self._later:
            self.some_wait.clear()

    def hurry(self) -> None:
        """Note all that may wait: there will be no later."""
        for id in list(self._later):
            self._note(id)

    def write(self, limit: int) -> bool:
        """Make the documents of at most `limit` rooms; says whether there are more to make."""
        for id in list(self._due)[:limit]:
            del self._due[id]
            if id in self._rooms:
                self._write(self._rooms[id])
        return bool(self._due)

    def take(self) -> Batch:
        """Everything that there is to be written, and every document that is to be made."""
        self.write(len(self._due))
        rows, self._rows = self._rows, Batch()
        return rows

    def _is_fresh(self, id: RoomId, now: float) -> bool:
        return now < self._saved_at.get(id, LONG_AGO) + SAVED_EVERY

    def _note(self, id: RoomId) -> None:
        self._later.pop(id, None)
        # What is told of a room in the moment of its end comes after the end.
        if id in self._due or id not in self._rooms:
            return
        self._due[id] = None
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
        self._rows.rooms[room.id] = (
            *(room.id, room.game.name, int(room.is_private), room.made_by),
            *(self._clock.to_wall(room.opened_at), None, None, state),
        )
        self._take_moves(room.id)
        self._saved_at[room.id] = self._clock.now()

    def _note_start(self, event: MatchStarted) -> None:
        room = self._rooms.get(event.room_id)
        match = None if room is None else room.match
        if match is None or match.id != event.match_id:
            return  # it is over already, and its end is noted whole
        self._rows.matches[event.match_id] = (
            *(event.match_id, event.room_id, event.number, event.game, int(event.is_private)),
            self._clock.to_wall(event.at),
            *(None, None, None, None, None, None, None),
            match.seed,
        )
        self._note_players(event, None)

    def _note_end(self, event: MatchEnded) -> None:
        outcome, ended_at = event.outcome, self._clock.to_wall(event.at)
        self._rows.matches[event.match_id] = (
            *(event.match_id, event.room_id, event.number, event.game, int(event.is_private)),
            *(self._clock.to_wall(event.began), ended_at, _milliseconds(event.seconds)),
            *(event.steps, outcome.reason, _json(outcome.winners)),
            _json(outcome.scores) if outcome.scores is not None else None,
            *(event.by, event.seed),
        )
        self._note_players(event, ended_at)

    def _note_players(self, event: MatchStarted | MatchEnded, ended_at: int | None) -> None:
        id = event.match_id
        for seat, (player_id, name) in enumerate(event.players):
            self._rows.match_players[id, seat] = id, seat, player_id, name, ended_at
        self._note_queued(1 + len(event.players))

    def _take_moves(self, room_id: RoomId) -> None:
        for match_id, move in self._moves.pop(room_id, ()):
            try:
                self._rows.moves.append(_move_row(match_id, move))
            except Exception as error:
                # Whatever a game takes for an action, the others are not to suffer for it.
                _log.error("a move of %s cannot be stored: %s", match_id, error)
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
