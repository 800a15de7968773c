"""Invariants that hold at every moment, checked in the background of every test.

`Order` checks the order of a stream of events. `Invariants` checks a whole server, and
`nothing_is_left` returns what is left at its end. They run by themselves: `tests/conftest.py`
checks every `EventStream`, and `run_server` every server.

They keep records of their own, from the events and the open sockets, and never use the registry's
results.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import server
from server.app import StillHere
from server.base.ids import PlayerId, SessionId
from server.base.units import NEVER
from server.presence.events import (
    DeadlineMovedUp,
    Event,
    SessionEnded,
    SessionSlept,
    SessionStarted,
    StatusChanged,
    WarningGiven,
    WarningWithdrawn,
)
from server.presence.policy import Policy
from server.presence.registry import Registry
from server.presence.session import Player, Session
from server.presence.status import Reason, Status
from server.realtime.connection import Connection
from tests.support.manual_clock import SLOT

ROUNDING = 1e-6
"""Seconds by which sums of instants may differ."""

_TRACE = 20
_RANK = {status: rank for rank, status in enumerate(Status)}
_WITH_A_TAB = (Status.ACTIVE, Status.AWAY, Status.WARNED)
_BY_REQUEST = (Reason.SIGNED_IN, Reason.ACTIVITY)
_GRACES = (Reason.LEFT, Reason.CONNECTION_LOST, Reason.SERVER_RESTART)


class InvariantViolated(AssertionError):
    """A violated invariant, with the last events of the player."""

    def __init__(self, sentence: str, trace: Iterable[str] = ()) -> None:
        lines = [sentence, *(f"    {line}" for line in trace)]
        super().__init__("\n".join(lines))


def fail(broken: InvariantViolated) -> None:
    """Raise it, unless a test passes another function."""
    raise broken


@dataclass(slots=True)
class _Told:
    """The published state of a session, and what follows from it."""

    status: Status | None = None  # None if unknown: from an earlier process
    ended: Reason | None = None
    last_activity: float = -NEVER
    tabs: int = 0
    # Here because of a request, without a socket.
    is_by_request: bool = False
    is_warned: dict[Reason, bool] = field(default_factory=dict)
    sent: dict[Reason, float] = field(default_factory=dict)
    grace_until: float | None = None


class Order:
    """Checks for each player that a change begins where the last one ended, that instants and the
    last activity never go back, that an absence is published once, and that nothing follows the
    end."""

    def __init__(self, on_broken: Callable[[InvariantViolated], None] = fail) -> None:
        self._on_broken = on_broken
        self._told: dict[SessionId, _Told] = {}
        self._players: dict[PlayerId, Status] = {}
        self._latest: dict[PlayerId, float] = {}
        self._trace: dict[PlayerId, deque[Event]] = {}

    def hear(self, event: Event) -> None:
        """Subscriber: check an event against those before it."""
        session, player = event.session_id, event.player_id
        trace = self._trace.get(player)
        if trace is None:
            trace = self._trace[player] = deque(maxlen=_TRACE)
        trace.append(event)
        told = self._told.get(session)
        if told is None:
            told = self._told[session] = _Told()
        if event.at < self._latest.get(player, -NEVER):
            self.broken(event, f"an event of {event.at:.6f} comes after a later one")
        self._latest[player] = max(event.at, self._latest.get(player, -NEVER))
        if told.ended is not None:
            self.broken(event, f"something is heard of a session that ended: {told.ended}")
        match event:
            case SessionStarted():
                told.status = Status.OFFLINE
            case StatusChanged():
                self._hear_change(event, told)
            case SessionSlept():
                if told.status not in (Status.OFFLINE, None):
                    self.broken(event, "a session sleeps that is not offline")
            case SessionEnded(reason=reason):
                if told.status not in (Status.OFFLINE, None):
                    self.broken(event, "a session ended without having gone offline")
                if event.is_last and self._players.get(player) not in (Status.OFFLINE, None):
                    self.broken(event, "the last session ended, and the player is not offline")
                told.status, told.ended = Status.OFFLINE, reason
            case _:
                pass

    def _hear_change(self, event: StatusChanged, told: _Told) -> None:
        player = event.player_id
        if event.before is event.after:
            self.broken(event, f"told to have changed, and is as before: {event.after}")
        if told.status is not None and event.before is not told.status:
            self.broken(event, f"a change begins at {event.before}, not at {told.status}")
        former = self._players.get(player)
        if former is not None and event.player_before is not former:
            self.broken(
                event, f"the player's change begins at {event.player_before}, not at {former}"
            )
        if _RANK[event.player_after] > _RANK[event.after]:
            self.broken(event, "the player is less here than this session")
        if event.last_activity < told.last_activity:
            self.broken(event, "the last activity went back")
        told.status = event.after
        told.last_activity = event.last_activity
        self._players[player] = event.player_after

    def broken(self, about: Session | Event, sentence: str) -> None:
        """Report a violation for a session's player."""
        if isinstance(about, Session):
            session, player = about.id, about.player.id
        else:
            session, player = about.session_id, about.player_id
        self._on_broken(
            InvariantViolated(
                f"{player}, session {session}: {sentence}. Last:", self.last_of(player)
            )
        )

    def last_of(self, player: PlayerId) -> list[str]:
        """The last events of a player, one a line."""
        return [_describe(event) for event in self._trace.get(player, ())]


