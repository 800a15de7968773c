"""Where two rules meet: several sessions, dormancy, holds, both ends at once, unusual settings.

Times are the default policy's unless a test says otherwise; each boundary is tried on both sides.
"""

import math
from typing import Any
from unittest import mock

import pytest

from server.base.ids import SessionId
from server.presence.events import (
    Event,
    SessionEnded,
    SessionSlept,
    StatusChanged,
    WarningWithdrawn,
)
from server.presence.policy import Policy
from server.presence.registry import Registry
from server.presence.session import Session
from server.presence.status import ImpossibleChange, Reason, Status
from tests.presence.world import World, changes, ended, warnings
from tests.support.manual_clock import SLOT

IDLE, LIFE = Reason.IDLE_TIMEOUT, Reason.SESSION_LIFETIME


def left(world: World, session: Session) -> float:
    """Seconds that the session is told to have left."""
    return session.expires_in(world.registry.policy, world.now)


# Several sessions of one player


@pytest.mark.parametrize(
    ("phone", "laptop", "best"),
    [
        ("active", "dropped", Status.ACTIVE),
        ("away", "dropped", Status.AWAY),
        ("warned", "dropped", Status.WARNED),
        ("dropped", "dormant", Status.RECONNECTING),
        ("dormant", "dormant", Status.OFFLINE),
        ("asleep", "warned", Status.WARNED),
        ("asleep", "asleep", Status.OFFLINE),
    ],
)
def test_a_player_has_the_best_status_of_two_sessions(
    phone: str, laptop: str, best: Status
) -> None:
    world = World()
    player = world.player()

    def bring_to(state: str, began: float) -> None:
        world.until(began)
        session = world.tab(world.session(player, remember=state == "asleep"))
        if state == "dormant":
            world.drop(session)
        states[session] = state

    states: dict[Session, str] = {}
    idle = {"active": 0.0, "away": 130.0, "warned": 250.0, "asleep": 310.0}
    for state in sorted((phone, laptop), key=lambda each: idle.get(each, 40.0), reverse=True):
        bring_to(state, 1000 - idle.get(state, 40.0))
    world.until(1000)
    for session, state in states.items():
        if state == "dropped":
            world.drop(session)
    assert player.status is best
    assert player.status.is_here is (best is not Status.OFFLINE)


def test_the_last_activity_of_a_player_is_the_latest_in_any_session_there_is_or_was() -> None:
    world = World()
    player = world.player()
    phone, laptop = world.session(player), world.session(player)
    world.until(10)
    world.ping(laptop)
    world.until(20)
    world.ping(phone)
    assert player.last_activity == 20
    world.do(world.registry.end(phone, Reason.SIGNED_OUT, world.now))
    world.until(30)
    assert (player.last_activity, laptop.last_activity) == (20, 10)
    world.ping(laptop)
    assert player.last_activity == 30


def test_signing_out_one_session_leaves_the_others_clock_alone() -> None:
    world = World()
    player = world.player()
    phone, laptop = world.tab(world.session(player)), world.tab(world.session(player))
    world.until(250)
    world.ping(phone)
    world.do(world.registry.end(phone, Reason.SIGNED_OUT, world.now))
    assert (laptop.status, player.status) == (Status.WARNED, Status.WARNED)
    assert ended(world.until(300 + SLOT)) == [IDLE]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_player_has_at_most_the_allowed_number_of_sessions(most: int) -> None:
    world = World(max_sessions_per_player=most)
    player = world.player()
    sessions = []
    for _ in range(most):
        world.until(world.now + 1)
        sessions.append(world.session(player))
    assert [each.ended for each in sessions] == [None] * most
    world.session(player)
    assert [each.ended for each in sessions] == [Reason.REPLACED, *[None] * (most - 1)]


def test_the_oldest_session_is_replaced_even_if_a_younger_one_sleeps() -> None:
    """The oldest is the first to sign in: being away does not cost a player the newer session."""
    world = World(max_sessions_per_player=2)
    player = world.player()
    oldest = world.tab(world.session(player))
    world.until(1)
    asleep = world.tab(world.session(player, remember=True))
    for instant in (200, 400):
        world.until(instant)
        world.ping(oldest)
    assert asleep.is_asleep
    world.session(player)
    assert (oldest.ended, asleep.ended) == (Reason.REPLACED, None)


