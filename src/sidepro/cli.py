"""The `sidepro` command. Whatever is wrong is one line on standard error and a code not 0."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import structlog
import uvicorn
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.engine import make_url

from sidepro import main as composition
from sidepro import settings as configuration
from sidepro.adapters import logs, markdown, system
from sidepro.adapters.demo import population
from sidepro.adapters.sql import migrations, seeding
from sidepro.adapters.sql.only_one import AlreadyServed, only_server
from sidepro.api.edge import Edge
from sidepro.domain.accounts.administration import UserAdministration
from sidepro.domain.errors import InvalidInput, SideProError, Unavailable
from sidepro.settings import SettingError, Settings

Result = TypeVar("Result")

PING_EVERY = 15.0
PONG_WITHIN = 10.0
"""Seconds: a dead peer is noticed within half a minute."""

STOP_WITHIN = 10
"""Seconds that requests under way get when the server stops."""


class CommandError(click.ClickException):
    """Something that the person at the keyboard can mend. The message is one line."""

    def show(self, file: Any = None) -> None:
        click.echo(f"sidepro: {self.message}", file=file or sys.stderr, err=True)


def main() -> None:
    """The entry point."""
    try:
        cli(prog_name="sidepro", standalone_mode=False)
    except click.UsageError as error:
        where = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
        click.echo(f"sidepro: {error.format_message()}{where}", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("sidepro: interrupted", err=True)
        sys.exit(130)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 99})
@click.version_option(package_name="sidepro")
def cli() -> None:
    """SidePro: side projects on a board, and coffee chats between their makers.

    Settings are environment variables (SIDEPRO_…) or lines of a file .env; the README lists them.
    """


# --------------------------------------------------------------------------------------- serve


@cli.command()
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
    settings = _settings()
    if workers > 1:
        raise CommandError(
            "--workers above 1 needs Redis, which this version does not use yet: jobs, chat feed "
            "and presence live in the one serving process"
        )
    listener = _listen(host, port)
    host_shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared
    local_url = f"http://{_bracketed(host_shown)}:{listener.getsockname()[1]}"

    async def run() -> None:
        platform = _build(settings, settings.public_url or local_url)
        try:
            async with only_server(platform.database):
                await _bring_up_to_date(settings, platform)
                if demo:
                    await _seed_if_empty(platform)
                await _serve(settings, platform, listener, local_url, not no_jobs, demo)
        except AlreadyServed as error:
            raise CommandError(
                f"another `sidepro serve` runs on {_shown(settings)}: without Redis, jobs, chat "
                "feed and presence live in one process"
            ) from error
        finally:
            await platform.close()

    with listener:
        _run(settings, run)


async def _serve(
    settings: Settings,
    platform: composition.Platform,
    listener: socket.socket,
    local_url: str,
    with_jobs: bool,
    demo: bool,
) -> None:
    app = composition.application(platform, with_jobs=with_jobs)
    config = uvicorn.Config(
        Edge(app),
        http="httptools",
        ws="websockets-sansio",
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
    server = _AnnouncingServer(config, lambda: _announce(settings, local_url, demo))
    # uvicorn raises the signal that stopped it once more when it has stopped: that is no failure.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop_well)
    await server.serve(sockets=[listener])


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


def _announce(settings: Settings, local_url: str, demo: bool) -> None:
    lines = [
        "",
        f"  SidePro serves      {local_url}/api/v1",
        f"  health              {local_url}/health/ready",
    ]
    if settings.docs:
        lines.append(f"  documentation       {local_url}/api/docs")
    if demo:
        lines += [
            f"  demo account        {email}   password {population.DEMO_PASSWORD}"
            for email in population.DEMO_EMAILS
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


# -------------------------------------------------------------------------------------- others


@cli.command()
@click.option("--check", is_flag=True, help="Change nothing; fail if a migration is missing.")
def migrate(check: bool) -> None:
    """Bring the database to the schema that this version needs."""
    settings = _settings()

    async def run() -> None:
        platform = _build(settings, "")
        try:
            if check:
                await _must_be_current(settings, platform)
                click.echo(f"{_shown(settings)} is at revision {migrations.head()}")
                return
            before, after = await migrations.migrate(platform.database)
            done = "is at" if before == after else f"went from {before or 'nothing'} to"
            click.echo(f"{_shown(settings)} {done} revision {after}")
        finally:
            await platform.close()

    _run(settings, run)


_SIZE = click.IntRange(0, 1_000_000)


@cli.command()
@click.option("--users", type=click.IntRange(2, 1_000_000), default=60, show_default=True)
@click.option("--projects", type=_SIZE, default=150, show_default=True)
@click.option("--comments", type=_SIZE, default=500, show_default=True)
@click.option("--bookmarks", type=_SIZE, default=900, show_default=True)
@click.option("--rooms", type=_SIZE, default=24, show_default=True)
@click.option("--messages-per-room", type=_SIZE, default=12, show_default=True)
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same data.")
def seed(
    users: int,
    projects: int,
    comments: int,
    bookmarks: int,
    rooms: int,
    messages_per_room: int,
    seed: int,
) -> None:
    """Fill an empty database with demo data."""
    settings = _settings()
    sizes = population.Sizes(users, projects, comments, bookmarks, rooms, messages_per_room)

    async def run() -> None:
        platform = _build(settings, "")
        try:
            await _bring_up_to_date(settings, platform)
            if not await _seed_if_empty(platform, sizes, seed):
                raise CommandError(f"{_shown(settings)} is not empty: nothing was added")
            for email in population.DEMO_EMAILS:
                click.echo(f"demo account {email}, password {population.DEMO_PASSWORD}")
        finally:
            await platform.close()

    _run(settings, run)


@cli.group()
def users() -> None:
    """Administer accounts. They are named by email or username."""


_PASSWORD = click.password_option(
    help="Asked for when it is not given; give it on standard input rather than here."
)


@users.command("create-admin")
@click.argument("email")
@click.argument("username")
@_PASSWORD
def create_admin(email: str, username: str, password: str) -> None:
    """Open the account of an administrator."""

    async def work(administration: UserAdministration) -> None:
        user = await administration.create_admin(email, username, password)
        click.echo(f"{user.username} <{user.email}> is an administrator")

    _administer(work)


@users.command()
@click.argument("name")
def deactivate(name: str) -> None:
    """Close an account: its sessions and sockets end, and nobody can log in."""

    async def work(administration: UserAdministration) -> None:
        user = await administration.set_active(name, active=False)
        click.echo(f"{user.username} is deactivated")

    _administer(work)


@users.command()
@click.argument("name")
def activate(name: str) -> None:
    """Open a closed account again."""

    async def work(administration: UserAdministration) -> None:
        user = await administration.set_active(name, active=True)
        click.echo(f"{user.username} is active")

    _administer(work)


@users.command("reset-password")
@click.argument("name")
@_PASSWORD
def reset_password(name: str, password: str) -> None:
    """Give an account a new password; its sessions end."""

    async def work(administration: UserAdministration) -> None:
        user = await administration.reset_password(name, password)
        click.echo(f"{user.username} has a new password")

    _administer(work)


@users.command("list")
def list_users() -> None:
    """Print all accounts: id, email, username, and what is special about them."""

    async def work(administration: UserAdministration) -> None:
        async for user in administration.users():
            special = [
                *(["administrator"] if user.is_admin else []),
                *([] if user.is_active else ["deactivated"]),
            ]
            click.echo("\t".join([str(user.id), user.email, user.username, ", ".join(special)]))

    _administer(work)


def _administer(work: Callable[[UserAdministration], Awaitable[None]]) -> None:
    settings = _settings()

    async def run() -> None:
        platform = _build(settings, "")
        try:
            await _must_be_current(settings, platform)
            await work(platform.administration)
        finally:
            await platform.close()

    _run(settings, run)


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    # Needs no database, no data folder and no secret of anybody's.
    platform = composition.build(Settings(secret_key=("not used to sign anything",)), "")
    document = composition.application(platform, with_jobs=False).openapi_schema.to_schema()
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


# -------------------------------------------------------------------------------------- shared


def _settings() -> Settings:
    try:
        settings = configuration.load()
    except SettingError as error:
        raise CommandError(str(error)) from error
    logs.set_up(settings.log_format)
    for name in configuration.without_effect(settings):
        structlog.get_logger("sidepro").warning("setting_without_effect_yet", setting=name)
    return settings


def _build(settings: Settings, public_url: str) -> composition.Platform:
    folders = [settings.data_dir] if settings.is_embedded else []
    if settings.is_embedded:
        folders.append(Path(str(make_url(settings.database).database)).parent)
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / ".sidepro-write-test"
            probe.touch()
            probe.unlink()
        except OSError as error:
            reason = error.strerror or str(error)
            raise CommandError(f"cannot write to the folder {folder}: {reason}") from error
    try:
        return composition.build(settings, public_url)
    except OSError as error:
        raise CommandError(
            f"cannot keep the secret key in {settings.data_dir}: {error}"
        ) from error


def _run(settings: Settings, work: Callable[[], Awaitable[Result]]) -> Result:
    """Run to the end; failures of the database become one line."""

    async def run() -> Result:
        return await work()

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(run())
    except migrations.NewerDatabaseError as error:
        raise CommandError(
            f"{_shown(settings)} is at revision {error}, which this version does not know: it "
            "was migrated by a newer one"
        ) from error
    except Unavailable as error:
        reason = _reason(error)
        raise CommandError(f"cannot use the database {_shown(settings)}: {reason}") from error
    except InvalidInput as error:
        detail = "; ".join(fault.sentence for fault in error.faults)
        raise CommandError(detail or error.detail) from error
    except SideProError as error:
        raise CommandError(error.detail) from error


def _reason(error: Unavailable) -> str:
    cause = error.__cause__
    text = str(getattr(cause, "orig", None) or cause or error)
    return " ".join(text.split())


def _shown(settings: Settings) -> str:
    """The address of the database, without its password."""
    return make_url(settings.database).render_as_string(hide_password=True)


async def _bring_up_to_date(settings: Settings, platform: composition.Platform) -> None:
    if settings.is_embedded:
        await migrations.migrate(platform.database)
    else:
        await _must_be_current(settings, platform)


async def _must_be_current(settings: Settings, platform: composition.Platform) -> None:
    there = await migrations.current(platform.database)
    if there != migrations.head():
        raise CommandError(
            f"{_shown(settings)} is at revision {there or 'none'} and this version needs "
            f"{migrations.head()}: run `sidepro migrate`"
        )


async def _seed_if_empty(
    platform: composition.Platform,
    sizes: population.Sizes | None = None,
    seed: int = 1,
) -> bool:
    if not await seeding.is_empty(platform.database):
        return False
    accounts = platform.parts.services.accounts
    password_hash = await platform.passwords.hash(population.DEMO_PASSWORD)
    demo = population.make(
        sizes or population.Sizes(),
        seed,
        await accounts.catalogue(),
        system.clock(),
        password_hash,
        markdown.render,
    )
    columns = (
        TextColumn("demo data"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("demo data", total=None)
        await seeding.load(
            platform.database,
            platform.catalogue,
            demo,
            lambda done, total: progress.update(bar, completed=done, total=total),
        )
    return True