class Watched(Registry):
    """A registry whose events are checked for their order."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self.order = Order()

    def is_past(self, now: float) -> bool:
        """True if an event was published with an instant after `now`."""
        return self._latest > now

    def _heard(self, events: Sequence[Event]) -> None:
        for event in events:
            self.order.hear(event)
            if isinstance(event, SessionSlept) and not self.sessions[event.session_id].remember:
                self.order.broken(event, "a session sleeps that is not remembered")
        for id in {event.player_id for event in events}:
            if id in self.players:
                check_player(self.players[id], self.order)

    def sign_in(self, *args: Any, **options: Any) -> tuple[Session, list[Event]]:
        session, events = super().sign_in(*args, **options)
        self._heard(events)
        return session, events

    def hold(self, *args: Any, **options: Any) -> tuple[float, Sequence[Event]]:
        granted, events = super().hold(*args, **options)
        self._heard(events)
        return granted, events

    def expire(self, *args: Any, **options: Any) -> list[Event]:
        events = super().expire(*args, **options)
        self._heard(events)
        return events

    def touch(self, *args: Any, **options: Any) -> Sequence[Event]:
        return self._pass_on(super().touch(*args, **options))

    def connected(self, *args: Any, **options: Any) -> Sequence[Event]:
        return self._pass_on(super().connected(*args, **options))

    def disconnected(self, *args: Any, **options: Any) -> Sequence[Event]:
        return self._pass_on(super().disconnected(*args, **options))

    def leave(self, *args: Any, **options: Any) -> Sequence[Event]:
        return self._pass_on(super().leave(*args, **options))

    def release(self, *args: Any, **options: Any) -> Sequence[Event]:
        return self._pass_on(super().release(*args, **options))

    def end(self, *args: Any, **options: Any) -> Sequence[Event]:
        return self._pass_on(super().end(*args, **options))

    def restore(self, *args: Any, **options: Any) -> list[Event]:
        events = super().restore(*args, **options)
        self._heard(events)
        return events

    def _pass_on(self, events: Sequence[Event]) -> Sequence[Event]:
        self._heard(events)
        return events


def check_player(player: Player, order: Order) -> None:
    """Check that a player's status is the best of their sessions', or offline without one."""
    best = min((each.status for each in player.sessions), key=_RANK.__getitem__, default=None)
    if player.status is not (best or Status.OFFLINE):
        session = player.sessions[0] if player.sessions else None
        sentence = f"{player.name} is {player.status}, and the best of their sessions {best}"
        if session is None:
            order._on_broken(InvariantViolated(sentence, order.last_of(player.id)))
        else:
            order.broken(session, sentence)


class Invariants(Order):
    """Checks a server at every event, and again in the next turn of the loop.

    A session is here if and only if it has an open socket, or its grace is running, or it came by
    a request and lives by its idle clock alone. No session ends, for idleness or at the absolute
    end, less than `warn_before` after its warning was sent, and none with a socket ends without a
    warning.
    """

    def __init__(
        self, still_here: StillHere, on_broken: Callable[[InvariantViolated], None] = fail
    ) -> None:
        super().__init__(on_broken)
        self._server = still_here
        self._policy = still_here.registry.policy
        self._sessions: dict[SessionId, Session] = {}
        self._to_look_at: dict[SessionId, Session] = {}
        self._excused: set[SessionId] = set()
        self._is_over = False
        self.open_at_stop: set[PlayerId] = set()
        """Players with a connection that the server closed when it stopped."""
        still_here.stream.subscribe(self.hear)
        tabs = still_here.tabs
        self._attach, self._detach = tabs.attach, tabs.detach
        # The open sockets, counted where they are attached: not all of them cause an event.
        setattr(tabs, "attach", self._note_attached)  # noqa: B010 - it is a method
        setattr(tabs, "detach", self._note_detached)  # noqa: B010

    # Events

    def _note_attached(self, connection: Connection) -> None:
        self._attach(connection)
        session = connection.session
        told = self._told.setdefault(session.id, _Told())
        told.tabs += 1
        told.is_by_request = False
        told.grace_until = None
        for reason in told.is_warned:
            told.sent.setdefault(reason, self._server.clock.now())
        self._look_soon(session)

    def _note_detached(self, connection: Connection, *, has_left: bool | None) -> bool:
        was_there = self._detach(connection, has_left=has_left)
        session = connection.session
        # For an ended session, `hear` needs the number of tabs.
        if was_there and session.ended is None and not session.is_asleep:
            self._told[session.id].tabs -= 1
            self._look_soon(session)
        return was_there

    def hear(self, event: Event) -> None:
        super().hear(event)
        living = self._server.registry.sessions.get(event.session_id)
        if living is not None:
            self._sessions[living.id] = living
        session = self._sessions.get(event.session_id)
        if session is None:
            return  # it ended in the restart
        told = self._told[session.id]
        match event:
            case StatusChanged():
                self._hear_grace(event, told)
                if event.reason in _BY_REQUEST and not event.before.is_here:
                    told.is_by_request = not told.tabs
                elif event.before is Status.RECONNECTING and event.reason is Reason.ACTIVITY:
                    told.is_by_request = True
            case DeadlineMovedUp(at=at):
                if not told.tabs:
                    # The beacon of a page without a socket: a grace without a change of status.
                    until = at + self._policy.reload_grace
                    told.grace_until = min(told.grace_until or until, until)
            case WarningGiven(reason=reason, at=at):
                told.is_warned[reason] = True
                if told.tabs:
                    told.sent[reason] = at
            case WarningWithdrawn():
                told.is_warned.pop(Reason.IDLE_TIMEOUT, None)
                told.sent.pop(Reason.IDLE_TIMEOUT, None)
            case SessionSlept(at=at):
                self._check_warned(session, told, Reason.IDLE_TIMEOUT, at)
                if not session.remember:
                    self.broken(event, "a session sleeps that is not remembered")
                told.tabs = 0
                told.is_warned.pop(Reason.IDLE_TIMEOUT, None)
                told.sent.pop(Reason.IDLE_TIMEOUT, None)
            case SessionEnded(reason=reason, at=at):
                is_by_itself = reason in (Reason.IDLE_TIMEOUT, Reason.SESSION_LIFETIME)
                if is_by_itself and session.id not in self._excused:
                    self._check_warned(session, told, reason, at)
                told.tabs = 0
                del self._sessions[session.id]
            case _:
                pass
        self._look_soon(session)

    def _hear_grace(self, event: StatusChanged, told: _Told) -> None:
        if event.after is Status.RECONNECTING:
            policy = self._policy
            has_left = event.reason is Reason.LEFT
            told.grace_until = event.at + (
                policy.reload_grace if has_left else policy.reconnect_grace
            )
            return
        if event.after is Status.OFFLINE and event.reason in _GRACES:
            if event.before is not Status.RECONNECTING and told.grace_until is None:
                self.broken(event, "offline without a grace")
            elif told.grace_until is not None and event.at < told.grace_until - ROUNDING:
                self.broken(event, f"offline before {told.grace_until:.6f}, in the grace")
        if event.reason not in (Reason.IDLE, Reason.WARNING):
            told.grace_until = None

    def _check_warned(self, session: Session, told: _Told, reason: Reason, at: float) -> None:
        sent = told.sent.get(reason)
        if sent is None:
            if told.tabs:
                self.broken(session, f"{reason} with an open socket, and no warning was sent")
        elif at - sent < self._policy.warn_before - ROUNDING:
            self.broken(session, f"{reason} {at - sent:.6f} s after its warning was sent")

    def excuse(self, session: Session) -> None:
        """Allow a test to end this session without a warning."""
        self._excused.add(session.id)

    # Checks

    def _look_soon(self, session: Session) -> None:
        """Check in the next turn: several parts process an event one after the other."""
        if not self._to_look_at:
            asyncio.get_running_loop().call_soon(self._look)
        self._to_look_at[session.id] = session

    def _look(self) -> None:
        sessions, self._to_look_at = self._to_look_at, {}
        if not self._is_over:
            for session in sessions.values():
                self.check(session)

    def stop_looking(self) -> None:
        """Stop before the server does: it closes its sockets, which does not count as leaving."""
        self._is_over = True
        sessions = self._server.registry.sessions.values()
        self.open_at_stop = {each.player.id for each in sessions if self._server.tabs.of(each)}

    def check_everybody(self) -> None:
        """Check all sessions."""
        registry = self._server.registry
        for session in list(registry.sessions.values()):
            self.check(session)
        for player in registry.players.values():
            if not player.sessions:
                self._on_broken(InvariantViolated(f"{player.name} is known, and has no session"))

    def check(self, session: Session) -> None:
        """Check one session, between two turns of the loop."""
        registry, clock = self._server.registry, self._server.clock
        told = self._told.setdefault(session.id, _Told())
        check_player(session.player, self)
        if told.status is not None and session.status is not told.status:
            self.broken(session, f"it is {session.status}, and was told to be {told.status}")
        if session.last_activity < told.last_activity:
            self.broken(session, "the last activity went back")
        told.last_activity = session.last_activity
        tabs = len(self._server.tabs.of(session))
        if tabs != told.tabs:
            self.broken(session, f"it has {tabs} tabs, and {told.tabs} came")
        if (session.id in registry.sessions) is (session.ended is not None):
            self.broken(session, "it has ended and is still known, or lives and is not")
        if session.ended is not None or session.status is Status.OFFLINE:
            if tabs:
                self.broken(session, f"it is offline with {tabs} open sockets")
            if session.ended is not None and session.slot is not None:
                self.broken(session, "it has ended and has a deadline")
            return
        if session.connections != tabs:
            self.broken(session, f"it counts {session.connections} connections and has {tabs}")
        now = clock.now()
        due = registry.next_deadline()
        is_up_to_date = due is None or due > now
        if tabs:
            if session.status not in _WITH_A_TAB:
                self.broken(session, f"it is {session.status} with {tabs} open sockets")
        elif session.status is Status.RECONNECTING:
            if is_up_to_date and told.grace_until is not None and now > told.grace_until + SLOT:
                self.broken(session, f"it is here, and its grace was over at {told.grace_until}")
        elif not told.is_by_request and told.status is not None:
            self.broken(session, f"it is {session.status} with no socket and no grace")
        if session.is_away_held and session.hold_until > now and session.status is Status.ACTIVE:
            self.broken(session, "it is active, and its player said that they would be right back")
        policy = self._policy
        latest = max(session.idle_from + policy.idle_timeout, session.hold_until)
        if is_up_to_date and now > latest + policy.warn_before + SLOT:
            self.broken(session, "it should have been signed out long ago")


# What is left at the end


def nothing_is_left(still_here: StillHere, invariants: Invariants | None = None) -> list[str]:
    """Let the time of all sessions run out in a stopped server, and return what is left of them, in
    sentences.

    Sockets that the server closed when it stopped count as closed.
    """
    registry, tabs, sessions = still_here.registry, still_here.tabs, still_here.sessions
    left: list[str] = []
    if len(tabs):
        left.append(f"{len(tabs)} sockets")
    for name, topic in (("lobby", still_here.lobby), ("list of rooms", still_here.room_list)):
        if topic.watchers:
            left.append(f"{len(topic.watchers)} watchers of the {name}")
    left += _left_in_rooms(still_here, invariants)
    rooms = still_here.rooms.all.values()
    playing = {id for room in rooms if room.running for id, _ in room.running.players}
    if gone := set(still_here.budget._payers) - set(registry.players) - playing:
        left.append(f"the addresses of {len(gone)} players")
    for sleeper, timer in (("ticker", "_timer"), ("lobby", "_handle")):
        handle = getattr(getattr(still_here, sleeper), timer, None)
        if handle is not None and not handle.cancelled():
            left.append(f"a timer of the {sleeper}")
    lobby = still_here.lobby.lobby
    now = still_here.clock.now()
    while (due := registry.next_deadline()) is not None:
        for event in registry.expire(max(due, now), limit=100):
            if isinstance(event, SessionEnded):
                sessions.hear(event)
            if invariants is not None:
                Order.hear(invariants, event)
            if isinstance(event, StatusChanged):
                lobby.note(event, due)
    lobby.take_diff(NEVER, now)
    registry.take_touched()
    counts = {
        "sessions": len(registry.sessions),
        "players": len(registry.players),
        "deadlines": len(registry._deadlines._slots),
        "tokens": len(sessions._by_digest) + len(sessions._digests),
        "players in the lobby": lobby.roster(now).total,
        "untold changes": len(lobby._changes),
        "touched sessions": len(registry._touched),
    }
    if not still_here.store.statistics().waiting:
        counts["claimed names"] = len(still_here.accounts._claims)
    left += [f"{count} {what}" for what, count in counts.items() if count]
    return left


def _left_in_rooms(still_here: StillHere, invariants: Invariants | None) -> list[str]:
    """Watchers, spectators, seats and stopped clocks of closed connections and ended sessions."""
    registry, topics = still_here.registry, still_here.room_topics
    open_at_stop = set() if invariants is None else invariants.open_at_stop
    left = []
    watchers = sum(len(topic.watchers) for topic in topics._topics.values())
    if watchers:
        left.append(f"{watchers} watchers of rooms")
    if topics._watches_of:
        left.append(f"counts of the rooms that {len(topics._watches_of)} players watch")
    for room in still_here.rooms.all.values():
        spectators = room.spectators.keys() - open_at_stop
        if spectators:
            left.append(f"{len(spectators)} spectators of {room.id} without a connection")
        here = [
            player.name
            for _, record, player in room.taken()
            if record.is_here and not record.is_robot and player.id not in open_at_stop
        ]
        if here:
            left.append(f"{', '.join(here)} in {room.id} without a connection")
    if ended := set(still_here.bridge.holds._until) - registry.sessions.keys():
        left.append(f"the held clocks of {len(ended)} sessions that have ended")
    return left


def server_tasks() -> list[asyncio.Task[Any]]:
    """The unfinished tasks of this loop that run the server's code."""
    folder = _folder_of(server)
    return [
        task
        for task in asyncio.all_tasks()
        if not task.done() and _file_of(task).startswith(folder)
    ]


def _folder_of(package: ModuleType) -> str:
    (folder,) = package.__path__
    return str(folder)


def _file_of(task: asyncio.Task[Any]) -> str:
    code = getattr(task.get_coro(), "cr_code", None)
    return "" if code is None else str(code.co_filename)


def _describe(event: Event) -> str:
    name = type(event).__name__
    match event:
        case StatusChanged():
            said = f"{event.before} -> {event.after} ({event.reason}), player {event.player_after}"
        case WarningGiven() | SessionEnded():
            said = str(event.reason)
        case _:
            said = ""
    return f"{event.at:.6f} {event.session_id} {name} {said}".rstrip()
