"""The composition root: which part subscribes to which."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.accounts.sessions import Sessions
from server.base.stream import Stream
from server.observe.audit import Audit
from server.observe.metrics import PresenceMetrics, RoomMetrics
from server.presence.events import SessionStarted
from server.realtime.bridge import Bridge
from server.realtime.notices import Notices
from server.realtime.tabs import Tabs
from server.realtime.ticker import Ticker
from server.realtime.topics.lobby import LobbyTopic
from server.realtime.topics.room import RoomTopics
from server.realtime.topics.room_list import RoomListTopic
from server.rooms.events import RoomOpened
from server.storage.presence_rows import PresenceRows
from server.storage.room_rows import RoomRows
from tests.support.live_server import run_server


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, type]]:
    """The events of servers that start after this, each with the class of its subscriber, in order;
    without the tests' own subscribers."""
    told: list[tuple[object, type]] = []
    subscribe = Stream.subscribe

    def note(stream: Stream[Any], subscriber: Callable[[Any], None]) -> None:
        owner = type(getattr(subscriber, "__self__", None))

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
    orders = {
        kind: [owner for event, owner in told if isinstance(event, kind)]
        for kind in (SessionStarted, RoomOpened)
    }
    assert orders[SessionStarted] == [
        Sessions,
        Audit,
        PresenceRows,
        Tabs,
        Bridge,
        LobbyTopic,
        PresenceMetrics,
        Ticker,
    ]
    assert orders[RoomOpened] == [
        RoomRows,
        Bridge,
        Notices,
        RoomTopics,
        RoomListTopic,
        RoomMetrics,
        Ticker,
    ]
