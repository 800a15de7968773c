"""For those who run the server: is it alive, is it ready, and how is it doing.

All three are passive. They are open to whoever reaches the port: a proxy in front should keep
`/metrics` to itself.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector as MetricCollector
from starlette.requests import Request
from starlette.responses import Response

from server.accounts.ports import StorageUnavailable
from server.observe.collector import Collector
from server.presence.events import Event, SessionEnded, StatusChanged
from server.presence.registry import Registry
from server.presence.status import Status
from server.storage.ports import Health as StorageHealth
from server.web.bodies import answer
from server.web.calls import Call, Text
from server.web.problems import Problem


class Figures(MetricCollector):
    """The metrics, read off the parts that know them when somebody asks. Subscribes to the
    events to count them."""

    def __init__(self, registry: Registry, storage: StorageHealth, collector: Collector) -> None:
        self._registry = registry
        self._storage = storage
        self._collector = collector
        self._changes: Counter[tuple[str, str]] = Counter()
        self._endings: Counter[str] = Counter()

    def hear(self, event: Event) -> None:
        """Subscriber: count."""
        match event:
            case StatusChanged(after=after, reason=reason):
                self._changes[after, reason] += 1
            case SessionEnded(reason=reason):
                self._endings[reason] += 1
            case _:
                pass

    def collect(self) -> Iterable[Metric]:
        sessions = Counter(session.status for session in self._registry.sessions.values())
        players = Counter(player.status for player in self._registry.players.values())
        yield _gauges("stillhere_sessions", "Live sessions by status.", "status", sessions)
        yield _gauges("stillhere_players", "Players with a session by status.", "status", players)
        changes = CounterMetricFamily(
            "stillhere_status_changes", "Changes of status.", labels=["status", "reason"]
        )
        for (status, reason), count in self._changes.items():
            changes.add_metric([status, reason], count)
        yield changes
        endings = CounterMetricFamily(
            "stillhere_sessions_ended", "Sessions that ended.", labels=["reason"]
        )
        for reason, count in self._endings.items():
            endings.add_metric([reason], count)
        yield endings
        storage = self._storage.statistics()
        yield _gauge("stillhere_journal_waiting", "Entries not yet on the disk.", storage.waiting)
        yield _gauge(
            "stillhere_journal_failing_seconds", "For how long writing fails.", storage.failing_for
        )
        yield CounterMetricFamily(
            "stillhere_journal_shed", "Activity updates dropped.", value=storage.shed
        )
        yield _gauge(
            "stillhere_lifeboat_endings",
            "Sign-outs that are safe beside the database, and not in it yet.",
            storage.in_lifeboat,
        )
        yield _gauge("stillhere_wal_bytes", "Size of the write-ahead log.", storage.log_bytes)
        yield CounterMetricFamily(
            "stillhere_gc_pause_seconds", "Time in the collector.", value=self._collector.paused
        )
        yield _gauge(
            "stillhere_gc_worst_pause_seconds",
            "The longest stop of the process by the collector.",
            self._collector.worst_pause,
        )


class Health(msgspec.Struct):
    """What `/healthz` and `/readyz` answer when all is well."""

    status: Literal["ok", "ready"]


class OperationRoutes:
    """`/healthz`, `/readyz`, `/metrics`."""

    def __init__(self, figures: Iterable[MetricCollector], storage: StorageHealth) -> None:
        self._metrics = CollectorRegistry()
        for each in figures:
            self._metrics.register(each)
        self._storage = storage
        self.calls = [
            Call("GET", "/healthz", self.health, "Is it alive?", answers={200: Health}),
            Call(
                "GET",
                "/readyz",
                self.readiness,
                "Is it ready to serve, storage included?",
                answers={200: Health},
                problems=["storage_failing"],
            ),
            Call(
                "GET",
                "/metrics",
                self.metrics,
                "How it is doing, for Prometheus.",
                answers={200: Text("text/plain")},
            ),
        ]

    async def health(self, request: Request) -> Response:
        return answer(Health("ok"))

    async def readiness(self, request: Request) -> Response:
        why = await self._storage.readiness()
        if why is not None:
            raise Problem(503, "storage_failing", why)
        return answer(Health("ready"))

    async def metrics(self, request: Request) -> Response:
        return Response(
            generate_latest(self._metrics), headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4}
        )


async def answer_storage_unavailable(request: Request, error: Exception) -> Response:
    """Exception handler for requests that needed the disk, and in vain."""
    assert isinstance(error, StorageUnavailable)
    headers = {"Retry-After": str(error.retry_after)}
    return Problem(503, "storage_unavailable", str(error), headers).response


def _gauge(name: str, help: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help, value=value)


def _gauges(name: str, help: str, label: str, counts: Counter[Status]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help, labels=[label])
    for status in Status:
        family.add_metric([status], counts[status])
    return family
