"""What the WebSocket edge tells those who run the server."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from server.presence.events import Event
from server.realtime.hub import Hub
from server.realtime.tabs import Tabs
from server.realtime.ticker import Ticker


class RealtimeFigures(Collector):
    """Connections, watchers, closings, and how late deadlines were noticed."""

    def __init__(self, tabs: Tabs, hub: Hub, ticker: Ticker[Event]) -> None:
        self._tabs = tabs
        self._hub = hub
        self._ticker = ticker

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("stillhere_connections", "Open sockets.", value=len(self._tabs))
        yield GaugeMetricFamily(
            "stillhere_watchers", "Sockets that watch the lobby.", value=self._hub.watchers
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
