"""Making sure that a process without Redis serves a database alone.

Without Redis, jobs, chat feed and presence live in the serving process: a second one would not
hear what happens in the first. Those with Redis serve beside each other.
"""

import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

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
        with lock_file(database, "serve") as file:
            if not try_lock(file):
                raise AlreadyServed
            yield
        return
    async with database.reading() as connection:
        if not await connection.scalar(_SHARED if beside_others else _ALONE):
            raise AlreadyServed
        yield


@contextmanager
def lock_file(database: Database, purpose: str) -> Iterator[IO[str]]:
    """A file beside an SQLite database, open for this block: who opens it again, in the same
    process or in another, can be kept out.

    Raises:
        OSError: it cannot be opened.
    """
    path = Path(str(database.engine.url.database))
    with path.with_name(f"{path.name}.{purpose}.lock").open("w") as file:
        yield file


def try_lock(file: IO[str]) -> bool:
    """Lock the file until it is closed; whether nobody else has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
