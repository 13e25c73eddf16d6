"""What may happen to a PostgreSQL that serves, each caused for real during a block."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.faults.full_disk import filled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Postgres

OTHERS = "datname = current_database() AND pid <> pg_backend_pid()"


def admin(url: str) -> psycopg.Connection:
    """A connection for statements about the server."""
    return psycopg.connect(url, autocommit=True)


def cut_connections(url: str) -> None:
    """End all other connections to the database."""
    with admin(url) as connection:
        connection.execute(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {OTHERS}"
        )


def waiting_for_locks(url: str) -> int:
    """How many sessions of the database wait for a lock."""
    with admin(url) as connection:
        [(number,)] = connection.execute(
            f"SELECT count(*) FROM pg_stat_activity WHERE {OTHERS} AND wait_event_type = 'Lock'"
        )
    return int(number)


def let_new_sessions_be_read_only(url: str, state: str) -> None:
    """As after a failover of a proxy: sessions stay with the server that they reached."""
    with admin(url) as connection:
        connection.execute("SET default_transaction_read_only = off")
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {state}")


@contextmanager
def read_only(_: Postgres, url: str) -> Iterator[None]:
    let_new_sessions_be_read_only(url, "on")
    cut_connections(url)
    try:
        yield
    finally:
        let_new_sessions_be_read_only(url, "off")


@contextmanager
def silent(postgres: Postgres, _: str) -> Iterator[None]:
    """It accepts and never answers."""
    with postgres.silenced():
        yield


@contextmanager
def crowded(_: Postgres, url: str) -> Iterator[None]:
    """Another program takes all connections, also those that this one had."""
    stopping = threading.Event()

    def take_all() -> None:
        with ExitStack() as stack:
            while not stopping.is_set():
                try:
                    stack.enter_context(psycopg.connect(url, application_name="crowd"))
                except psycopg.OperationalError:
                    stopping.wait(0.005)

    taking = [threading.Thread(target=take_all) for _ in range(4)]
    with admin(url) as connection:
        for thread in taking:
            thread.start()
        try:
            left = 1
            while left:
                [(left,)] = connection.execute(
                    "SELECT count(pg_terminate_backend(pid, 1000)) FROM pg_stat_activity"
                    f" WHERE {OTHERS} AND application_name <> 'crowd'"
                )
            yield
        finally:
            stopping.set()
            for thread in taking:
                thread.join()


@contextmanager
def locked(url: str, statement: str) -> Iterator[None]:
    """Another transaction holds a lock."""
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())
        yield
        connection.rollback()


@contextmanager
def crashed(_: Postgres, url: str) -> Iterator[None]:
    """A process of the server is killed: it ends all others, and recovers."""
    with admin(url) as connection:
        [(pid,)] = connection.execute(
            f"SELECT pid FROM pg_stat_activity WHERE {OTHERS} ORDER BY backend_start LIMIT 1"
        )
        os.kill(pid, signal.SIGKILL)
        with suppress(psycopg.OperationalError):
            while True:
                connection.execute("SELECT 1")
    yield


@contextmanager
def without_room(postgres: Postgres, url: str) -> Iterator[None]:
    """The disk of some tables is full."""
    disk = postgres.folder / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    with ExitStack() as stack:
        stack.callback(subprocess.run, ["umount", str(disk)], check=True)
        owner = postgres.folder.stat()
        os.chown(disk, owner.st_uid, owner.st_gid)
        connection = stack.enter_context(admin(url))
        connection.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        stack.callback(connection.execute, "DROP TABLESPACE small")
        for table in ("projects", "comments"):
            connection.execute(f"ALTER TABLE {table} SET TABLESPACE small")
            move_back = f"ALTER TABLE {table} SET TABLESPACE pg_default"
            stack.callback(connection.execute, move_back)
        stack.callback(connection.execute, "CHECKPOINT")
        with filled(disk):
            yield


STATES = ("40001", "40P01", "53100", "53200", "53300", "57014", "57P01", "55P03", "58030", "22021")
"""Serialization, deadlock, disk, memory, connections, time-outs, shutdown, I/O and encoding."""


@contextmanager
def refusing(url: str, state: str) -> Iterator[None]:
    """New rows of some tables are refused with this SQLSTATE."""
    tables = ("projects", "comments", "bookmarks", "messages")
    with admin(url) as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'told by a test' USING ERRCODE = '{state}'; END $$"
        )
        for table in tables:
            connection.execute(
                f"CREATE TRIGGER refuse BEFORE INSERT ON {table} EXECUTE FUNCTION refuse()"
            )
        try:
            yield
        finally:
            for table in tables:
                connection.execute(f"DROP TRIGGER IF EXISTS refuse ON {table}")
