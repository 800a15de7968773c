"""The composition root: who is wired to whom."""

from typing import Any

from server.accounts.sessions import Sessions
from server.base.stream import Stream
from server.observe.audit import Audit
from server.observe.metrics import PresenceMetrics, RoomMetrics
from server.realtime.bridge import Bridge
from server.realtime.notices import Notices
from server.realtime.tabs import Tabs
from server.realtime.ticker import Ticker
from server.realtime.topics.lobby import LobbyTopic
from server.realtime.topics.room import RoomTopics
from server.realtime.topics.room_list import RoomListTopic
from server.storage.presence_rows import PresenceRows
from server.storage.room_rows import RoomRows
from tests.support.live_server import LiveServer


def owners(stream: Stream[Any]) -> list[type]:
    """The classes whose methods subscribe, without those of the tests."""
    methods = [each for each in stream.subscribers if each.__module__.startswith("server.")]
    return [type(getattr(each, "__self__")) for each in methods]  # noqa: B009 - not of every callable


async def test_the_disk_hears_before_the_players_tabs_and_those_before_everybody_else(
    server: LiveServer,
) -> None:
    # A tab that is told of an end waits for what the disk was given before; whoever watches a room
    # or the lobby sees the change after the player it is about; and the ticker looks at deadlines
    # that no subscriber will move any more.
    here = server.still_here
    assert owners(here.stream) == [
        Sessions,
        Audit,
        PresenceRows,
        Tabs,
        Bridge,
        LobbyTopic,
        PresenceMetrics,
        Ticker,
    ]
    assert owners(here.room_stream) == [
        RoomRows,
        Bridge,
        Notices,
        RoomTopics,
        RoomListTopic,
        RoomMetrics,
        Ticker,
    ]
