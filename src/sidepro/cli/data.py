"""`sidepro migrate`, `seed`, `markdown`, `counters` and `openapi`."""

import asyncio
import json
import logging
import time

import click
from sqlalchemy.exc import SQLAlchemyError

from sidepro import bootstrap
from sidepro.adapters.sql.engine.locks import AlreadyRunning
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.api.docs.openapi import document
from sidepro.bootstrap import Container
from sidepro.cli.demo import seed_if_empty
from sidepro.cli.progress import progress_bar
from sidepro.cli.runtime import (
    CommandError,
    database_name,
    ensure_served_schema,
    load_settings,
    lock_for_serving,
    migrate_embedded,
    prepare_schema,
    run_with_container,
)
from sidepro.cli.startup import wait_for_database
from sidepro.demo.generator import Sizes
from sidepro.demo.people import DEMO_EMAILS, DEMO_PASSWORD
from sidepro.domain.errors import reason_of
from sidepro.settings import Settings

LOCK_WAIT = 5.0
"""Seconds that a migration waits for another one of an SQLite database."""


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="Change nothing; fail if this version cannot serve the schema (behind or too new).",
)
@click.option(
    "--contract",
    is_flag=True,
    help="Also remove what only older versions need. Run it when none of them serves any more.",
)
def migrate(check: bool, contract: bool) -> None:
    """Migrate the database to the schema of this version.

    Servers of the version before may keep serving PostgreSQL meanwhile and afterwards. SQLite must
    not be served, and a copy of it is kept beside it. Leaves the schema of a newer version alone,
    if this version can serve it (compatible).
    """
    settings = load_settings(logging.INFO)

    async def work(container: Container) -> None:
        if check:
            schema = await ensure_served_schema(settings, container)
            click.echo(f"{database_name(settings)} is at revision {_describe(schema)}")
            return
        if settings.is_embedded:
            before, after = await _migrate_unserved(settings, container, contract)
        else:
            try:
                before, after = await migrations.migrate(container.database, contract=contract)
            except SQLAlchemyError as error:  # the schema is not as this program left it
                raise CommandError(
                    f"{database_name(settings)} refuses a migration: {reason_of(error)}"
                ) from error
        change = "is at" if before == after else f"went from {before or 'nothing'} to"
        click.echo(f"{database_name(settings)} {change} revision {after}")

    run_with_container(settings, work, check_schema=False, wait=wait_for_database)


async def _migrate_unserved(
    settings: Settings, container: Container, contract: bool
) -> tuple[str | None, str | None]:
    """Migrate SQLite, which nobody may serve meanwhile. Another migration is waited for."""
    deadline = time.monotonic() + LOCK_WAIT
    while True:
        schema = await migrations.inspect_schema(container.database)
        is_done = migrations.next_revision(schema.revision, contract=contract) is None
        if is_done or schema.revision is None:  # nobody serves an empty database
            return await migrations.migrate(container.database, contract=contract)
        try:
            async with lock_for_serving(settings, container):
                return await migrate_embedded(container, contract=contract)
        except AlreadyRunning as error:
            if time.monotonic() > deadline:
                raise CommandError(
                    f"{database_name(settings)} is being served: stop `sidepro serve` first"
                ) from error
        await asyncio.sleep(0.1)


def _describe(schema: migrations.Schema) -> str:
    if schema.state is migrations.SchemaState.CURRENT:
        return f"{schema.revision}, the one of this version"
    return f"{schema.revision}, which is newer than this version ({migrations.head()}), compatible"


_SIZE = click.IntRange(0, 1_000_000)


@click.command()
@click.option("--users", type=click.IntRange(2, 1_000_000), default=60, show_default=True)
@click.option("--projects", type=_SIZE, default=150, show_default=True)
@click.option("--comments", type=_SIZE, default=500, show_default=True)
@click.option("--bookmarks", type=_SIZE, default=900, show_default=True)
@click.option("--rooms", type=_SIZE, default=24, show_default=True)
@click.option("--messages-per-room", type=_SIZE, default=12, show_default=True)
@click.option("--pictures", type=_SIZE, default=160, show_default=True)
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same data.")
def seed(
    users: int,
    projects: int,
    comments: int,
    bookmarks: int,
    rooms: int,
    messages_per_room: int,
    pictures: int,
    seed: int,
) -> None:
    """Fill an empty database with demo data."""
    settings = load_settings()
    sizes = Sizes(users, projects, comments, bookmarks, rooms, messages_per_room, pictures)

    async def work(container: Container) -> None:
        await prepare_schema(settings, container)
        if not await seed_if_empty(container, sizes, seed):
            raise CommandError(f"{database_name(settings)} is not empty: nothing was added")
        for email in DEMO_EMAILS:
            click.echo(f"demo account {email}, password {DEMO_PASSWORD}")

    run_with_container(settings, work, check_schema=False)


@click.group()
def markdown() -> None:
    """Render Markdown."""


@markdown.command("render")
def markdown_render() -> None:
    """Render the HTML of all projects again, after an update that changes the rendering."""

    async def work(container: Container) -> None:
        with progress_bar("projects") as show_progress:
            changed = await container.api.services.projects.rerender_all(
                lambda seen, _changed: show_progress(seen, None)
            )
        click.echo(f"changed the HTML of {_projects(changed)}")

    run_with_container(load_settings(), work)


@click.group()
def counters() -> None:
    """Check the counts of bookmarks and comments."""


@counters.command("check")
@click.option("--fix", is_flag=True, help="Repair wrong counts. The server may keep running.")
def counters_check(fix: bool) -> None:
    """Compare the counts with the rows. Fails if they differ and are not repaired."""

    async def work(container: Container) -> None:
        report = await container.counters.check()
        for drift in report.drifts:
            click.echo(
                f"project {drift.project_id}:"
                f" bookmarks {_count(drift.bookmarks)}, actual {drift.bookmark_rows};"
                f" comments {_count(drift.comments)}, actual {drift.comment_rows}"
            )
        for one in report.daily_drifts:
            click.echo(
                f"project {one.project_id}:"
                f" bookmarks of {one.day} {one.bookmarks}, actual {one.bookmark_rows}"
            )
        if not report.projects:
            click.echo("all counts are right")
        elif fix:
            await container.counters.repair(report)
            click.echo(f"repaired the counts of {_projects(report.projects)}")
        else:
            raise CommandError(
                f"the counts of {_projects(report.projects)} are wrong; --fix repairs them"
            )

    run_with_container(load_settings(), work)


def _count(counter: int | None) -> str:
    return "missing" if counter is None else str(counter)


def _projects(number: int) -> str:
    return "1 project" if number == 1 else f"{number} projects"


@click.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    # Uses no database, data folder or secret of this installation.
    container = bootstrap.build(Settings(secret_key=("not used to sign anything",)), "")
    openapi_document = document(bootstrap.application(container, with_jobs=False))
    click.echo(json.dumps(openapi_document, ensure_ascii=False, indent=2))
