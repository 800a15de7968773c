"""The rules of the registry, one by one, at their boundaries. Times are the default policy's."""

import pytest

from server.base.ids import PlayerId, SessionId
from server.presence.events import (
    DeadlineMovedUp,
    Event,
    SessionEnded,
    SessionSlept,
    SessionStarted,
    StatusChanged,
    WarningWithdrawn,
)
from server.presence.session import LastActivity, Player, Session
from server.presence.status import Reason, Status
from server.presence.warnings import warns_in
from tests.presence.world import World, changes, ended, warnings
from tests.support.manual_clock import SLOT

# Idle: away, warned, ended


def test_a_sign_in_is_published_before_its_status() -> None:
    world = World()
    session = world.session()
    assert isinstance(world.heard[0], SessionStarted)
    assert changes(world.heard) == [(Status.ACTIVE, Reason.SIGNED_IN)]
    assert session.player.status is Status.ACTIVE


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (119.999, Status.ACTIVE),
        (120.0 + SLOT, Status.AWAY),
        (239.999, Status.AWAY),
        (240.0, Status.WARNED),
        (299.999, Status.WARNED),
        (300.0 + SLOT, Status.OFFLINE),
    ],
)
def test_each_deadline_comes_at_its_time_and_never_before(instant: float, expected: Status) -> None:
    world = World()
    session = world.tab()
    world.until(instant)
    assert session.status is expected


@pytest.mark.parametrize("late", [0.0, 0.001, 0.002])
def test_a_warning_that_is_noticed_a_little_late_hardly_moves_the_end(late: float) -> None:
    world = World()
    session = world.tab()
    due = world.registry.next_deadline()
    while due is not None and session.ended is None:
        world.until(due + late)
        due = world.registry.next_deadline()
    assert session.ended is Reason.IDLE_TIMEOUT
    assert 300.0 <= world.now <= 300.003 + 2 * late


def test_an_idle_session_is_away_then_warned_then_over() -> None:
    world = World()
    world.tab()
    happened = world.until(400)
    assert changes(happened) == [
        (Status.AWAY, Reason.IDLE),
        (Status.WARNED, Reason.WARNING),
        (Status.OFFLINE, Reason.IDLE_TIMEOUT),
    ]
    assert warnings(happened) == [(Reason.IDLE_TIMEOUT, 60.0)]
    assert ended(happened) == [Reason.IDLE_TIMEOUT]
    assert world.registry.next_deadline() is None


def test_an_activity_restarts_the_idle_clock() -> None:
    world = World()
    session = world.tab()
    world.until(119)
    assert world.ping(session) == ()
    assert changes(world.until(238.9)) == []
    assert changes(world.until(239.1)) == [(Status.AWAY, Reason.IDLE)]


def test_an_activity_withdraws_a_warning_in_every_tab() -> None:
    world = World()
    session = world.tab()
    world.tab(session)
    world.until(299)
    happened = world.ping(session)
    assert [type(each) for each in happened] == [WarningWithdrawn, StatusChanged]
    assert session.expires_in(world.registry.policy, world.now) == 300
    assert ended(world.until(598.9)) == []
    assert ended(world.until(599.1)) == [Reason.IDLE_TIMEOUT]


def test_a_session_can_be_extended_any_number_of_times() -> None:
    world = World()
    session = world.tab()
    for _ in range(20):
        happened = world.until(world.now + 299)
        assert warnings(happened) == [(Reason.IDLE_TIMEOUT, 60.0)]
        world.ping(session)
    assert session.status is Status.ACTIVE


def test_an_activity_never_moves_the_last_activity_back() -> None:
    world = World()
    session = world.session()
    world.registry.touch(session, 10.0)
    world.registry.touch(session, 9.0)
    assert session.last_activity == 10.0


def test_any_number_of_touches_are_noted_once() -> None:
    world = World()
    session = world.session()
    for _ in range(3):
        world.ping(session)
    assert world.registry.take_touched() == [LastActivity.of(session)]
    assert world.registry.take_touched() == []


# Warnings come before the end, always