def test_the_first_of_two_equally_old_sessions_is_replaced() -> None:
    world = World(max_sessions_per_player=2)
    player = world.player()
    first, second = world.session(player), world.session(player)
    world.session(player)
    assert (first.ended, second.ended) == (Reason.REPLACED, None)


def test_a_sleeping_session_can_be_replaced_and_its_player_stays_offline_once() -> None:
    world = World(max_sessions_per_player=1)
    player = world.player()
    world.tab(world.session(player, remember=True))
    world.until(400)
    world.session(player)
    offline = [each for each in changes(world.heard) if each[0] is Status.OFFLINE]
    assert offline == [(Status.OFFLINE, IDLE)]
    assert ended(world.heard) == [Reason.REPLACED]
    assert player.status is Status.ACTIVE


# Dormant and asleep


@pytest.mark.parametrize(("instant", "is_there"), [(299.99, True), (300 + SLOT, False)])
def test_a_dormant_session_can_reconnect_until_the_idle_timeout(
    instant: float, is_there: bool
) -> None:
    world = World()
    session = world.tab()
    world.drop(session)
    world.until(instant)
    assert session.ended is (None if is_there else IDLE)
    happened = world.do(world.registry.connected(session, world.now))
    assert changes(happened) == ([(Status.WARNED, Reason.CONNECTED)] if is_there else [])
    if is_there:
        assert left(world, session) == pytest.approx(60, abs=SLOT), "warned, and in full"


@pytest.mark.parametrize("by", ["a connection", "an activity"])
def test_a_sleeping_session_wakes_with_its_full_idle_time(by: str) -> None:
    world = World()
    session = world.tab(world.session(remember=True))
    world.until(5000)
    if by == "a connection":
        happened = world.do(world.registry.connected(session, world.now))
    else:
        happened = world.ping(session)
    assert [status for status, _ in changes(happened)] == [Status.ACTIVE]
    assert left(world, session) == 300
    assert changes(world.until(5119.99)) == []
    assert changes(world.until(5120 + SLOT)) == [(Status.AWAY, Reason.IDLE)]


def test_a_dormant_remembered_session_falls_asleep_without_a_change_of_status() -> None:
    world = World()
    session = world.tab(world.session(remember=True))
    world.drop(session)
    world.until(31)
    happened = world.until(301)
    assert [type(each) for each in happened] == [SessionSlept]
    assert session.player.status is Status.OFFLINE


def test_a_session_that_sleeps_twice_is_offline_once_each_time() -> None:
    world = World()
    session = world.tab(world.session(remember=True))
    world.until(400)
    world.tab(session)
    world.until(800)
    offline = [each for each in changes(world.heard) if each[0] is Status.OFFLINE]
    assert offline == [(Status.OFFLINE, IDLE)] * 2
    assert session.ended is None


@pytest.mark.parametrize(("remember", "lifetime"), [(True, 2000.0), (False, 1000.0)])
def test_a_remembered_session_has_only_the_remembered_end(remember: bool, lifetime: float) -> None:
    world = World(session_lifetime=1000, remember_lifetime=2000, idle_timeout=5000)
    session = world.session(remember=remember)
    assert ended(world.until(lifetime - 0.001)) == []
    assert ended(world.until(lifetime + SLOT)) == [LIFE]
    assert session.ended is LIFE


def test_the_seconds_until_the_absolute_end_run_to_zero_whatever_the_session_does() -> None:
    world = World(session_lifetime=1000, idle_timeout=300)
    session = world.tab()
    world.until(250)
    world.ping(session)
    assert session.ends_in(world.now) == 750.0
    world.until(1000 + SLOT)
    assert session.ends_in(world.now) == 0.0


def test_a_remembered_life_may_be_the_shorter_one() -> None:
    world = World(session_lifetime=1000, remember_lifetime=100)
    world.tab(world.session(remember=True))
    assert warnings(world.until(40 + SLOT)) == [(LIFE, 60.0)]
    assert ended(world.until(99.99)) == []
    assert ended(world.until(100 + SLOT)) == [LIFE]


def test_a_sleeping_session_ends_at_its_absolute_end_without_a_second_offline() -> None:
    world = World(remember_lifetime=1000)
    world.tab(world.session(remember=True))
    happened = world.until(1000 + SLOT)
    assert changes(happened)[-1] == (Status.OFFLINE, IDLE)
    assert ended(happened) == [LIFE]
    assert world.registry.next_deadline() is None


