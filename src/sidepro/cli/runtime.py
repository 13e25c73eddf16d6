"""Settings, the container and one-line errors, for all commands."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import click
import structlog
import uvloop
from sqlalchemy.engine import make_url

from sidepro import bootstrap
from sidepro import settings as configuration
from sidepro.adapters import logs
from sidepro.adapters.redis.client import InvalidRedisUrl
from sidepro.adapters.security.secret_key import UnusableSecretError
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.locks import serve_lock
from sidepro.adapters.sql.move import has_unfinished_move
from sidepro.adapters.sql.schema import migrate
from sidepro.adapters.sql.schema.sqlite_copy import keep_copy
from sidepro.bootstrap import Container
from sidepro.bootstrap.health import set_clock
from sidepro.cli import discard_output
from sidepro.domain.errors import InvalidInput, SideProError, Unavailable
from sidepro.settings import SettingError, Settings

Result = TypeVar("Result")

log = structlog.get_logger(__name__)


class CommandError(click.ClickException):
    """An error that the operator can fix. The message is one line."""

    def show(self, file: Any = None) -> None:
        click.echo(f"sidepro: {self.message}", file=file or sys.stderr, err=True)


def announce(text: str) -> None:
    """Print that a process is ready. A full disk or a closed terminal must not end it."""
    try:
        click.echo(text)
    except OSError:
        discard_output()


def stop_on_hangup() -> None:
    """Let SIGHUP, which the end of a terminal sends, stop this process as SIGTERM does. Started
    with `nohup` it goes on.
    """
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def load_settings(log_level: int = logging.WARNING) -> Settings:
    """The settings. Also configures logging: `INFO` for servers, `WARNING` for other commands.

    Raises:
        CommandError: a setting is invalid.
    """
    try:
        dotenv = configuration.read_dotenv()
        settings = configuration.load(dotenv=dotenv)
    except SettingError as error:
        raise CommandError(str(error)) from error
    logs.set_up(settings.log_format, log_level)
    os.umask(0o077)  # the database, images and the key are files of this user alone
    for name in configuration.unknown(dotenv=dotenv):
        structlog.get_logger("sidepro").warning("unknown_setting", setting=name)
    return settings


def build_container(settings: Settings, public_url: str = "", threads: int = 1) -> Container:
    """The container, after a check of the folders of an embedded database.

    Raises:
        CommandError: a folder is not writable, or its secret key is unusable.
    """
    if settings.is_embedded:
        ensure_writable(settings.data_dir)
        ensure_writable(Path(str(make_url(settings.database).database)).parent)
    try:
        # A worker of `serve` is a process without a command of its own.
        context = click.get_current_context(silent=True)
        name = context.command_path if context else "sidepro serve"
        return bootstrap.build(settings, public_url, threads, name)
    except InvalidRedisUrl as error:
        raise CommandError(
            f"{configuration.variable('redis_url')} has an invalid option: {error}"
        ) from error
    except UnusableSecretError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            f"cannot store the secret key in {settings.data_dir}: {error}"
        ) from error


def ensure_jobs() -> None:
    """Check that the packages of the jobs are installed, which the image for web processes lacks.

    Raises:
        CommandError: they are missing.
    """
    if find_spec("polars") is None:
        raise CommandError(
            "this installation serves only without jobs: use `sidepro serve --no-jobs`, and the "
            "full image or `pip install sidepro` for jobs"
        )


def ensure_writable(folder: Path) -> None:
    """Create the folder if it is missing, and check that files can be created in it.

    Raises:
        CommandError: the folder is not writable.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / ".sidepro-write-test"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(f"cannot write to the folder {folder}: {reason}") from error


def run(settings: Settings, main: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run a coroutine function to completion.

    Raises:
        CommandError: replaces any error of the domain.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main())
    except migrate.NewerDatabaseError as error:
        raise CommandError(_too_new(settings, str(error))) from error
    except migrate.LocksHeldError as error:
        raise CommandError(
            f"other transactions on {database_name(settings)} held locks for more than "
            f"{migrate.RETRY_SECONDS:.0f} s: end them, then run the command again; it goes on "
            "where it was"
        ) from error
    except Unavailable as error:
        raise CommandError(
            f"cannot use the database {database_name(settings)}: {error.reason}"
        ) from error
    except InvalidInput as error:
        detail = "; ".join(fault.sentence for fault in error.errors)
        raise CommandError(detail or error.detail) from error
    except SideProError as error:
        raise CommandError(error.detail) from error


