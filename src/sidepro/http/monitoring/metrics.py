"""Prometheus metrics: requests, connections and jobs of this process or, with several workers, of
all processes of `sidepro serve`; the last runs of the similarity and trending jobs anywhere; and
the outbox of mails.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

import structlog
from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.types import ControllerRouterHandler
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

from sidepro.domain.clock import Clock
from sidepro.domain.errors import NotAuthenticated, Unavailable
from sidepro.domain.mail.ports import Backlog
from sidepro.domain.projects.ports import TrendingRun
from sidepro.domain.recommendations.ports import SimilarityRun
from sidepro.http.monitoring.exchange import MetricsExchange

log = structlog.get_logger(__name__)

STORE_TIMEOUT = 3.0
"""Seconds to wait for the store of the last run. Prometheus' own timeout is ten."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""Label of unknown methods and routes. Clients must not be able to create time series."""

LastJobRun = SimilarityRun | TrendingRun

LastRun = Callable[[], Awaitable[LastJobRun | None]]

ReadBacklog = Callable[[], Awaitable[tuple[int, float]]]
"""Returns the number of waiting jobs and the age of the oldest one in seconds.

Raises `Unavailable`.
"""

JOB_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds."""

ReadMailBacklog = Callable[[datetime], Awaitable[Backlog]]

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""


class Metrics:
    """The metrics of this process."""

    def __init__(
        self,
        sockets: Mapping[str, Callable[[], int]],
        last_similarity_run: LastRun,
        last_trending_run: LastRun,
        clock: Clock,
    ) -> None:
        """`sockets` counts the open ones by kind."""
        # Not the global registry: tests run several applications in one process.
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "sidepro_requests",
            "HTTP requests.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "sidepro_request_seconds",
            "Duration of a request until its response was sent.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        """The series of each method, route and status, since looking them up costs more."""
        open_sockets = Gauge(
            "sidepro_open_sockets", "Open sockets, by kind.", ("kind",), registry=self._registry
        )
        for kind, count in sockets.items():
            open_sockets.labels(kind).set_function(count)
        self._jobs = (
            _RunCollector("similarity", last_similarity_run, clock),
            _RunCollector("trending", last_trending_run, clock),
        )
        self._mail_backlog: ReadMailBacklog | None = None
        self._clock = clock
        self._exchange: MetricsExchange | None = None
        self._queue: ReadBacklog | None = None
        self._pools = Gauge(
            "sidepro_connections_in_use",
            "Connections in use, by kind and pool.",
            ("kind", "pool"),
            registry=self._registry,
        )
        self._pool_limits = Gauge(
            "sidepro_connections_limit",
            "Connections that a pool may have, by kind and pool.",
            ("kind", "pool"),
            registry=self._registry,
        )
        self._messages = Counter(
            "sidepro_messages",
            "Chat messages received, by outcome.",
            ("outcome",),
            registry=self._registry,
        )
        self._messages.labels("unavailable")  # from 0: an increase needs a value before
        self._job_seconds = Histogram(
            "sidepro_job_seconds",
            "Duration of jobs run by this process, by outcome.",
            ("task", "outcome"),  # Prometheus itself adds a label `job`
            buckets=JOB_BUCKETS,
            registry=self._registry,
        )
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)

    def record_request(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request. `route` is the path template, `None` for an unknown path."""
        key = method if method in METHODS else OTHER, route or OTHER, status
        series = self._series.get(key)
        if series is None:
            series = self._requests.labels(*key), self._seconds.labels(*key[:2])
            self._series[key] = series
        requests, duration = series
        requests.inc()
        duration.observe(seconds)

    def record_message(self, outcome: str) -> None:
        """Count a message: `stored`, `duplicate`, `refused` or `unavailable`."""
        self._messages.labels(outcome).inc()

    def record_job(self, job: str, outcome: str, seconds: float) -> None:
        """Record a job: `completed`, `skipped`, `failed`, `cancelled` or `expired`."""
        for trouble in ("skipped", "failed"):
            self._job_seconds.labels(job, trouble)  # from 0: an increase needs a value before
        self._job_seconds.labels(job, outcome).observe(seconds)

    def add_pool(
        self, kind: str, pool: str, in_use: Callable[[], int], limit: int | None = None
    ) -> None:
        """Report the connections of a pool that are in use, and how many it may have."""
        self._pools.labels(kind, pool).set_function(in_use)
        if limit is not None:
            self._pool_limits.labels(kind, pool).set(limit)

    def set_message_queue(
        self, length: Callable[[], int], oldest_seconds: Callable[[], float]
    ) -> None:
        """Report the chat messages that are received and not stored yet."""
        for name, meaning, read in (
            ("length", "Chat messages that are not stored yet.", length),
            ("oldest_seconds", "Age of the oldest message that is not stored.", oldest_seconds),
        ):
            gauge = Gauge(f"sidepro_message_queue_{name}", meaning, registry=self._registry)
            gauge.set_function(read)

    def set_mail_backlog(self, read: ReadMailBacklog) -> None:
        """Report the state of the outbox."""
        self._mail_backlog = read

    def set_queue(self, backlog: ReadBacklog) -> None:
        """Report the jobs that wait in a queue."""
        self._queue = backlog

    @asynccontextmanager
    async def shared(self, exchange: MetricsExchange) -> AsyncIterator[None]:
        """Exchange metrics with other workers during the block."""
        async with exchange.serving(self._registry.collect):
            self._exchange = exchange
            yield

    async def render(self, accept: str) -> tuple[bytes, str]:
        """The metrics and their media type, in the format that the Accept header asks for."""
        own = self._registry.collect()
        metrics = await self._exchange.gather(own) if self._exchange else list(own)
        runs = await asyncio.gather(*(job.last_run() for job in self._jobs))
        for job, run in zip(self._jobs, runs, strict=True):
            job.run = run
            metrics += job.collect()
        metrics += await self._queue_metrics()
        metrics += await self._mail_metrics()
        encode, media_type = choose_encoder(accept)
        return encode(_Collected(metrics)), media_type

    async def _queue_metrics(self) -> list[Metric]:
        if self._queue is None:
            return []
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                length, seconds = await self._queue()
        except (Unavailable, TimeoutError):
            log.warning("queue_metrics_unavailable")
            return []
        return [
            GaugeMetricFamily("sidepro_job_queue_length", "Jobs that wait for a worker.", length),
            GaugeMetricFamily(
                "sidepro_job_queue_oldest_seconds", "Age of the oldest waiting job.", seconds
            ),
        ]

    async def _mail_metrics(self) -> list[Metric]:
        """The state of the outbox. Empty while its store is unavailable."""
        if self._mail_backlog is None:
            return []
        now = self._clock()
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                backlog = await self._mail_backlog(now)
        except (Unavailable, TimeoutError):
            log.warning("mail_metrics_unavailable")
            return []
        age = 0.0
        if backlog.oldest_due_at is not None:
            age = max(0.0, (now - backlog.oldest_due_at).total_seconds())
        return [
            GaugeMetricFamily("sidepro_mails_waiting", "Mails to be sent.", backlog.waiting),
            GaugeMetricFamily("sidepro_mails_failed", "Mails that were given up.", backlog.failed),
            GaugeMetricFamily(
                "sidepro_mails_oldest_age_seconds", "Age of the oldest mail that is due.", age
            ),
        ]


