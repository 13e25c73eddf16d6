"""What the commands share: settings, the platform, and failures as one line."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import structlog
import uvloop
from sqlalchemy.engine import make_url

from sidepro import bootstrap as composition
from sidepro import settings as configuration
from sidepro.adapters import logs
from sidepro.adapters.security.secret_key import UnusableSecretError
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.domain.errors import InvalidInput, SideProError, Unavailable
from sidepro.settings import SettingError, Settings

Result = TypeVar("Result")


class CommandError(click.ClickException):
    """Something that the person at the keyboard can mend. The message is one line."""

    def show(self, file: Any = None) -> None:
        click.echo(f"sidepro: {self.message}", file=file or sys.stderr, err=True)


def settings_of_process(log_level: int = logging.WARNING) -> Settings:
    """The settings, with the logs set up: routine is news from a serving process alone."""
    try:
        settings = configuration.load()
    except SettingError as error:
        raise CommandError(str(error)) from error
    logs.set_up(settings.log_format, log_level)
    for name in configuration.unknown():
        structlog.get_logger("sidepro").warning("unknown_setting", setting=name)
    return settings


def build(settings: Settings, public_url: str, threads: int = 1) -> composition.Container:
    folders = [settings.data_dir] if settings.is_embedded else []
    if settings.is_embedded:
        folders.append(Path(str(make_url(settings.database).database)).parent)
    for folder in folders:
        must_be_writable(folder)
    try:
        return composition.build(settings, public_url, threads)
    except UnusableSecretError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            f"cannot keep the secret key in {settings.data_dir}: {error}"
        ) from error


def must_be_writable(folder: Path) -> None:
    """Make the folder where it is missing, and see whether files can be made in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".sidepro-write-test"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(f"cannot write to the folder {folder}: {reason}") from error


def run_to_the_end(settings: Settings, work: Callable[[], Awaitable[Result]]) -> Result:
    """Run to the end; failures of the database become one line."""

    async def run() -> Result:
        return await work()

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(run())
    except migrations.NewerDatabaseError as error:
        raise CommandError(
            f"{shown(settings)} is at revision {error}, which this version does not know: it "
            "was migrated by a newer one"
        ) from error
    except Unavailable as error:
        reason = _reason(error)
        raise CommandError(f"cannot use the database {shown(settings)}: {reason}") from error
    except InvalidInput as error:
        detail = "; ".join(fault.sentence for fault in error.errors)
        raise CommandError(detail or error.detail) from error
    except SideProError as error:
        raise CommandError(error.detail) from error


def _reason(error: Unavailable) -> str:
    cause = error.__cause__
    text = str(getattr(cause, "orig", None) or cause or error)
    return " ".join(text.split())


def shown(settings: Settings) -> str:
    """The address of the database, without its password."""
    url = make_url(settings.database)
    if settings.is_embedded:
        return f"sqlite:///{url.database}"
    return url.render_as_string(hide_password=True)


async def bring_up_to_date(settings: Settings, platform: composition.Container) -> None:
    if settings.is_embedded:
        await migrations.migrate(platform.database)
    else:
        await must_be_current(settings, platform)


async def must_be_current(settings: Settings, platform: composition.Container) -> None:
    there = await migrations.current(platform.database)
    if there != migrations.head():
        raise CommandError(
            f"{shown(settings)} is at revision {there or 'none'} and this version needs "
            f"{migrations.head()}: run `sidepro migrate`"
        )
