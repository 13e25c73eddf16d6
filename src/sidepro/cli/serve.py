"""`sidepro serve`."""

import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import structlog

from sidepro import bootstrap
from sidepro.adapters import logs
from sidepro.adapters.sql.engine.locks import AlreadyRunning
from sidepro.bootstrap import Container
from sidepro.cli.runtime import (
    CommandError,
    announce,
    bind,
    bracketed,
    build_container,
    database_name,
    ensure_jobs,
    ensure_writable,
    listen,
    load_settings,
    lock_for_serving,
    prepare_schema,
    run,
    stop_on_hangup,
)
from sidepro.cli.startup import ensure_redis_access, wait_for_database
from sidepro.http.middleware.middleware import Middleware
from sidepro.http.monitoring.exchange import MetricsExchange
from sidepro.server.draining_server import DrainingServer
from sidepro.server.metrics_server import serve_metrics
from sidepro.server.service_manager import notify, watchdog
from sidepro.server.supervisor import WorkerFailed, supervise
from sidepro.server.uvicorn_config import SHUTDOWN_TIMEOUT, tune_gc, uvicorn_config
from sidepro.settings import Settings, variable
from sidepro.web.cookies import is_cookie_exposed

log = structlog.get_logger(__name__)

CLOSE_TIMEOUT = 10
"""Seconds for jobs and connections to end after the last response."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes any free one.",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Number of processes. More than one needs PostgreSQL and Redis.",
)
@click.option("--no-jobs", is_flag=True, help="Do not run the periodic jobs in this process.")
@click.option("--demo", is_flag=True, help="Fill an empty database with demo data first.")
def serve(host: str, port: int, workers: int, no_jobs: bool, demo: bool) -> None:
    """Serve the screens and the API. On SQLite the database is created and migrated first.

    Settings are variables SIDEPRO_…, listed in the README. OTEL_EXPORTER_OTLP_ENDPOINT turns on
    traces, with the extra `otel`.
    """
    settings = load_settings(logging.INFO)
    stop_on_hangup()
    if workers > 1 and not settings.allows_several_processes:
        raise CommandError(
            "--workers above 1 needs PostgreSQL and Redis (SIDEPRO_DATABASE_URL, "
            "SIDEPRO_REDIS_URL): without them jobs, chat events and presence live in one process"
        )
    if not no_jobs:
        ensure_jobs()
    listener = bind(host, port)
    local_host = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared
    local_url = f"http://{bracketed(local_host)}:{listener.getsockname()[1]}"
    metrics_bind = settings.metrics_bind if settings.metrics != "off" else None
    metrics_listener = bind(*metrics_bind) if metrics_bind else None
    if metrics_listener:
        listen(metrics_listener)  # no proxy chooses among these
    if settings.web and is_cookie_exposed(settings.public_url or local_url):
        log.warning("session_cookies_without_tls", setting=variable("public_url"))
    process = _ServingProcess(settings, listener, metrics_listener, local_url, not no_jobs)

    with listener, metrics_listener or nullcontext():
        if workers == 1:
            run(settings, lambda: process.serve_alone(demo))
            return
        accounts = run(settings, lambda: process.prepare(demo))
        with TemporaryDirectory(prefix="sidepro-") as folder:
            try:
                supervise(
                    workers,
                    partial(process.serve_as_worker, Path(folder)),
                    lambda: _announce(settings, local_url, accounts),
                    SHUTDOWN_TIMEOUT + CLOSE_TIMEOUT,
                )
            except WorkerFailed as error:
                raise CommandError("a worker exited before it was ready") from error


@dataclass(frozen=True)
class _ServingProcess:
    """Serves in this process or in workers. Pickled into each worker."""

    settings: Settings
    listener: socket.socket
    metrics_listener: socket.socket | None
    local_url: str
    with_jobs: bool

    async def serve_alone(self, demo: bool) -> None:
        """Prepare and serve in one process."""
        async with self._locked_container() as container:
            accounts = await self._prepare(container, demo)
            await self._serve(
                container,
                lambda: _announce(self.settings, self.local_url, accounts),
                with_jobs=self.with_jobs,
            )

    async def prepare(self, demo: bool) -> list[str]:
        """Check the database before the workers start. Returns the demo accounts."""
        async with self._locked_container() as container:
            return await self._prepare(container, demo)

    def serve_as_worker(
        self, exchange_folder: Path, number: int, on_ready: Callable[[], None]
    ) -> None:
        """Serve as one of several workers. The first one runs the jobs. All serve the metrics, so
        that they are there while one restarts, and exchange them by sockets in the folder.
        """
        logs.set_up(self.settings.log_format, logging.INFO)
        stop_on_hangup()

        async def main() -> None:
            async with self._locked_container() as container:
                with_jobs = self.with_jobs and number == 0
                await self._serve(
                    container,
                    on_ready,
                    with_jobs=with_jobs,
                    exchange=MetricsExchange(exchange_folder, number),
                )

        try:
            run(self.settings, main)
        except CommandError as error:
            error.show()
            sys.exit(error.exit_code)

    @asynccontextmanager
    async def _locked_container(self) -> AsyncIterator[Container]:
        """The container, under a lock that excludes servers that cannot share the database."""
        container = build_container(self.settings, self.settings.public_url or self.local_url)
        try:
            async with AsyncExitStack() as stack:
                await wait_for_database(self.settings, container)
                await ensure_redis_access(container)
                try:
                    lock = lock_for_serving(self.settings, container)
                    await stack.enter_async_context(lock)
                except AlreadyRunning as error:
                    shared = self.settings.allows_several_processes
                    other = "`sidepro serve` without Redis" if shared else "`sidepro serve`"
                    raise CommandError(
                        f"another {other} runs on {database_name(self.settings)}: without "
                        "Redis, jobs, chat events and presence live in one process"
                    ) from error
                yield container
        finally:
            await container.close()

    async def _prepare(self, container: Container, demo: bool) -> list[str]:
        await prepare_schema(self.settings, container)
        if not self.settings.images_bucket:
            ensure_writable(self.settings.images_folder)
        if not demo:
            return []
        # Most servers have no demo: its import takes 2 MB, and Pillow 5 MB more.
        from sidepro.cli.demo import demo_accounts, seed_if_empty  # noqa: PLC0415 - see above

        await seed_if_empty(container)
        return await demo_accounts(container)

    async def _serve(
        self,
        container: Container,
        on_ready: Callable[[], None],
        *,
        with_jobs: bool,
        exchange: MetricsExchange | None = None,
    ) -> None:
        application = bootstrap.application(container, with_jobs=with_jobs)
        app = Middleware(
            application,
            container.metrics,
            container.service_address,
            container.rejection_page,
            container.tracing,
        )

        def on_start() -> None:
            tune_gc()
            on_ready()

        server = DrainingServer(uvicorn_config(self.settings, app), on_start)
        # After its shutdown uvicorn raises the signal again: exit with 0.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _exit)
        async with AsyncExitStack() as stack:
            if self.metrics_listener:
                monitoring = bootstrap.monitoring_application(container)
                await stack.enter_async_context(serve_metrics(monitoring, self.metrics_listener))
            if exchange and container.metrics:
                await stack.enter_async_context(container.metrics.shared(exchange))
            if exchange is None:  # the supervisor reports for its workers
                await stack.enter_async_context(watchdog())
            listen(self.listener)
            await server.serve(sockets=[self.listener])


def _exit(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _announce(settings: Settings, local_url: str, demo_accounts: list[str]) -> None:
    lines = [
        "",
        f"  SidePro serves      {local_url}{'/' if settings.web else '/api/v1'}",
        *([f"  API                 {local_url}/api/v1"] if settings.web else []),
        f"  health              {local_url}/health/ready",
    ]
    if settings.docs:
        lines.append(f"  documentation       {local_url}/api/docs")
    lines += [f"  demo account        {account}" for account in demo_accounts]
    announce("\n".join([*lines, "", "  Ctrl-C stops.", ""]))
    notify("READY=1")
