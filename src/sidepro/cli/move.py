"""`sidepro move`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import click
from sqlalchemy.engine import make_url

from sidepro.adapters.factory import build_storage
from sidepro.adapters.images.store import FolderImages
from sidepro.adapters.images.transfer import copy_images
from sidepro.adapters.security import secret_key
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.locks import AlreadyRunning, serve_lock
from sidepro.adapters.sql.move import Move, MoveError, stored_images
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.cli.progress import progress_bar
from sidepro.cli.runtime import (
    CommandError,
    database_name,
    ensure_encoding,
    load_settings,
    run,
)
from sidepro.settings import Settings, parsers, variable


def _address(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    """Check an address as the setting is checked."""
    if text is None:
        return None
    try:
        return str(parsers.database(text))
    except ValueError as error:
        raise click.BadParameter(f"must {error}") from error


@click.command()
@click.option(
    "--from",
    "source",
    callback=_address,
    help="`sqlite:///path`; the database in the data folder if omitted.",
)
@click.option(
    "--to",
    "target",
    callback=_address,
    help="`postgresql://…`; SIDEPRO_DATABASE_URL if omitted, which other users cannot see.",
)
def move(source: str | None, target: str | None) -> None:
    """Move an embedded installation to PostgreSQL.

    Stop the server first. The target must be a new database; its schema is migrated. A move that
    was interrupted goes on where it was. At the end all tables are compared. The source is not
    changed. With SIDEPRO_IMAGES_URL=s3://… the images are copied to the bucket.
    """
    settings = load_settings()
    embedded = replace(settings, database_url=source)
    if source is None and not settings.is_embedded:
        embedded = replace(settings, database_url=None)
    scaled_out = replace(settings, database_url=target or settings.database_url)
    if not embedded.is_embedded:
        raise CommandError("--from must be an embedded database, sqlite:///path")
    if scaled_out.is_embedded:
        raise CommandError("--to must be postgresql://…")
    if not _database_file(embedded).is_file():
        raise CommandError(f"{_database_file(embedded)} does not exist")
    try:
        _run(embedded, scaled_out)
    except MoveError as error:
        raise CommandError(str(error)) from error
    click.echo("to serve the moved data, set")
    for line in _settings_to_serve(embedded, scaled_out):
        click.echo(f"  {line}")


def _run(embedded: Settings, scaled_out: Settings) -> None:
    async def main() -> None:
        async with _opened(embedded) as source, _opened(scaled_out) as target:
            await _ensure_newest(embedded, source)
            await ensure_encoding(scaled_out, target)
            before, after = await migrations.migrate(target, contract=True)
            if before != after:
                click.echo(f"migrated {database_name(scaled_out)} to revision {after}")
            await _ensure_newest(scaled_out, target)
            await _copy_images(embedded, scaled_out, source)
            with progress_bar("rows") as show_progress:
                rows = await Move(
                    source,
                    target,
                    lambda activity, done, total: show_progress(done, total, activity),
                ).run()
        click.echo(f"moved {rows} rows; all tables are the same")

    run(scaled_out, main)


async def _ensure_newest(settings: Settings, database: Database) -> None:
    """Raises `CommandError` unless the database has the newest schema of this version."""
    schema = await migrations.inspect_schema(database)
    if schema.revision != migrations.head():
        raise CommandError(
            f"{database_name(settings)} is at revision {schema.revision or 'none'}, and the move"
            f" needs {migrations.head()}: run `sidepro migrate --contract` on it first"
        )


async def _copy_images(embedded: Settings, scaled_out: Settings, database: Database) -> None:
    target = build_storage(scaled_out, "").images
    if isinstance(target, FolderImages):
        return
    images = await stored_images(database)
    with progress_bar("copying images") as show_progress:
        missing = await copy_images(
            images, FolderImages(_images_folder(embedded)), target, show_progress
        )
    click.echo(f"copied {len(images) - missing} images to {scaled_out.images_url}")
    if missing:
        click.echo(f"{missing} images of the database have no file")


def _images_folder(embedded: Settings) -> Path:
    """The folder of the images of the embedded installation."""
    if embedded.images_bucket:
        return _database_file(embedded).with_name("images")
    return embedded.images_folder.absolute()


def _database_file(embedded: Settings) -> Path:
    return Path(str(make_url(embedded.database).database)).absolute()


def _settings_to_serve(embedded: Settings, scaled_out: Settings) -> list[str]:
    """The settings that the moved installation needs, without secrets."""
    lines = [f"{variable('database_url')}: the address of {database_name(scaled_out)}"]
    key = embedded.data_dir.absolute() / secret_key.FILE
    if not embedded.secret_key and key.exists():
        lines.append(f"{variable('secret_key')}_FILE={key}, so that nobody is logged out")
    if not scaled_out.images_bucket:
        folder = _images_folder(embedded)
        lines.append(
            f"{variable('images_url')}={folder}, where the images stay; other machines need S3"
        )
    return lines


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    """A database that nobody serves during the block."""
    database = Database(settings.database)
    try:
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(serve_lock(database, shared=False))
            except AlreadyRunning as error:
                raise CommandError(
                    f"`sidepro serve` runs on {database_name(settings)}: stop it first"
                ) from error
            yield database
    finally:
        await database.close()