# The absolute end


def test_each_end_has_its_warning_and_an_activity_withdraws_one_of_them() -> None:
    world = World(session_lifetime=320)
    session = world.tab()
    world.until(270)
    standing = world.registry.standing_warnings(session, world.now)
    assert [each.reason for each in standing] == [IDLE, LIFE]
    assert [type(each) for each in world.ping(session)] == [WarningWithdrawn]
    standing = world.registry.standing_warnings(session, world.now)
    assert [each.reason for each in standing] == [LIFE]
    assert session.status is Status.WARNED
    assert ended(world.until(319.99)) == []
    assert ended(world.until(320 + SLOT)) == [LIFE]


def test_the_absolute_end_waits_for_a_warning_that_came_late() -> None:
    world = World(session_lifetime=1000)
    session = world.tab()
    for instant in range(100, 950, 50):
        world.until(instant)
        world.ping(session)
    # The loop was busy: the first check comes ten seconds before the end.
    world.now = 990
    assert warnings(world.do(world.registry.expire(990, limit=100))) == [(LIFE, 60.0)]
    world.ping(session)
    assert ended(world.until(1049.99)) == []
    assert ended(world.until(1050 + SLOT)) == [LIFE]


@pytest.mark.parametrize("was_api_only", [True, False])
def test_a_session_that_connects_shortly_before_its_absolute_end_is_warned_once_in_full(
    was_api_only: bool,
) -> None:
    world = World(session_lifetime=1000)
    session = world.session() if was_api_only else world.tab()
    for instant in range(100, 1000, 100):
        world.until(instant)
        world.ping(session)
    if not was_api_only:
        world.drop(session)
    world.until(990)
    world.tab(session)
    standing = world.registry.standing_warnings(session, world.now)
    assert [(each.reason, round(each.expires_in)) for each in standing] == [(LIFE, 60)]
    for instant in (1000, 1020, 1040):
        world.until(instant)
        world.drop(session)
        world.tab(session)
        world.ping(session)
    assert ended(world.until(1049.99)) == [], "coming again gains nothing"
    assert ended(world.until(1050 + SLOT)) == [LIFE]


@pytest.mark.parametrize("state", ["holding", "dropped", "dormant", "asleep"])
def test_the_absolute_end_comes_whatever_the_session_does(state: str) -> None:
    world = World(remember_lifetime=1000, reconnect_grace=30 if state != "dropped" else 100)
    session = world.tab(world.session(remember=True))
    for instant in range(100, 601, 100):
        world.until(instant)
        world.ping(session)
    if state != "asleep":
        world.until(800)
        world.ping(session)
    if state == "holding":
        assert world.registry.hold(session, 600, world.now)[0] == 200
    elif state == "dormant":
        world.drop(session)
    elif state == "dropped":
        world.until(950)
        world.drop(session)
    assert ended(world.until(999.99)) == []
    expected = {"holding": Status.WARNED, "dropped": Status.RECONNECTING}
    assert session.status is expected.get(state, Status.OFFLINE)
    assert ended(world.until(1000 + SLOT)) == [LIFE]


@pytest.mark.parametrize(
    ("lifetime", "first", "last"),
    [
        (299.0, [LIFE], LIFE),
        (300.0, [LIFE], LIFE),  # at the same instant, the absolute end is the reason
        (301.0, [IDLE, LIFE], IDLE),
    ],
)
@pytest.mark.parametrize("has_tab", [True, False])
def test_the_absolute_end_about_the_idle_timeout(
    lifetime: float, first: list[Reason], last: Reason, has_tab: bool
) -> None:
    world = World(session_lifetime=lifetime)
    session = world.session()
    if has_tab:
        world.tab(session)
    happened = world.until(400)
    assert [reason for reason, _ in warnings(happened)] == first
    assert ended(happened) == [last]
    assert len([each for each in changes(happened) if each[0] is Status.OFFLINE]) == 1


