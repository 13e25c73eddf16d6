"""Reading goes on while the database cannot be written."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.api.client import Api
from tests.api.schemas import PROJECT
from tests.clients import eventually
from tests.databases import both_databases

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.anyio, both_databases]


@contextmanager
def sqlite_locked(path: str) -> Iterator[None]:
    """Another process holds the write lock."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


def set_read_only(api: Api, state: str) -> None:
    """Make new transactions of PostgreSQL read-only or not, and end the open connections."""
    url = api.container.database.engine.url.set(drivername="postgresql")
    address = url.render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(
            f'ALTER DATABASE "{url.database}" SET default_transaction_read_only = {state}'
        )
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def shows_and_says_degraded(api: Api, project_id: str, views: int) -> None:
    started = time.monotonic()
    shown = await api.get(PROJECT, f"/projects/{project_id}")
    assert time.monotonic() - started < 1.0
    assert shown["view_count"] == views

    async def is_degraded() -> bool:
        ready = await api.http.get("/health/ready")
        health = ready.json()
        database = health["parts"]["database"]
        return (ready.status_code, health["status"], database["state"], database["detail"]) == (
            200,
            "degraded",
            "degraded",
            "cannot be written",
        )

    await eventually(is_degraded)  # connections that were cut are noticed when they are used


async def test_a_project_is_shown_without_its_view_and_readiness_tells(fresh_api: Api) -> None:
    author = await fresh_api.sign_up()
    project = await fresh_api.publish(author)
    database = fresh_api.container.database
    if database.is_sqlite:
        with sqlite_locked(str(database.engine.url.database)):
            await shows_and_says_degraded(fresh_api, project["id"], 0)
    else:
        set_read_only(fresh_api, "on")
        await shows_and_says_degraded(fresh_api, project["id"], 0)
        await fresh_api.refused(
            503, "unavailable", "PUT", f"/projects/{project['id']}/bookmark", by=author
        )
        set_read_only(fresh_api, "off")

    async def counts_again() -> bool:
        before = await fresh_api.get(PROJECT, f"/projects/{project['id']}")
        after = await fresh_api.get(PROJECT, f"/projects/{project['id']}")
        return bool(after["view_count"] == before["view_count"] + 1)

    async def is_ready() -> bool:
        health = (await fresh_api.http.get("/health/ready")).json()
        return bool((health["status"], health["parts"]["database"]["state"]) == ("ok", "ok"))

    await eventually(counts_again)
    await eventually(is_ready)
