"""Metrics of the other processes of one `sidepro serve --workers`, over Unix sockets.

Each worker answers a connection to its socket with its metrics. The one that Prometheus asks
gathers those of all, so that every answer covers all workers.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import structlog
from prometheus_client.metrics_core import Metric

log = structlog.get_logger(__name__)

TIMEOUT = 1.0
"""Seconds to wait for another worker."""

WORKER = "worker"
"""Label with the number of the worker, from 0 on."""


class _Sample(msgspec.Struct, array_like=True):
    name: str
    labels: dict[str, str]
    value: float


class _Family(msgspec.Struct, array_like=True):
    name: str
    documentation: str
    kind: str
    unit: str
    samples: list[_Sample]


class MetricsExchange:
    """The metrics of some processes that share a folder for their sockets."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self.number = number

    @asynccontextmanager
    async def serving(self, collect: Callable[[], Iterable[Metric]]) -> AsyncIterator[None]:
        """Answer other processes with these metrics during the block."""

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            families = [
                _Family(
                    metric.name,
                    metric.documentation,
                    metric.type,
                    metric.unit,
                    [_Sample(one.name, dict(one.labels), one.value) for one in metric.samples],
                )
                for metric in collect()
            ]
            writer.write(msgspec.msgpack.encode(families))
            writer.close()

        path = self._path(self.number)
        path.unlink(missing_ok=True)  # of a worker that was killed
        async with await asyncio.start_unix_server(answer, path):
            yield

    async def gather(self, own: Iterable[Metric]) -> list[Metric]:
        """The metrics of all processes, each sample with the label `worker`."""
        numbers = sorted(int(path.stem) for path in self._folder.glob("*.sock"))
        others = [number for number in numbers if number != self.number]
        received = await asyncio.gather(*(self._ask(number) for number in others))
        merged: dict[str, Metric] = {}
        _add(merged, self.number, own)
        for number, metrics in zip(others, received, strict=True):
            _add(merged, number, metrics)
        return list(merged.values())

    async def _ask(self, number: int) -> list[Metric]:
        try:
            async with asyncio.timeout(TIMEOUT):
                reader, writer = await asyncio.open_unix_connection(self._path(number))
                try:
                    data = await reader.read()
                finally:
                    writer.close()
            families = msgspec.msgpack.decode(data, type=list[_Family])
        except (OSError, TimeoutError, msgspec.MsgspecError):
            # It starts or stops.
            log.warning("worker_metrics_unavailable", worker=number)
            return []
        metrics = []
        for family in families:
            metric = Metric(family.name, family.documentation, family.kind, family.unit)
            for sample in family.samples:
                metric.add_sample(sample.name, sample.labels, sample.value)
            metrics.append(metric)
        return metrics

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.sock"


def _add(merged: dict[str, Metric], number: int, metrics: Iterable[Metric]) -> None:
    for metric in metrics:
        family = merged.setdefault(
            metric.name, Metric(metric.name, metric.documentation, metric.type, metric.unit)
        )
        for sample in metric.samples:
            labels = {**sample.labels, WORKER: str(number)}
            family.add_sample(sample.name, labels, sample.value)
