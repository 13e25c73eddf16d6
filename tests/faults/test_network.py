"""Machines that vanish from the network: nothing is refused or cut, packets are lost.

PostgreSQL, Redis, nginx and two serving processes have machines of their own. The processes are
never restarted: what one test breaks, they must have healed before the next one.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest
import yaml
from sqlalchemy import literal, select, text

from sidepro.adapters.sql.engine.database import Database
from sidepro.domain.errors import Unavailable
from tests.clients import eventually
from tests.conftest import started
from tests.databases import migrate, settings_of
from tests.faults.at_work import NOBODY_WAITS_LONGER, Work, clients, in_thread, only_in_full
from tests.faults.postgresql_faults import admin
from tests.servers import Postgres, RedisServer, SideProServer
from tests.servers.network import Machine, Network, NoNetworks
from tests.servers.nginx import Nginx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.servers,
    pytest.mark.slow(seconds=60),
    pytest.mark.skipif(sys.platform != "linux", reason="needs network namespaces of Linux"),
]

ROOT = Path(__file__).parents[2]

REDIS_IS_MISSED_WITHIN = 5.0
REDIS_HEALS_WITHIN = 5.0


class Machines(NamedTuple):
    postgresql: Machine
    redis: Machine
    nginx: Machine
    webs: tuple[Machine, Machine]
    here: str
    """The address of this one."""


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    try:
        network = started(Network)
    except NoNetworks as reason:
        pytest.skip(f"no networks can be made here: {reason}")
    with network:
        webs = network.machine(), network.machine()
        yield Machines(
            network.machine(), network.machine(), network.machine(), webs, network.address
        )


@pytest.fixture(scope="module")
def postgres(machines: Machines) -> Iterator[Postgres]:
    with Postgres.start(machine=machines.postgresql) as server:
        yield server


@pytest.fixture(scope="module")
def url(postgres: Postgres) -> str:
    return migrate(postgres.fresh_database())


@pytest.fixture(scope="module")
def local_url(url: str, postgres: Postgres) -> str:
    return postgres.local(url)


@pytest.fixture(scope="module")
def servers(
    url: str, machines: Machines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[SideProServer]]:
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer.start(machines.redis))
        settings = {
            **settings_of(url, tmp_path_factory.mktemp("data")),
            "SIDEPRO_REDIS_URL": redis.url,
            "SIDEPRO_ALLOWED_HOSTS": machines.nginx.address,
            "SIDEPRO_TRUSTED_PROXIES": machines.nginx.address,
        }
        running = [SideProServer(settings, "--no-jobs", machine=web) for web in machines.webs]
        for server in running:
            stack.enter_context(server)
        yield running
        for server in running:
            assert "Traceback" not in server.log(), server.log()


@pytest.fixture(scope="module")
async def work(servers: list[SideProServer]) -> AsyncIterator[Work]:
    async with clients(*(server.url for server in servers)) as found:
        yield found


async def is_missed(work: Work, part: str) -> None:
    """All processes say that PostgreSQL or Redis is away."""

    async def is_told() -> bool:
        answers = [await http.get("/health/ready") for http in work.visits]
        return all(answer.json()["parts"][part]["state"] == "unavailable" for answer in answers)

    await eventually(is_told, REDIS_IS_MISSED_WITHIN if part == "redis" else NOBODY_WAITS_LONGER)


async def answer_in_time(work: Work) -> httpx.Response:
    """The answer to one more call."""
    async with asyncio.timeout(NOBODY_WAITS_LONGER):
        return await work.load.people[0].request("GET", "/projects")


def sessions_of(local_url: str, address: str) -> int:
    """How many PostgreSQL has of a machine."""
    with admin(local_url) as connection:
        [(number,)] = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE host(client_addr) = %s",
            [address],
        )
    return int(number)


@pytest.mark.parametrize("is_busy", [True, pytest.param(False, marks=only_in_full)])
async def test_postgresql_vanishes_under_load_or_behind_idle_connections_and_nothing_is_lost(
    is_busy: bool,
    machines: Machines,
    postgres: Postgres,
    servers: list[SideProServer],
    work: Work,
) -> None:
    async with work.under_way():
        if not is_busy:
            await work.pause()
        began = time.monotonic()
        async with in_thread(machines.postgresql.vanished()):
            if not is_busy:
                work.go_on()
            refused, *_ = await asyncio.gather(
                answer_in_time(work), is_missed(work, "database"), work.is_refused()
            )
            print(f"missed after {time.monotonic() - began:.1f} s")
            assert refused.status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert refused.headers["retry-after"]
            share = await work.share_without_load(*servers)
            if is_busy:  # the machine lost its power
                await asyncio.to_thread(postgres.stop)
        if is_busy:
            await asyncio.to_thread(postgres.resume)
        healed = await work.heals()
        await work.is_told()
        print(f"processor {share:.1%}, healed in {healed:.1f} s")


LONG = "SELECT pg_sleep(60)"


def is_running(url: str, statement: str) -> bool:
    with admin(url) as connection:
        query = "SELECT FROM pg_stat_activity WHERE query = %s AND state = 'active'"
        return connection.execute(query, [statement]).rowcount == 1


async def test_the_first_statements_after_sessions_ended_unnoticed_succeed(
    url: str, local_url: str, machines: Machines
) -> None:
    database = Database(url)

    async def use_all() -> None:
        async with database.writing() as connection:
            await connection.execute(text("SELECT 1"))
        assert await database.write({}, select(literal(1)))
        assert await database.fetch(select(literal(1)))

    try:
        await use_all()
        async with in_thread(machines.postgresql.vanished()):
            await eventually(lambda: not sessions_of(local_url, machines.here))
        await use_all()
    finally:
        await database.close()


@only_in_full
async def test_a_job_whose_statement_runs_for_long_misses_postgresql(
    url: str, machines: Machines
) -> None:
    database = Database(url)

    async def run() -> None:
        async with database.reading(job=True) as connection:
            await connection.execute(text(LONG))

    try:
        running = asyncio.create_task(run())
        await eventually(lambda: is_running(url, LONG))
        async with in_thread(machines.postgresql.vanished()):
            began = time.monotonic()
            with pytest.raises(Unavailable):
                await running
            print(f"missed after {time.monotonic() - began:.1f} s")
            assert time.monotonic() - began < 2 * NOBODY_WAITS_LONGER
    finally:
        await database.close()


async def test_redis_vanishes_and_no_call_fails_and_no_message_is_lost(
    machines: Machines, servers: list[SideProServer], work: Work
) -> None:
    async with work.under_way(statuses=(200, 201)):
        began = time.monotonic()
        async with in_thread(machines.redis.vanished()):
            await is_missed(work, "redis")
            print(f"missed after {time.monotonic() - began:.1f} s")
            await work.is_told()
            share = await work.share_without_load(*servers)
            await work.is_told()
        healed = await work.heals(REDIS_HEALS_WITHIN)
        await work.is_told()
        assert not any(member.drops for member in work.members)
        print(f"processor {share:.1%}, healed in {healed:.1f} s")


def kernel_before_machines() -> Mapping[str, object]:
    """Parameters of the kernel of nginx's machine, if serving processes are on others."""
    text = (ROOT / "deploy" / "sysctl" / "sidepro-nginx.conf").read_text("utf-8")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return dict(line.split(" = ") for line in lines)


