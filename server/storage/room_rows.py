"""Turns events of rooms into rows.

The events say *which* rooms changed, and what was said there. Their rows are made when the journal
is about to write, so that a room is written once a batch, however much happened.

What is neither a move nor a change of seats is written at most once in `room_interval` seconds:
ticks, or 300 arenas at 10 a second would be 3,000 documents a second. Changes of seats are written
at once, as long as there are not too many of them in a row. Lines of chat are rows of their own,
since all lines of a room are twenty times as long as the rest: only new ones are written, also at
most once in `room_interval` seconds. A document that would say the same as the last is not written.

A room's document, the moves that led to it, and the end of its match are in one batch, hence in one
transaction: after a kill they are consistent.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from server.base.clock import Clock
from server.base.ids import MatchId, PlayerId, RoomId
from server.base.units import to_ms
from server.base.waiting import stop
from server.budget.budget import Budget
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
from server.rooms.robots import ROBOTS
from server.storage.journal import Journal
from server.storage.limits import Limits
from server.storage.pace import Pace
from server.storage.prices import PAGE, size_of_document, size_of_line
from server.storage.rows import (
    BotRow,
    LineRow,
    LostRoom,
    MatchPlayerRow,
    MatchRow,
    MoveRow,
    RoomRow,
    StoredRoom,
)
from server.storage.unwritten import Unwritten

_log = logging.getLogger("stillhere.storage")


class RoomRows:
    """Subscribes to the events of rooms, and queues what they change."""

    def __init__(
        self, journal: Journal, ended: Unwritten, clock: Clock, limits: Limits, budget: Budget
    ) -> None:
        """`ended`: where matches that ended, and their players, are noted."""
        self._journal = journal
        self._ended = ended
        self._clock = clock
        self._limits = limits
        self._rooms: Mapping[RoomId, ReadableRoom] = {}
        # Lines that are not queued yet, by their place, and bytes of the last documents.
        self._lines: dict[RoomId, dict[int, LineRow]] = {}
        self._sizes: dict[RoomId, int] = {}
        self._documents = Pace(
            limits.room_interval, limits.room_burst, self._size_of_document, budget
        )
        self._chats = Pace(limits.room_interval, 1, self._size_of_lines, budget)
        self._some_wait = asyncio.Event()
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
                if room is None:
                    return
                by = _payer(event, moves[0].seat if moves else 0)
                if room.running and room.running.is_ticking:
                    self._queue(self._documents.note(id, by, at))
                else:
                    self._queue(self._documents.note_at_once(id, by, at))
            case RoomUpdated(is_to_keep=False):
                pass  # the document has no spectators
            case RoomOpened(room_id=id, made_by=made_by, at=at):
                opened_at = self._clock.to_wall(at)
                # Its document takes the place of this row.
                row = RoomRow(
                    id, event.game, event.is_private, made_by, opened_at, None, None, None
                )
                self._journal.keep(row, made_by, at)
                self._note_now(id, made_by, at)
            case LineSaid(room_id=id):
                self._note_line(event)
            case RoomUpdated(room_id=id, at=at):
                room = self._rooms.get(id)
                # Later events of a room that has closed are ignored.
                if room is not None:
                    pace = self._documents
                    note = pace.note_urgent if event.is_urgent else pace.note
                    self._queue(note(id, event.by or room.made_by, at))
            case MatchStarted(room_id=id, at=at):
                self._note_start(event)
                self._note_now(id, event.players[0][0], at)
            case MatchEnded(room_id=id, at=at):
                self._note_now(id, event.players[0][0], at)
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
        """Queue what has waited long enough."""
        now = self._clock.now()
        self._queue(self._documents.look(now) + self._chats.look(now))

    def hurry(self) -> None:
        """Queue all that waits, before a stop."""
        now = self._clock.now()
        self._queue(self._documents.hurry(now) + self._chats.hurry(now))

    async def collect(self) -> None:
        """Add what is due to the next batch; does not yield after the last of it."""
        for number, (write, id) in enumerate(self._take(), 1):
            write(id)
            # In portions, between which the loop does other work.
            if not number % self._limits.rooms_at_once:
                await asyncio.sleep(0)
        # What became due meanwhile, at once and only once: nothing is written until then.
        for write, id in self._take():
            write(id)

    async def _run(self) -> None:
        while True:
            await self._some_wait.wait()
            await asyncio.sleep(self._limits.room_look_interval)
            self.look()

    def _take(self) -> list[tuple[Callable[[RoomId], None], RoomId]]:
        now = self._clock.now()
        due: list[tuple[Callable[[RoomId], None], RoomId]] = []
        due += ((self._write, id) for id in self._documents.take(now))
        due += ((self._write_lines, id) for id in self._chats.take(now))
        return due

    def _note_line(self, event: LineSaid) -> None:
        id, line = event.room_id, event.line
        room = self._rooms.get(id)
        if room is None:
            return
        place = room.chat.place_of(line)
        self._lines.setdefault(id, {})[place] = LineRow(
            id,
            place,
            line.id,
            self._clock.to_wall(line.at),
            line.player_id,
            line.name,
            line.text,
            line.notice,
            line.seat,
        )
        self._queue(self._chats.note(id, event.by or room.made_by, event.at))

    def _note_now(self, id: RoomId, by: PlayerId, at: float) -> None:
        if id in self._rooms:
            self._queue(self._documents.note_now(id, by, at))

    def _queue(self, count: int) -> None:
        """So many rooms are due now that were not before."""
        if count:
            self._journal.note_queued(count)
        if self._documents.has_waiting or self._chats.has_waiting:
            self._some_wait.set()
        else:
            self._some_wait.clear()

    def _forget(self, id: RoomId) -> None:
        self._documents.forget(id)
        self._chats.forget(id)
        self._lines.pop(id, None)
        self._sizes.pop(id, None)
        self._digests.pop(id, None)
        self._unwritable.discard(id)

    def _size_of_document(self, id: RoomId) -> int:
        return self._sizes.get(id, PAGE)

    def _size_of_lines(self, id: RoomId) -> int:
        return sum(map(size_of_line, self._lines[id].values()))

    def _write_lines(self, id: RoomId) -> None:
        for row in self._lines.pop(id, {}).values():
            self._journal.replace(row)

    def _write(self, id: RoomId) -> None:
        room = self._rooms.get(id)
        if room is None:
            return  # it has closed meanwhile
        now = self._clock.now()
        self._journal.release_moves(room.id)
        state: str | None = None
        try:
            digest = digest_of(room)
            if digest is not None and self._digests.get(room.id) == digest:
                return
            self._digests[room.id] = digest
            state = write_room(room, now)
        except Exception as error:
            # A state that cannot be encoded must not affect the rest of the batch.
            self._digests.pop(room.id, None)
            if room.id not in self._unwritable:
                self._unwritable.add(room.id)
                _log.error("%r cannot survive a restart: %s", room, error)
        opened_at = self._clock.to_wall(room.opened_at)
        row = RoomRow(
            id, room.game.name, room.is_private, room.made_by, opened_at, None, None, state
        )
        self._sizes[id] = size_of_document(row)
        self._journal.replace(row)

    def _note_start(self, event: MatchStarted) -> None:
        room = self._rooms.get(event.room_id)
        match = None if room is None else room.match
        # A match that has ended already gets its seed by its end, which is told in the same turn.
        seed = match.seed if match is not None and match.id == event.match_id else ""
        row, players = _match_rows(event, self._clock.to_wall(event.at), seed)
        for each in players:
            robot = ROBOTS.get(each.player_id)
            if robot is not None:
                bot = BotRow(robot.id, robot.name, robot.sort_key, row.started_at)
                self._journal.replace(bot)
            self._journal.keep(each, _payer(event, each.seat), event.at)
        self._journal.keep(row, _payer(event, 0), event.at)
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
        """Have the players pay for the moves of their seats, those of bots included, and share
        those of robots. Now, although they are written with the next document: a disk that hangs
        would delay that."""
        for move in event.moves:
            try:
                row = _move_row(event.match_id, move)
            except Exception as error:
                # An action that cannot be encoded must not affect the others.
                _log.error("a move of %s cannot be stored: %s", event.match_id, error)
            else:
                payer = _payer(event, move.seat)
                self._journal.hold_back(row, event.room_id, payer, event.at)


def _payer(event: MatchStarted | MatchAdvanced, seat: int) -> PlayerId:
    """Return who pays for a row about a seat: the players share those of robots."""
    id, _ = event.players[seat]
    if id not in ROBOTS:
        return id
    people = [id for id, _ in event.players if id not in ROBOTS]
    return people[seat % len(people)]


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