def test_a_warning_that_comes_late_moves_the_end() -> None:
    world = World()
    session = world.tab()
    # The loop was busy: the first check comes ten seconds before the end.
    assert warnings(world.registry.expire(290.0, limit=100)) == [(Reason.IDLE_TIMEOUT, 60.0)]
    world.now = 290.0
    assert ended(world.until(349.99)) == []
    assert ended(world.until(350.0 + SLOT)) == [Reason.IDLE_TIMEOUT]
    assert session.ended is Reason.IDLE_TIMEOUT


def test_a_session_that_reconnects_shortly_before_its_end_is_warned_in_full() -> None:
    world = World(reconnect_grace=100)
    session = world.tab()
    world.until(230)
    world.drop(session)
    world.until(290)
    assert session.status is Status.RECONNECTING
    happened = world.do(world.registry.connected(session, world.now))
    assert changes(happened) == [(Status.WARNED, Reason.CONNECTED)]
    (standing,) = world.registry.standing_warnings(session, world.now)
    assert standing.expires_in == pytest.approx(60, abs=SLOT)
    assert ended(world.until(349.9)) == []


def test_reconnecting_during_a_warning_gains_no_time() -> None:
    world = World()
    session = world.tab()
    world.until(250)
    for instant in (260, 270, 280, 290):
        world.drop(session)
        world.until(instant)
        world.tab(session)
        assert session.status is Status.WARNED
    assert ended(world.until(300 + SLOT)) == [Reason.IDLE_TIMEOUT]


def test_a_session_that_never_opened_a_socket_lives_by_its_idle_clock_alone() -> None:
    world = World()
    world.session()
    assert changes(world.until(301)) == [
        (Status.AWAY, Reason.IDLE),
        (Status.WARNED, Reason.WARNING),
        (Status.OFFLINE, Reason.IDLE_TIMEOUT),
    ]


def test_the_first_socket_of_a_warned_session_has_the_warning_in_full() -> None:
    world = World()
    session = world.session()
    world.until(299)
    happened = world.do(world.registry.connected(session, world.now))
    assert happened == []
    (standing,) = world.registry.standing_warnings(session, world.now)
    assert standing.expires_in == pytest.approx(60, abs=SLOT)
    assert ended(world.until(358.9)) == []
    assert ended(world.until(359 + SLOT)) == [Reason.IDLE_TIMEOUT]


def test_a_tab_that_opens_during_a_warning_is_sent_the_time_left() -> None:
    world = World()
    session = world.tab()
    world.until(280)
    world.tab(session)
    (standing,) = world.registry.standing_warnings(session, world.now)
    assert standing.reason is Reason.IDLE_TIMEOUT
    assert standing.expires_in == pytest.approx(20, abs=SLOT)


# The absolute end


def test_the_absolute_end_comes_however_active_the_player_is() -> None:
    world = World(session_lifetime=1000)
    session = world.tab()
    happened: list[Event] = []
    for instant in range(10, 1000, 10):
        happened += world.until(instant)
        happened += world.ping(session)
    happened += world.until(999.999)
    assert session.ended is None
    happened += world.until(1000 + SLOT)
    assert warnings(happened) == [(Reason.SESSION_LIFETIME, 60.0)]
    assert changes(happened) == [
        (Status.WARNED, Reason.WARNING),
        (Status.OFFLINE, Reason.SESSION_LIFETIME),
    ]


def test_no_activity_puts_off_the_absolute_end() -> None:
    world = World(session_lifetime=1000)
    session = world.tab()
    for instant in range(100, 950, 50):
        world.until(instant)
        world.ping(session)
    world.until(950)
    assert session.status is Status.WARNED
    assert not any(isinstance(each, WarningWithdrawn) for each in world.ping(session))
    assert session.status is Status.WARNED
    left = session.expires_in(world.registry.policy, world.now)
    assert left == pytest.approx(50, abs=SLOT)


def test_a_tab_that_opens_shortly_before_the_absolute_end_has_a_standing_warning() -> None:
    world = World(session_lifetime=200)
    session = world.tab()
    world.until(150)
    world.tab(session)
    (standing,) = world.registry.standing_warnings(session, world.now)
    assert standing.reason is Reason.SESSION_LIFETIME
    assert standing.expires_in == pytest.approx(50, abs=SLOT)


