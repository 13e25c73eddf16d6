"""`sidepro serve`."""

import logging
import signal
import socket
from collections.abc import Callable

import click
import uvicorn
from litestar.types import ASGIApp

from sidepro import main as composition
from sidepro.adapters.demo import population
from sidepro.adapters.sql.only_one import AlreadyServed, only_server
from sidepro.api.edge import Edge
from sidepro.cli.data import seed_if_empty
from sidepro.cli.shared import (
    CommandError,
    bring_up_to_date,
    build,
    must_be_writable,
    run_to_the_end,
    settings_of_process,
    shown,
)
from sidepro.cli.socket_protocol import FirmSocketProtocol
from sidepro.settings import Settings

PING_EVERY = 15.0
PONG_WITHIN = 10.0
"""Seconds: a dead peer is noticed within half a minute."""

STOP_WITHIN = 10
"""Seconds that requests under way get when the server stops."""


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
    help="Processes. More than one needs Redis.",
)
@click.option("--no-jobs", is_flag=True, help="Do not run the periodic jobs in this process.")
@click.option("--demo", is_flag=True, help="Fill an empty database with demo data first.")
def serve(host: str, port: int, workers: int, no_jobs: bool, demo: bool) -> None:
    """Serve the platform. On SQLite the database is made and migrated first."""
    settings = settings_of_process(logging.INFO)
    if workers > 1:
        raise CommandError(
            "--workers above 1 needs Redis, which this version does not use yet: jobs, chat feed "
            "and presence live in the one serving process"
        )
    listener = _listen(host, port)
    host_shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared
    local_url = f"http://{_bracketed(host_shown)}:{listener.getsockname()[1]}"

    async def run() -> None:
        platform = build(settings, settings.public_url or local_url)
        try:
            async with only_server(platform.database):
                await bring_up_to_date(settings, platform)
                if not settings.images_bucket:
                    must_be_writable(settings.images_folder)
                if demo:
                    await seed_if_empty(platform)
                shown_accounts = await _demo_accounts(platform) if demo else []
                await _serve(settings, platform, listener, local_url, not no_jobs, shown_accounts)
        except OSError as error:
            raise CommandError(f"cannot lock {shown(settings)}: {error}") from error
        except AlreadyServed as error:
            raise CommandError(
                f"another `sidepro serve` runs on {shown(settings)}: without Redis, jobs, chat "
                "feed and presence live in one process"
            ) from error
        finally:
            await platform.close()

    with listener:
        run_to_the_end(settings, run)


async def _serve(
    settings: Settings,
    platform: composition.Platform,
    listener: socket.socket,
    local_url: str,
    with_jobs: bool,
    demo_accounts: list[str],
) -> None:
    app = Edge(composition.application(platform, with_jobs=with_jobs))
    config = config_of(settings, app)
    server = _AnnouncingServer(config, lambda: _announce(settings, local_url, demo_accounts))
    # uvicorn raises the signal that stopped it once more when it has stopped: that is no failure.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop_well)
    await server.serve(sockets=[listener])


def config_of(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    """How uvicorn serves the application."""
    return uvicorn.Config(
        app,
        http="httptools",
        ws=FirmSocketProtocol,
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


class _AnnouncingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._announce()


def _stop_well(_number: int, _frame: object) -> None:
    raise SystemExit(0)


async def _demo_accounts(platform: composition.Platform) -> list[str]:
    """Those that are there: a database may have been filled with something else."""
    accounts = platform.parts.services.accounts
    return [
        email
        for email in population.DEMO_EMAILS
        if not (await accounts.availability(email, None))["email"]
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
        f"  demo account        {email}   password {population.DEMO_PASSWORD}"
        for email in demo_accounts
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
