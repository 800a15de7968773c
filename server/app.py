"""The composition root: makes every part and gives it to those that need it. Start reading here."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette

from server.accounts.accounts import Accounts
from server.accounts.keys import KEYS, check_keys, load_keys, make_keys
from server.accounts.passwords import Passwords
from server.accounts.sessions import Sessions
from server.accounts.tokens import SessionTokens
from server.base.clock import Clock, SystemClock
from server.base.ids import RoomId, new_match_id, new_room_id, new_seed
from server.bots.bots import Bots
from server.budget.budget import Budget
from server.games.catalogue import find_games, find_page_parts
from server.limits import Limits
from server.observe.audit import Audit
from server.observe.collector import GarbageCollector
from server.observe.metrics import Metrics
from server.presence.events import Event, EventStream
from server.presence.registry import Registry
from server.presence.service import PresenceService
from server.presence.session import Session
from server.realtime.bridge import Bridge
from server.realtime.connection import Connection
from server.realtime.endpoint import WebSocketEndpoint
from server.realtime.notices import Notices
from server.realtime.payers import Payers
from server.realtime.room_requests import RoomRequests
from server.realtime.routing import TakeSockets
from server.realtime.tabs import Tabs
from server.realtime.ticker import Ticker
from server.realtime.topics.lobby import LobbyTopic
from server.realtime.topics.room import RoomTopics
from server.realtime.topics.room_list import RoomListTopic
from server.realtime.topics.topic import Common
from server.realtime.topics.topics import Topics
from server.restart import restore_rooms, restore_sessions
from server.rooms.events import RoomEvent, RoomStream
from server.rooms.reading import ReadableRoom, ReadableRooms
from server.rooms.rooms import Rooms
from server.rooms.service import RoomService
from server.settings import PREFIX, Settings, SettingsRefused, load_settings
from server.storage.errors import StorageRefused
from server.storage.ports import Engine
from server.storage.sqlite.engine import SqliteEngine
from server.storage.store import Store
from server.transport.uvicorn import as_flags
from server.web.application import make_application
from server.web.listed import ListedPlayers, ListedRooms
from server.web.pages import Pages, static_folder
from server.web.routes.accounts import AccountRoutes
from server.web.routes.matches import MatchRoutes
from server.web.routes.operations import OperationRoutes
from server.web.routes.players import PlayerRoutes
from server.web.routes.rooms import RoomRoutes
from server.web.routes.sessions import SessionRoutes
from server.web.routes.standings import StandingRoutes
from server.wire.messages import LOBBY, ROOM, ROOMS

_log = logging.getLogger("stillhere")


def create_app(
    settings: Settings | None = None,
    clock: Clock | None = None,
    limits: Limits = Limits(),
) -> Starlette:
    """Return the application. Without arguments, as called by `uvicorn --factory`, it reads the
    settings from the environment and logs the flags of uvicorn that the `stillhere` command
    sets."""
    if settings is None:
        try:
            settings = load_settings()
        except SettingsRefused as refused:
            sys.exit(f"stillhere: {refused}")
        _log.warning("the `stillhere` command would have set: %s", as_flags())
    try:
        return StillHere(settings, clock or SystemClock(), limits).app
    except (SettingsRefused, StorageRefused) as refused:
        sys.exit(f"stillhere: {refused}")


class StillHere:
    """One running server: all of its parts, from the core outwards.

    `start` and `stop` are called by the application's lifespan, and by the `stillhere` command
    around it; both are idempotent. `app.state.still_here` is this object.
    """

    def __init__(self, settings: Settings, clock: Clock, limits: Limits = Limits()) -> None:
        """Raises SettingsRefused if a secret key is too short, and StorageRefused if the database
        cannot be one, or the secret keys cannot be read or made."""
        self.clock = clock

        self.registry = Registry(settings.policy, _log_session_error)
        self.stream = EventStream(_log_subscriber_error)
        self.presence = PresenceService(self.registry, self.stream, clock)
        self.budget = Budget(
            limits.budget, lambda: self.store.is_full, lambda: self.store.reserve_left
        )
        engine = make_engine(settings, limits)
        self.store = Store(engine, self.registry, clock, limits.storage, self.budget)

        self.passwords = Passwords(limits.accounts)
        self.accounts = Accounts(self.store, self.passwords, limits.accounts, self.budget)
        keys, self._new_keys = _keys(settings, engine, limits)
        tokens = SessionTokens(keys)
        self.audit = Audit(limits.observe)
        self.sessions = Sessions(self.presence, tokens, self.store, limits.accounts)

        self.topics = Topics()
        self.common = Common(_loop_time, limits.realtime)
        self.tabs = Tabs(
            settings.policy,
            self.sessions,
            self.topics.forget,
            limits.realtime,
            settings.max_connections_per_session,
            self.budget,
        )
        self.ticker = Ticker(self.presence, clock, limits.realtime)

        rooms = Rooms(
            find_games(),
            settings.policy,
            new_room_id,
            new_match_id,
            new_seed,
            limits.rooms,
            self.budget,
            _log_room_error,
        )
        self.rooms: ReadableRooms = rooms
        self.store.read_rooms_from(rooms.all)
        self.room_stream = RoomStream(_log_subscriber_error)
        self.room_service = RoomService(rooms, self.room_stream, self.presence)
        self.bots = Bots(rooms.games, limits.bots, self.room_service.bot_thought)
        self.room_topics = RoomTopics(self.common, clock, self.room_service.fail, self._left_room)
        self.bridge = Bridge(
            self.presence, self.room_service, self.room_topics, limits.realtime, self.budget
        )
        self.room_requests = RoomRequests(
            self.presence, self.room_service, self.room_topics, self.tabs, self.bridge
        )
        self.room_ticker = Ticker(self.room_service, clock, limits.realtime)

        self.lobby = LobbyTopic(self.common, clock, settings.policy.away_after)
        self.room_list = RoomListTopic(self.common, self.rooms)
        self.listed_players, listed_rooms = ListedPlayers(), ListedRooms(self.rooms)
        self.topics.add(LOBBY, self.lobby)
        self.topics.add(ROOMS, self.room_list)
        self.topics.add_family(ROOM, self.room_requests)

        self.collector = GarbageCollector(is_idle=lambda: not len(self.tabs))
        self.endpoint = endpoint = WebSocketEndpoint(
            settings,
            self.presence,
            self.sessions,
            self.tabs,
            self.topics,
            self.room_requests,
            self.audit.cut_off,
            self.audit.refused,
            limits.realtime,
            limits.transport.largest_message,
            limits.transport.small_fragments,
            self.budget,
        )
        self.take_socket = TakeSockets(
            endpoint.take, settings.trusted_proxies, self.audit.silent_proxy
        )
        """For our own transport: see `by_call.Take`."""
        self.transports: Collection[object] = ()
        """The open connections of any kind, for the metrics. Set by what serves the application."""
        metrics = Metrics(
            self.presence,
            self.rooms,
            self.store,
            self.collector,
            lambda: len(self.transports),
            self.tabs,
            self.lobby,
            self.ticker,
        )

        payers = Payers(self.presence, self.budget)
        # The order matters: storage first, as the others wait for it; then the player's own tabs
        # and seats; then all others.
        for subscriber in (
            self.sessions.hear,
            self.audit.hear,
            self.store.hear,
            self.tabs.hear,
            payers.hear,
            self.bridge.hear_presence,
            self.lobby.hear,
            self.listed_players.hear,
            metrics.hear,
            self.ticker.hear,
        ):
            self.stream.subscribe(subscriber)
        for room_subscriber in (
            self.store.hear_rooms,
            payers.hear_rooms,
            self.bridge.hear_rooms,
            Notices(self.presence, self.tabs).hear,
            self.room_topics.hear,
            self.room_list.hear,
            listed_rooms.hear,
            self.bots.hear,
            metrics.hear_rooms,
            self.room_ticker.hear,
        ):
            self.room_stream.subscribe(room_subscriber)

        calls = [
            *AccountRoutes(
                self.accounts, self.sessions, self.presence, limits.accounts, limits.web
            ).calls,
            *SessionRoutes(self.sessions, self.presence, self.budget).calls,
            *PlayerRoutes(
                self.presence, self.listed_players, self.store, self.store, limits.web
            ).calls,
            *RoomRoutes(self.room_service, listed_rooms).calls,
            *MatchRoutes(self.store, limits.web).calls,
            *StandingRoutes(self.store, self.rooms.games, self.clock, limits.web).calls,
            *OperationRoutes(metrics, self.store, limits.web).calls,
        ]
        games = self.rooms.games
        pages = Pages(static_folder(), find_page_parts(games), games)
        self.app = make_application(
            settings,
            limits.web,
            limits.transport,
            calls,
            pages.routes,
            endpoint,
            sessions=self.sessions,
            presence=self.presence,
            budget=self.budget,
            audit=self.audit,
            lifespan=self._lifespan,
        )
        self.app.state.still_here = self
        self._is_started = False

    async def start(self) -> None:
        """Open the database, restore what the last process left, and start the tickers.

        Raises StorageRefused.
        """
        if self._is_started:
            return
        self._is_started = True
        try:
            last = await self.store.open()
        except BaseException:
            if self._new_keys is not None:
                self._new_keys.unlink(missing_ok=True)
            raise
        restore_sessions(
            last.sessions,
            self.presence,
            self.sessions,
            killed_since=last.killed_since,
            activity_interval=self.store.limits.activity_interval,
        )
        restore_rooms(last.rooms, self.room_service, self.store, self.presence)
        for listed in (self.lobby.lobby, self.listed_players):
            listed.begin(self.registry.players.values())
        await self.store.flush()
        self.bots.start()
        self.ticker.start()
        self.room_ticker.start()
        self.collector.start()

    async def stop(self) -> None:
        """Stop the tickers, write what is pending, and close the database."""
        if not self._is_started:
            return
        self._is_started = False
        await self.bots.stop()
        self.ticker.stop()
        self.room_ticker.stop()
        self.topics.close()
        self.common.close()
        self.endpoint.stop()
        self.tabs.stop()
        self.collector.stop()
        await self.store.close()
        self.passwords.close()
        self.audit.close()

    def _left_room(self, connection: Connection, room_id: RoomId, has_left: bool) -> None:
        """A connection that watched a room is gone; see `RoomTopics`."""
        self.room_requests.gone(connection, room_id, has_left=has_left)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        try:
            await self.start()
            yield
        finally:
            await self.stop()


def make_engine(settings: Settings, limits: Limits = Limits()) -> Engine:
    """Return the storage engine of these settings. Another engine is a folder beside
    `storage/sqlite/`, chosen here. Raises StorageRefused."""
    return SqliteEngine(Path(settings.database), limits.sqlite, ratings=limits.ratings)


def _keys(
    settings: Settings, engine: Engine, limits: Limits
) -> tuple[tuple[str, ...], Path | None]:
    """Return the keys that sign cookies, and the path of the key file if it was created now."""
    if settings.secret_keys:
        try:
            check_keys(settings.secret_keys, limits.accounts)
        except ValueError as error:
            raise SettingsRefused([f"{PREFIX}SECRET_KEYS: {error}"]) from error
        return settings.secret_keys, None
    path = engine.local_file(KEYS)
    made: Path | None = None
    try:
        with suppress(FileExistsError):
            make_keys(path)
            made = path
        return load_keys(path, limits.accounts), made
    except (OSError, ValueError) as error:
        raise StorageRefused(f"the secret keys in {path} cannot be used: {error}") from error


def _loop_time() -> float:
    """Return the running loop's time in seconds."""
    return asyncio.get_running_loop().time()


def _log_session_error(error: Exception, session: Session) -> None:
    _log.error("a deadline of %s failed", session.id, exc_info=error)


def _log_room_error(error: Exception, room: ReadableRoom) -> None:
    _log.error("%r failed", room, exc_info=error)


def _log_subscriber_error(error: Exception, event: Event | RoomEvent) -> None:
    _log.error("a subscriber failed at %s", event.brief(), exc_info=error)