def test_no_warning_is_ahead_of_a_tab_that_is_sent_a_late_one() -> None:
    world = World(session_lifetime=1000)
    session = world.tab()
    for instant in range(100, 940, 100):
        world.until(instant)
        world.ping(session)
    world.until(930)
    world.drop(session)
    world.until(950)
    world.tab(session)
    assert warnings(world.heard) == [(Reason.SESSION_LIFETIME, 60.0)]
    assert warns_in(session, world.registry.policy, world.now) == 0


def test_both_clocks_can_run_out_and_each_is_warned_of() -> None:
    world = World(session_lifetime=320)
    session = world.tab()
    assert warnings(world.until(261)) == [
        (Reason.IDLE_TIMEOUT, 60.0),
        (Reason.SESSION_LIFETIME, 60.0),
    ]
    happened = world.ping(session)
    assert any(isinstance(each, WarningWithdrawn) for each in happened)
    assert session.status is Status.WARNED, "the absolute end still looms"
    assert ended(world.until(321)) == [Reason.SESSION_LIFETIME]


@pytest.mark.parametrize(
    ("lifetime", "reason"),
    [(299.9, Reason.SESSION_LIFETIME), (300, Reason.SESSION_LIFETIME), (301, Reason.IDLE_TIMEOUT)],
)
def test_the_earlier_clock_gives_the_reason_and_the_only_warning(
    lifetime: float, reason: Reason
) -> None:
    world = World(session_lifetime=lifetime)
    world.tab()
    happened = world.until(400)
    assert ended(happened) == [reason]
    assert warnings(happened)[0][0] is reason


def test_a_remembered_session_has_a_longest_life_of_its_own() -> None:
    world = World(session_lifetime=1000, remember_lifetime=2000)
    session = world.session(remember=True)
    world.until(1500)
    assert session.ended is None
    assert ended(world.until(2000 + SLOT)) == [Reason.SESSION_LIFETIME]


# Connections and graces


@pytest.mark.parametrize(("has_left", "grace"), [(True, 5.0), (False, 30.0)])
def test_the_grace_is_short_after_a_leave_and_long_after_a_lost_connection(
    has_left: bool, grace: float
) -> None:
    world = World()
    session = world.tab()
    world.until(10)
    reason = Reason.LEFT if has_left else Reason.CONNECTION_LOST
    happened = world.do(world.registry.disconnected(session, world.now, has_left=has_left))
    assert changes(happened) == [(Status.RECONNECTING, reason)]
    assert changes(world.until(10 + grace - 0.001)) == []
    assert changes(world.until(10 + grace + SLOT)) == [(Status.OFFLINE, reason)]
    assert session.ended is None


def test_reconnecting_within_the_grace_restores_the_status() -> None:
    world = World()
    session = world.tab()
    world.until(10)
    world.drop(session)
    world.until(39.99)
    happened = world.do(world.registry.connected(session, world.now))
    assert changes(happened) == [(Status.ACTIVE, Reason.CONNECTED)]
    assert changes(world.until(119)) == []


def test_only_the_loss_of_the_last_connection_changes_the_status() -> None:
    world = World()
    session = world.tab()
    world.tab(session)
    assert world.drop(session) == ()
    assert session.status is Status.ACTIVE
    assert changes(world.drop(session)) == [(Status.RECONNECTING, Reason.CONNECTION_LOST)]


def test_without_a_grace_a_lost_connection_is_offline_at_once() -> None:
    world = World(reconnect_grace=0)
    session = world.tab()
    assert changes(world.drop(session)) == [
        (Status.RECONNECTING, Reason.CONNECTION_LOST),
        (Status.OFFLINE, Reason.CONNECTION_LOST),
    ]


def test_a_drop_after_the_end_was_due_is_the_end() -> None:
    world = World(reconnect_grace=0)
    session = world.tab()
    world.until(299)
    world.now = 301  # without a check in between
    assert ended(world.drop(session)) == [Reason.IDLE_TIMEOUT]
    assert world.registry.next_deadline() is None


def test_connecting_is_no_activity() -> None:
    world = World()
    session = world.tab()
    world.until(10)
    world.drop(session)
    world.until(20)
    world.tab(session)
    assert session.last_activity == 0
    assert changes(world.until(121)) == [(Status.AWAY, Reason.IDLE)]