# Holds


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (0.0, 0.0),
        (-1.0, 0.0),
        (-math.inf, 0.0),
        (math.nan, 0.0),
        (1e-9, 1e-9),
        (599.999, 599.999),
        (600.0, 600.0),
        (600.001, 600.0),
        (math.inf, 600.0),
    ],
)
def test_a_hold_is_granted_within_its_bounds(asked: float, granted: float) -> None:
    world = World()
    session = world.tab()
    world.until(10)
    assert world.registry.hold(session, asked, world.now)[0] == pytest.approx(granted, abs=1e-12)
    assert left(world, session) == pytest.approx(290 + granted)
    assert ended(world.until(300 + granted - 0.01)) == []
    assert ended(world.until(300 + granted + SLOT)) == [IDLE]


@pytest.mark.parametrize("seconds", [0.0, -5.0, math.nan])
def test_a_hold_of_zero_seconds_withdraws_no_warning(seconds: float) -> None:
    world = World()
    session = world.tab()
    world.until(250)
    assert world.registry.hold(session, seconds, world.now) == (0.0, [])
    assert session.status is Status.WARNED
    assert ended(world.until(300 + SLOT)) == [IDLE]


def test_two_tabs_hold_and_the_longer_hold_counts() -> None:
    world = World()
    session = world.tab()
    world.tab(session)
    world.registry.hold(session, 100, world.now)
    world.until(50)
    assert world.registry.hold(session, 80, world.now)[0] == 80
    world.until(60)
    assert world.registry.hold(session, 10, world.now)[0] == 70, "what the other asked for"
    assert left(world, session) == pytest.approx(370)
    world.do(world.registry.release(session, world.now))
    assert left(world, session) == pytest.approx(300), "either of them ends it"
    assert world.registry.release(session, world.now) == ()


def test_a_hold_can_be_repeated() -> None:
    world = World()
    session = world.tab()
    for _ in range(5):
        assert world.registry.hold(session, 600, world.now)[0] == 600
        world.until(world.now + 599)
    world.until(world.now + 1)
    assert session.status is Status.ACTIVE
    assert left(world, session) == pytest.approx(300)


@pytest.mark.parametrize(("began", "is_warned"), [(239.99, False), (240 + SLOT, True)])
def test_a_hold_about_the_warning(began: float, is_warned: bool) -> None:
    world = World()
    session = world.tab()
    world.until(began)
    _, events = world.registry.hold(session, 100, world.now)
    assert any(isinstance(each, WarningWithdrawn) for each in events) is is_warned
    again = max(began, 240.0) + 100
    assert warnings(world.until(again - 0.01)) == []
    assert warnings(world.until(again + 2 * SLOT)) == [(IDLE, 60.0)]
    assert ended(world.until(again + 60 - 0.01)) == []
    assert ended(world.until(again + 60 + 3 * SLOT)) == [IDLE]


def test_a_hold_does_not_withdraw_the_warning_of_the_absolute_end() -> None:
    world = World(session_lifetime=1000)
    session = world.tab()
    for instant in range(100, 950, 50):
        world.until(instant)
        world.ping(session)
    world.until(950)
    granted, events = world.registry.hold(session, 600, world.now)
    assert granted == pytest.approx(50, abs=SLOT)
    assert events == []
    assert session.status is Status.WARNED


@pytest.mark.parametrize("lifetime", [1000.0, 700.0])
def test_the_absolute_end_is_warned_of_in_the_middle_of_a_hold(lifetime: float) -> None:
    world = World(session_lifetime=lifetime)
    session = world.tab()
    for instant in range(100, int(lifetime) - 200, 100):
        world.until(instant)
        world.ping(session)
    world.registry.hold(session, 600, world.now)
    assert warnings(world.until(lifetime - 60.01)) == []
    assert warnings(world.until(lifetime - 60 + SLOT)) == [(LIFE, 60.0)]
    assert ended(world.until(lifetime + SLOT)) == [LIFE]


def test_a_hold_continues_during_a_grace_and_ends_with_it() -> None:
    world = World()
    session = world.tab()
    world.registry.hold(session, 600, world.now)
    world.until(10)
    world.drop(session)
    world.until(39.9)
    world.tab(session)
    assert left(world, session) == pytest.approx(860.1)
    world.drop(session)
    world.until(70 + SLOT)
    assert session.status is Status.OFFLINE
    assert left(world, session) == pytest.approx(300, abs=0.2)


# Late facts


