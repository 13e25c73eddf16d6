"""No input takes more than linear time, wherever a stranger can send it.

Walks the OpenAPI document (each member of a body and each parameter), the AsyncAPI document (each
member of a client's frame and each parameter of the handshake) and the upload parser. Each gets
its largest input of the worst characters, and half of it. The processor times are compared, of all
threads together. So a new route, member or frame is covered without being named here.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from sidepro.http.middleware.middleware import Middleware
from sidepro.settings import Settings
from tests.api.client import Api
from tests.security import linear_inputs
from tests.security.linear_inputs import FAMILIES, HEADERS, Call, Place

pytestmark = pytest.mark.anyio

Json = dict[str, Any]

MAX_RATIO = 2.5
CONTRACT = Path(__file__).parents[1] / "api" / "contract"
OPENAPI = json.loads((CONTRACT / "openapi.json").read_text("utf-8"))
ASYNCAPI = json.loads((CONTRACT / "asyncapi.json").read_text("utf-8"))
"""The application's documents: `tests/api/test_contract.py` compares them."""

NOISE = 0.050
"""Seconds of processor time below which two measurements are not compared."""

MAX_SECONDS = 0.15
"""Processor time of a refused input beyond that of letters: its length is checked first."""

MAX_TRIES = 10
"""Measurements on a machine with other work. What takes more than linear time fails them all."""


@pytest.fixture(scope="module")
async def ids(api: Api) -> dict[str, str]:
    """An access token, and ids of what its owner has, by the names of path parameters."""
    person, other = await api.sign_up(), await api.sign_up()
    project = await api.publish(person)
    comment = await api.comment(person, project)
    room = await api.room(person, other)
    return {
        "token": person.token,
        "user_id": other.id,
        "project_id": project["id"],
        "comment_id": comment["id"],
        "room_id": room["id"],
    }


MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}


def _takes_a_file(methods: Json) -> bool:
    content = methods.get("post", {}).get("requestBody", {}).get("content", {})
    return "multipart/form-data" in content


def _upload(path: str, file: bytes) -> Call:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    return Call("POST", path, MULTIPART, head + file + b"\r\n--b--\r\n")


class Meter:
    """Sends calls to the application, and compares their processor times."""

    def __init__(self, api: Api, token: str) -> None:
        self._app: Any = Middleware(api.app)  # Litestar types each kind of event its own way
        self._token = token.encode()

    async def send(self, call: Call) -> int:
        """The status of the response."""
        path, _, query = call.path.partition("?")
        raw = {name.lower(): value for name, value in call.headers.items()}
        headers = {"content-type": "application/json", "host": "sidepro.test", **raw}
        encoded = [(k.encode(), v.encode("utf-8")) for k, v in headers.items()]
        if "authorization" not in headers:
            encoded.append((b"authorization", b"Bearer " + self._token))
        scope = {
            "type": "http",
            "method": call.method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "scheme": "http",
            "http_version": "1.1",
            "headers": encoded,
            "client": ("127.0.0.1", 50_000),
            "server": ("sidepro.test", 80),
        }
        statuses: list[int] = []
        events = [
            {
                "type": "http.request",
                "body": call.content[place : place + 2**16],
                "more_body": True,
            }
            for place in range(0, len(call.content), 2**16)
        ]
        events.append({"type": "http.request", "body": b"", "more_body": False})

        async def receive() -> Json:
            return events.pop(0) if events else {"type": "http.disconnect"}

        async def send(event: Json) -> None:
            if event["type"] == "http.response.start":
                statuses.append(event["status"])

        await self._app(scope, receive, send)
        assert statuses, call.path[:200]
        assert statuses[0] != 500, (call.method, call.path[:200])
        if "multipart" not in headers["content-type"]:
            assert statuses[0] != 413, "refused before anything read it"
        return statuses[0]

    async def send_frames(self, path: str, frames: list[str], query: str = "") -> None:
        """Open a socket, send frames, and leave."""
        events: list[Json] = [{"type": "websocket.connect"}]
        events += [{"type": "websocket.receive", "text": frame} for frame in frames]
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": [] if query else [(b"authorization", b"Bearer " + self._token)],
            "client": ("127.0.0.1", 50_000),
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }

        async def receive() -> Json:
            return events.pop(0) if events else {"type": "websocket.disconnect", "code": 1000}

        async def send(_event: Json) -> None:
            pass

        async with asyncio.timeout(20):
            await self._app(scope, receive, send)


Action = Callable[[], Awaitable[object]]


async def seconds(action: Action) -> float:
    began = time.process_time()
    await action()
    return time.process_time() - began


