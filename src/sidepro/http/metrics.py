"""Figures for Prometheus: requests and sockets of this process, and the last run of the similarity
job, whichever process that was in.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import structlog
from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sidepro.api.auth import PUBLIC
from sidepro.domain.clock import Clock
from sidepro.domain.errors import Unavailable
from sidepro.domain.recommendations.ports import SimilarityRun

log = structlog.get_logger(__name__)

ANSWERED_WITHIN = 3.0
"""Seconds after which a store that does not answer is left out: Prometheus waits for ten."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""Methods, and routes, that there are none of: nobody can make series of names of their own."""

LastRun = Callable[[], Awaitable[SimilarityRun | None]]

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""


class Metrics:
    """What this process counts, and what it tells of it."""

    def __init__(
        self,
        sockets: Callable[[], int],
        last_run: LastRun,
        clock: Clock,
    ) -> None:
        self._last_run = last_run
        # One's own: another platform in the same process counts for itself.
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "sidepro_requests",
            "Requests that have been answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "sidepro_request_seconds",
            "Time until the answer was sent.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        Gauge(
            "sidepro_open_sockets", "Chat sockets that are open.", registry=self._registry
        ).set_function(sockets)
        self._similarity = _SimilarityCollector(clock)
        self._registry.register(self._similarity)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)

    def record_request(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request; `route` is the template of its path."""
        method, route = method if method in METHODS else OTHER, route or OTHER
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)

    async def page(self, accept: str) -> tuple[bytes, str]:
        """The page, and its media type, which depends on what the reader accepts."""
        try:
            async with asyncio.timeout(ANSWERED_WITHIN):
                run = await self._last_run()
        except (Unavailable, TimeoutError):
            log.warning("metrics_without_similarity", reason="database or Redis unavailable")
            run = None
        self._similarity.run = run
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type


class _SimilarityCollector(Collector):
    """Says nothing of a run that is not known."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.run: SimilarityRun | None = None

    def collect(self) -> Iterator[Metric]:
        if self.run is None:
            return
        computed_at = self.run.computed_at
        age = (self._clock() - computed_at).total_seconds()
        for name, meaning, value in (
            ("duration_seconds", "How long the last run took.", self.run.seconds),
            ("users", "People with a profile in the last run.", self.run.people),
            ("changed_users", "People that had changed since the run before.", self.run.changed),
            ("computed_timestamp_seconds", "When it was, since 1970.", computed_at.timestamp()),
            ("age_seconds", "How long ago that is.", max(0.0, age)),
        ):
            yield GaugeMetricFamily(f"sidepro_similarity_{name}", meaning, value)


def metrics_route(metrics: Metrics) -> HTTPRouteHandler:
    """`/metrics`, which everybody may read."""

    @get("/metrics", opt=PUBLIC, include_in_schema=False, media_type=MediaType.TEXT)
    async def page(request: Request[object, object, State]) -> Response[bytes]:
        text, media_type = await metrics.page(request.headers.get("accept", ""))
        return Response(text, headers={"Content-Type": media_type})

    return page
