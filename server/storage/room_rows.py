"""Turns events of rooms into rows.

The events say *which* rooms changed. Their rows are made when the journal is about to write, so
that a room is written once a batch, however much happened. What is neither a move nor a change of
seats is written at most once in `room_interval` seconds: ticks, or 300 arenas at 10 a second would
be 3,000 documents a second; and lines of chat, as each leads to a document with all of them. A
document that would say the same as the last is not written.

A room's document, the moves that led to it, and the end of its match are in one batch, hence in one
transaction: after a kill they are consistent.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from server.base.clock import Clock
from server.base.ids import MatchId, RoomId
from server.base.units import LONG_AGO, to_ms
from server.base.waiting import stop
from server.rooms.document import digest_of, write_room
from server.rooms.events import (
    LineSaid,
    MatchAdvanced,
    MatchEnded,
    MatchStarted,
    RoomClosed,
    RoomOpened,
    RoomUpdated,
)
from server.rooms.match import Move
from server.rooms.reading import ReadableRoom
from server.storage.journal import Journal
from server.storage.limits import Limits
from server.storage.rows import LostRoom, MatchPlayerRow, MatchRow, MoveRow, RoomRow, StoredRoom
from server.storage.unwritten import Unwritten

_log = logging.getLogger("stillhere.storage")


class RoomRows:
    """Subscribes to the events of rooms, and queues what they change."""

    def __init__(self, journal: Journal, ended: Unwritten, clock: Clock, limits: Limits) -> None:
        """`ended`: where matches that ended, and their players, are noted."""
        self._journal = journal
        self._ended = ended
        self._clock = clock
        self._limits = limits
        self._rooms: Mapping[RoomId, ReadableRoom] = {}
        # Rooms whose documents are due now, and those that can wait a moment.
        self._due: dict[RoomId, None] = {}
        self._later: dict[RoomId, None] = {}
        self._some_wait = asyncio.Event()
        self._saved_at: dict[RoomId, float] = {}
        # What the last documents said.
        self._digests: dict[RoomId, int | None] = {}
        self._unwritable: set[RoomId] = set()
        self._task: asyncio.Task[None] | None = None

    def read_from(self, rooms: Mapping[RoomId, ReadableRoom]) -> None:
        """Set the open rooms, of which documents are made."""
        self._rooms = rooms

    def start(self) -> None:
        """Start looking at the rooms that wait."""
        self._task = asyncio.create_task(self._run(), name="journal-rooms")

    async def stop(self) -> None:
        """Stop. Idempotent."""
        task, self._task = self._task, None
        await stop(task)

    def hear(
        self,
        event: MatchAdvanced
        | RoomOpened
        | RoomUpdated
        | LineSaid
        | MatchStarted
        | MatchEnded
        | RoomClosed,
    ) -> None:
        """Subscriber: note what changed."""
        match event:
            case MatchAdvanced(room_id=id, moves=moves, at=at):
                if moves:
                    self._keep_moves(event)
                room = self._rooms.get(id)
                if room is not None and room.running and room.running.is_ticking:
                    self._note_in_time(id, at)
                else:
                    self._note(id)
            case RoomUpdated(is_to_keep=False):
                pass  # the document has no spectators
            case RoomOpened(room_id=id, made_by=made_by, at=at):
                opened_at = self._clock.to_wall(at)
                # Its document takes the place of this row.
                row = RoomRow(
                    id, event.game, event.is_private, made_by, opened_at, None, None, None
                )
                self._journal.keep(row, made_by, at)
                self._note(id)
            case LineSaid(room_id=id, at=at) | RoomUpdated(room_id=id, at=at, is_urgent=False):
                self._note_in_time(id, at)
            case RoomUpdated(room_id=id):
                self._note(id)
            case MatchStarted(room_id=id):
                self._note_start(event)
                self._note(id)
            case MatchEnded(room_id=id):
                self._note(id)
                self._journal.release_moves(id)
                self._note_end(event)
            case RoomClosed(room_id=id):
                self._forget(id)
                self._journal.release_moves(id)
                self._journal.replace(
                    RoomRow(
                        id,
                        event.game,
                        event.is_private,
                        event.made_by,
                        self._clock.to_wall(event.opened_at),
                        self._clock.to_wall(event.at),
                        event.reason,
                        None,
                    )
                )
                self._journal.note_queued()

    def give_up(self, stored: StoredRoom) -> None:
        """Close a room of the last process that cannot be restored, and abandon its match."""
        at = self._clock.to_wall(self._clock.now())
        self._journal.replace(
            RoomRow(
                stored.id,
                stored.game,
                stored.private,
                stored.made_by,
                stored.opened_at,
                at,
                "failed",
                None,
            )
        )
        self._journal.replace(LostRoom(stored.id, at))
        self._journal.note_queued()

    def look(self) -> None:
        """Queue the rooms that have waited long enough."""
        now = self._clock.now()
        for id in [id for id in self._later if not self._is_fresh(id, now)]:
            self._note(id)
        if not self._later:
            self._some_wait.clear()

    def hurry(self) -> None:
        """Queue all rooms that wait, before a stop."""
        for id in list(self._later):
            self._note(id)

    async def collect(self) -> None:
        """Add every document that is due to the next batch; does not yield after the last one."""
        # In portions, between which the loop does other work; but not for ever, if as many become
        # due meanwhile: nothing is written until then.
        at_once = self._limits.rooms_at_once
        for _ in range(self._limits.room_portions):
            if not self._write_some(at_once):
                return
            await asyncio.sleep(0)
        self._write_some(len(self._due))

    async def _run(self) -> None:
        while True:
            await self._some_wait.wait()
            await asyncio.sleep(self._limits.room_look_interval)
            self.look()

    def _write_some(self, limit: int) -> bool:
        for id in list(self._due)[:limit]:
            del self._due[id]
            if id in self._rooms:
                self._write(self._rooms[id])
        return bool(self._due)

    def _is_fresh(self, id: RoomId, now: float) -> bool:
        return now < self._saved_at.get(id, LONG_AGO) + self._limits.room_interval

    def _note_in_time(self, id: RoomId, at: float) -> None:
        if id in self._rooms and self._is_fresh(id, at):
            self._later[id] = None
            self._some_wait.set()
        else:
            self._note(id)

    def _note(self, id: RoomId) -> None:
        self._later.pop(id, None)
        # Later events of a room that has closed are ignored.
        if id in self._due or id not in self._rooms:
            return
        self._due[id] = None
        self._journal.note_queued()

    def _forget(self, id: RoomId) -> None:
        self._due.pop(id, None)
        self._later.pop(id, None)
        self._saved_at.pop(id, None)
        self._digests.pop(id, None)
        self._unwritable.discard(id)

    def _write(self, room: ReadableRoom) -> None:
        now = self._clock.now()
        self._saved_at[room.id] = now
        self._journal.release_moves(room.id)
        state: str | None = None
        try:
            digest = digest_of(room)
            if digest is not None and self._digests.get(room.id) == digest:
                return
            self._digests[room.id] = digest
            state = write_room(room, now, self._clock.to_wall(now))
        except Exception as error:
            # A state that cannot be encoded must not affect the rest of the batch.
            self._digests.pop(room.id, None)
            if room.id not in self._unwritable:
                self._unwritable.add(room.id)
                _log.error("%r cannot survive a restart: %s", room, error)
        self._journal.replace(
            RoomRow(
                room.id,
                room.game.name,
                room.is_private,
                room.made_by,
                self._clock.to_wall(room.opened_at),
                None,
                None,
                state,
            )
        )

    def _note_start(self, event: MatchStarted) -> None:
        room = self._rooms.get(event.room_id)
        match = None if room is None else room.match
        # A match that has ended already gets its seed by its end, which is told in the same turn.
        seed = match.seed if match is not None and match.id == event.match_id else ""
        row, players = _match_rows(event, self._clock.to_wall(event.at), seed)
        for each in players:
            self._journal.keep(each, each.player_id, event.at)
        self._journal.keep(row, players[0].player_id, event.at)
        self._journal.note_queued(1 + len(players))

    def _note_end(self, event: MatchEnded) -> None:
        outcome = event.outcome
        row, players = _match_rows(
            event,
            self._clock.to_wall(event.began),
            event.seed,
            self._clock.to_wall(event.at),
            lasted=to_ms(event.seconds),
            steps=event.steps,
            reason=outcome.reason,
            winners=tuple(map(int, outcome.winners)),
            scores=None if outcome.scores is None else tuple(map(_number, outcome.scores)),
            ended_by=event.by,
        )
        self._journal.replace(row)
        for each in players:
            self._journal.replace(each)
        self._journal.note_queued(1 + len(players))
        self._ended.note(row.id, *(each.player_id for each in players))

    def _keep_moves(self, event: MatchAdvanced) -> None:
        """Have the players pay for the moves of their seats, those of bots included. Now, although
        they are written with the next document: a disk that hangs would delay that."""
        for move in event.moves:
            try:
                row = _move_row(event.match_id, move)
            except Exception as error:
                # An action that cannot be encoded must not affect the others.
                _log.error("a move of %s cannot be stored: %s", event.match_id, error)
            else:
                payer, _ = event.players[move.seat]
                self._journal.hold_back(row, event.room_id, payer, event.at)


def _match_rows(
    event: MatchStarted | MatchEnded,
    started_at: int,
    seed: str,
    ended_at: int | None = None,
    **end: Any,
) -> tuple[MatchRow, list[MatchPlayerRow]]:
    """Return the rows of a match and its players; `end`: the fields about its end."""
    id = event.match_id
    row = MatchRow(
        id=id,
        room_id=event.room_id,
        number=event.number,
        game=event.game,
        private=event.is_private,
        started_at=started_at,
        ended_at=ended_at,
        seed=seed,
        **end,
    )
    return row, [
        MatchPlayerRow(id, seat, player_id, name, event.is_private, ended_at)
        for seat, (player_id, name) in enumerate(event.players)
    ]


def _move_row(match_id: MatchId, move: Move) -> MoveRow:
    event: str | None = move.event
    action = None
    if event is None:
        action = msgspec.json.encode(move.action).decode()
        event = "bot" if move.by_bot else "back" if move.is_back else None
    return MoveRow(match_id, move.step, to_ms(move.at), move.seat, action, event)


def _number(score: float) -> float:
    """Return a game's score; integers stay integers. Raises ValueError or TypeError for anything
    else, before it could fail a transaction."""
    return score if isinstance(score, int) else float(score)
