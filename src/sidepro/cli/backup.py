"""`sidepro backup` and `sidepro restore` for the embedded database, and `sidepro recovered`."""

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import click
from sqlalchemy.engine import make_url

from sidepro.adapters import system
from sidepro.adapters.backup.restoring import Restored, restore_backup
from sidepro.adapters.backup.writing import BackupError, EmbeddedFiles, Manifest, write_backup
from sidepro.adapters.security import secret_key
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.locks import AlreadyRunning, serve_lock
from sidepro.adapters.sql.epoch import SqlEpoch
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.bootstrap import Container
from sidepro.cli.runtime import (
    CommandError,
    database_name,
    ensure_writable,
    load_settings,
    run,
    run_with_container,
)
from sidepro.settings import Settings, variable

Result = TypeVar("Result")


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
def backup(target: Path) -> None:
    """Write a backup of an embedded installation to one file.

    TARGET is a new file, or a folder for a file named by the time. The server may keep running.
    The backup contains the database, the images, the mail, and the secret key of the data folder.
    """
    settings = load_settings()
    files = _embedded_files(settings, "pg_dump --format=custom --file=FILE")
    now = system.clock()
    file = target / f"sidepro-{now:%Y%m%dT%H%M%SZ}.tar" if target.is_dir() else target
    if file.exists():
        raise CommandError(f"{file} exists: choose another name")
    manifest = _translated(lambda: write_backup(files, file, version("sidepro"), now))
    click.echo(
        f"wrote {file}: the database at revision {manifest.revision}, {manifest.images} images"
    )
    for line in _warnings(settings, manifest):
        click.echo(line)


def _warnings(settings: Settings, manifest: Manifest) -> list[str]:
    lines = []
    if manifest.secret_key:
        lines.append("it contains the secret key: let nobody else read it")
    if settings.secret_key:
        lines.append(f"the secret key is the setting {variable('secret_key')}: keep it too")
    if settings.images_bucket:
        lines.append(f"the images are in {settings.images_url}: back up the bucket too")
    if manifest.missing_images:
        lines.append(f"{manifest.missing_images} images of the database have no file")
    return lines


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def restore(file: Path) -> None:
    """Restore a backup of an embedded installation.

    Stop the server first. The database is migrated to this version. The data that were there
    before are kept in a folder beside them, which you may delete.
    """
    settings = load_settings()
    files = _embedded_files(settings, "pg_restore --clean --if-exists --dbname=URL FILE")
    ensure_writable(settings.data_dir)
    ensure_writable(files.database.parent)
    old_data = settings.data_dir / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"

    async def main() -> Restored:
        database = Database(settings.database)
        try:
            async with serve_lock(database, shared=False):
                return await restore_backup(file, files, old_data, _migrate)
        finally:
            await database.close()

    try:
        restored = _translated(lambda: run(settings, main))
    except AlreadyRunning as error:
        raise CommandError(
            f"`sidepro serve` runs on {database_name(settings)}: stop it first"
        ) from error
    made_at = restored.manifest.made_at
    click.echo(
        f"restored the backup of {made_at:%Y-%m-%d %H:%M:%S} UTC:"
        f" the database at revision {restored.revision}, {restored.images} images"
    )
    if restored.old_data:
        click.echo(f"the data from before are in {restored.old_data}")
    if restored.missing_images:
        click.echo(f"{restored.missing_images} images of the database have no file")
    if settings.secret_key and restored.manifest.secret_key:
        click.echo(f"{variable('secret_key')} is set, so the secret key of the backup is not used")


@click.command()
def recovered() -> None:
    """Tell chat clients that the data went back in time.

    Run it after you restored PostgreSQL from a backup. `sidepro restore` does it by itself.
    Clients then forget the messages that they have, and read their rooms again.
    """
    settings = load_settings()

    async def work(container: Container) -> None:
        epoch = await SqlEpoch(container.database).renew()
        name = database_name(settings)
        click.echo(f"{name} is of epoch {epoch} now: chat clients read their rooms again")

    run_with_container(settings, work)


async def _migrate(path: Path) -> str:
    """Bring a restored database to the schema of this version, with a new epoch. Returns its
    revision.
    """
    database = Database(f"sqlite:///{quote(str(path))}")
    try:
        _, revision = await migrations.migrate(database)
        await SqlEpoch(database).renew()
        return str(revision)
    except migrations.NewerDatabaseError as error:
        raise BackupError(
            f"the backup is too new, at revision {error}: a newer version made it, and this"
            f" version ({migrations.head()}) cannot use it"
        ) from error
    finally:
        await database.close()


def _embedded_files(settings: Settings, program: str) -> EmbeddedFiles:
    if not settings.is_embedded:
        raise CommandError(
            f"{database_name(settings)} is not embedded: use `{program}`, and copy the images of "
            "the store; docs/backup.md has all steps"
        )
    return EmbeddedFiles(
        database=Path(str(make_url(settings.database).database)).absolute(),
        secret_key=(settings.data_dir / secret_key.FILE).absolute(),
        images=None if settings.images_bucket else settings.images_folder.absolute(),
        mails=settings.mails_folder.absolute(),
    )


def _translated(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except BackupError as error:
        raise CommandError(str(error)) from error