def run_with_container(
    settings: Settings,
    work: Callable[[Container], Coroutine[Any, Any, Result]],
    *,
    threads: int = 1,
    check_schema: bool = True,
    wait: Callable[[Settings, Container], Coroutine[Any, Any, None]] | None = None,
) -> Result:
    """Run a command's work, then close the container. `wait` waits for the stores before.

    Raises:
        CommandError: the work failed, or this version cannot serve the database's schema.
    """

    async def main() -> Result:
        container = build_container(settings, settings.public_url or "", threads)
        try:
            if wait:
                await wait(settings, container)
            if check_schema:
                await ensure_served_schema(settings, container)
                await set_clock(container.database)
            else:
                await ensure_encoding(settings, container.database)
            return await work(container)
        finally:
            await container.close()

    return run(settings, main)


def database_name(settings: Settings) -> str:
    """The URL of the database, without its passwords."""
    url = make_url(settings.database)
    if settings.is_embedded:
        return f"sqlite:///{url.database}"
    hidden = dict.fromkeys({"password", "sslpassword"} & url.query.keys(), "***")
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


async def prepare_schema(settings: Settings, container: Container) -> None:
    """Migrate an embedded database. Check any other.

    Raises:
        CommandError: this version cannot serve the database's schema.
    """
    if settings.is_embedded:
        await migrate_embedded(container)
    else:
        await ensure_served_schema(settings, container)


async def migrate_embedded(
    container: Container, *, contract: bool = False
) -> tuple[str | None, str | None]:
    """Migrate SQLite, after a copy of it. Returns the revision before and after."""
    copied = await keep_copy(container.database, contract=contract)
    if copied:
        log.info("database_copied", file=str(copied))
    return await migrate.migrate(container.database, contract=contract)


@asynccontextmanager
async def lock_for_serving(settings: Settings, container: Container) -> AsyncIterator[None]:
    """Exclude servers that cannot share the database with this process.

    Raises:
        AlreadyRunning: such a server runs.
        CommandError: the lock cannot be acquired.
    """
    shared = settings.allows_several_processes
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(serve_lock(container.database, shared=shared))
        except OSError as error:
            raise CommandError(f"cannot lock {database_name(settings)}: {error}") from error
        yield


async def ensure_served_schema(settings: Settings, container: Container) -> migrate.Schema:
    """The database's schema, which this version can serve.

    Raises:
        CommandError: the schema is behind or too new, the database is not in UTF-8, or a move to
            it has not ended.
    """
    await ensure_encoding(settings, container.database)
    if await has_unfinished_move(container.database):
        raise CommandError(
            f"{database_name(settings)} contains an unfinished move: run `sidepro move` again"
        )
    schema = await migrate.inspect_schema(container.database)
    if schema.state is migrate.SchemaState.TOO_NEW:
        raise CommandError(_too_new(settings, str(schema.revision)))
    if not schema.is_served:
        raise CommandError(
            f"{database_name(settings)} is behind, at revision {schema.revision or 'none'}, and "
            f"this version needs {migrate.head()}: run `sidepro migrate`"
        )
    return schema


def _too_new(settings: Settings, revision: str) -> str:
    return (
        f"{database_name(settings)} is too new, at revision {revision}: a newer version migrated "
        f"it, and this version ({migrate.head()}) cannot serve it"
    )


async def ensure_encoding(settings: Settings, database: Database) -> None:
    """Raises `CommandError` unless the database stores any text."""
    encoding = await database.encoding()
    if encoding != "UTF8":
        raise CommandError(
            f"{database_name(settings)} has the encoding {encoding} and cannot store all text: "
            "create it with ENCODING 'UTF8'"
        )


def bind(host: str, port: int) -> socket.socket:
    """A socket with this address. Until `listen` it refuses connections, so a proxy passes
    requests on to another process.

    Raises:
        CommandError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    return listener


def listen(listener: socket.socket) -> None:
    """Accept connections.

    Raises:
        CommandError: another process listens there since `bind`.
    """
    host, port = listener.getsockname()[:2]
    try:
        listener.listen(2048)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error


def _cannot_listen(host: str, port: int, error: OSError) -> CommandError:
    reason = error.strerror or str(error)
    return CommandError(f"cannot listen on {bracketed(host)}:{port}: {reason}")


def bracketed(host: str) -> str:
    """The host as in a URL."""
    return f"[{host}]" if ":" in host else host
