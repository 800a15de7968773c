"""The lobby's own state and pending diff, with instants as arguments."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.ids import PlayerId, SessionId
from server.presence.events import StatusChanged
from server.presence.session import Player, Session
from server.presence.status import Status
from server.realtime.limits import Limits
from server.realtime.topics.lobby import Lobby
from server.wire.messages import ChangedPlayer
from server.wire.views import PlayerView
from tests.support.events import an_event

OFFLINE, ACTIVE, AWAY, RECONNECTING = (
    Status.OFFLINE,
    Status.ACTIVE,
    Status.AWAY,
    Status.RECONNECTING,
)


LIMITS = Limits()

AT = 7000.0
"""Presence time, which differs from the loop's."""


class Present:
    """A player, and changes of status as the registry publishes them."""

    def __init__(self, name: str) -> None:
        id = PlayerId("p_" + name)
        self.player = Player(id, name, name.casefold(), guest=True)
        self.session = Session(SessionId("s_" + name), self.player, 0.0, 1e9, remember=False)
        self.player.sessions = (self.session,)

    @property
    def id(self) -> PlayerId:
        return self.player.id

    def becomes(self, status: Status) -> StatusChanged:
        before, self.player.status = self.player.status, status
        return an_event(
            StatusChanged,
            self.session,
            before=before,
            after=status,
            player_before=before,
            player_after=status,
            player_last_activity=self.player.last_activity,
        )

    def view(self, idle_for: float | msgspec.UnsetType = msgspec.UNSET) -> PlayerView:
        player = self.player
        return PlayerView(player.id, player.name, player.guest, player.status, idle_for)


@pytest.fixture
def lobby() -> Lobby:
    return Lobby(120.0, LIMITS)


@pytest.fixture
def ada() -> Present:
    return Present("Ada")


def test_without_changes_there_is_no_diff(lobby: Lobby) -> None:
    assert (lobby.next_due(), lobby.take_diff(1e9, AT)) == (None, None)
    assert (lobby.version, lobby.roster(AT).players, lobby.roster(AT).total) == (0, [], 0)


def test_diffs_have_joins_changes_and_leaves(lobby: Lobby, ada: Present) -> None:
    lobby.note(ada.becomes(ACTIVE), 1.0)
    assert lobby.next_due() == 1.0
    diff = lobby.take_diff(1.0, AT)
    assert diff is not None
    assert (diff.version, diff.joined, diff.changed, diff.left, diff.total) == (
        1,
        [ada.view()],
        [],
        [],
        1,
    )
    lobby.note(ada.becomes(AWAY), 2.0)
    diff = lobby.take_diff(2.0, AT)
    assert diff is not None
    assert (diff.version, diff.joined, diff.left, diff.total) == (2, [], [], 1)
    assert [(change.id, change.status) for change in diff.changed] == [(ada.id, AWAY)]
    lobby.note(ada.becomes(OFFLINE), 3.0)
    diff = lobby.take_diff(3.0, AT)
    assert diff is not None
    assert (diff.version, diff.joined, diff.changed, diff.left, diff.total) == (
        3,
        [],
        [],
        [ada.id],
        0,
    )
    assert lobby.roster(AT).players == []


def test_idle_for_is_sent_only_of_away_players(lobby: Lobby, ada: Present) -> None:
    ada.session.last_activity = 10.0
    lobby.note(ada.becomes(AWAY), 0.0)
    diff = lobby.take_diff(0.0, 130.0)
    assert diff is not None
    assert diff.joined == [ada.view(120.0)]
    assert lobby.roster(131.26).players == [ada.view(121.3)], "as of when it is written"
    assert lobby.take_diff(1e9, 1e9) is None, "that time passes is no change"
    for status, idle_for in ((ACTIVE, msgspec.UNSET), (AWAY, 190.0), (RECONNECTING, msgspec.UNSET)):
        lobby.note(ada.becomes(status), 1.0)
        diff = lobby.take_diff(2.0, 200.0)
        assert diff is not None
        assert diff.changed == [ChangedPlayer(ada.id, status, idle_for)]
        assert lobby.roster(200.0).players == [ada.view(idle_for)]


