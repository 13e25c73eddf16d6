"""What a real server refuses: the answer is a problem document, the log has one line about it."""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from tests.api.client import PREFIX, UNKNOWN_ID
from tests.clients import TIMEOUT, eventually
from tests.databases import Databases
from tests.servers.sidepro_server import SideProServer

pytestmark = pytest.mark.anyio

PATH = f"{PREFIX}/rooms/{UNKNOWN_ID}/socket"
UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


def exchange(server: SideProServer, request: str) -> tuple[int, str, dict[str, object]]:
    """The status, the head and the problem of the response to raw bytes."""
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as connection:
        connection.settimeout(TIMEOUT)
        connection.sendall(request.encode())
        received, head, body = b"", b"", b""
        while chunk := connection.recv(65_536):
            received += chunk
            head, _, body = received.partition(b"\r\n\r\n")
            if body.endswith(b"}"):
                break
    return int(head.split()[1]), head.decode(), json.loads(body)


@pytest.mark.parametrize("query", ["", "?ticket=x&after=1", "?ticket=a&ticket=b"])
def test_a_plain_get_of_a_socket_requires_an_upgrade(server: SideProServer, query: str) -> None:
    status, head, problem = exchange(
        server, f"GET {PATH}{query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: x\r\n\r\n"
    )

    assert (status, problem["code"]) == (426, "upgrade-required")
    assert "upgrade: websocket" in head.lower()


@pytest.mark.parametrize(
    "headers",
    [
        UPGRADE,
        UPGRADE + "Sec-WebSocket-Key: x\r\n",
        UPGRADE.replace("13", "7") + KEY,
        UPGRADE.replace("Sec-WebSocket-Version: 13\r\n", KEY),
        UPGRADE + "Sec-WebSocket-Version: 8\r\n" + KEY,
    ],
    ids=["no key", "bad key", "old version", "no version", "two versions"],
)
def test_a_bad_handshake_gets_a_problem(server: SideProServer, headers: str) -> None:
    before = server.log().count("bad-handshake")

    status, head, problem = exchange(
        server, f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
    )

    assert status == problem["status"]
    assert problem["code"] == ("upgrade-required" if status == 426 else "malformed")
    assert "content-type: application/problem+json" in head.lower()
    assert "sec-websocket-version: 13" in head.lower()
    assert server.log().count("bad-handshake") == before + 1


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ("Origin: https://evil.example\r\nHost: localhost\r\n", 403, "origin-not-allowed"),
        ("Host: evil.example\r\n", 400, "bad-host"),
        ("Host: localhost\r\nHost: evil.example\r\n", 400, "bad-host"),
    ],
)
async def test_a_refused_socket_is_logged_once_with_its_address(
    server: SideProServer, headers: str, status: int, reason: str
) -> None:
    before = len(server.log())

    found, _, problem = exchange(server, f"GET {PATH} HTTP/1.1\r\n{headers}{UPGRADE}{KEY}\r\n")

    assert (found, problem["code"]) == (status, reason)
    await eventually(lambda: reason in server.log()[before:])
    lines = server.log()[before:].strip().splitlines()
    assert [line for line in lines if "127.0.0.1" in line and reason in line] == lines


@pytest.mark.parametrize("path", [f"{PREFIX}/nowhere", f"{PREFIX}/projects", "/", "/health/live"])
async def test_an_upgrade_where_no_socket_is_gets_a_problem_and_is_logged(
    server: SideProServer, path: str
) -> None:
    before = len(server.log())

    status, _, problem = exchange(
        server, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}{KEY}\r\n"
    )

    assert (status, problem["code"]) == (404, "not-found")
    await eventually(lambda: "not-found" in server.log()[before:])


def test_a_request_that_names_two_hosts_is_refused(server: SideProServer) -> None:
    hosts = "Host: localhost\r\nHost: evil.example\r\n"

    status, _, problem = exchange(server, f"GET {PREFIX}/projects HTTP/1.1\r\n{hosts}\r\n")

    assert (status, problem["code"]) == (400, "bad-host")


async def test_a_page_may_use_any_name_of_the_service(server: SideProServer) -> None:
    host = f"localhost:{server.port}"  # the public address has 127.0.0.1
    async with connect(f"ws://{host}{PATH}", origin=Origin(f"http://{host}"), proxy=None) as own:
        await own.wait_closed()

    assert own.close_code == 4401, "it was accepted, and has no ticket"


@pytest.mark.parametrize(
    "request_text",
    ["NONSENSE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nNo colon\r\n\r\n"],
)
async def test_a_malformed_request_is_logged_once_with_its_address(
    server: SideProServer, request_text: str
) -> None:
    before = len(server.log())

    status, _, problem = exchange(server, request_text)

    assert (status, problem["code"]) == (400, "malformed")
    lines = server.log()[before:].strip().splitlines()
    assert len(lines) == 1
    assert "127.0.0.1" in lines[0]


@pytest.fixture(scope="module")
def below(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SideProServer]:
    """A server whose public address has a path."""
    folder = tmp_path_factory.mktemp("below")
    with (
        databases.settings(folder) as settings,
        SideProServer({**settings, "SIDEPRO_PUBLIC_URL": "http://localhost/sub"}) as running,
    ):
        yield running


@pytest.mark.parametrize(
    ("request_text", "code"),
    [
        (f"GET /sub{PREFIX}/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", "not-found"),
        (f"GET {PREFIX}/users?q= HTTP/1.1\r\nHost: localhost\r\n\r\n", "not-authenticated"),
        (f"GET {PREFIX}/projects?limit=0 HTTP/1.1\r\nHost: localhost\r\n\r\n", "invalid"),
        (f"GET /sub{PREFIX}/me HTTP/1.1\r\nHost: evil.example\r\n\r\n", "bad-host"),
        ("NONSENSE\r\n\r\n", "malformed"),
        (f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}\r\n", "malformed"),
        (f"GET /sub{PATH} HTTP/1.1\r\nHost: evil.example\r\n{UPGRADE}{KEY}\r\n", "bad-host"),
        (
            f"GET /sub{PATH} HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n{UPGRADE}{KEY}\r\n",
            "origin-not-allowed",
        ),
    ],
)
def test_the_type_of_a_problem_is_a_page_below_the_public_address(
    below: SideProServer, request_text: str, code: str
) -> None:
    _, _, problem = exchange(below, request_text)

    assert problem["type"] == f"/sub/problems/{code}"
    page = httpx.get(f"{below.url}{problem['type']}", headers={"Host": "localhost"})
    assert f"<h1><code>{code}</code></h1>" in page.text


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/sessions", "application/json"),
        ("/users", "application/json"),
        ("/sessions/refresh", "application/json"),
    ],
)
async def test_a_client_that_goes_away_in_a_body_is_no_error(
    server: SideProServer, path: str, media_type: str
) -> None:
    before = len(server.log())
    head = (
        f"POST {PREFIX}{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n"
        "Content-Length: 100\r\n\r\n"
    )

    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as connection:
        connection.sendall(f'{head}{{"email": '.encode())

    await eventually(lambda: "request " in server.log()[before:])
    log = server.log()[before:]
    assert "Traceback" not in log
    assert "error" not in log
    assert "status=400" in log
