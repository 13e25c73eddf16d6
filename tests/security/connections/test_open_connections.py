"""Which connections a real server gives up: unread ones, and idle ones when it is full."""

import asyncio
import json
from typing import Any

import pytest

from sidepro.server import http_protocol
from tests.clients import TIMEOUT, eventually
from tests.security.connections.small_server import (
    HEAD,
    answer,
    answered,
    read_to_end,
    serving,
)

pytestmark = pytest.mark.anyio


async def test_a_client_that_never_reads_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "WRITE_TIMEOUT", 0.5)
    finished = asyncio.Event()

    async def stream(_scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1_000):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        finished.set()

    async with serving(stream) as app:
        _, writer = await app.connect()
        writer.write(HEAD + b"\r\n")
        async with asyncio.timeout(TIMEOUT):
            await finished.wait()  # what is sent to a dropped connection goes nowhere
        await eventually(lambda: not app.server.server_state.connections)
        assert app.errors == []


async def test_the_connection_that_waits_longest_makes_place_for_a_new_one() -> None:
    async with serving(max_connections=5) as app:
        waiting = [await app.connect() for _ in range(5)]
        for _, writer in waiting:
            writer.write(HEAD)
        reader, writer = await app.connect()
        writer.write(HEAD + b"\r\n")
        assert (await answered(reader))[0] == 200
        assert await read_to_end(waiting[0][0]) == b""
        waiting[4][1].write(b"\r\n")
        assert (await answered(waiting[4][0]))[0] == 200


async def test_a_connection_with_a_request_under_way_is_not_given_up() -> None:
    may_go = asyncio.Event()

    async def wait(_scope: Any, receive: Any, send: Any) -> None:
        await may_go.wait()
        await answer(send, b"done")

    async with serving(wait, max_connections=2) as app:
        busy = [await app.connect() for _ in range(2)]
        for _, writer in busy:
            writer.write(HEAD + b"\r\n")
        await eventually(lambda: app.served == 2)
        reader, writer = await app.connect()
        status, body = await answered(reader)
        assert (status, json.loads(body)["code"]) == (503, "unavailable")
        may_go.set()
        for one, _ in busy:
            assert await answered(one) == (200, b"done")
