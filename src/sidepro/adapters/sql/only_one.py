"""Making sure that a process without Redis serves a database alone.

Without Redis, jobs, chat feed and presence live in the serving process: a second one would not
hear what happens in the first. Those with Redis serve beside each other.
"""

import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import func, select

from sidepro.adapters.sql.database import Database

_LOCK = 7_102_025
"""Any number that nobody else uses."""

_ALONE = select(func.pg_try_advisory_lock(_LOCK))
_SHARED = select(func.pg_try_advisory_lock_shared(_LOCK))


class AlreadyServed(Exception):
    """Another process serves this database, and one of the two cannot share it."""


@asynccontextmanager
async def a_server(database: Database, *, beside_others: bool) -> AsyncIterator[None]:
    """Be the only one inside of this block, among all processes with the same database; or, on
    PostgreSQL, be there `beside_others` who say the same.

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
        if not await connection.scalar(_SHARED if beside_others else _ALONE):
            raise AlreadyServed
        yield