def test_a_late_request_turns_no_clock_back() -> None:
    world = World()
    session = world.tab()
    world.until(250)
    events = world.do(world.registry.touch(session, 239.0, "GET /api/sessions"))
    assert [each.at for each in events] == [240.0, 240.0], "after the warning, which was told"
    world.ping(session)
    assert left(world, session) == 300
    world.registry.touch(session, 245.0, "GET /api/sessions")
    assert session.last_activity == 250
    assert left(world, session) == 300


@pytest.mark.parametrize("fact", ["leave", "release", "connected", "disconnected", "end"])
def test_events_have_instants_in_the_order_of_publication(fact: str) -> None:
    world = World()
    session = world.tab()
    world.registry.hold(session, 20, world.now)
    other = world.tab(world.session(world.player("Bob")))
    world.until(10)
    world.do(world.registry.end(other, Reason.SIGNED_OUT, 10))
    facts = {
        "leave": lambda: world.registry.leave(session, 9),
        "release": lambda: world.registry.release(session, 9),
        "connected": lambda: world.registry.connected(session, 9),
        "disconnected": lambda: world.registry.disconnected(session, 9, has_left=False),
        "end": lambda: world.registry.end(session, Reason.KICKED, 9),
    }
    events: list[Event] = list(facts[fact]())
    assert all(each.at == 10 for each in events)


# Settings at their bounds: each of these is accepted by `server/settings.py`


def test_away_and_warned_at_the_same_instant_is_warned() -> None:
    world = World(away_after=240)
    world.tab()
    happened = world.until(239.99)
    assert happened == []
    assert changes(world.until(240 + SLOT)) == [(Status.WARNED, Reason.WARNING)]
    assert ended(world.until(300 + SLOT)) == [IDLE]


@pytest.mark.parametrize("away_after", [239.9991, 239.9995, 240.0, 240.0005, 240.0009])
@pytest.mark.parametrize("remains", [600.0, 0.5])
def test_a_hold_right_after_a_warning_makes_a_player_away_who_was_to_be_so_by_now(
    away_after: float, remains: float
) -> None:
    world = World(away_after=away_after)
    world.now = 100.0003
    session = world.tab()
    while not session.is_idle_warned:
        world.until(world.registry.next_deadline() or 0.0)

    world.do(world.registry.hold(session, remains, world.now)[1])

    assert session.status is Status.AWAY
    over = world.now + remains + 60
    assert ended(world.until(over - SLOT)) == []
    assert ended(world.until(over + 2 * SLOT)) == [IDLE]


def test_a_deadline_that_fails_costs_no_other_session_its_own_and_is_tried_again() -> None:
    failed: list[tuple[Exception, Session]] = []
    world = World()
    world.registry = Registry(Policy(), lambda *failure: failed.append(failure))  # type: ignore[assignment]
    sessions = [world.tab() for _ in range(5)]
    broken = sessions[2]
    is_mended = False

    def settle(session: Session, *rest: Any) -> None:
        if session is broken and not is_mended:
            raise ImpossibleChange(Status.ACTIVE, Status.AWAY, Reason.IDLE)
        Registry._settle(world.registry, session, *rest)

    with mock.patch.object(world.registry, "_settle", settle):
        happened = world.until(120 + SLOT)
        assert len(changes(happened)) == 4
        assert [session for _, session in failed] == [broken]
        world.until(121 + 2 * SLOT)
        assert [session for _, session in failed] == [broken, broken]
        is_mended = True
        assert changes(world.until(123)) == [(Status.AWAY, Reason.IDLE)]
    assert len(ended(world.until(300 + 2 * SLOT))) == 5
    assert len(failed) == 2


def test_a_session_whose_end_fails_is_not_tried_again() -> None:
    failed: list[Session] = []
    world = World()
    world.registry = Registry(Policy(), lambda _, session: failed.append(session))  # type: ignore[assignment]
    session = world.session()
    with mock.patch("server.presence.registry.SessionEnded", side_effect=RuntimeError):
        world.until(400)
    assert failed == [session]
    assert world.registry.next_deadline() is None


def test_without_anybody_to_report_it_to_a_failing_deadline_raises() -> None:
    world = World()
    world.session()
    with (
        mock.patch("server.presence.registry.SessionEnded", side_effect=RuntimeError),
        pytest.raises(RuntimeError),
    ):
        world.until(400)


