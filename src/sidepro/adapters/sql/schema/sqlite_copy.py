"""A copy of an SQLite database before a migration changes it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema import migrate
from sidepro.domain.errors import Unavailable


async def keep_copy(database: Database, *, contract: bool = False) -> Path | None:
    """Copy the database to `<file>.before-<revision>` if a migration is missing.

    Replaces an older copy of the same name. Returns the copy, or `None` if nothing was missing.

    Raises:
        Unavailable: the copy cannot be written.
    """
    schema = await migrate.inspect_schema(database)
    target = migrate.next_revision(schema.revision, contract=contract)
    if schema.revision is None or target is None:
        return None
    file = Path(str(database.engine.url.database))
    copy = file.with_name(f"{file.name}.before-{target}")
    try:
        await asyncio.to_thread(_copy, file, copy)
    except (OSError, sqlite3.Error) as error:
        raise Unavailable from error
    return copy


def _copy(file: Path, copy: Path) -> None:
    unfinished = copy.with_name(f"{copy.name}.part")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(unfinished)) as target:
        source.backup(target)
    unfinished.replace(copy)
