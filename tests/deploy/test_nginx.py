"""What `deploy/nginx` promises, with the nginx of the distribution."""

from __future__ import annotations

import asyncio
import json
from http.client import HTTPSConnection
from typing import TYPE_CHECKING

import pytest

from tests.clients import Client
from tests.deploy.conftest import behind
from tests.servers import HOST, free_port, wait_until
from tests.servers.nginx import Nginx

if TYPE_CHECKING:
    import httpx

    from tests.clients import Json
    from tests.servers import SideProServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

MIB = 1 << 20


async def test_an_upload_above_the_limit_is_refused_by_the_application(
    http: httpx.AsyncClient,
) -> None:
    person = await Client.sign_up(http)
    response = await http.post(
        "/api/v1/images",
        files={"file": ("picture.png", bytes(10 * MIB + 1), "image/png")},
        headers=person.headers,
    )
    assert (response.status_code, response.json()["code"]) == (413, "too-large")
    assert "x-request-id" in response.headers


async def test_nginx_refuses_a_body_far_above_the_limit_with_a_problem_document(
    http: httpx.AsyncClient,
) -> None:
    response = await http.post("/api/v1/images", content=bytes(13 * MIB))
    assert (response.status_code, response.json()["code"]) == (413, "too-large")
    assert response.headers["content-type"] == "application/problem+json"
    assert "x-request-id" not in response.headers


async def test_a_head_of_60_kib_reaches_the_application_and_one_above_64_is_431(
    http: httpx.AsyncClient,
) -> None:
    cookies = [("cookie", "a" * 10_000)] * 6
    assert (await http.get("/api/v1/catalogue", headers=cookies)).status_code == 200
    response = await http.get("/api/v1/catalogue", headers=[("cookie", "a" * 66_000)])
    assert (response.status_code, response.json()["code"]) == (431, "head-too-large")


def test_an_address_above_64_kib_is_431(nginx: Nginx) -> None:
    connection = HTTPSConnection(HOST, nginx.port, context=nginx.trust)
    connection.request("GET", "/api/v1/projects?q=" + "a" * 66_000)
    response = connection.getresponse()
    assert (response.status, json.load(response)["code"]) == (431, "head-too-large")
    connection.close()


async def test_the_forwarded_address_is_that_of_the_connection(
    http: httpx.AsyncClient, server: SideProServer
) -> None:
    spoofed = {
        "X-Forwarded-For": "203.0.113.7",
        "Forwarded": "for=203.0.113.7",
        "X-Request-ID": "spoofed-address",
    }
    await http.get("/api/v1/catalogue", headers=spoofed)
    lines: list[Json] = []

    def is_logged() -> bool:  # after the answer
        events = map(json.loads, filter(is_event, server.log().splitlines()))
        lines[:] = (event for event in events if event.get("request_id") == "spoofed-address")
        return bool(lines)

    wait_until(is_logged, seconds=10, failure=server.log)
    assert [line["address"] for line in lines] == ["127.0.0.1"]


def is_event(line: str) -> bool:
    return line.startswith("{") and line.endswith("}")


async def test_a_socket_passes_and_its_ticket_is_in_no_log(
    http: httpx.AsyncClient, nginx: Nginx
) -> None:
    one, other = await Client.sign_up(http), await Client.sign_up(http)
    room_id = await one.open_room_with(other)
    one.trust = nginx.trust
    ticket = await one.ticket(room_id)
    async with one.socket(room_id, ticket=ticket) as socket:
        await socket.start()
        assert (await socket.send_and_wait("안녕하세요"))["seq"] == 1
    async with behind(nginx) as fresh:  # by now the line of the socket is written
        await fresh.get("/health/live")
    assert f"/rooms/{room_id}/socket" in nginx.requests()
    assert ticket not in nginx.requests() + nginx.errors()


async def test_metrics_are_not_public(http: httpx.AsyncClient) -> None:
    assert (await http.get("/metrics")).status_code == 404


async def test_plain_http_is_redirected_with_the_method_kept(
    http: httpx.AsyncClient, nginx: Nginx
) -> None:
    response = await http.post(f"{nginx.plain_url}/api/v1/users?a=b", json={})
    assert response.status_code == 308
    assert response.headers["location"] == "https://127.0.0.1/api/v1/users?a=b"


async def test_without_any_process_callers_are_told_to_retry() -> None:
    with Nginx([free_port(), free_port()]) as nginx:
        async with behind(nginx) as http:
            response = await http.get("/api/v1/projects")
    problem: Json = response.json()
    assert (response.status_code, problem["code"]) == (503, "unavailable")
    assert response.headers["retry-after"] == "5"


async def test_without_any_process_people_read_a_line() -> None:
    with Nginx([free_port(), free_port()]) as nginx:
        async with behind(nginx) as http:
            response = await http.get("/projects/new")
    assert response.status_code == 503
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "서버에 연결할 수 없어요" in response.text


async def test_a_form_far_above_the_limit_is_refused_with_a_page(http: httpx.AsyncClient) -> None:
    response = await http.post("/me/profile", content=bytes(13 * MIB))
    assert response.status_code == 413
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "파일이 너무 커요" in response.text


async def test_a_slow_request_is_not_passed_on() -> None:
    received: list[int] = []

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(len(await reader.readuntil(b"\r\n\r\n")))
        await reader.read()
        writer.close()

    async with (
        await asyncio.start_server(never_answer, HOST, 0) as one,
        await asyncio.start_server(never_answer, HOST, 0) as other,
    ):
        ports = [server.sockets[0].getsockname()[1] for server in (one, other)]
        with Nginx(ports, {"proxy_read_timeout 60s;": "proxy_read_timeout 500ms;"}) as nginx:
            async with behind(nginx) as http:
                response = await http.post("/api/v1/users", json={})
    assert response.status_code == 503
    assert len(received) == 1