@pytest.mark.parametrize("has_left", [True, False])
def test_without_a_grace_a_lost_connection_is_offline_at_once_and_can_return(
    has_left: bool,
) -> None:
    world = World(reload_grace=0, reconnect_grace=0)
    session = world.tab()
    happened = world.do(world.registry.disconnected(session, world.now, has_left=has_left))
    assert changes(happened)[-1][0] is Status.OFFLINE
    assert changes(world.do(world.registry.connected(session, world.now))) == [
        (Status.ACTIVE, Reason.CONNECTED)
    ]


def test_without_a_reload_grace_a_beacon_is_a_leave_at_once() -> None:
    world = World(reload_grace=0)
    session = world.tab()
    world.drop(session)
    world.until(1)
    world.do(world.registry.leave(session, world.now))
    assert changes(world.until(1 + SLOT)) == [(Status.OFFLINE, Reason.LEFT)]


def test_a_reload_grace_may_be_longer_than_the_reconnect_grace() -> None:
    world = World(reload_grace=60, reconnect_grace=10)
    closed, lost = world.tab(), world.tab(world.session(world.player("Bob")))
    world.close(closed)
    world.drop(lost)
    world.do(world.registry.leave(lost, world.now))
    world.until(10 + SLOT)
    assert (closed.status, lost.status) == (Status.RECONNECTING, Status.OFFLINE)
    assert changes(world.until(59.99)) == []
    assert changes(world.until(60 + SLOT)) == [(Status.OFFLINE, Reason.LEFT)]


def test_a_grace_longer_than_the_idle_timeout_ends_with_it() -> None:
    world = World(reconnect_grace=1000)
    session = world.tab()
    world.drop(session)
    world.until(299.99)
    assert session.status is Status.RECONNECTING
    assert ended(world.until(300 + SLOT)) == [IDLE]


def test_a_life_a_moment_longer_than_its_warning_is_warned_of_at_once() -> None:
    world = World(session_lifetime=60.1)
    world.tab()
    assert warnings(world.until(0.1 + SLOT)) == [(LIFE, 60.0)]
    assert ended(world.until(60.1 - 0.001)) == []
    assert ended(world.until(60.1 + SLOT)) == [LIFE]


def test_the_shortest_durations_work() -> None:
    world = World(away_after=0.001, warn_before=0.001, idle_timeout=0.002, session_lifetime=0.01)
    session = world.tab()
    assert session.status is Status.WARNED, "a warning is due a millisecond early, so here at once"
    world.until(0.2)
    assert session.ended in (IDLE, LIFE)
    assert world.registry.next_deadline() is None


@pytest.mark.parametrize(("away", "warn", "idle"), [(0.2, 0.1, 0.3), (0.7, 0.1, 0.8)])
def test_durations_with_rounding_errors_work(away: float, warn: float, idle: float) -> None:
    world = World(away_after=away, warn_before=warn, idle_timeout=idle)
    world.tab()
    # The warning may be a millisecond early.
    assert changes(world.until(away - 0.002)) == []
    assert changes(world.until(away + SLOT)) == [(Status.WARNED, Reason.WARNING)]
    assert ended(world.until(idle + 2 * SLOT)) == [IDLE]


# After a restart


def test_all_sessions_of_a_player_are_restored_at_once() -> None:
    world = World()
    player = world.player()
    old, new = (
        Session.restored(
            SessionId(f"{idle}"),
            player,
            -idle,
            5000.0,
            remember=False,
            status=status,
            last_activity=-idle,
        )
        for idle, status in ((301, Status.AWAY), (10, Status.ACTIVE))
    )
    events = world.registry.restore([old, new], world.now)
    assert ended(events) == [IDLE]
    assert [each.is_last for each in events if isinstance(each, SessionEnded)] == [False]
    told = [each for each in events if isinstance(each, StatusChanged)]
    assert [(each.player_before, each.player_after) for each in told] == [
        (Status.ACTIVE, Status.ACTIVE),
        (Status.ACTIVE, Status.RECONNECTING),
    ]


# Be right back, together with other rules


def brb(world: World, session: Session, seconds: float = 600) -> list[Event]:
    """Begin a break; return the events."""
    _, events = world.registry.hold(session, seconds, world.now, away=True)
    return list(world.do(events))


