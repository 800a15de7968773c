"""The registry against a naive model: the same facts give the same statuses.

The model has no instants and no deadlines: it counts half-second ticks, one by one, for every
session. Facts happen on a tick; a moment later, after the registry has processed every deadline of
that tick, registry and model are compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from server.base.ids import PlayerId, SessionId
from server.presence.events import (
    Event,
    SessionEnded,
    SessionSlept,
    StatusChanged,
    WarningGiven,
    WarningWithdrawn,
)
from server.presence.policy import Policy
from server.presence.session import Player, Session
from server.presence.status import Reason, Status
from server.web.listed import ListedPlayers
from tests.support.examples import examples
from tests.support.invariants import Watched

TICK = 0.5
AFTER = 0.25  # exact in binary, like the offset below: sums meet boundaries exactly

# In ticks.
AWAY, WARN, IDLE, LIFE, REMEMBER, RELOAD, RECONNECT, HOLD = 8, 6, 20, 70, 90, 4, 10, 12
MOST_SESSIONS = 3
WHICH = st.integers(0, 5)

LIFE_OFFSET = 0.0625
"""Seconds by which every absolute end is off the tick, so that it never coincides with another
deadline: other tests cover which of two at the same instant comes first."""

POLICY = Policy(
    away_after=AWAY * TICK,
    warn_before=WARN * TICK,
    idle_timeout=IDLE * TICK,
    session_lifetime=LIFE * TICK + LIFE_OFFSET,
    remember_lifetime=REMEMBER * TICK + LIFE_OFFSET,
    reload_grace=RELOAD * TICK,
    reconnect_grace=RECONNECT * TICK,
    max_hold=HOLD * TICK,
    max_sessions_per_player=MOST_SESSIONS,
)


@dataclass
class Model:
    """A session kept with counters, all in ticks."""

    life: int
    remember: bool
    age: int = 0
    idle: int = 0
    since_active: int = 0
    hold: int = 0
    is_away_held: bool = False
    connections: int = 0
    is_absent: bool = False
    is_asleep: bool = False
    grace: int | None = None
    since_left: int | None = None
    is_warned: bool = False
    since_sent: int | None = None
    is_warned_of_life: bool = False
    # That warning was sent; a late one has moved the end, which is on the tick then.
    is_sent_of_life: bool = False
    is_moved: bool = False
    ended: Reason | None = None
    warnings: int = 0
    extensions: int = 0

    def tick(self) -> None:
        self.age += 1
        self.since_active += 1
        if self.hold:
            self.hold -= 1
        elif not self.is_asleep:
            self.idle += 1
        if self.grace is not None:
            self.grace -= 1
        if self.since_sent is not None:
            self.since_sent += 1
        if self.since_left is not None:
            self.since_left += 1

    def active(self) -> None:
        if self.is_away_held:
            self.release()
        self.idle = self.since_active = 0
        self.is_absent = self.is_asleep = False
        self.grace = None
        self.withdraw()

    def hold_for(self, ticks: int, away: bool) -> None:
        granted = min(ticks, HOLD, self.life - self.age)
        if not self.hold:
            self.is_away_held = False
        if away and granted:
            self.is_away_held = True
            self.idle = max(self.idle, AWAY)
        self.hold = max(self.hold, granted)
        if self.hold:
            self.withdraw()

    def release(self) -> None:
        self.hold, self.is_away_held = 0, False

    def restart(self, status: Status) -> None:
        """Keep what a new process reads from the row: no holds, warnings and connections."""
        self.release()
        self.idle, self.connections = self.since_active, 0
        self.is_warned = self.is_warned_of_life = self.is_sent_of_life = False
        self.since_sent = self.since_left = None
        self.life = REMEMBER if self.remember else LIFE
        self.is_moved = False
        self.is_absent = True
        self.grace = RECONNECT if status.is_here else None
        self.is_asleep = not status.is_here and self.remember and self.idle >= IDLE
        self.run_out()

    def withdraw(self) -> None:
        if self.is_warned:
            self.extensions += 1
        self.is_warned = False
        self.since_sent = None

    def left_until_idle_end(self) -> int:
        left = IDLE - self.idle + self.hold
        if self.hold:
            left = max(left, self.hold)
        if self.since_sent is not None:
            return max(left, WARN - self.since_sent)
        if self.connections:
            until_warning = max(IDLE - WARN - self.idle + self.hold, self.hold)
            return max(left, until_warning + WARN)
        return left

    def is_life_first(self, idle_left: int) -> bool:
        """True if the absolute end comes before the idle timeout, also on the same tick: a moved
        one is milliseconds after its tick, and so is a moved idle timeout."""
        left = self.life - self.age
        return left < idle_left or (
            left == idle_left and self.is_moved and self.since_sent is not None
        )

    def run_out(self) -> bool:
        """End, or become dormant, if the time is over; return True if it was."""
        idle_left = 10**9 if self.is_asleep else self.left_until_idle_end()
        if self.age >= self.life and self.is_life_first(idle_left):
            self.ended = Reason.SESSION_LIFETIME
        elif idle_left <= 0 and self.remember:
            self.is_asleep, self.connections = True, 0
            self.is_warned, self.since_sent, self.grace = False, None, None
        elif idle_left <= 0:
            self.ended = Reason.IDLE_TIMEOUT
        else:
            return False
        return True

    def settle(self) -> None:
        """Apply the effects of time, after the facts of this tick."""
        if self.ended:
            return
        if self.run_out():
            # Both can fall on one tick: the session becomes dormant, and a moment later it ends.
            if self.age >= self.life:
                self.ended = self.ended or Reason.SESSION_LIFETIME
        elif self.grace is not None and self.grace <= 0:
            self.grace, self.is_absent = None, True
            self.release()
            self.settle()
        elif not self.is_absent and not self.is_asleep:
            self.warn()

    def warn(self) -> None:
        idle_left = self.left_until_idle_end()
        left = self.life - self.age
        is_due = (
            self.idle >= IDLE - WARN
            and not self.hold
            and (left > idle_left or (left == idle_left and not self.is_moved))
        )
        if is_due and self.since_sent is None:
            self.warnings += not self.is_warned
            self.is_warned = True
            if self.connections:
                self.since_sent = 0
        if self.is_warned_of_life or left <= WARN:
            if self.connections and not self.is_sent_of_life:
                self.is_sent_of_life = True
                self.is_moved = left < WARN
                self.life = max(self.life, self.age + WARN)
            self.warnings += not self.is_warned_of_life
            self.is_warned_of_life = True

    @property
    def status(self) -> Status:
        if self.ended or self.is_asleep:
            return Status.OFFLINE
        if self.is_absent:
            return Status.OFFLINE if self.grace is None else Status.RECONNECTING
        if self.is_warned or self.is_warned_of_life:
            return Status.WARNED
        return Status.AWAY if self.idle >= AWAY else Status.ACTIVE


@dataclass
class Pair:
    session: Session
    model: Model
    warnings: int = 0
    extensions: int = 0
    heard: Status = Status.OFFLINE
    last_activity: float = field(default=0.0)


class RegistryMachine(RuleBasedStateMachine):
    """Random facts about two players with up to three sessions each."""

    @initialize()
    def begin(self) -> None:
        self.registry = Watched(POLICY)
        self.listed = ListedPlayers()
        self.ticks = 0
        self.pairs: dict[SessionId, Pair] = {}
        self.players = [
            Player(PlayerId(f"p{n}"), f"player {n}", f"player {n}", guest=True) for n in range(2)
        ]
        self.sign_in(0, remember=False)
        self.sign_in(1, remember=True)

    @property
    def now(self) -> float:
        return self.ticks * TICK

    def hear(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, StatusChanged):
                self.listed.hear(event)
            pair = self.pairs.get(event.session_id)
            if pair is None:
                session = self.registry.sessions[event.session_id]
                pair = self.pairs[session.id] = Pair(
                    session, Model(REMEMBER if session.remember else LIFE, session.remember)
                )
            match event:
                case StatusChanged(before=before, after=after):
                    assert before is pair.heard, "a change begins where the last one ended"
                    assert after is not before
                    pair.heard = after
                case WarningGiven(expires_in=expires_in):
                    pair.warnings += 1
                    assert expires_in >= 0
                case WarningWithdrawn():
                    pair.extensions += 1
                case SessionEnded():
                    session = pair.session
                    assert session.status is Status.OFFLINE
                    assert session.slot is None, "what has ended has no deadline"
                case SessionSlept():
                    assert pair.session.remember
                case _:
                    pass

    def alive(self) -> list[Pair]:
        return [pair for pair in self.pairs.values() if pair.model.ended is None]

    def choose(self, which: int) -> Pair:
        """A living session; if there is none, a player signs in first."""
        self.come_to_a_tick()
        if not self.alive():
            self.sign_in(0, remember=bool(which % 2))
        alive = self.alive()
        return alive[which % len(alive)]

    def come_to_a_tick(self) -> None:
        """Do nothing between two ticks. A session or an idle clock that began there would be off
        its tick, and the model does not know the order of two deadlines of one tick. Nor in the
        last fraction of a tick of a session: a connection moves the end in it, and a hold is
        granted what is left, while the model, which counts ticks, has none left."""
        while self.registry.is_past(self.now) or any(
            pair.model.age >= pair.model.life for pair in self.alive()
        ):
            self.a_moment_passes(1)

    @rule(player=st.integers(0, 1), remember=st.booleans())
    def sign_in(self, player: int, remember: bool) -> None:
        self.come_to_a_tick()
        mine = [pair for pair in self.alive() if pair.session.player.id == self.players[player].id]
        if len(mine) >= MOST_SESSIONS:
            oldest = min(mine, key=lambda pair: pair.session.created_at)
            oldest.model.ended = Reason.REPLACED
        id = SessionId(f"s{len(self.pairs)}")
        session, events = self.registry.sign_in(
            self.players[player], id, self.now, remember=remember
        )
        self.hear(events)
        assert session.id in self.pairs

    @rule(which=WHICH)
    def touch(self, which: int) -> None:
        pair = self.choose(which)
        self.hear(self.registry.touch(pair.session, self.now))
        pair.model.active()

    @rule(which=WHICH)
    def connect(self, which: int) -> None:
        pair = self.choose(which)
        model = pair.model
        model.connections += 1
        if model.is_asleep:
            model.idle = 0
        model.is_absent = model.is_asleep = False
        model.grace = None
        self.hear(self.registry.connected(pair.session, self.now))

    @rule(which=WHICH, has_left=st.booleans())
    def disconnect(self, which: int, has_left: bool) -> None:
        pair = self.choose(which)
        model = pair.model
        if not model.connections:
            return
        if model.since_left == RELOAD:
            # The registry may date a fact milliseconds later, after its last event: other tests
            # cover the very end of the grace.
            return
        session = pair.session
        is_closed = has_left or session.is_page_closing(self.registry.policy, self.now)
        self.hear(self.registry.disconnected(session, self.now, has_left=is_closed))
        model.connections -= 1
        if not model.connections:
            model.is_absent = True
            said = model.since_left is not None and model.since_left <= RELOAD
            model.grace = RELOAD if has_left or said else RECONNECT

    @rule(which=WHICH)
    def leave(self, which: int) -> None:
        pair = self.choose(which)
        model = pair.model
        self.hear(self.registry.leave(pair.session, self.now))
        model.since_left = 0
        if model.connections or (model.is_absent and model.grace is None) or model.is_asleep:
            return
        model.grace = RELOAD if model.grace is None else min(model.grace, RELOAD)

    @rule(which=WHICH, ticks=st.integers(1, HOLD + 4), away=st.booleans())
    def hold(self, which: int, ticks: int, away: bool) -> None:
        pair = self.choose(which)
        model = pair.model
        if not model.connections:
            return
        granted, events = self.registry.hold(pair.session, ticks * TICK, self.now, away=away)
        model.hold_for(ticks, away)
        assert abs(granted - model.hold * TICK) < LIFE_OFFSET + AFTER
        self.hear(events)

    @rule(which=WHICH)
    def release(self, which: int) -> None:
        pair = self.choose(which)
        pair.model.release()
        self.hear(self.registry.release(pair.session, self.now))

    @rule(
        which=WHICH,
        is_sure=st.integers(0, 5),
        reason=st.sampled_from([Reason.SIGNED_OUT, Reason.SIGNED_OUT_EVERYWHERE, Reason.KICKED]),
    )
    def end(self, which: int, is_sure: int, reason: Reason) -> None:
        if is_sure:
            return  # few sessions should end this way
        pair = self.choose(which)
        self.hear(self.registry.end(pair.session, reason, self.now))
        pair.model.ended = reason

    @rule(is_sure=st.integers(0, 3), down_for=st.sampled_from([0, 1, RECONNECT, IDLE]))
    def restart(self, is_sure: int, down_for: int) -> None:
        """The process dies, and another one takes over the sessions from the database."""
        if is_sure:
            return
        self.settle()
        # As in `come_to_a_tick`, for the instant at which the new process starts.
        left = {
            (REMEMBER if pair.model.remember else LIFE) - pair.model.age for pair in self.alive()
        }
        while down_for in left:
            down_for += 1
        self.ticks += down_for
        dead = self.registry
        self.registry = Watched(POLICY)
        rows: list[Session] = []
        players: dict[PlayerId, Player] = {}
        for pair in self.alive():
            for _ in range(down_for):
                pair.model.tick()
            old = pair.session
            known = old.player
            player = players.setdefault(
                known.id, Player(known.id, known.name, known.sort_key, guest=known.guest)
            )
            session = Session.restored(
                old.id,
                player,
                old.created_at,
                old.created_at + (REMEMBER if old.remember else LIFE) * TICK + LIFE_OFFSET,
                remember=old.remember,
                status=old.status,
                last_activity=old.last_activity,
            )
            rows.append(session)
            pair.session = session
            pair.model.restart(old.status)
        self.players = [players.get(each.id, each) for each in self.players]
        assert not dead.sessions.keys() ^ {session.id for session in rows}
        self.listed = ListedPlayers()
        self.hear(self.registry.restore(rows, self.now))
        self.listed.begin(self.registry.players.values())

    @rule(ticks=st.integers(1, 4))
    def a_moment_passes(self, ticks: int) -> None:
        for _ in range(ticks):
            self.settle()
            self.ticks += 1
            for pair in self.alive():
                pair.model.tick()

    @rule(ticks=st.sampled_from([AWAY, IDLE - WARN - 1, IDLE - WARN, WARN - 1, WARN, IDLE + 1]))
    def a_while_passes(self, ticks: int) -> None:
        self.a_moment_passes(ticks)

    def settle(self) -> None:
        now = self.now + AFTER
        while (due := self.registry.next_deadline()) is not None and due <= now:
            self.hear(self.registry.expire(max(due, self.now), limit=100))
            again = self.registry.next_deadline()
            assert again is None or again > due, "a deadline that comes back at once never ends"
        for pair in self.alive():
            pair.model.settle()
        self.compare()

    def compare(self) -> None:
        for pair in self.pairs.values():
            session, model = pair.session, pair.model
            shown = (session, session.player.name, self.ticks, model)
            assert session.ended == model.ended, shown
            assert session.status is model.status is pair.heard, shown
            assert pair.warnings == model.warnings, shown
            assert pair.extensions == model.extensions, shown
            if not session.ended:
                now = self.now + AFTER
                end = min(session.idle_end_at(POLICY, now), session.ends_at)
                assert abs(session.expires_in(POLICY, now) - max(end - now, 0.0)) < 1e-6, shown

    @invariant()
    def nothing_is_forgotten(self) -> None:
        if not hasattr(self, "registry"):
            return
        self.settle()
        living = {pair.session.id for pair in self.alive()}
        assert set(self.registry.sessions) == living
        for player in self.registry.players.values():
            statuses = [session.status for session in player.sessions]
            assert player.status is min(statuses, key=list(Status).index)
        for status in (None, *Status):
            listed = self.listed.page(status, ("", ""), 10)
            assert listed == sorted(
                id
                for id, player in self.registry.players.items()
                if player.status.is_here and status in (None, player.status)
            )
        for pair in self.pairs.values():
            assert pair.session.last_activity >= pair.last_activity, "activity never goes back"
            pair.last_activity = pair.session.last_activity

    def teardown(self) -> None:
        if not hasattr(self, "registry"):
            return
        for pair in self.alive():
            self.registry.end(pair.session, Reason.SIGNED_OUT, self.now)
        assert self.registry.next_deadline() is None, "no deadline outlives its session"
        assert not self.registry.players


TestRegistryAgainstModel = RegistryMachine.TestCase
TestRegistryAgainstModel.settings = settings(max_examples=examples(60), stateful_step_count=60)
