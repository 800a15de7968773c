"""What `/metrics` shows: counted from events, or read on demand. The names are an interface:
dashboards and alerts depend on them.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from server.observe.collector import GarbageCollector
from server.presence.events import SessionEnded, StatusChanged
from server.presence.service import PresenceService
from server.presence.status import Status
from server.realtime.tabs import Tabs
from server.realtime.ticker import Ticker
from server.realtime.topics.lobby import LobbyTopic
from server.rooms.events import MatchAdvanced, MatchEnded, RoomClosed
from server.rooms.reading import ReadableRooms
from server.storage.ports import Health

LATENESS_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1.0)
"""Seconds: bounds of the histogram of late ticks."""


class PresenceMetrics:
    """Sessions and players by status, changes of status, and ends."""

    def __init__(self, presence: PresenceService) -> None:
        self._presence = presence
        self._changes: Counter[tuple[str, str]] = Counter()
        self._endings: Counter[str] = Counter()

    def hear(self, event: StatusChanged | SessionEnded) -> None:
        """Subscriber: count."""
        match event:
            case StatusChanged(after=after, reason=reason):
                self._changes[after, reason] += 1
            case SessionEnded(reason=reason):
                self._endings[reason] += 1

    def collect(self) -> Iterable[Metric]:
        for name, about, having in (
            ("stillhere_sessions", "Live sessions by status.", self._presence.sessions),
            ("stillhere_players", "Players with a session by status.", self._presence.players),
        ):
            counts = Counter(each.status for each in having.values())
            yield _gauges(name, about, "status", {status: counts[status] for status in Status})
        changes = CounterMetricFamily(
            "stillhere_status_changes", "Changes of status.", labels=["status", "reason"]
        )
        for (status, reason), count in self._changes.items():
            changes.add_metric([status, reason], count)
        yield changes
        yield _counters("stillhere_sessions_ended", "Sessions that ended.", "reason", self._endings)


class RealtimeMetrics:
    """Connections, watchers, closings, and how late deadlines were noticed."""

    def __init__(
        self, count_transports: Callable[[], int], tabs: Tabs, lobby: LobbyTopic, ticker: Ticker
    ) -> None:
        self._count_transports = count_transports
        self._tabs = tabs
        self._lobby = lobby
        self._ticker = ticker

    def collect(self) -> Iterable[Metric]:
        watchers = len(self._lobby.watchers)
        yield _gauge("stillhere_connections", "Open sockets.", len(self._tabs))
        yield _gauge(
            "stillhere_transports",
            "Connections of any kind, of HTTP and without a session too.",
            self._count_transports(),
        )
        yield _gauge("stillhere_watchers", "Sockets that watch the lobby.", watchers)
        yield _gauge(
            "stillhere_deadline_worst_lateness_seconds",
            "By how much a deadline was noticed late, at the worst.",
            self._ticker.worst_lateness,
        )
        yield _counters(
            "stillhere_sockets_closed", "Sockets this server closed.", "reason", self._tabs.closed
        )


class RoomMetrics:
    """Rooms and matches, and how late their ticks were."""

    def __init__(self, rooms: ReadableRooms) -> None:
        self._rooms = rooms
        self._ended: Counter[str] = Counter()
        self._closed: Counter[str] = Counter()
        self._ticks = [0] * (len(LATENESS_BUCKETS) + 1)
        self._lateness = 0.0

    def hear(self, event: MatchAdvanced | MatchEnded | RoomClosed) -> None:
        """Subscriber: count."""
        match event:
            case MatchAdvanced(lateness=float() as lateness):
                self._ticks[bisect_left(LATENESS_BUCKETS, lateness)] += 1
                self._lateness += lateness
            case MatchEnded(outcome=outcome):
                self._ended[outcome.reason] += 1
            case RoomClosed(reason=reason):
                self._closed[reason] += 1

    def collect(self) -> Iterable[Metric]:
        states = Counter(str(room.state) for room in self._rooms.all.values())
        waiting = len(self._rooms.waiting)
        yield _gauges("stillhere_rooms", "Rooms by state.", "state", states)
        yield _gauge("stillhere_quick_match_waiting", "Players who look for others.", waiting)
        yield _counters(
            "stillhere_matches_ended", "Matches that ended, by reason.", "reason", self._ended
        )
        yield _counters(
            "stillhere_rooms_closed", "Rooms that closed, by reason.", "reason", self._closed
        )
        bounds = [*map(str, LATENESS_BUCKETS), "+Inf"]
        ticks = HistogramMetricFamily(
            "stillhere_tick_lateness_seconds", "By how much ticks of matches were late."
        )
        ticks.add_metric([], [*zip(bounds, accumulate(self._ticks), strict=True)], self._lateness)
        yield ticks


class StorageMetrics:
    """What waits for the disk, and whether writing fails."""

    def __init__(self, storage: Health) -> None:
        self._storage = storage

    def collect(self) -> Iterable[Metric]:
        now = self._storage.statistics()
        yield _gauge("stillhere_journal_waiting", "Entries not yet on the disk.", now.waiting)
        yield _gauge(
            "stillhere_journal_failing_seconds", "For how long writing fails.", now.failing_for
        )
        yield CounterMetricFamily(
            "stillhere_kept_bytes",
            "What players made the database keep for good, by the prices of rows.",
            value=now.kept,
        )
        yield CounterMetricFamily(
            "stillhere_journal_shed", "Activity updates dropped.", value=now.shed
        )
        yield _gauge(
            "stillhere_lifeboat_endings",
            "Sign-outs that are safe beside the database, and not in it yet.",
            now.in_lifeboat,
        )
        yield _gauge("stillhere_wal_bytes", "Size of the write-ahead log.", now.unmerged_bytes)


class ProcessMetrics:
    """The cost of the garbage collector."""

    def __init__(self, collector: GarbageCollector) -> None:
        self._collector = collector

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(
            "stillhere_gc_pause_seconds", "Time in the collector.", value=self._collector.paused
        )
        yield _gauge(
            "stillhere_gc_worst_pause_seconds",
            "The longest stop of the process by the collector.",
            self._collector.worst_pause,
        )


class Metrics(Collector):
    """The text of `/metrics`, from all of the above."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(
        self,
        presence: PresenceService,
        rooms: ReadableRooms,
        storage: Health,
        collector: GarbageCollector,
        count_transports: Callable[[], int],
        tabs: Tabs,
        lobby: LobbyTopic,
        ticker: Ticker,
    ) -> None:
        """`count_transports` returns the number of open connections of any kind."""
        of_presence, of_rooms = PresenceMetrics(presence), RoomMetrics(rooms)
        self.hear = of_presence.hear
        """Subscriber to the events of presence."""
        self.hear_rooms = of_rooms.hear
        """Subscriber to the events of rooms."""
        self._sources = (
            of_presence,
            StorageMetrics(storage),
            ProcessMetrics(collector),
            RealtimeMetrics(count_transports, tabs, lobby, ticker),
            of_rooms,
        )
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterable[Metric]:
        for source in self._sources:
            yield from source.collect()

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _gauges(name: str, about: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family


def _counters(name: str, about: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, about, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family
