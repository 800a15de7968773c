"""The composition root: which part subscribes to which."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from server.accounts.sessions import Sessions
from server.base.stream import Stream
from server.observe.audit import Audit
from server.observe.metrics import PresenceMetrics
from server.presence.events import SessionEnded, StatusChanged
from server.realtime.bridge import Bridge
from server.realtime.payers import Payers
from server.realtime.tabs import Tabs
from server.realtime.ticker import Ticker
from server.realtime.topics.lobby import LobbyTopic
from server.realtime.topics.room import RoomTopics
from server.realtime.topics.room_list import RoomListTopic
from server.rooms.events import RoomUpdated
from server.storage.presence_rows import PresenceRows
from server.storage.room_rows import RoomRows
from server.web.listed import ListedPlayers, ListedRooms
from tests.support.live_server import run_server


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, type]]:
    """The events of servers that start after this, each with the class of its subscriber, in order;
    without the tests' own subscribers."""
    told: list[tuple[object, type]] = []
    subscribe = Stream.subscribe

    def note(stream: Stream[Any], subscriber: Callable[[Any], None]) -> None:
        owner = type(getattr(subscriber, "__self__", None))

        @wraps(subscriber)  # with the types that it wants
        def hear(event: object) -> None:
            if owner.__module__.startswith("server."):
                told.append((event, owner))
            subscriber(event)

        subscribe(stream, hear)

    monkeypatch.setattr(Stream, "subscribe", note)
    return told


async def test_events_reach_the_disk_then_the_tabs_of_the_player_then_all_others(
    told: list[tuple[object, type]], tmp_path: Path
) -> None:
    # Tabs wait for what was queued for the disk before they send an end; watchers of a room or the
    # lobby see a change after its player; and the ticker reads deadlines after the subscribers that
    # move them.
    async with run_server(tmp_path / "test.db") as server:
        ada = await server.guest("Ada")
        opened = await ada.http.post("/api/rooms", json={"game": "connect-four"})
        assert opened.status_code == 201
        assert (await ada.http.delete("/api/session")).status_code == 204

    def order(kind: type) -> list[type]:
        first = next(event for event, _ in told if isinstance(event, kind))
        return [owner for event, owner in told if event is first]

    assert order(StatusChanged) == [
        PresenceRows,
        Bridge,
        LobbyTopic,
        ListedPlayers,
        PresenceMetrics,
        Ticker,
    ]
    assert order(SessionEnded) == [
        Sessions,
        Audit,
        PresenceRows,
        Tabs,
        Payers,
        Bridge,
        PresenceMetrics,
        Ticker,
    ]
    assert order(RoomUpdated) == [
        RoomRows,
        Bridge,
        RoomTopics,
        RoomListTopic,
        ListedRooms,
        Ticker,
    ]
