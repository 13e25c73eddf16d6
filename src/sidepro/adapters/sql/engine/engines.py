"""The engines and the reader of an address, with the sizes and times of their pools."""

import os
import sqlite3
import time
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from sidepro.adapters.sql.engine.fast_reads import FastReader, postgresql_reader, sqlite_reader
from sidepro.adapters.sql.engine.postgresql import (
    JOB,
    PLANNER_OPTIONS,
    REQUEST,
    Address,
    BoundedConnection,
    JobConnection,
    limit_statement,
    replace_if_cut,
)

POOL_SIZE = 10
"""Connections for reading, and as many for transactions, of a process."""

MESSAGE_POOL_SIZE = 2
"""Connections for transactions that are reserved for batches of chat messages: each of its two
lanes has one, and waits for nobody else's.
"""

POOL_TIMEOUT = 30.0
"""Seconds that a request waits for the other writes of its process on SQLite before it answers
503: several times the duration of a thousand simultaneous ones.
"""

BUSY_TIMEOUT = 8.0
"""Seconds that a write waits for another process, such as a copy of the file, before it answers
503. The writes behind it fail with it.
"""

CONNECTION_TIMEOUT = 8.0
"""Seconds that a request waits for a free connection to PostgreSQL before it answers 503: long
enough for a thousand simultaneous ones. After a long wait, the next ones have less time
(`domain.waiting`), so nobody waits for ten seconds.
"""


def transaction_pool_size(pool_size: int) -> int:
    """Connections for transactions of a process: besides those for messages at least one."""
    return max(pool_size, MESSAGE_POOL_SIZE + 1)


def driver_url(address: str) -> URL:
    """The address as SQLAlchemy takes it, with the driver's name."""
    url = make_url(address)
    sqlite = url.get_backend_name() == "sqlite"
    return url.set(drivername="sqlite+aiosqlite" if sqlite else "postgresql+psycopg")


def postgresql_engines(
    address: str, application: str, pool_size: int
) -> tuple[AsyncEngine, AsyncEngine, FastReader]:
    """The engine of requests, that of jobs, and the reader."""
    for name in ("PGTZ", "PGDATESTYLE"):
        os.environ.pop(name, None)  # libpq sets them above the settings of the session
    url = driver_url(address)
    _, arguments = create_async_engine(url).dialect.create_connect_args(url)
    common = Address(url, arguments, application)
    engine = create_async_engine(
        url,
        pool_size=transaction_pool_size(pool_size),
        max_overflow=0,
        pool_timeout=CONNECTION_TIMEOUT,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={
            **common.connect_arguments(REQUEST, PLANNER_OPTIONS),
            "async_creator_fn": BoundedConnection.connect,
        },
    )
    event.listen(engine.sync_engine, "checkout", replace_if_cut)
    event.listen(engine.sync_engine, "before_cursor_execute", limit_statement)
    jobs = create_async_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={
            **common.connect_arguments(JOB, PLANNER_OPTIONS),
            "async_creator_fn": JobConnection.connect,
        },
    )
    return engine, jobs, postgresql_reader(common, CONNECTION_TIMEOUT, pool_size)


def sqlite_engines(address: str) -> tuple[AsyncEngine, AsyncEngine, FastReader]:
    """The same two engines, which are one, and the reader."""
    url = driver_url(address)
    engine = create_async_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        _enable_wal(cursor)
        cursor.close()

    return engine, engine, sqlite_reader(str(url.database), BUSY_TIMEOUT)


def _enable_wal(cursor: Any) -> None:
    """Switch to write-ahead logging. The busy timeout does not apply to this pragma: if two
    processes create a file at the same moment, the second has to retry.
    """
    deadline = time.monotonic() + POOL_TIMEOUT
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
