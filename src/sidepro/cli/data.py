"""`sidepro migrate`, `seed`, `markdown`, `counters` and `openapi`."""

import json

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sidepro import bootstrap as composition
from sidepro.adapters import system
from sidepro.adapters.sql import counter_audit as counting
from sidepro.adapters.sql.demo_writer import SqlDemoWriter
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.api.docs.openapi import document
from sidepro.cli.runtime import (
    CommandError,
    bring_up_to_date,
    build,
    must_be_current,
    run_to_the_end,
    settings_of_process,
    shown,
)
from sidepro.demo import seeder
from sidepro.demo.generator import Sizes
from sidepro.demo.people import DEMO_EMAILS, DEMO_PASSWORD
from sidepro.settings import Settings


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; fail if a migration is missing.")
def migrate(check: bool) -> None:
    """Bring the database to the schema that this version needs."""
    settings = settings_of_process()

    async def run() -> None:
        platform = build(settings, "")
        try:
            if check:
                await must_be_current(settings, platform)
                click.echo(f"{shown(settings)} is at revision {migrations.head()}")
                return
            before, after = await migrations.migrate(platform.database)
            done = "is at" if before == after else f"went from {before or 'nothing'} to"
            click.echo(f"{shown(settings)} {done} revision {after}")
        finally:
            await platform.close()

    run_to_the_end(settings, run)


_SIZE = click.IntRange(0, 1_000_000)


@click.command()
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
    settings = settings_of_process()
    sizes = Sizes(users, projects, comments, bookmarks, rooms, messages_per_room)

    async def run() -> None:
        platform = build(settings, "")
        try:
            await bring_up_to_date(settings, platform)
            if not await seed_if_empty(platform, sizes, seed):
                raise CommandError(f"{shown(settings)} is not empty: nothing was added")
            for email in DEMO_EMAILS:
                click.echo(f"demo account {email}, password {DEMO_PASSWORD}")
        finally:
            await platform.close()

    run_to_the_end(settings, run)


@click.group()
def markdown() -> None:
    """Work on what people have written."""


@markdown.command("render")
def markdown_render() -> None:
    """Make the HTML of all projects anew. For after an update that says so."""
    settings = settings_of_process()

    async def run() -> None:
        platform = build(settings, "")
        try:
            await must_be_current(settings, platform)
            with Progress(TextColumn("{task.description}"), console=Console(stderr=True)) as bar:
                shown = bar.add_task("")
                changed = await platform.api.services.projects.rerender_all(
                    lambda seen, changed: bar.update(
                        shown, description=f"{seen} projects, {changed} changed"
                    )
                )
            click.echo(f"{changed} projects are shown otherwise than before")
        finally:
            await platform.close()

    run_to_the_end(settings, run)


@click.group()
def counters() -> None:
    """Look after the counts of bookmarks and comments."""


@counters.command("check")
@click.option("--fix", is_flag=True, help="Count anew what is wrong. Others may go on meanwhile.")
def counters_check(fix: bool) -> None:
    """Compare what is counted with what is there; fails if they differ and are not mended."""
    settings = settings_of_process()

    async def run() -> None:
        platform = build(settings, "")
        try:
            await must_be_current(settings, platform)
            wrong = await counting.find_drifts(platform.database)
            for drift in wrong:
                click.echo(
                    f"project {drift.project_id}:"
                    f" bookmarks {_number(drift.bookmarks)}, there are {drift.bookmark_rows};"
                    f" comments {_number(drift.comments)}, there are {drift.comment_rows}"
                )
            if wrong and not fix:
                raise CommandError(
                    f"the counters of {_projects(len(wrong))} are wrong; --fix mends them"
                )
            await counting.repair(platform.database, wrong)
            done = f"mended the counters of {_projects(len(wrong))}" if wrong else "no drift"
            click.echo(done)
        finally:
            await platform.close()

    run_to_the_end(settings, run)


def _number(counter: int | None) -> str:
    return "missing" if counter is None else str(counter)


def _projects(number: int) -> str:
    return "1 project" if number == 1 else f"{number} projects"


@click.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    # Needs no database, no data folder and no secret of anybody's.
    platform = composition.build(Settings(secret_key=("not used to sign anything",)), "")
    made = document(composition.application(platform, with_jobs=False))
    click.echo(json.dumps(made, ensure_ascii=False, indent=2))


async def seed_if_empty(
    platform: composition.Container, sizes: Sizes | None = None, seed: int = 1
) -> bool:
    """Write demo data unless there are accounts, behind a progress bar; whether it was written."""
    writer = SqlDemoWriter(platform.database, platform.catalogue)
    if not await writer.is_empty():
        return False
    columns = (
        TextColumn("demo data"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        bar = bars.add_task("demo data", total=None)
        await seeder.seed(
            writer,
            sizes=sizes or Sizes(),
            seed=seed,
            catalogue=await platform.api.services.catalogue.current(),
            now=system.clock(),
            hash_password=platform.passwords.hash,
            render=platform.markdown,
            progress=lambda done, total: bars.update(bar, completed=done, total=total),
        )
    return True