def test_be_right_back_turns_a_running_hold_into_a_be_right_back() -> None:
    world = World()
    session = world.tab()
    world.registry.hold(session, 400, world.now)
    world.until(100)
    assert changes(brb(world, session, 10)) == [(Status.AWAY, Reason.IDLE)]
    assert session.held_for(world.now) == 300, "none is shortened by it"
    assert left(world, session) == pytest.approx(300 + 180)
    world.ping(session)
    assert (session.status, left(world, session)) == (Status.ACTIVE, 300)


def test_a_plain_hold_lengthens_a_be_right_back_and_the_player_stays_away() -> None:
    world = World()
    session = world.tab()
    brb(world, session, 100)
    world.until(50)
    granted, events = world.registry.hold(session, 200, world.now)
    assert (granted, list(events), session.status) == (200, [], Status.AWAY)
    assert left(world, session) == pytest.approx(200 + 180)
    world.until(200)
    world.ping(session)
    assert (session.status, left(world, session)) == (Status.ACTIVE, 300)


def test_a_plain_hold_after_a_be_right_back_is_a_plain_one() -> None:
    world = World()
    session = world.tab()
    brb(world, session, 100)
    world.until(110)
    world.registry.hold(session, 100, world.now)
    world.until(120)
    world.ping(session)
    assert session.held_for(world.now) == 90, "an activity leaves it as it is"
    assert left(world, session) == 90 + 300


def test_a_short_loss_of_connection_during_be_right_back_changes_nothing() -> None:
    world = World()
    session = world.tab()
    brb(world, session)
    world.until(10)
    world.drop(session)
    world.until(39.9)
    world.tab(session)
    assert changes(world.heard)[-1] == (Status.AWAY, Reason.CONNECTED)
    assert session.held_for(world.now) == pytest.approx(560.1)


def test_a_request_within_the_grace_ends_be_right_back() -> None:
    world = World()
    session = world.tab()
    brb(world, session)
    world.drop(session)
    world.until(10)
    world.ping(session)
    assert (session.status, left(world, session)) == (Status.ACTIVE, 300)


def test_a_player_who_drops_during_be_right_back_is_offline_after_the_grace() -> None:
    world = World()
    session = world.tab()
    brb(world, session)
    world.drop(session)
    world.until(30 + SLOT)
    assert session.status is Status.OFFLINE
    assert session.held_for(world.now) == 0
    # Away since the beginning of the break; the idle clock runs on from there.
    assert ended(world.until(30 + 180 - 0.1)) == []
    assert ended(world.until(30 + 180 + SLOT)) == [IDLE]


def test_a_player_is_away_only_if_all_their_sessions_are() -> None:
    world = World()
    phone = world.tab()
    laptop = world.tab(world.session(phone.player))
    brb(world, phone)
    assert (phone.status, phone.player.status) == (Status.AWAY, Status.ACTIVE)
    brb(world, laptop)
    assert phone.player.status is Status.AWAY
    world.ping(phone)
    assert (phone.player.status, laptop.status) == (Status.ACTIVE, Status.AWAY)
    assert laptop.held_for(world.now) == 600, "each browser has a hold of its own"


def test_be_right_back_does_not_move_the_absolute_end() -> None:
    world = World(session_lifetime=400)
    session = world.tab()
    world.until(200)
    world.ping(session)
    assert changes(brb(world, session)) == [(Status.AWAY, Reason.IDLE)]
    assert session.held_for(world.now) == pytest.approx(200)
    assert warnings(world.until(340 + SLOT)) == [(LIFE, 60.0)]
    assert session.status is Status.WARNED
    world.ping(session)
    assert session.status is Status.WARNED, "activity does not put that end off"
    assert session.held_for(world.now) == 0
    assert ended(world.until(400 + 2 * SLOT)) == [LIFE]


def test_be_right_back_in_the_last_minute_stays_warned() -> None:
    world = World(session_lifetime=300)
    session = world.tab()
    world.until(200)
    world.ping(session)
    world.until(250)
    assert session.status is Status.WARNED
    assert brb(world, session, 20) == []
    assert session.status is Status.WARNED
    assert ended(world.until(300 + 2 * SLOT)) == [LIFE]


def test_a_remembered_session_sleeps_after_a_be_right_back_without_a_return() -> None:
    world = World()
    session = world.tab(world.session(remember=True))
    brb(world, session, 100)
    world.until(100 + 180 + 2 * SLOT)
    assert session.is_asleep
    world.ping(session)
    assert session.status is Status.ACTIVE
    assert left(world, session) == pytest.approx(300)
