"""Servers to measure: PostgreSQL, `sidepro serve` on either database, and their data."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from bench import cpu
from bench.bulk_copy import multiply
from bench.client import Call, once
from sidepro.demo.people import DEMO_EMAILS, DEMO_PASSWORD
from tests.servers import HOST, SECRET_KEY, Postgres, SideProServer, free_port, wait_until
from tests.servers import settings as environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = dict[str, Any]

SIDEPRO = Path(sys.executable).with_name("sidepro")

SIZES = {
    "users": 2_000,
    "projects": 10_000,
    "comments": 40_000,
    "bookmarks": 60_000,
    "rooms": 500,
    "messages-per-room": 20,
}


class DurablePostgres(Postgres):
    """PostgreSQL with durable commits, as in production, and with statement counts."""

    def _command(self) -> list[str]:
        settings = {
            "fsync": "on",
            "full_page_writes": "on",
            "shared_preload_libraries": "pg_stat_statements",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [*super()._command(), *options]


class Measured:
    """An HTTP server and the CPU time of its processes."""

    def __init__(self, port: int, pid: int, postgres: Postgres | None) -> None:
        self.port, self._pid, self._postgres = port, pid, postgres

    def cpu(self) -> tuple[float, float]:
        """CPU milliseconds so far of the application and of its database server, 0 without one."""
        of_database = cpu.used(self._postgres.pid) if self._postgres else 0.0
        return cpu.used(self._pid), of_database

    def main_thread_cpu(self) -> float:
        """CPU milliseconds of the application's event loop so far."""
        return cpu.used_by_main_thread(self._pid)

    def memory(self) -> int:
        """The resident memory of the application, in bytes."""
        pages = Path(f"/proc/{self._pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    async def log_in(self) -> str:
        """An access token of the first demo account."""
        body = json.dumps({"email": DEMO_EMAILS[0], "password": DEMO_PASSWORD}).encode()
        call = Call.to("/api/v1/sessions", method="POST", body=body, status=201)
        return str((await self._json(call))["access_token"])

    async def get(self, path: str, token: str | None = None) -> Json:
        """The response of a GET request to the API."""
        return await self._json(Call.to(f"/api/v1{path}", token))

    async def _json(self, call: Call) -> Json:
        body: Json = json.loads((await once(self.port, call)).body)
        return body


def settings_of(folder: Path, database_url: str | None) -> dict[str, str]:
    """Settings without rate limits, for PostgreSQL or, with `None`, for SQLite."""
    settings = {"SIDEPRO_DATA_DIR": str(folder), "SIDEPRO_RATE_LIMITS": "off"}
    if database_url is not None:
        settings |= {"SIDEPRO_DATABASE_URL": database_url, "SIDEPRO_SECRET_KEY": SECRET_KEY}
    return settings


@contextlib.contextmanager
def platform(
    settings: Mapping[str, str], postgres: Postgres | None, sidepro: Path = SIDEPRO
) -> Iterator[Measured]:
    """Run `sidepro serve` without jobs, because they would disturb the measurement."""
    with SideProServer(settings, "--no-jobs", executable=sidepro) as server:
        yield Measured(server.port, server.pid, postgres)


@contextlib.contextmanager
def harness(
    module: str, *arguments: str, settings: Mapping[str, str], postgres: Postgres | None = None
) -> Iterator[Measured]:
    """Run a module of `bench/limit` in its own process. Its arguments follow the port."""
    port = free_port()
    command = [sys.executable, "-m", f"bench.limit.{module}", str(port), *arguments]
    process = subprocess.Popen(command, env=environment(settings))

    def is_up() -> bool:
        if process.poll() is not None:
            raise SystemExit("the limit harness did not start")
        with socket.socket() as client:
            return client.connect_ex((HOST, port)) == 0

    try:
        wait_until(is_up, seconds=60, failure=lambda: "the limit harness is not ready")
        yield Measured(port, process.pid, postgres)
    finally:
        process.terminate()
        process.wait()


def fill(
    settings: Mapping[str, str],
    sizes: Mapping[str, int] = SIZES,
    *,
    scale: int = 1,
    sidepro: Path = SIDEPRO,
) -> None:
    """Create the tables, the demo data and the neighbours of all people.

    On PostgreSQL the data may be multiplied by `scale` (1 to 999), then without neighbours.
    """
    options = [part for name, size in sizes.items() for part in (f"--{name}", str(size))]
    if "--pictures" in _seed_help(sidepro):
        options += ["--pictures", "0"]
    commands = [["migrate"], ["seed", *options]]
    if scale == 1:
        commands.append(["similarity", "run"])
    for arguments in commands:
        done = subprocess.run(
            [sidepro, *arguments],
            env=environment(settings),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"sidepro {arguments[0]}: {done.stderr}")
    url = settings.get("SIDEPRO_DATABASE_URL")
    if scale > 1 and url is not None:
        multiply(url, scale)
    if url is not None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CREATE EXTENSION pg_stat_statements")
            _track(connection, "none")


def _seed_help(sidepro: Path) -> str:
    """The options of `sidepro seed`, which has no pictures in older versions."""
    return subprocess.run(
        [sidepro, "seed", "--help"], capture_output=True, text=True, check=True
    ).stdout


@contextlib.contextmanager
def counting_statements(database_url: str) -> Iterator[list[int]]:
    """Count the statements that a database executes in the block.

    Their number is appended to the yielded list at the end.
    """
    others = "query NOT LIKE ALL (ARRAY['%pg_stat_statements%', '%pg_reload_conf%', 'ALTER%'])"
    counts: list[int] = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        _track(connection, "top")
        connection.execute("SELECT pg_stat_statements_reset()")
        try:
            yield counts
            counted = connection.execute(
                f"SELECT sum(calls) FROM pg_stat_statements WHERE {others}"
            ).fetchone()
            assert counted is not None
            counts.append(int(counted[0] or 0))
        finally:
            _track(connection, "none")


def _track(connection: psycopg.Connection, which: str) -> None:
    connection.execute(f"ALTER SYSTEM SET pg_stat_statements.track = '{which}'")
    connection.execute("SELECT pg_reload_conf(), pg_sleep(0.3)")
