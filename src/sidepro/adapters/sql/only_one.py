"""Making sure that one process alone serves a database.

Without Redis, jobs, chat feed and presence live in the serving process: a second one would not
hear what happens in the first.
"""

import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text

from sidepro.adapters.sql.database import Database

_LOCK = 7_102_025
"""Any number that nobody else uses."""


class AlreadyServed(Exception):
    """Another process serves this database."""


@asynccontextmanager
async def only_server(database: Database) -> AsyncIterator[None]:
    """Be the only one inside of this block, among all processes with the same database.

    The system (for SQLite) or the server (for PostgreSQL) gives the place free when the process
    ends, however it ends.

    Raises:
        AlreadyServed: somebody else is inside.
        Unavailable: the database cannot be reached.
        OSError: the lock file beside an SQLite database cannot be opened.
    """
    if database.is_sqlite:
        path = Path(str(database.engine.url.database))
        with path.with_name(path.name + ".serve.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise AlreadyServed from error
            yield
        return
    async with database.reading() as connection:
        statement = text("SELECT pg_try_advisory_lock(:lock)")
        if not await connection.scalar(statement, {"lock": _LOCK}):
            raise AlreadyServed
        yield