def test_a_change_has_idle_for_only_if_it_differs_from_away_after(
    lobby: Lobby, ada: Present
) -> None:
    lobby.note(ada.becomes(ACTIVE), 0.0)
    lobby.take_diff(0.0, 0.0)
    for idle, is_told in [(120.0, False), (122.4, False), (122.6, True), (5.0, True)]:
        lobby.note(ada.becomes(AWAY), 1.0)
        diff = lobby.take_diff(1.0, ada.session.last_activity + idle)
        assert diff is not None
        assert diff.changed == [ChangedPlayer(ada.id, AWAY, idle if is_told else msgspec.UNSET)]
        lobby.note(ada.becomes(ACTIVE), 1.0)
        lobby.take_diff(1.0, 0.0)


def test_an_activity_in_another_session_counts_at_once(lobby: Lobby, ada: Present) -> None:
    lobby.note(ada.becomes(AWAY), 0.0)
    lobby.take_diff(0.0, 200.0)
    # Their other session is close to its absolute end, where an activity changes no status.
    lobby.note_activity(ada.id, 250.0)
    assert lobby.roster(260.0).players == [ada.view(10.0)]


def test_a_return_between_two_diffs_updates_the_roster(lobby: Lobby, ada: Present) -> None:
    lobby.note(ada.becomes(AWAY), 0.0)
    lobby.take_diff(0.0, 200.0)
    lobby.note(ada.becomes(OFFLINE), 1.0)
    again = Present("Ada")
    again.session.last_activity = 190.0
    lobby.note(again.becomes(AWAY), 1.0)
    assert lobby.take_diff(2.0, 200.0) is None
    assert lobby.roster(200.0).players == [again.view(10.0)]


def test_a_change_that_is_not_due_is_not_sent(lobby: Lobby, ada: Present) -> None:
    lobby.note(ada.becomes(ACTIVE), 5.0)
    assert lobby.take_diff(4.999, AT) is None
    assert lobby.next_due() == 5.0


def test_a_leave_and_a_return_cancel_out(lobby: Lobby, ada: Present) -> None:
    lobby.note(ada.becomes(ACTIVE), 0.0)
    lobby.take_diff(0.0, AT)
    lobby.note(ada.becomes(OFFLINE), 1.0)
    lobby.note(ada.becomes(ACTIVE), 1.0)
    assert lobby.take_diff(2.0, AT) is None
    assert (lobby.version, lobby.next_due()) == (1, None)


def test_a_visit_between_two_diffs_is_not_sent(lobby: Lobby, ada: Present) -> None:
    lobby.note(ada.becomes(ACTIVE), 0.0)
    lobby.note(ada.becomes(OFFLINE), 0.0)
    assert lobby.take_diff(1.0, AT) is None
    assert (lobby.version, lobby.roster(AT).total) == (0, 0)


def test_the_last_of_several_changes_is_sent(lobby: Lobby, ada: Present) -> None:
    for status in (ACTIVE, AWAY, Status.WARNED):
        lobby.note(ada.becomes(status), 0.0)
    diff = lobby.take_diff(0.0, AT)
    assert diff is not None
    assert [view.status for view in diff.joined] == [Status.WARNED]
    assert diff.changed == []


def test_a_change_of_a_session_without_a_change_of_its_player_is_not_sent(
    lobby: Lobby, ada: Present
) -> None:
    event = msgspec.structs.replace(ada.becomes(ACTIVE), before=AWAY, player_before=ACTIVE)
    lobby.note(event, 0.0)
    assert lobby.next_due() is None


def test_a_dropped_connection_is_shown_once_it_has_settled(lobby: Lobby, ada: Present) -> None:
    lobby.note(ada.becomes(ACTIVE), 0.0)
    lobby.take_diff(0.0, AT)
    lobby.note(ada.becomes(RECONNECTING), 10.0)
    assert lobby.next_due() == 10.0 + LIMITS.settling
    assert lobby.take_diff(10.0 + LIMITS.settling - 0.001, AT) is None
    diff = lobby.take_diff(10.0 + LIMITS.settling, AT)
    assert diff is not None
    assert [change.status for change in diff.changed] == [RECONNECTING]


