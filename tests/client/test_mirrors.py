"""A mirror follows versions, and detects a missing one."""

from typing import Any

from server.base.ids import PlayerId, RoomId
from server.client.merge_patch import merged, with_instants
from server.client.room_list import RoomListMirror
from server.client.roster import RosterMirror
from server.presence.status import Status
from server.wire.messages import (
    LOBBY,
    ROOMS,
    ChangedPlayer,
    Presence,
    RoomList,
    RoomListChanged,
    Roster,
)
from server.wire.views import PlayerView


def player(name: str, status: Status = Status.ACTIVE) -> PlayerView:
    return PlayerView(PlayerId(name), name, guest=True, status=status)


def presence(version: int, **changes: Any) -> Presence:
    whole: dict[str, Any] = {"joined": [], "changed": [], "left": [], "total": 2, **changes}
    return Presence(LOBBY, version, **whole)


def roster() -> RosterMirror:
    mirror = RosterMirror()
    mirror.replace(Roster(LOBBY, 7, [player("Ada"), player("Kim")], 2))
    return mirror


def test_the_roster_follows_joins_changes_and_leaves() -> None:
    mirror = roster()
    away = ChangedPlayer(PlayerId("Ada"), Status.AWAY, 12.5)
    assert mirror.apply(presence(8, joined=[player("Lin")], changed=[away], left=["Kim"]))
    assert list(mirror.players) == ["Ada", "Lin"]
    assert mirror.players[PlayerId("Ada")].status is Status.AWAY
    assert mirror.players[PlayerId("Ada")].idle_for == 12.5
    assert (mirror.version, mirror.total, mirror.is_complete) == (8, 2, True)


def test_a_gap_is_reported_once_and_diffs_are_ignored_until_the_next_snapshot() -> None:
    mirror = roster()
    assert not mirror.apply(presence(9, left=["Kim"]))
    assert not mirror.is_current
    assert mirror.apply(presence(10, left=["Kim"])), "it is asked for already"
    assert len(mirror.players) == 2
    mirror.replace(Roster(LOBBY, 10, [player("Ada")], 1))
    assert mirror.is_current
    assert list(mirror.players) == ["Ada"]


def test_a_large_roster_is_not_complete_and_ignores_changes_of_unlisted_players() -> None:
    mirror = RosterMirror()
    mirror.replace(Roster(LOBBY, 1, [player("Ada")], 1001))
    assert not mirror.is_complete
    assert mirror.apply(presence(2, changed=[ChangedPlayer(PlayerId("Zoe"), Status.AWAY)]))
    assert list(mirror.players) == ["Ada"]


def test_the_list_of_rooms_has_the_newest_first() -> None:
    mirror = RoomListMirror()
    mirror.replace(RoomList(ROOMS, 1, [{"id": "b"}, {"id": "a"}], 2))
    change = RoomListChanged(ROOMS, 2, [{"id": "c"}], [{"id": "a", "free": 1}], [RoomId("b")], 2)
    assert mirror.apply(change)
    assert list(mirror.rooms.values()) == [{"id": "c"}, {"id": "a", "free": 1}]


def test_a_merge_patch_sets_merges_removes_and_leaves_what_was_before() -> None:
    before = {"a": 1, "b": {"c": 2, "d": 3}, "e": [1]}
    changes = {"a": None, "b": {"c": None, "f": {"g": None, "h": 4}}, "e": [2]}
    assert merged(before, changes) == {"b": {"d": 3, "f": {"h": 4}}, "e": [2]}
    assert before == {"a": 1, "b": {"c": 2, "d": 3}, "e": [1]}
    assert merged({"a": 1}, {"a": {"b": None}}) == {"a": {}}


def test_times_left_become_instants_and_removals_stay_removals() -> None:
    said = {"move_in": 48.0, "seats": {"0": {"claim_in": None}}, "is_in": True, "in": 1}
    assert with_instants(said, 100.0) == {
        "move_at": 148.0,
        "seats": {"0": {"claim_at": None}},
        "is_in": True,
        "in": 1,
    }
