"""The lower bound of a read: the same SQL through bare psycopg in a bare ASGI application.

First it runs the platform in its own process, requests each path and records the statements. Then
it serves the paths by running these statements and writing the rows as JSON, without routing,
validation or logs.

    python -m bench.limit.statements PORT FILE

FILE has one path per line. The environment contains the platform's settings, and a token in
BENCH_TOKEN.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import httpx
import msgspec
import psycopg
import structlog
import uvicorn
import uvloop
from litestar.enums import ScopeType

from sidepro.adapters.sql.engine.compiled_query import CompiledQuery, postgresql_dialect
from sidepro.adapters.sql.engine.database import NO_PARAMETERS
from sidepro.bootstrap import (
    Container,
    application,
    build,
)
from sidepro.http.middleware.middleware import Middleware
from sidepro.settings import load

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from litestar.types import Receive, Scope, Send

Plan = list[tuple[bytes, list[Any]]]
"""Statements with their values."""


async def plans_of(paths: list[str], token: str) -> dict[bytes, Plan]:
    """The SQL statements of the platform for each path."""
    platform = build(load(), "")
    app: Any = Middleware(application(platform, with_jobs=False), platform.metrics)
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://limit", headers=headers
        ) as http:
            plans = {}
            for path in paths:
                # The first request may also look up the session and the catalogue.
                recordings = [await _recorded(platform, http, path) for _ in range(2)]
                plans[path.encode()] = min(recordings, key=len)
            return plans
    finally:
        await platform.close()


async def _recorded(platform: Container, http: httpx.AsyncClient, path: str) -> Plan:
    plan: Plan = []
    database, dialect = platform.database, postgresql_dialect()

    fetch, write = database.fetch, database.write

    def record(statement: Any, parameters: Any) -> None:
        text, values = CompiledQuery(statement, dialect).bind(parameters)
        plan.append((text.encode(), values))

    def recorded_fetch(statement: Any, parameters: Any = NO_PARAMETERS) -> Awaitable[Any]:
        record(statement, parameters)
        return fetch(statement, parameters)

    def recorded_write(parameters: Any, *statements: Any) -> Awaitable[Any]:
        for statement in statements:
            record(statement, parameters)
        return write(parameters, *statements)

    with (
        patch.object(database, "fetch", recorded_fetch),
        patch.object(database, "write", recorded_write),
    ):
        (await http.get(path)).raise_for_status()
    return plan


class Limit:
    """The application."""

    def __init__(self, plans: dict[bytes, Plan], database_url: str) -> None:
        self._plans, self._url = plans, database_url
        self._idle: list[psycopg.AsyncConnection] = []
        self._encode = msgspec.json.Encoder().encode

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        assert scope["type"] == ScopeType.HTTP
        query = scope["query_string"]
        path = scope["raw_path"] + (b"?" + query if query else b"")
        connection = await self._connection()
        found = []
        for text, values in self._plans.get(path, ()):
            cursor = psycopg.AsyncRawCursor(connection)
            await cursor.execute(text, values)
            found.append(await cursor.fetchall())
        self._idle.append(connection)
        body = self._encode(found)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _connection(self) -> psycopg.AsyncConnection:
        if self._idle:
            return self._idle.pop()
        return await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, options="-c timezone=UTC"
        )


async def serve(port: int, paths: list[str]) -> None:
    """Record the statements, then serve."""
    plans = await plans_of(paths, os.environ["BENCH_TOKEN"])
    app: Any = Limit(plans, os.environ["SIDEPRO_DATABASE_URL"])
    config = uvicorn.Config(
        app, port=port, http="httptools", lifespan="off", access_log=False, log_level="warning"
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), Path(sys.argv[2]).read_text("utf-8").splitlines()))