def test_a_dormant_session_that_connects_returns_with_its_idle_clock_unchanged() -> None:
    world = World()
    session = world.tab()
    world.drop(session)
    world.until(130)
    assert session.status is Status.OFFLINE
    happened = world.do(world.registry.connected(session, world.now))
    assert changes(happened) == [(Status.AWAY, Reason.CONNECTED)]


def test_an_activity_without_a_connection_makes_a_dormant_session_active() -> None:
    world = World()
    session = world.tab()
    world.drop(session)
    world.until(100)
    assert changes(world.ping(session)) == [(Status.ACTIVE, Reason.ACTIVITY)]
    assert changes(world.until(219)) == []
    assert changes(world.until(221)) == [(Status.AWAY, Reason.IDLE)]


def test_the_idle_clock_of_a_dormant_session_runs_on_without_a_warning() -> None:
    world = World()
    session = world.tab()
    world.until(100)
    world.ping(session)
    world.drop(session)
    happened = world.until(400 + SLOT)
    assert warnings(happened) == []
    assert changes(happened) == [(Status.OFFLINE, Reason.CONNECTION_LOST)], "offline once"
    assert ended(happened) == [Reason.IDLE_TIMEOUT]


def test_the_idle_timeout_ends_a_session_in_the_middle_of_its_grace() -> None:
    world = World()
    session = world.tab()
    world.until(290)
    world.drop(session)
    assert ended(world.until(300 + SLOT)) == [Reason.IDLE_TIMEOUT]


# The beacon of a closing page


def test_a_beacon_before_the_socket_is_gone_makes_the_grace_short() -> None:
    world = World()
    session = world.tab()
    world.do(world.registry.leave(session, world.now))
    world.until(4.9)
    assert changes(world.drop(session)) == [(Status.RECONNECTING, Reason.LEFT)]
    assert changes(world.until(10)) == [(Status.OFFLINE, Reason.LEFT)]


def test_a_beacon_does_not_count_for_a_socket_lost_much_later() -> None:
    world = World()
    session = world.tab()
    world.do(world.registry.leave(session, world.now))
    world.until(5.1)
    assert changes(world.drop(session)) == [(Status.RECONNECTING, Reason.CONNECTION_LOST)]


def test_a_beacon_after_the_socket_was_lost_shortens_the_grace() -> None:
    world = World()
    session = world.tab()
    world.drop(session)
    world.until(2)
    happened = world.do(world.registry.leave(session, world.now))
    assert [type(each) for each in happened] == [DeadlineMovedUp]
    assert changes(world.until(6.9)) == []
    assert changes(world.until(7 + SLOT)) == [(Status.OFFLINE, Reason.LEFT)]


def test_a_beacon_never_lengthens_a_grace() -> None:
    world = World()
    session = world.tab()
    world.drop(session)
    world.until(29)
    world.do(world.registry.leave(session, world.now))
    assert changes(world.until(30 + SLOT)) == [(Status.OFFLINE, Reason.CONNECTION_LOST)]


def test_a_beacon_of_a_session_without_a_socket_is_believed_after_the_grace() -> None:
    world = World()
    session = world.session()
    world.do(world.registry.leave(session, world.now))
    assert session.status is Status.ACTIVE, "it never opened a socket: it is never reconnecting"
    assert changes(world.until(5 + SLOT)) == [(Status.OFFLINE, Reason.LEFT)]


def test_an_activity_after_the_beacon_cancels_it() -> None:
    world = World()
    session = world.session()
    world.do(world.registry.leave(session, world.now))
    world.until(4)
    world.ping(session)
    assert changes(world.until(100)) == []


def test_a_beacon_of_a_dormant_session_changes_nothing() -> None:
    world = World()
    session = world.tab()
    world.drop(session)
    world.until(60)
    assert world.registry.leave(session, world.now) == ()


# Holds


