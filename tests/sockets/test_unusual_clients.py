"""Clients that are right and unusual: web views of apps, half a surrogate, odd `Host` fields."""

from __future__ import annotations

import secrets
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import InvalidStatus

from tests.clients import Client, http_client
from tests.servers import HOST, SideProServer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.anyio, pytest.mark.servers]


async def test_a_lone_surrogate_is_refused_with_the_client_id(tmp_path: Path) -> None:
    with SideProServer({"SIDEPRO_DATA_DIR": str(tmp_path)}) as server:
        async with http_client(server.url) as http:
            one, other = await Client.sign_up(http), await Client.sign_up(http)
            room_id = await one.open_room_with(other)
            async with one.chat(room_id) as socket:
                await socket.connection.send(
                    '{"type":"send","client_id":"mine","body":"half \\ud83d"}'
                )
                error = await socket.expect("error")
                assert (error["code"], error["client_id"]) == ("invalid", "mine")
                await socket.connection.send('{"type":"send","client_id":"\\ud83d","body":"x"}')
                assert (await socket.expect("error"))["client_id"] is None
                assert (await socket.send_and_wait("whole"))["seq"] == 1


async def test_origins_of_apps_are_allowed_when_listed(tmp_path: Path) -> None:
    settings = {
        "SIDEPRO_DATA_DIR": str(tmp_path),
        "SIDEPRO_ALLOWED_ORIGINS": "capacitor://localhost, null",
    }
    with SideProServer(settings) as server:
        async with http_client(server.url) as http:
            one, other = await Client.sign_up(http), await Client.sign_up(http)
            room_id = await one.open_room_with(other)
            for origin in ("capacitor://localhost", "null"):
                response = await http.get("/api/v1/catalogue", headers={"Origin": origin})
                assert response.headers["Access-Control-Allow-Origin"] == origin
                async with one.socket(room_id, origin=origin) as socket:
                    await socket.expect("hello")
            # The host of a request does not make an app's origin a page of this service.
            foreign = f"ionic://{HOST}:{server.port}"
            with pytest.raises(InvalidStatus):
                async with one.socket(room_id, origin=foreign):
                    pass


@pytest.mark.parametrize("host", ["a:b", "localhost:b", "localhost:", "[::1"])
async def test_an_odd_host_is_no_internal_error(tmp_path: Path, host: str) -> None:
    with SideProServer({"SIDEPRO_DATA_DIR": str(tmp_path)}) as server:
        async with http_client(server.url) as http:
            person = await Client.sign_up(http)
            for _ in range(2):
                await person.publish(title=secrets.token_hex(4))
        connection = HTTPConnection(HOST, server.port, timeout=5)
        connection.request("GET", "/api/v1/projects?limit=1", headers={"Host": host})
        status = connection.getresponse().status
        connection.close()
        assert status == (200 if host == "localhost:" else 400)