def test_a_reload_is_not_shown(lobby: Lobby, ada: Present) -> None:
    lobby.note(ada.becomes(ACTIVE), 0.0)
    lobby.take_diff(0.0, AT)
    lobby.note(ada.becomes(RECONNECTING), 10.0)
    lobby.note(ada.becomes(ACTIVE), 10.4)
    assert lobby.take_diff(20.0, AT) is None
    assert lobby.version == 1


def test_a_settling_player_does_not_delay_the_changes_of_others(lobby: Lobby, ada: Present) -> None:
    bob = Present("Bob")
    lobby.note(ada.becomes(ACTIVE), 0.0)
    lobby.take_diff(0.0, AT)
    lobby.note(ada.becomes(RECONNECTING), 1.0)
    lobby.note(bob.becomes(ACTIVE), 1.1)
    diff = lobby.take_diff(1.1, AT)
    assert diff is not None
    assert (diff.joined, diff.changed) == ([bob.view()], [])


def test_a_roster_contains_sent_changes_only(lobby: Lobby, ada: Present) -> None:
    lobby.note(ada.becomes(ACTIVE), 0.0)
    assert lobby.roster(AT).players == []
    lobby.take_diff(0.0, AT)
    lobby.note(ada.becomes(AWAY), 1.0)
    assert [view.status for view in lobby.roster(AT).players] == [ACTIVE]
    assert lobby.roster(AT).version == 1


@pytest.mark.parametrize("count", [LIMITS.roster_window, LIMITS.roster_window + 1])
def test_a_roster_lists_a_window_by_name_and_counts_everybody(lobby: Lobby, count: int) -> None:
    names = [f"{'pP'[number % 2]}layer {number:05}" for number in range(count)]
    for name in reversed(names):
        lobby.note(Present(name).becomes(ACTIVE), 0.0)
    diff = lobby.take_diff(0.0, AT)
    assert diff is not None
    assert diff.total == count
    roster = lobby.roster(AT)
    assert roster.total == count
    assert [view.name for view in roster.players] == names[: LIMITS.roster_window]


# A watcher that applies rosters and diffs

steps = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 4), st.sampled_from(Status)),
        st.floats(0, 1).map(lambda wait: (None, wait)),
    ),
    max_size=60,
)


@given(steps, st.integers(0, 60))
def test_rosters_and_diffs_amount_to_the_true_statuses(
    taken: list[tuple[int | None, Status | float]], joins_at: int
) -> None:
    lobby, now = Lobby(120.0, LIMITS), 0.0
    present = [Present(name) for name in "ABCDE"]
    known: dict[PlayerId, PlayerView] | None = None
    version = 0

    def tell() -> None:
        nonlocal version
        before = lobby.version
        diff = lobby.take_diff(now, AT)
        assert lobby.version == before + (diff is not None)
        if diff is None or known is None:
            return
        assert diff.version == version + 1
        version = diff.version
        assert not known.keys() & {view.id for view in diff.joined}
        known.update({view.id: view for view in diff.joined})
        for change in diff.changed:
            view = known[change.id]
            assert view.status is not change.status
            known[change.id] = PlayerView(
                view.id, view.name, view.guest, change.status, change.idle_for
            )
        for id in diff.left:
            del known[id]
        assert diff.total == len(known)

    for number, (who, what) in enumerate(taken):
        if number == joins_at:
            roster = lobby.roster(AT)
            known, version = {view.id: view for view in roster.players}, roster.version
        if who is None:
            assert isinstance(what, float)
            now += what
            tell()
        else:
            assert isinstance(what, Status)
            lobby.note(present[who].becomes(what), now)
    now += LIMITS.settling
    tell()
    assert lobby.next_due() is None
    true = {
        each.id: each.view(AT if each.player.status is AWAY else msgspec.UNSET)
        for each in present
        if each.player.status.is_here
    }
    assert {view.id: view for view in lobby.roster(AT).players} == true
    if known is not None:
        assert known == true
