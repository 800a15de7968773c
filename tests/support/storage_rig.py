"""A storage on a file of its own, with a registry and a clock that the test moves."""

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

from server.accounts.limits import Limits as AccountLimits
from server.accounts.names import parse_name
from server.accounts.ports import Account
from server.accounts.sessions import Sessions
from server.accounts.tokens import SessionTokens
from server.base.ids import MatchId, new_match_id, new_player_id, new_room_id
from server.budget.budget import Budget
from server.games.connect_four import ConnectFour
from server.games.snake_arena import SnakeArena
from server.presence.events import EventStream
from server.presence.policy import Policy
from server.presence.registry import Registry
from server.presence.service import PresenceService
from server.presence.session import Player, Session
from server.restart import restore_rooms, restore_sessions
from server.rooms.events import RoomStream
from server.rooms.limits import Limits as RoomLimits
from server.rooms.replay import move_of, replay
from server.rooms.room import Room
from server.rooms.rooms import Rooms
from server.rooms.service import RoomService
from server.storage.limits import Limits
from server.storage.rows import StoredMove
from server.storage.sqlite.engine import SqliteEngine
from server.storage.sqlite.limits import SqliteLimits
from server.storage.store import Store
from tests.support.database import rows
from tests.support.faulty import FaultyDisk
from tests.support.live_server import seeds
from tests.support.manual_clock import ManualClock
from tests.support.places import ANYBODY
from tests.support.room_errors import raise_bug

KEY = "k" * 32


QUICK = Limits(first_retry=0.001, last_retry=0.002)
"""A failing test disk needs no pauses between two attempts."""


Opener: TypeAlias = Callable[..., Awaitable["StorageRig"]]
"""`StorageRig.open` on one file, again and again: the fixture `open_rig`."""


def fail(error: Exception, event: object) -> None:
    raise error