class _Collected(CollectorRegistry):
    """Metrics that were collected before."""

    def __init__(self, metrics: list[Metric]) -> None:
        super().__init__()
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return iter(self._metrics)


Facts = tuple[tuple[str, str, float], ...]
"""Names, meanings and values."""


class _RunCollector(Collector):
    """The last run of a job. Yields nothing while no run is known."""

    def __init__(self, job: str, last_run: LastRun, clock: Clock) -> None:
        self._job = job
        self._last_run = last_run
        self._clock = clock
        self.run: LastJobRun | None = None

    async def last_run(self) -> LastJobRun | None:
        """The last run, or `None` while its store is unavailable."""
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                return await self._last_run()
        except (Unavailable, TimeoutError):
            log.warning("job_metrics_unavailable", job=self._job)
            return None

    def collect(self) -> Iterator[Metric]:
        if self.run is None:
            return
        computed_at = self.run.computed_at
        age = (self._clock() - computed_at).total_seconds()
        for name, meaning, value in (
            ("duration_seconds", "Duration of the last run.", self.run.seconds),
            *_facts(self.run),
            ("computed_timestamp_seconds", "Unix time of the last run.", computed_at.timestamp()),
            ("age_seconds", "Age of the last run.", max(0.0, age)),
        ):
            yield GaugeMetricFamily(f"sidepro_{self._job}_{name}", meaning, value)


def _facts(run: LastJobRun) -> Facts:
    if isinstance(run, TrendingRun):
        return (("changed_scores", "Scores changed by the last run.", run.changed),)
    return (
        ("users", "Users with a profile in the last run.", run.people),
        ("changed_users", "Users changed since the run before.", run.changed),
    )


def metrics_routes(metrics: Metrics | None, token: str | None) -> list[ControllerRouterHandler]:
    """`GET /metrics`, if there are metrics. Requires the token, if any, as a bearer token."""
    if metrics is None:
        return []

    @get("/metrics", include_in_schema=False, media_type=MediaType.TEXT)
    async def metrics_page(request: Request[object, object, State]) -> Response[bytes]:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if token is not None and not (
            scheme.lower() == "bearer"
            and hmac.compare_digest(credentials.strip().encode(), token.encode())
        ):
            raise NotAuthenticated
        text, media_type = await metrics.render(request.headers.get("accept", ""))
        return Response(text, headers={"Content-Type": media_type})

    return [metrics_page]