def test_the_idle_clock_stands_still_while_held() -> None:
    world = World()
    session = world.tab()
    world.until(100)
    granted, events = world.registry.hold(session, 50, world.now)
    assert (granted, list(events)) == (50, [])
    assert session.expires_in(world.registry.policy, world.now) == 250
    assert changes(world.until(169.9)) == []
    assert changes(world.until(170 + SLOT)) == [(Status.AWAY, Reason.IDLE)]
    assert warnings(world.until(289.9)) == []
    assert warnings(world.until(290 + SLOT)) == [(Reason.IDLE_TIMEOUT, 60.0)]


def test_the_time_left_includes_the_warning_after_a_hold() -> None:
    world = World()
    session = world.tab()
    world.until(230)
    world.ping(session)
    world.until(510 - SLOT)
    world.registry.hold(session, 100, world.now)
    left = session.expires_in(world.registry.policy, world.now)
    assert left == pytest.approx(160, abs=SLOT)
    assert ended(world.until(510 + 159.9)) == []
    assert ended(world.until(510 + 160.1)) == [Reason.IDLE_TIMEOUT]


def test_a_hold_is_no_activity() -> None:
    world = World()
    session = world.tab()
    world.until(100)
    world.registry.hold(session, 50, world.now)
    assert session.last_activity == 0


def test_a_released_clock_runs_on_from_where_it_stood() -> None:
    world = World()
    session = world.tab()
    world.until(100)
    world.registry.hold(session, 500, world.now)
    world.until(400)
    assert session.status is Status.ACTIVE
    world.do(world.registry.release(session, world.now))
    assert changes(world.until(419.9)) == []
    assert changes(world.until(420 + SLOT)) == [(Status.AWAY, Reason.IDLE)]


def test_a_hold_is_capped_by_the_policy_and_by_the_absolute_end() -> None:
    world = World(max_hold=600, session_lifetime=1000)
    session = world.tab()
    assert world.registry.hold(session, 10_000, world.now)[0] == 600
    world.until(900)
    assert session.ended is None
    assert world.registry.hold(session, 10_000, world.now)[0] == 100
    assert ended(world.until(1000 + SLOT)) == [Reason.SESSION_LIFETIME]


def test_a_hold_never_shortens_one_that_is_running() -> None:
    world = World()
    session = world.tab()
    world.registry.hold(session, 100, world.now)
    assert world.registry.hold(session, 5, world.now)[0] == 100


def test_a_hold_withdraws_a_warning_and_the_warning_comes_again_after_it() -> None:
    world = World()
    session = world.tab()
    world.until(290)
    granted, events = world.registry.hold(session, 100, world.now)
    assert granted == 100
    assert [type(each) for each in events] == [WarningWithdrawn, StatusChanged]
    assert changes(events) == [(Status.AWAY, Reason.IDLE)]
    assert changes(world.until(389.9)) == []
    assert warnings(world.until(390 + SLOT)) == [(Reason.IDLE_TIMEOUT, 60.0)]
    assert ended(world.until(449.9)) == []
    assert ended(world.until(451)) == [Reason.IDLE_TIMEOUT]


def test_an_away_player_who_holds_stays_away() -> None:
    world = World()
    session = world.tab()
    world.until(150)
    world.registry.hold(session, 33.3, world.now)
    world.tab(session)
    world.until(160)
    world.do(world.registry.release(session, world.now))
    assert session.status is Status.AWAY


def test_an_activity_during_a_hold_starts_the_clock_when_the_hold_is_over() -> None:
    world = World()
    session = world.tab()
    world.registry.hold(session, 100, world.now)
    world.until(50)
    world.ping(session)
    assert changes(world.until(219.9)) == []
    assert changes(world.until(220 + SLOT)) == [(Status.AWAY, Reason.IDLE)]


def test_a_hold_ends_when_its_player_is_offline() -> None:
    world = World()
    session = world.tab()
    world.registry.hold(session, 600, world.now)
    world.drop(session)
    world.until(31)
    assert session.status is Status.OFFLINE
    assert ended(world.until(329)) == []
    assert ended(world.until(331)) == [Reason.IDLE_TIMEOUT]


# Be right back


