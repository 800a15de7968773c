"""For operators: liveness, readiness, metrics.

All three are passive. They are open to everyone who reaches the port: a proxy in front should keep
`/metrics` to itself.
"""

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.observe.metrics import Metrics
from server.storage.ports import Health
from server.web.bodies import answer
from server.web.calls import Call, Text
from server.web.limits import Limits
from server.web.problems import later


class HealthAnswer(msgspec.Struct):
    """The answer of `/healthz` and `/readyz` if all is well."""

    status: Literal["ok", "ready"]


class OperationRoutes:
    """`/healthz`, `/readyz`, `/metrics`."""

    def __init__(self, metrics: Metrics, storage: Health, limits: Limits) -> None:
        self._metrics = metrics
        self._storage = storage
        self._limits = limits
        self.calls = [
            Call("GET", "/healthz", self.health, "Is it alive?", answers={200: HealthAnswer}),
            Call(
                "GET",
                "/readyz",
                self.readiness,
                "Is it ready to serve, storage included?",
                answers={200: HealthAnswer},
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
        return answer(HealthAnswer("ok"))

    async def readiness(self, request: Request) -> Response:
        why = await self._storage.readiness()
        if why is not None:
            raise later(503, "storage_failing", why, self._limits.retry_after_disk)
        return answer(HealthAnswer("ready"))

    async def metrics(self, request: Request) -> Response:
        headers = {"content-type": self._metrics.content_type}
        return Response(self._metrics.text(), headers=headers)
