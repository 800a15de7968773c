"""What the WebSocket edge tells those who run the server."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from server.realtime.tabs import Tabs
from server.realtime.ticker import Ticker
from server.realtime.topics.lobby import LobbyTopic
from server.rooms.events import MatchAdvanced, MatchEnded, RoomClosed, RoomEvent
from server.rooms.rooms import Rooms

LATENESS = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1.0)
"""Seconds: the limits of what ticks are sorted into by how late they were."""


class RealtimeFigures(Collector):
    """Connections, watchers, closings, and how late deadlines were noticed."""

    def __init__(self, tabs: Tabs, lobby: LobbyTopic, ticker: Ticker) -> None:
        self._tabs = tabs
        self._lobby = lobby
        self._ticker = ticker

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("stillhere_connections", "Open sockets.", value=len(self._tabs))
        yield GaugeMetricFamily(
            "stillhere_watchers", "Sockets that watch the lobby.", value=len(self._lobby.watchers)
        )
        yield GaugeMetricFamily(
            "stillhere_deadline_worst_lateness_seconds",
            "By how much a deadline was noticed late, at the worst.",
            value=self._ticker.worst_lateness,
        )
        closed = CounterMetricFamily(
            "stillhere_sockets_closed", "Sockets this server closed.", labels=["reason"]
        )
        for reason, count in self._tabs.closed.items():
            closed.add_metric([reason], count)
        yield closed


class RoomFigures(Collector):
    """Rooms and matches, and how late their ticks were. Subscribes to the events to count them."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._ended: Counter[str] = Counter()
        self._closed: Counter[str] = Counter()
        self._ticks = [0] * (len(LATENESS) + 1)
        self._lateness = 0.0

    def hear(self, event: RoomEvent) -> None:
        """Subscriber: count."""
        match event:
            case MatchAdvanced(lateness=float() as lateness):
                self._ticks[bisect_left(LATENESS, lateness)] += 1
                self._lateness += lateness
            case MatchEnded(outcome=outcome):
                self._ended[outcome.reason] += 1
            case RoomClosed(reason=reason):
                self._closed[reason] += 1
            case _:
                pass

    def collect(self) -> Iterable[Metric]:
        states = Counter(room.state for room in self._rooms.all.values())
        rooms = GaugeMetricFamily("stillhere_rooms", "Rooms by state.", labels=["state"])
        for state, count in states.items():
            rooms.add_metric([state], count)
        yield rooms
        yield GaugeMetricFamily(
            "stillhere_quick_match_waiting",
            "Players who look for others.",
            value=len(self._rooms.queue.waiting),
        )
        for name, about, counted in (
            ("stillhere_matches_ended", "Matches that ended, by reason.", self._ended),
            ("stillhere_rooms_closed", "Rooms that closed, by reason.", self._closed),
        ):
            family = CounterMetricFamily(name, about, labels=["reason"])
            for reason, count in counted.items():
                family.add_metric([reason], count)
            yield family
        limits = [*map(str, LATENESS), "+Inf"]
        ticks = HistogramMetricFamily(
            "stillhere_tick_lateness_seconds", "By how much ticks of matches were late."
        )
        ticks.add_metric([], [*zip(limits, accumulate(self._ticks), strict=True)], self._lateness)
        yield ticks