def test_be_right_back_is_away_at_once_and_until_the_hold_is_over() -> None:
    world = World()
    session = world.tab()
    world.until(10)
    granted, events = world.registry.hold(session, 100, world.now, away=True)
    assert granted == 100
    assert changes(events) == [(Status.AWAY, Reason.IDLE)]
    assert [each.back_in for each in events if isinstance(each, StatusChanged)] == [100]
    assert session.last_activity == 0, "it is no activity"
    assert session.expires_in(world.registry.policy, world.now) == 100 + 180
    # The player did not return: still away, and the idle clock runs on from `away_after`.
    assert changes(world.until(110 + 119.9)) == []
    assert warnings(world.until(110 + 120 + SLOT)) == [(Reason.IDLE_TIMEOUT, 60.0)]
    assert ended(world.until(110 + 179.9)) == []
    assert ended(world.until(110 + 180 + 2 * SLOT)) == [Reason.IDLE_TIMEOUT]


def test_an_activity_ends_be_right_back_and_starts_the_idle_clock() -> None:
    world = World()
    session = world.tab()
    world.registry.hold(session, 600, world.now, away=True)
    world.until(50)
    assert changes(world.ping(session)) == [(Status.ACTIVE, Reason.ACTIVITY)]
    assert session.held_for(world.now) == 0
    assert session.expires_in(world.registry.policy, world.now) == 300
    assert changes(world.until(50 + 119.9)) == []
    assert changes(world.until(50 + 120 + SLOT)) == [(Status.AWAY, Reason.IDLE)]


def test_after_a_release_of_be_right_back_a_player_is_away_until_an_activity() -> None:
    world = World()
    session = world.tab()
    world.registry.hold(session, 600, world.now, away=True)
    world.until(50)
    assert changes(world.do(world.registry.release(session, world.now))) == []
    assert session.status is Status.AWAY
    assert session.expires_in(world.registry.policy, world.now) == 180
    world.until(60)
    assert changes(world.ping(session)) == [(Status.ACTIVE, Reason.ACTIVITY)]


def test_be_right_back_keeps_the_idle_time_of_a_player_who_is_already_away() -> None:
    world = World()
    session = world.tab()
    world.until(200)
    _, events = world.registry.hold(session, 100, world.now, away=True)
    assert list(events) == [], "away they were, and the clock stands at 200"
    assert warnings(world.until(339.9)) == []
    assert warnings(world.until(340 + SLOT)) == [(Reason.IDLE_TIMEOUT, 60.0)]


def test_be_right_back_withdraws_a_warning_until_it_is_over() -> None:
    world = World()
    session = world.tab()
    world.until(270)
    _, events = world.registry.hold(session, 100, world.now, away=True)
    assert [type(each) for each in events] == [WarningWithdrawn, StatusChanged]
    assert changes(events) == [(Status.AWAY, Reason.IDLE)]
    assert warnings(world.until(369.9)) == []
    assert warnings(world.until(370 + SLOT)) == [(Reason.IDLE_TIMEOUT, 60.0)]
    assert changes(world.ping(session)) == [(Status.ACTIVE, Reason.ACTIVITY)]


def test_a_refused_be_right_back_does_not_make_the_player_away() -> None:
    world = World(max_hold=0)
    session = world.tab()
    assert world.registry.hold(session, 100, world.now, away=True) == (0.0, [])
    assert session.status is Status.ACTIVE
    assert session.expires_in(world.registry.policy, world.now) == 300
    assert changes(world.until(119.9)) == []


def test_a_hold_of_an_overdue_session_is_granted_in_full_even_if_it_drops() -> None:
    world = World(reconnect_grace=200)
    session = world.tab()
    world.until(200)
    world.drop(session)
    world.until(299)
    world.tab(session)
    world.until(340)
    world.registry.hold(session, 50, world.now)
    world.drop(session)
    assert ended(world.until(389.9)) == []
    assert ended(world.until(390 + SLOT)) == [Reason.IDLE_TIMEOUT]


def test_releasing_without_a_hold_does_nothing() -> None:
    world = World()
    assert world.registry.release(world.tab(), world.now) == ()


def test_no_hold_is_granted_if_the_policy_allows_none() -> None:
    world = World(max_hold=0)
    session = world.tab()
    world.until(290)
    assert world.registry.hold(session, 100, world.now) == (0.0, [])
    assert session.status is Status.WARNED


# Remembered sessions


