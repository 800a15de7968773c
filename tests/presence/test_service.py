"""Commands of presence: every fact is published, and ended sessions are left alone."""

from collections.abc import Callable

import pytest

from server.base.ids import PlayerId, SessionId
from server.presence.events import (
    Activity,
    DeadlineMovedUp,
    Event,
    EventStream,
    SessionEnded,
    SessionStarted,
    StatusChanged,
)
from server.presence.policy import Policy
from server.presence.service import PresenceService
from server.presence.session import Player, Session
from server.presence.status import Reason, Status
from tests.support.invariants import Watched
from tests.support.manual_clock import ManualClock


class PresenceRig:
    """A service, its clock, and the events it has published."""

    def __init__(self) -> None:
        self.clock = ManualClock(10.0)
        self.heard: list[Event] = []
        stream = EventStream(self._fail)
        stream.subscribe(self.heard.append)
        self.presence = PresenceService(Watched(Policy()), stream, self.clock)

    def _fail(self, error: Exception, event: Event) -> None:
        raise error

    def sign_in(self, id: str = "s_1") -> Session:
        player = Player(PlayerId("p_1"), "Ada", "ada", guest=True)
        session = self.presence.sign_in(player, SessionId(id))
        self.heard.clear()
        return session

    def kinds(self) -> list[type[Event]]:
        return [type(event) for event in self.heard]


@pytest.fixture
def presence_rig() -> PresenceRig:
    return PresenceRig()


def test_a_sign_in_is_published_after_the_session_was_noted(presence_rig: PresenceRig) -> None:
    order: list[object] = []

    def note(session: Session) -> None:
        order.append(list(presence_rig.heard))
        order.append(session)

    player = Player(PlayerId("p_1"), "Ada", "ada", guest=True)
    session = presence_rig.presence.sign_in(player, SessionId("s_1"), before_publishing=note)
    assert order == [[], session]
    assert presence_rig.kinds() == [SessionStarted, StatusChanged]
    assert presence_rig.heard[0].at == 10.0
    assert (presence_rig.presence.sessions, presence_rig.presence.players) == (
        {session.id: session},
        {player.id: player},
    )


COMMANDS: dict[str, Callable[[PresenceService, SessionId], object]] = {
    "touch": lambda presence, id: presence.touch(id),
    "connected": lambda presence, id: presence.connected(id),
    "disconnected": lambda presence, id: presence.disconnected(id, has_left=False),
    "leave": lambda presence, id: presence.leave(id),
    "hold": lambda presence, id: presence.hold(id, 60.0) == 0.0 or pytest.fail("granted"),
    "release": lambda presence, id: presence.release(id),
    "end": lambda presence, id: presence.end(id, Reason.KICKED),
    "standing_warnings": lambda presence, id: (
        not presence.standing_warnings(id) or pytest.fail("warned")
    ),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_about_a_session_that_ended_or_never_was_does_nothing(
    presence_rig: PresenceRig, command: Callable[[PresenceService, SessionId], object]
) -> None:
    session = presence_rig.sign_in()
    presence_rig.presence.end(session.id, Reason.SIGNED_OUT)
    presence_rig.heard.clear()
    command(presence_rig.presence, session.id)
    command(presence_rig.presence, SessionId("s_unknown"))
    assert presence_rig.heard == []


def test_a_command_publishes_its_events_with_the_instant_it_was_given(
    presence_rig: PresenceRig,
) -> None:
    presence, session = presence_rig.presence, presence_rig.sign_in()
    presence_rig.clock.move_to(150.0)
    presence.expire(limit=100)
    presence.touch(session.id, 149.0)
    presence.connected(session.id)
    presence.disconnected(session.id, 151.0, has_left=False)
    presence.leave(session.id, 152.0)
    presence.end(session.id, Reason.SIGNED_OUT, 153.0)
    assert [(type(event), event.at) for event in presence_rig.heard] == [
        (StatusChanged, 150.0),
        (StatusChanged, 150.0),  # the clock never goes back
        (StatusChanged, 151.0),
        (DeadlineMovedUp, 152.0),
        (StatusChanged, 153.0),
        (SessionEnded, 153.0),
    ]
    assert presence.next_deadline() is None


def test_a_connection_that_opens_late_is_told_of_the_warning_that_stands(
    presence_rig: PresenceRig,
) -> None:
    presence, session = presence_rig.presence, presence_rig.sign_in()
    policy = Policy()
    assert presence.standing_warnings(session.id) == []
    presence_rig.clock.move_to(session.idle_warning_at(policy) + 0.01)
    presence.expire(limit=100)
    (warning,) = presence.standing_warnings(session.id)
    assert (warning.session_id, warning.reason) == (session.id, Reason.IDLE_TIMEOUT)
    assert warning.expires_in <= policy.warn_before


def test_a_hold_says_what_it_granted_and_a_release_is_published(presence_rig: PresenceRig) -> None:
    presence, session = presence_rig.presence, presence_rig.sign_in()
    assert presence.hold(session.id, 1e9, away=True) == presence.policy.max_hold
    assert [event.after for event in presence_rig.heard if isinstance(event, StatusChanged)] == [
        Status.AWAY
    ]
    presence_rig.heard.clear()
    presence.release(session.id, 20.0)
    assert presence_rig.kinds() == [DeadlineMovedUp]


def test_sessions_of_an_earlier_process_are_published_as_they_are_now(
    presence_rig: PresenceRig,
) -> None:
    player = Player(PlayerId("p_1"), "Ada", "ada", guest=True)
    session = Session.restored(
        SessionId("s_1"), player, 0.0, 1e4, remember=False, status=Status.ACTIVE, last_activity=0.0
    )
    presence_rig.presence.restore([session])
    assert [event.reason for event in presence_rig.heard if isinstance(event, StatusChanged)] == [
        Reason.SERVER_RESTART
    ]


def test_activities_of_a_player_are_published_while_they_are_wanted(
    presence_rig: PresenceRig,
) -> None:
    wanted: set[PlayerId] = set()
    presence_rig.presence.publish_activity_of(wanted)
    session = presence_rig.sign_in()
    presence_rig.presence.touch(session.id, 11.0)
    wanted.add(PlayerId("p_other"))
    presence_rig.presence.touch(session.id, 12.0)
    assert presence_rig.heard == []
    wanted.add(session.player.id)
    presence_rig.presence.touch(session.id, 13.0)
    assert presence_rig.heard == [Activity(session.id, session.player.id, 13.0)]
    presence_rig.clock.move_to(150.0)
    presence_rig.presence.expire(limit=100)
    presence_rig.heard.clear()
    presence_rig.presence.touch(session.id)
    assert presence_rig.kinds() == [StatusChanged, Activity], "after the change that it makes"
    wanted.clear()
    presence_rig.heard.clear()
    presence_rig.presence.touch(session.id)
    assert presence_rig.heard == []
