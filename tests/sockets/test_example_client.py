"""The documentation's example client, run as a program."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.clients import Client, http_client
from tests.databases import settings_of
from tests.servers import SideProServer
from tests.sockets.test_connect import fill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, pytest.mark.servers]

CLIENT = Path(__file__).parents[2] / "docs" / "examples" / "chat_client.py"
BEFORE = 1_100
"""Existing messages: too many for a replay."""


class Program:
    """The client process and its output."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.shown: list[str] = []

    def types(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())

    async def shows(self, text: str) -> None:
        """Wait for a line of output that ends with `text`."""
        assert self._process.stdout
        async with asyncio.timeout(60):
            while not (self.shown and self.shown[-1].endswith(text)):
                line = await self._process.stdout.readline()
                assert line, f"exited before it printed {text!r}"
                self.shown.append(line.decode().rstrip("\n"))

    async def ends(self) -> int:
        """Close its input; it exits when all messages are stored."""
        assert self._process.stdin
        self._process.stdin.close()
        async with asyncio.timeout(60):
            return await self._process.wait()


@asynccontextmanager
async def client(server: SideProServer, *arguments: str) -> AsyncIterator[Program]:
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(str(CLIENT), server.url, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment | {"PYTHONUTF8": "1"},
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        _, errors = await process.communicate()
        assert b"Traceback" not in errors, errors.decode()


async def test_the_client_loses_and_repeats_nothing_over_a_crash_and_a_restart(
    tmp_path: Path,
) -> None:
    # tokens that expire between the restarts
    settings = {"SIDEPRO_DATA_DIR": str(tmp_path), "SIDEPRO_ACCESS_TOKEN_TTL": "1"}
    with SideProServer(settings) as server:
        async with http_client(server.url) as http:
            one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
            room_id = await one.open_room_with(other)
            await fill(server, room_id, BEFORE)
            async with client(server, one.email, "wrong", other.id) as program:
                assert await program.ends() == 1
            async with client(server, one.email, one.password, other.id) as program:
                program.types("first")
                await program.shows("> first")

                program.types("second")  # in flight, or stored and not acknowledged
                server.kill()
                program.types("third")
                server.start()
                await program.shows("> third")
                server.terminate()
                program.types("fourth")
                server.start()
                await program.shows("> fourth")

                await log_in_again(other)
                async with other.chat(room_id) as theirs:
                    await theirs.send_and_wait("다섯")
                await program.shows("< 다섯")
                program.types("sixth")
                assert await program.ends() == 0

                numbers = [int(line.split()[0]) for line in program.shown]
                assert numbers == list(range(1, BEFORE + 6)), "each once, in order"
                await log_in_again(other)
                history = await other.call("GET", f"/rooms/{room_id}/messages?limit=6")
                assert [message["body"] for message in history["items"]] == [
                    *("first", "second", "third", "fourth", "다섯", "sixth")
                ]


async def test_the_client_gives_up_what_the_server_never_takes_and_sends_the_next(
    tmp_path: Path,
) -> None:
    settings = {"SIDEPRO_DATA_DIR": str(tmp_path), "SIDEPRO_SOCKET_FRAME_MAX_BYTES": "8192"}
    with SideProServer(settings) as server:
        async with http_client(server.url) as http:
            one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
            async with client(server, one.email, one.password, other.id) as program:
                program.types("first")
                await program.shows("> first")
                program.types("x" * 9_000)  # closes the socket with 1009
                program.types("x" * 4_001)  # gets an error
                program.types("second")
                await program.shows("> second")
                assert await program.ends() == 0
                assert len(program.shown) == 2


async def test_a_message_that_the_database_refuses_does_not_block_the_next(
    postgresql_databases: Databases, tmp_path: Path
) -> None:
    with (
        postgresql_databases.fresh() as url,
        SideProServer(settings_of(url, tmp_path)) as server,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF NEW.body = 'refused' THEN"
            " RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END IF; RETURN NEW; END $$"
        )
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON messages"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
        async with http_client(server.url) as http:
            one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
            async with client(server, one.email, one.password, other.id) as program:
                for line in ("first", "refused", "second", "third"):
                    program.types(line)
                await program.shows("> third")
                connection.execute("DROP TRIGGER refuse ON messages")
                await program.shows("> refused")
                assert await program.ends() == 0
                told = [line.partition("> ")[2] for line in program.shown]
                assert told == ["first", "second", "third", "refused"]


async def test_the_client_shows_the_room_again_after_a_restored_backup(tmp_path: Path) -> None:
    with SideProServer({"SIDEPRO_DATA_DIR": str(tmp_path / "data")}) as server:
        async with http_client(server.url) as http:
            one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
            room_id = await one.open_room_with(other)
            async with client(server, one.email, one.password, other.id) as program:
                program.types("kept")
                await program.shows("1 > kept")
                backup = str(tmp_path / "backup.tar")
                await asyncio.to_thread(server.run, "backup", backup)
                program.types("lost")
                await program.shows("2 > lost")
                await asyncio.to_thread(server.terminate)
                await asyncio.to_thread(server.run, "restore", backup)
                await asyncio.to_thread(server.start)
                await log_in_again(other)
                async with other.chat(room_id) as theirs:
                    await theirs.send_and_wait("new")
                await program.shows("2 < new")
                assert program.shown == ["1 > kept", "2 > lost", "1 > kept", "2 < new"]


async def log_in_again(person: Client) -> None:
    account = {"email": person.email, "password": person.password}
    person.token = ""
    person.token = (await person.call("POST", "/sessions", account))["access_token"]