def test_a_remembered_session_goes_dormant_at_its_idle_timeout() -> None:
    world = World()
    session = world.tab(world.session(remember=True))
    happened = world.until(301)
    assert changes(happened)[-1] == (Status.OFFLINE, Reason.IDLE_TIMEOUT)
    assert ended(happened) == []
    assert isinstance(happened[-1], SessionSlept)
    assert session.connections == 0
    assert world.registry.disconnected(session, world.now, has_left=True) == ()
    assert session.connections == 0


def test_a_remembered_session_that_connects_again_has_all_its_time() -> None:
    world = World()
    session = world.tab(world.session(remember=True))
    world.until(1000)
    happened = world.do(world.registry.connected(session, world.now))
    assert changes(happened) == [(Status.ACTIVE, Reason.CONNECTED)]
    assert changes(world.until(1119)) == []
    assert warnings(world.until(1241)) == [(Reason.IDLE_TIMEOUT, 60.0)]


def test_a_sleeping_session_expires_with_its_absolute_end() -> None:
    world = World(remember_lifetime=5000)
    session = world.tab(world.session(remember=True))
    world.until(1000)
    assert session.expires_in(world.registry.policy, world.now) == 4000
    assert warns_in(session, world.registry.policy, world.now) == 3940


# Several sessions of one player


def test_a_player_has_the_best_status_of_their_sessions() -> None:
    world = World()
    player = world.player()
    phone = world.tab(world.session(player))
    laptop = world.tab(world.session(player))
    world.until(100)
    world.ping(laptop)
    world.until(121)
    assert (phone.status, player.status) == (Status.AWAY, Status.ACTIVE)
    world.do(world.registry.end(laptop, Reason.SIGNED_OUT, world.now))
    assert player.status is Status.AWAY
    assert player.last_activity == 100, "what was done in a session that is over was done"


def test_an_activity_of_one_session_does_not_count_for_another() -> None:
    world = World()
    player = world.player()
    phone = world.tab(world.session(player))
    laptop = world.tab(world.session(player))
    for instant in range(50, 300, 50):
        world.until(instant)
        world.ping(laptop)
    assert ended(world.until(301)) == [Reason.IDLE_TIMEOUT]
    assert (phone.ended, laptop.ended) == (Reason.IDLE_TIMEOUT, None)


def test_a_session_beyond_the_limit_replaces_the_oldest() -> None:
    world = World(max_sessions_per_player=2)
    player = world.player()
    sessions = []
    for instant in range(3):
        world.until(instant)
        sessions.append(world.session(player))
    assert [session.ended for session in sessions] == [Reason.REPLACED, None, None]
    assert len(player.sessions) == 2


def test_with_one_session_allowed_the_newest_wins() -> None:
    world = World(max_sessions_per_player=1)
    player = world.player()
    first = world.session(player)
    second = world.session(player)
    assert (first.ended, second.ended) == (Reason.REPLACED, None)
    assert world.registry.players[player.id] is player
    assert player.status is Status.ACTIVE


def test_a_second_record_of_a_player_is_taken_for_the_first() -> None:
    world = World()
    first = world.session(world.player())
    again = Player(first.player.id, "Ada", "ada", guest=True)
    assert world.session(again).player is first.player


@pytest.mark.parametrize("is_last", [True, False])
def test_the_end_of_the_last_session_is_marked_as_the_last(is_last: bool) -> None:
    world = World()
    player = world.player()
    session = world.session(player)
    if not is_last:
        world.session(player)
    (*_, event) = world.registry.end(session, Reason.SIGNED_OUT, world.now)
    assert isinstance(event, SessionEnded)
    assert event.is_last is is_last
    assert (player.id in world.registry.players) is not is_last


# Ended sessions stay ended


def test_nothing_revives_an_ended_session() -> None:
    world = World()
    session = world.tab()
    world.do(world.registry.end(session, Reason.SIGNED_OUT, world.now))
    registry = world.registry
    assert registry.touch(session, 1.0) == ()
    assert registry.connected(session, 1.0) == ()
    assert registry.disconnected(session, 1.0, has_left=False) == ()
    assert registry.leave(session, 1.0) == ()
    assert registry.hold(session, 5, 1.0) == (0.0, ())
    assert registry.release(session, 1.0) == ()
    assert registry.end(session, Reason.KICKED, 1.0) == ()
    assert session.ended is Reason.SIGNED_OUT
    assert registry.next_deadline() is None
    assert registry.take_touched() == []


