"""History that goes back under two processes: the walk of docs/backup.md for PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.clients import Client, eventually
from tests.cluster import http_clients, on_server, shared_settings, two_servers
from tests.servers.postgresql import find_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients import Json
    from tests.databases import Databases
    from tests.servers import Postgres, RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers]

GUIDE = Path(__file__).parents[2] / "docs" / "backup.md"
EXAMPLE = "postgresql://sidepro:secret@db.example.com/sidepro_restored"


@pytest.fixture
def settings(
    postgresql_databases: Databases, own_redis: RedisServer, tmp_path: Path
) -> Iterator[Json]:
    with shared_settings(postgresql_databases, own_redis, tmp_path) as found:
        yield found


@pytest.fixture
def restored_address(postgres: Postgres) -> Iterator[str]:
    """The address of the database into which the guide restores."""
    with postgres.database() as address:
        yield address


def block_of_guide(first_word: str) -> str:
    """The shell commands of the guide that begin with this word."""
    blocks: list[str] = re.findall(r"```sh\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    (block,) = [one for one in map(dedent, blocks) if one.startswith(first_word)]
    return block


async def run_in_shell(block: str, settings: Json, folder: Path) -> None:
    programs = f"{find_postgres()}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = await asyncio.to_thread(
        subprocess.run,
        ["sh", "-euc", block],
        cwd=folder,
        env={**os.environ, **settings, "PATH": programs},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def test_open_sockets_of_all_processes_learn_of_a_new_epoch(settings: Json) -> None:
    with two_servers(settings) as servers:
        async with http_clients(servers) as (here, there):
            one, other = await Client.sign_up(here), await Client.sign_up(there)
            room_id = await one.open_room_with(other)
            async with one.chat(room_id) as mine, other.chat(room_id) as theirs:
                before = mine.hello["epoch"]
                assert before == theirs.hello["epoch"]
                told = ""

                async def closed() -> bool:
                    # A process compares with the epoch that it read while a socket was open.
                    nonlocal told
                    told += await asyncio.to_thread(servers[0].run, "recovered")
                    sockets = (mine.connection, theirs.connection)
                    return all(socket.close_code is not None for socket in sockets)

                await eventually(closed, 60)  # each try runs a command
                codes = {mine.connection.close_code, theirs.connection.close_code}
                assert codes == {1012}
                assert (
                    f"/{urlsplit(settings['SIDEPRO_DATABASE_URL']).path[1:]} is of epoch" in told
                )
            for client in (one, other):
                async with client.socket(room_id, after=f"0&epoch={before}") as socket:
                    hello = await socket.expect("hello")
                    assert not hello["recovered"]
                    assert hello["epoch"] in told


async def test_the_walk_of_the_guide_restores_postgresql_beside_an_old_redis(
    settings: Json, restored_address: str, tmp_path: Path
) -> None:
    with two_servers(settings) as servers:
        async with http_clients(servers) as (here, there):
            one, other = await Client.sign_up(here), await Client.sign_up(there)
            for person in (one, other):
                await person.write_profile("Python", "React")
            room_id = await one.open_room_with(other)
            async with one.chat(room_id) as mine:
                await mine.send_and_wait("백업 전")
                epoch = mine.hello["epoch"]
                await run_in_shell(block_of_guide("pg_dump"), settings, tmp_path)
                await mine.send_and_wait("백업 뒤")
                await mine.send_and_wait("또")
                ghost = await Client.sign_up(there)
                await ghost.write_profile("Python", "React")
                project = await ghost.publish()
                await asyncio.to_thread(servers[0].run, "similarity", "run")
                found = await one.call("GET", "/recommendations")
                assert project["id"] in {item["project"]["id"] for item in found["items"]}
                for server in servers:
                    await asyncio.to_thread(server.kill)

    restore = block_of_guide("pg_restore").replace(EXAMPLE, restored_address)
    await run_in_shell(restore, settings, tmp_path)
    settings = {**settings, "SIDEPRO_DATABASE_URL": restored_address}
    await run_in_shell(block_of_guide("sidepro migrate"), settings, tmp_path)
    with two_servers(settings) as servers:
        async with http_clients(servers) as (here, there):
            one.http, other.http, ghost.http = here, there, there
            assert (await ghost.request("GET", "/me")).status_code == 401
            ticket = await one.ticket(room_id)
            async with one.socket(room_id, after="3", ticket=f"{ticket}&epoch={epoch}") as mine:
                hello = await mine.expect("hello")
                assert (hello["last_seq"], hello["recovered"]) == (1, False)
            async with on_server(one, there).chat(room_id) as mine, other.chat(room_id) as theirs:
                await mine.wait_for_status("running", one, other)
                assert (await theirs.send_and_wait("둘"))["seq"] == 2
                assert (await mine.message())["body"] == "둘"
            await other.log_in()
            found = await one.call("GET", "/recommendations")
            assert project["id"] not in {item["project"]["id"] for item in found["items"]}
            project = await other.publish()
            await asyncio.to_thread(servers[0].run, "similarity", "run")
            found = await one.call("GET", "/recommendations")
            assert project["id"] in {item["project"]["id"] for item in found["items"]}
