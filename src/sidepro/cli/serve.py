"""`sidepro serve`."""

import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import click
import uvicorn
from litestar.types import ASGIApp

from sidepro import bootstrap as composition
from sidepro.adapters import logs
from sidepro.adapters.sql.engine.locks import AlreadyRunning, serve_lock
from sidepro.cli.data import seed_if_empty
from sidepro.cli.runtime import (
    CommandError,
    bring_up_to_date,
    build,
    must_be_writable,
    run_to_the_end,
    settings_of_process,
    shown,
)
from sidepro.demo.people import DEMO_EMAILS, DEMO_PASSWORD
from sidepro.http.middleware import Middleware
from sidepro.server.draining_server import DrainingServer
from sidepro.server.supervisor import supervise
from sidepro.server.websocket_protocol import TimeoutWebSocketProtocol
from sidepro.settings import Settings

PING_EVERY = 15.0
PONG_WITHIN = 10.0
"""Seconds: a dead peer is noticed within half a minute."""

STOP_WITHIN = 10
"""Seconds that requests under way get when the server stops."""

CLOSE_WITHIN = 10
"""Seconds that all else gets after that: jobs under way, connections."""

SEARCHED_AFTER = 20_000
"""Objects that are made and not given up again, until circles are searched among them."""


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
    help="Processes. More than one needs PostgreSQL and Redis.",
)
@click.option("--no-jobs", is_flag=True, help="Do not run the periodic jobs in this process.")
@click.option("--demo", is_flag=True, help="Fill an empty database with demo data first.")
def serve(host: str, port: int, workers: int, no_jobs: bool, demo: bool) -> None:
    """Serve the platform. On SQLite the database is made and migrated first."""
    settings = settings_of_process(logging.INFO)
    if workers > 1 and not settings.may_be_served_by_several:
        raise CommandError(
            "--workers above 1 needs PostgreSQL and Redis (SIDEPRO_DATABASE_URL, "
            "SIDEPRO_REDIS_URL): without them jobs, chat feed and presence live in one process"
        )
    listener = _listen(host, port)
    host_shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared
    local_url = f"http://{_bracketed(host_shown)}:{listener.getsockname()[1]}"
    serving = _Serving(settings, listener, local_url, not no_jobs)

    with listener:
        if workers == 1:
            run_to_the_end(settings, lambda: serving.alone(demo))
        else:
            accounts = run_to_the_end(settings, lambda: serving.prepare(demo))
            supervise(
                workers,
                serving.as_worker,
                lambda: _announce(settings, local_url, accounts),
                STOP_WITHIN + CLOSE_WITHIN,
            )


@dataclass(frozen=True)
class _Serving:
    """What every serving process is given."""

    settings: Settings
    listener: socket.socket
    local_url: str
    with_jobs: bool

    async def alone(self, demo: bool) -> None:
        """Prepare and serve in one process."""
        async with self._platform() as platform, self._place(platform):
            accounts = await self._prepared(platform, demo)
            await self._serve(
                platform,
                lambda: _announce(self.settings, self.local_url, accounts),
                with_jobs=self.with_jobs,
            )

    async def prepare(self, demo: bool) -> list[str]:
        """Do once what is to be done before several processes serve; the demo accounts."""
        async with self._platform() as platform, self._place(platform):
            return await self._prepared(platform, demo)

    def as_worker(self, number: int, say_ready: Callable[[], None]) -> None:
        """Serve as one of several. The first one runs the jobs."""
        logs.set_up(self.settings.log_format, logging.INFO)

        async def run() -> None:
            async with self._platform() as platform, self._place(platform):
                with_jobs = self.with_jobs and number == 0
                await self._serve(platform, say_ready, with_jobs=with_jobs)

        try:
            run_to_the_end(self.settings, run)
        except CommandError as error:
            error.show()
            sys.exit(error.exit_code)

    @asynccontextmanager
    async def _platform(self) -> AsyncIterator[composition.Container]:
        platform = build(self.settings, self.settings.public_url or self.local_url)
        try:
            yield platform
        finally:
            await platform.close()

    @asynccontextmanager
    async def _place(self, platform: composition.Container) -> AsyncIterator[None]:
        several = self.settings.may_be_served_by_several
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(serve_lock(platform.database, shared=several))
            except OSError as error:
                raise CommandError(f"cannot lock {shown(self.settings)}: {error}") from error
            except AlreadyRunning as error:
                other = "`sidepro serve` without Redis" if several else "`sidepro serve`"
                raise CommandError(
                    f"another {other} runs on {shown(self.settings)}: without Redis, jobs, chat "
                    "feed and presence live in one process"
                ) from error
            yield

    async def _prepared(self, platform: composition.Container, demo: bool) -> list[str]:
        await bring_up_to_date(self.settings, platform)
        if not self.settings.images_bucket:
            must_be_writable(self.settings.images_folder)
        if demo:
            await seed_if_empty(platform)
        return await _demo_accounts(platform) if demo else []

    async def _serve(
        self, platform: composition.Container, announce: Callable[[], None], *, with_jobs: bool
    ) -> None:
        app = Middleware(composition.application(platform, with_jobs=with_jobs), platform.metrics)

        def on_start() -> None:
            _tune_gc()
            announce()

        server = DrainingServer(config_of(self.settings, app), on_start)
        # uvicorn raises the signal that stopped it once more when it has stopped: no failure.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _stop_well)
        await server.serve(sockets=[self.listener])


def config_of(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    """How uvicorn serves the application."""
    return uvicorn.Config(
        app,
        http="httptools",
        ws=TimeoutWebSocketProtocol,
        ws_ping_interval=PING_EVERY,
        ws_ping_timeout=PONG_WITHIN,
        ws_max_size=settings.socket_frame_max_bytes,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=STOP_WITHIN,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
        server_header=False,
        access_log=False,
        log_config=None,
        lifespan="on",
    )


def _tune_gc() -> None:
    """What has been made up to now stays: the search for circles need not look at it each time.
    Hardly any circles are made later, and a thousand messages under way are no reason to search.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(SEARCHED_AFTER, *gc.get_threshold()[1:])


def _stop_well(_number: int, _frame: object) -> None:
    raise SystemExit(0)


async def _demo_accounts(platform: composition.Container) -> list[str]:
    """Those that are there: a database may have been filled with something else."""
    accounts = platform.api.services.accounts
    return [
        email for email in DEMO_EMAILS if not (await accounts.availability(email, None))["email"]
    ]


def _announce(settings: Settings, local_url: str, demo_accounts: list[str]) -> None:
    lines = [
        "",
        f"  SidePro serves      {local_url}/api/v1",
        f"  health              {local_url}/health/ready",
    ]
    if settings.docs:
        lines.append(f"  documentation       {local_url}/api/docs")
    lines += [
        f"  demo account        {email}   password {DEMO_PASSWORD}" for email in demo_accounts
    ]
    click.echo("\n".join([*lines, "", "  Ctrl-C stops.", ""]))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise CommandError(f"cannot listen on {_bracketed(host)}:{port}: {reason}") from error
    return listener


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