async def compare(sending: Callable[[int], Action], size: int) -> tuple[float, str]:
    """The time of an input of a size, and how it compares with that of half the size, if not
    linearly. Most take so little time that the half is neither made nor sent.
    """
    of_half = of_whole = float("inf")
    whole, half = sending(size), None
    for _ in range(MAX_TRIES):
        of_whole = min(of_whole, await seconds(whole))
        if of_whole < NOISE:
            return of_whole, ""
        half = half or sending(size // 2)
        of_half = min(of_half, await seconds(half))
        if of_whole <= MAX_RATIO * max(of_half, NOISE / 2):
            return of_whole, ""
    return of_whole, f"{of_half * 1000:.0f} ms, then {of_whole * 1000:.0f} ms"


async def faults_at(meter: Meter, place: Place) -> list[str]:
    """What is wrong with the times of a place."""
    faults = []
    for size in place.sizes:
        letters = None
        for family in place.families or FAMILIES:
            sending = partial(_sending, meter, place, FAMILIES[family])
            spent, fault = await compare(sending, size)
            letters = spent if letters is None else letters
            if size > linear_inputs.MAX_HEADER and spent > letters + MAX_SECONDS:
                fault = fault or f"{letters * 1000:.0f} ms for letters, {spent * 1000:.0f} ms"
            if fault:
                faults.append(f"{place.name} of {size} {family}: {fault}")
    return faults


def _sending(meter: Meter, place: Place, make: linear_inputs.Make, size: int) -> Action:
    return partial(meter.send, place.call(make(size)))


@pytest.fixture
def meter(api: Api, ids: dict[str, str]) -> Meter:
    return Meter(api, ids["token"])


@pytest.mark.parametrize(("path", "method"), linear_inputs.operations(OPENAPI), ids=str)
async def test_every_input_of_every_route_takes_linear_time(
    meter: Meter, ids: dict[str, str], path: str, method: str
) -> None:
    faults = []
    for place in linear_inputs.places(OPENAPI, path, method, ids):
        faults += await faults_at(meter, place)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("header", HEADERS)
async def test_every_header_takes_linear_time(meter: Meter, header: str) -> None:
    sizes = (linear_inputs.MAX_HEADER,)
    faults = []
    for path in ("/api/v1/projects", "/api/v1/me"):
        place = Place(f"{path} {header}", sizes, partial(_with_header, path, header))
        faults += await faults_at(meter, place)
    assert not faults, "\n".join(faults)


def _with_header(path: str, header: str, text: str) -> Call:
    return Call("GET", path, {header: text})


async def test_every_frame_takes_linear_time(meter: Meter, ids: dict[str, str]) -> None:
    size = Settings().socket_frame_max_bytes
    faults = []
    for channel in ASYNCAPI["channels"].values():
        path = channel["address"].format(**ids)
        for name, make in linear_inputs.frames(ASYNCAPI, size):
            if fault := (await compare(partial(_sending_frames, meter, path, make), size))[1]:
                faults.append(f"{name}: {fault}")
    assert not faults, "\n".join(faults)


def _sending_frames(meter: Meter, path: str, make: linear_inputs.Make, size: int) -> Action:
    """Several frames, so that they weigh more than the handshake."""
    return partial(meter.send_frames, path, [make(size)] * 5)


@pytest.mark.parametrize("family", FAMILIES)
async def test_every_parameter_of_a_handshake_takes_linear_time(
    meter: Meter, ids: dict[str, str], family: str
) -> None:
    size, make = linear_inputs.MAX_URL_TEXT, FAMILIES[family]
    faults = []
    for channel in ASYNCAPI["channels"].values():
        path = channel["address"].format(**ids)
        for name in channel["bindings"]["ws"]["query"]["properties"]:
            _, fault = await compare(partial(_opening, meter, path, name, make), size)
            faults += [f"{name}: {fault}"] if fault else []
    assert not faults, "\n".join(faults)


def _opening(meter: Meter, path: str, name: str, make: linear_inputs.Make, size: int) -> Action:
    return partial(meter.send_frames, path, [], f"{name}={quote(make(size), safe='')}")


SIZE = 4 * 2**20
UPLOADS = [path for path, methods in OPENAPI["paths"].items() if _takes_a_file(methods)]


@pytest.mark.parametrize("path", UPLOADS)
@pytest.mark.parametrize("name", linear_inputs.IMAGE_FILES)
async def test_every_crafted_image_takes_linear_time(meter: Meter, path: str, name: str) -> None:
    make = linear_inputs.IMAGE_FILES[name]

    def sending(size: int) -> Action:
        return partial(meter.send, _upload(path, make(size)))

    assert not (await compare(sending, SIZE))[1]


@pytest.mark.parametrize("path", UPLOADS)
@pytest.mark.parametrize("name", linear_inputs.MULTIPART_BODIES)
async def test_every_multipart_body_takes_linear_time(meter: Meter, path: str, name: str) -> None:
    make = linear_inputs.MULTIPART_BODIES[name]

    def sending(size: int) -> Action:
        return partial(meter.send, Call("POST", path, MULTIPART, make(size)))

    assert not (await compare(sending, SIZE))[1]