def kernel_before_containers() -> Mapping[str, object]:
    """The same in the container of nginx."""
    settings = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    found: Mapping[str, object] = settings["services"]["nginx"]["sysctls"]
    return found


async def test_calls_of_a_serving_machine_that_vanishes_are_passed_on_and_its_sessions_end(
    local_url: str, machines: Machines, servers: list[SideProServer]
) -> None:
    machines.nginx.set_kernel(kernel_before_machines())
    addresses = [f"{server.host}:{server.port}" for server in servers]
    victim = machines.webs[1]
    with Nginx(addresses, machine=machines.nginx) as nginx:
        async with (
            clients(nginx.url, trust=nginx.trust) as work,
            work.under_way(),  # 503 for who needs a row that the victim had locked
        ):
            assert sessions_of(local_url, victim.address)
            began = time.monotonic()
            async with in_thread(victim.vanished()):
                await work.is_told()
                print(f"each kind went on after {time.monotonic() - began:.1f} s")
                await eventually(lambda: not sessions_of(local_url, victim.address))
                print(f"its sessions ended after {time.monotonic() - began:.1f} s")
                await work.is_told()
            await work.heals()
            # The victim may have done these before it vanished.
            work.load.passed_on += nginx.errors().count("while reading response header")
        assert all(line["upstream_status"].endswith("503") for line in nginx.failed())


@only_in_full
async def test_calls_to_a_container_that_stopped_are_passed_on(
    machines: Machines, servers: list[SideProServer]
) -> None:
    proxy = machines.nginx
    proxy.set_kernel({"net.ipv4.tcp_retries2": 15, **kernel_before_containers()})
    addresses = [f"{server.host}:{server.port}" for server in servers]
    with Nginx(addresses, machine=proxy) as nginx:
        async with (
            clients(nginx.url, trust=nginx.trust) as work,
            work.under_way(statuses=(200, 201)),
        ):
            await asyncio.to_thread(servers[1].terminate)
            async with in_thread(machines.webs[1].vanished()):
                await work.is_told(8)
            await asyncio.to_thread(servers[1].start)
            await work.heals()
        assert not nginx.failed()