# After a restart


def restored(world: World, stored: Status, idle: float, *, remember: bool = False) -> Session:
    began = world.now - idle
    session = Session.restored(
        SessionId("old"),
        world.player(),
        began,
        world.now + 5000,
        remember=remember,
        status=stored,
        last_activity=began,
    )
    world.do(world.registry.restore([session], world.now))
    return session


@pytest.mark.parametrize("stored", [Status.ACTIVE, Status.AWAY, Status.WARNED])
def test_a_session_present_at_the_stop_has_a_fresh_grace_after_the_start(stored: Status) -> None:
    world = World()
    session = restored(world, stored, idle=10)
    assert changes(world.heard) == [(Status.RECONNECTING, Reason.SERVER_RESTART)]
    assert changes(world.until(30 + SLOT)) == [(Status.OFFLINE, Reason.SERVER_RESTART)]
    assert session.ended is None


def test_a_session_reconnecting_at_the_stop_is_reconnecting_after_the_start() -> None:
    world = World()
    restored(world, Status.RECONNECTING, idle=10)
    assert changes(world.heard) == []
    assert changes(world.until(31)) == [(Status.OFFLINE, Reason.SERVER_RESTART)]


def test_a_session_dormant_at_the_stop_is_dormant_after_the_start() -> None:
    world = World()
    session = restored(world, Status.OFFLINE, idle=10)
    assert session.player.status is Status.OFFLINE
    assert world.heard == []
    assert ended(world.until(291)) == [Reason.IDLE_TIMEOUT]


@pytest.mark.parametrize("stored", [Status.ACTIVE, Status.OFFLINE])
def test_a_session_past_its_idle_timeout_at_the_start_is_signed_out(stored: Status) -> None:
    world = World()
    restored(world, stored, idle=301)
    assert ended(world.heard) == [Reason.IDLE_TIMEOUT]
    assert world.registry.next_deadline() is None


def test_a_sleeping_session_sleeps_on_after_a_restart() -> None:
    world = World()
    session = restored(world, Status.OFFLINE, idle=1000, remember=True)
    assert world.heard == []
    assert session.is_asleep


def test_a_remembered_session_past_its_idle_timeout_sleeps_at_the_start() -> None:
    world = World()
    session = restored(world, Status.ACTIVE, idle=1000, remember=True)
    assert changes(world.heard) == [(Status.OFFLINE, Reason.IDLE_TIMEOUT)]
    assert session.is_asleep


def test_reconnecting_after_a_restart_restores_the_status() -> None:
    world = World()
    session = restored(world, Status.ACTIVE, idle=10)
    world.until(20)
    assert changes(world.do(world.registry.connected(session, world.now))) == [
        (Status.ACTIVE, Reason.CONNECTED)
    ]


# Costs


def test_a_hundred_thousand_touches_leave_no_deadline_behind() -> None:
    world = World()
    session = world.tab()
    for number in range(100_000):
        world.registry.touch(session, number * 1e-3)
    assert world.registry._deadlines.pop_due(1e9, 100) == [session]


def test_expiring_stops_at_the_limit_and_leaves_the_next_deadline_due() -> None:
    world = World()
    for number in range(5):
        world.tab(world.session(world.player(f"player {number}")))
    assert len(changes(world.registry.expire(121.0, limit=3))) == 3
    due = world.registry.next_deadline()
    assert due is not None
    assert due <= 121.0
    assert len(changes(world.registry.expire(121.0, limit=3))) == 2


def test_the_repr_of_a_session_names_its_player() -> None:
    assert repr(World().session()).endswith("of 'Ada': active>")


def test_only_a_registered_player_has_been_registered_for_a_time() -> None:
    kim = Player(PlayerId("kim"), "Kim", "kim", guest=False, registered_at=40.0)
    assert kim.registered_for(100.0) == 60.0
    assert Player(PlayerId("gus"), "Gus", "gus", guest=True).registered_for(100.0) is None
