"""Bounds of heads, bodies and pipelined requests, on a real server."""

import asyncio
import json

import pytest

from sidepro.server import http_protocol
from tests.security.connections.small_server import (
    HEAD,
    UPGRADE,
    answered,
    drip,
    read_to_end,
    serving,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(HEAD + b"X-Long: " + b"a" * 70_000 + b"\r\n\r\n", id="one-long-field"),
        pytest.param(HEAD + b"X-Long: " + b"a" * 70_000, id="a-field-without-end"),
        pytest.param(HEAD + b"X: y\r\n" * 12_000 + b"\r\n", id="many-fields"),
        pytest.param(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", id="a-long-address"),
        pytest.param(UPGRADE[:-2] + b"Cookie: " + b"a" * 70_000 + b"\r\n\r\n", id="an-upgrade"),
    ],
)
async def test_a_head_of_more_than_64_kib_is_refused_with_a_problem(head: bytes) -> None:
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(head)
        status, body = await answered(reader)
        assert (status, json.loads(body)["code"]) == (431, "head-too-large")
        await read_to_end(reader)
        assert app.served == 0


async def test_a_head_of_60_kib_is_served() -> None:
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(HEAD + b"X: " + b"a" * 60_000 + b"\r\n\r\n")
        assert await answered(reader) == (200, b"1")


@pytest.mark.parametrize("size", [9_000, 60_000])
async def test_an_upgrade_with_many_cookies_opens_a_socket(size: int) -> None:
    async with serving() as app:
        reader, writer = await app.connect()
        for cookies in (b"a" * size, b"a=b\r\nX: " * (size // 9)):
            reader, writer = await app.connect()
            writer.write(UPGRADE[:-2] + b"Cookie: " + cookies + b"\r\n\r\n")
            async with asyncio.timeout(5):
                assert b" 101 " in await reader.readline()
        assert app.served == 2


async def test_what_is_no_http_is_refused_with_a_problem() -> None:
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(b"\x16\x03\x01 this is TLS\r\n\r\n")
        status, body = await answered(reader)
        assert (status, json.loads(body)["code"]) == (400, "malformed")


@pytest.mark.parametrize("data", [b"X: y\r\n", b"\r\n"], ids=["fields", "empty-lines"])
async def test_a_head_that_does_not_end_in_time_is_refused(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT", 0.5)
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(HEAD if data.strip() else b"")
        dripping = asyncio.create_task(drip(writer, data))
        status, body = await answered(reader)
        assert (status, json.loads(body)["code"]) == (408, "request-timeout")
        await read_to_end(reader)
        dripping.cancel()


async def test_the_second_request_of_a_connection_has_a_deadline_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT", 0.5)
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(HEAD + b"\r\n" + HEAD)
        assert await answered(reader) == (200, b"1")
        assert (await answered(reader))[0] == 408


async def test_an_idle_connection_is_kept_for_the_time_of_the_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT", 0.2)
    async with serving(timeout_keep_alive=3) as app:
        reader, writer = await app.connect()
        writer.write(HEAD + b"\r\n")
        assert await answered(reader) == (200, b"1")
        started = asyncio.get_running_loop().time()
        assert await read_to_end(reader) == b""
        assert asyncio.get_running_loop().time() - started > 2.5


async def test_a_body_that_stands_still_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "PROGRESS_WINDOW", 0.5)
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n")
        dripping = asyncio.create_task(drip(writer, b"x"))
        status, body = await answered(reader)
        assert (status, json.loads(body)["code"]) == (408, "request-timeout")
        dripping.cancel()


async def test_a_slow_body_that_moves_on_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "PROGRESS_WINDOW", 0.5)
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 60000\r\n\r\n")
        for _ in range(30):
            writer.write(b"x" * 2_000)
            await asyncio.sleep(0.1)
        assert await answered(reader) == (200, b"1")


async def test_of_pipelined_requests_few_are_read_ahead_and_all_are_answered_in_order() -> None:
    async with serving() as app:
        reader, writer = await app.connect()
        count = 5_000
        writer.write((HEAD + b"\r\n") * count)
        answers = [await answered(reader) for _ in range(count)]
        assert answers == [(200, b"%d" % number) for number in range(1, count + 1)]
        assert app.longest_queue <= http_protocol.SLICE // len(HEAD) + 1


async def test_pipelined_requests_stay_with_the_client_until_their_turn() -> None:
    async with serving() as app:
        reader, writer = await app.connect()
        count = 4_000
        writer.write((HEAD + b"X: " + b"x" * 1_000 + b"\r\n\r\n") * count)
        for _ in range(count):
            await answered(reader)
        assert app.most_unparsed <= 300_000, "what asyncio reads at once"