@dataclass
class StorageRig:
    """All parts between the registry, the rooms and the file."""

    path: Path
    registry: Registry
    stream: EventStream
    engine: SqliteEngine
    store: Store
    budget: Budget
    sessions: Sessions
    clock: ManualClock
    rooms: Rooms
    room_stream: RoomStream

    def __post_init__(self) -> None:
        self._numbers = count()

    @classmethod
    async def open(
        cls,
        path: Path,
        clock: ManualClock,
        disk: FaultyDisk | None = None,
        limits: Limits = QUICK,
    ) -> "StorageRig":
        registry = Registry(Policy())
        stream = EventStream(fail)
        presence = PresenceService(registry, stream, clock)
        factory = sqlite3.Connection if disk is None else disk.factory
        engine = SqliteEngine(path, SqliteLimits(), factory)
        budget = Budget()
        store = Store(engine, registry, clock, limits, budget)
        sessions = Sessions(presence, SessionTokens([KEY]), store, AccountLimits())
        stream.subscribe(sessions.hear)
        stream.subscribe(store.hear)
        last = await store.open()
        restore_sessions(
            last.sessions,
            presence,
            sessions,
            killed_since=last.killed_since,
            activity_interval=limits.activity_interval,
        )
        games = {game.name: game for game in (ConnectFour(), SnakeArena())}
        rooms = Rooms(
            games,
            registry.policy,
            new_room_id,
            new_match_id,
            seeds(),
            RoomLimits(),
            budget,
            raise_bug,
        )
        store.read_rooms_from(rooms.all)
        room_stream = RoomStream(fail)
        room_stream.subscribe(store.hear_rooms)
        service = RoomService(rooms, room_stream, presence)
        restore_rooms(last.rooms, service, store, presence)
        await store.journal.written_up_to_here()
        return cls(
            path, registry, stream, engine, store, budget, sessions, clock, rooms, room_stream
        )

    def player(self, name: str = "Ada", password_hash: str | None = None) -> Player:
        """A player whose account is queued."""
        parsed = parse_name(name)
        account = Account(
            new_player_id(),
            parsed.text,
            parsed.key,
            password_hash is None,
            password_hash,
            self.clock.now(),
        )
        self.store.add_account(account, parsed)
        return Player(account.id, account.name, account.sort_key, guest=account.guest)

    def sign_in(self, player: Player | None = None, **options: Any) -> tuple[Session, str]:
        """A new session, and its cookie."""
        return self.sessions.open(player or self.player(), self.clock.now(), **options)

    def until(self, instant: float) -> None:
        while (due := self.registry.next_deadline()) is not None and due <= instant:
            self.clock.move_to(max(due, self.clock.now()))
            self.stream.publish(self.registry.expire(self.clock.now(), limit=100))
        self.clock.move_to(instant)

    def table(self, game: str, *players: Player) -> Room:
        """A room with these players and a running match."""
        now = self.clock.now()
        room, events = self.rooms.open(players[0], game, now)
        for player in players:
            events += self.rooms.join(player, room.id, now)[1]
        if not room.game.starts_when_full:
            events += self.rooms.start(players[0], room.id, now)
        self.room_stream.publish(events)
        assert room.running is not None
        return room

    def act(self, room: Room, action: Any) -> None:
        """Make a move for the first player that the match waits for."""
        assert room.match is not None
        player = room.seats[room.match.waits_for[0]].player
        assert player is not None
        self.room_stream.publish(self.rooms.act(player, room.id, action, self.clock.now()))

    def play_until(self, instant: float) -> None:
        """Let time pass, only in the rooms."""
        while (due := self.rooms.next_deadline()) is not None and due <= instant:
            self.clock.move_to(max(due, self.clock.now()))
            self.room_stream.publish(self.rooms.expire(self.clock.now(), limit=100))
        self.clock.move_to(instant)

    async def check_matches(self) -> int:
        """Check that the stored moves of each match lead to its state; return the number of
        matches."""
        running = {room.match.id: room.match for room in self.rooms.all.values() if room.match}
        found = await self.rows("SELECT id, game, steps, ended_at, seed FROM matches")
        for id, game, steps, ended_at, seed in found:
            if ended_at is None:
                steps = running[id].step
            ((seats,),) = await self.rows(
                f"SELECT count(*) FROM match_players WHERE match_id = '{id}'"
                f" AND ended_at IS {ended_at or 'NULL'}"
            )
            moves = [move_of(shown(each)) for each in await self.moves_of(id)]
            assert all(move.step < steps for move in moves)
            *_, last = replay(self.rooms.games[game], seed, seats, moves, steps)
            if id in running:
                assert last.state == running[id].state
        return len(found)

    async def moves_of(self, id: MatchId) -> list[StoredMove]:
        """All moves of a match."""
        moves: list[StoredMove] = []
        after: int | None = 0
        while after is not None:
            page = await self.store.moves_of(id, after, 1000, ANYBODY)
            moves += page.moves
            after = page.next
        return moves

    async def kill(self) -> None:
        """Stop as a killed process does: queued rows are lost."""
        await self.store.abandon()

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the file as another program does."""
        await self.store.journal.written_up_to_here()
        return rows(self.path, sql)


async def restart(rig: StorageRig, open_rig: Opener, later: float = 0.0) -> StorageRig:
    """Restart with the wall clock `later` by so many seconds: of downtime, or because it was set;
    negative if it was set back."""
    await rig.store.close()
    return await open_rig(ManualClock(rig.clock.now() + later))


def only_session(rig: StorageRig) -> Session:
    (session,) = rig.registry.sessions.values()
    return session


def shown(move: StoredMove) -> dict[str, Any]:
    """A move as the API shows it."""
    told: dict[str, Any] = {"step": move.step, "at": move.at / 1000, "seat": move.seat}
    if move.has_action:
        told["action"] = move.action
    if move.event is not None:
        told["event"] = move.event
    return told
