"""`JobLock`: one holder at a time, in memory, on SQLite and on PostgreSQL."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from sidepro.adapters.sql.engine import locks
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.locks import SqlJobLock
from sidepro.domain.errors import Unavailable
from sidepro.domain.recommendations.ports import JobLock
from tests.clients import TIMEOUT, eventually
from tests.databases import Databases, both_databases
from tests.fakes.job_lock import MemoryJobLock
from tests.servers import Postgres, free_port

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Processes:
    """`another` gives the job lock of one more process; `is_waiting` tells whether one of them
    waits for the current holder.
    """

    another: Callable[[], JobLock]
    is_waiting: Callable[[], bool]


HOLD = """
import asyncio, sys
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.locks import SqlJobLock

async def hold():
    async with SqlJobLock(Database(sys.argv[1])).acquire(wait=True) as is_mine:
        print(is_mine, flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    """The address of a database. Locks need no tables."""
    with databases.empty() as address:
        yield address


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def kind(request: pytest.FixtureRequest) -> Databases | None:
    """Databases of one kind; `None` for memory."""
    if request.param == "memory":
        return None
    databases: Databases = request.getfixturevalue(f"{request.param}_databases")
    return databases


@pytest.fixture
async def processes(
    kind: Databases | None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Processes]:
    """In memory all processes share one lock."""
    if kind is None:
        lock = MemoryJobLock()
        yield Processes(lambda: lock, lambda: lock.takers > 1)
        return
    refusals: list[float] = []

    async def sleep(seconds: float) -> None:
        """The pause after a refused attempt."""
        refusals.append(seconds)
        await asyncio.sleep(seconds)

    monkeypatch.setattr(locks, "asyncio", SimpleNamespace(sleep=sleep))
    with kind.empty() as address:
        async with AsyncExitStack() as databases:

            def another() -> JobLock:
                database = Database(address)
                databases.push_async_callback(database.close)
                return SqlJobLock(database)

            yield Processes(another, lambda: bool(refusals))


async def takes(job_lock: JobLock) -> bool:
    """Whether a turn is to be had without waiting."""
    async with job_lock.acquire(wait=False) as is_mine:
        return is_mine


async def test_acquire_without_wait_reports_a_held_lock(processes: Processes) -> None:
    here, there = processes.another(), processes.another()
    async with here.acquire(wait=False) as is_mine:
        assert is_mine
        assert not await takes(there)
        assert not await takes(here), "nor twice in one process"
    assert await takes(there)
    assert await takes(here)


async def test_a_waiting_acquire_gets_the_released_lock(processes: Processes) -> None:
    here, there = processes.another(), processes.another()
    is_inside = asyncio.Event()

    async def wait_for_it() -> bool:
        async with there.acquire(wait=True) as is_mine:
            is_inside.set()
            return is_mine

    async with here.acquire(wait=True) as is_mine:
        assert is_mine
        waiting = asyncio.create_task(wait_for_it())
        await eventually(processes.is_waiting)
        assert not is_inside.is_set()
    async with asyncio.timeout(TIMEOUT):
        assert await waiting
    assert await takes(here)


async def test_concurrent_holders_follow_one_another(processes: Processes) -> None:
    everywhere = [processes.another() for _ in range(3)]
    inside = most_inside = done = 0

    async def run(job_lock: JobLock) -> None:
        nonlocal inside, most_inside, done
        async with job_lock.acquire(wait=True):
            inside += 1
            most_inside = max(most_inside, inside)
            await asyncio.sleep(0.01)
            inside -= 1
            done += 1

    async with asyncio.timeout(3 * TIMEOUT):
        await asyncio.gather(*(run(everywhere[n % 3]) for n in range(9)))
    assert (done, most_inside) == (9, 1)


async def test_an_error_releases_the_lock(processes: Processes) -> None:
    here, there = processes.another(), processes.another()
    with pytest.raises(RuntimeError, match="mid-run"):
        async with here.acquire(wait=True):
            raise RuntimeError("mid-run")
    assert await takes(there)


async def test_a_cancelled_waiter_or_holder_releases_the_lock(processes: Processes) -> None:
    here, there = processes.another(), processes.another()
    is_inside = asyncio.Event()

    async def stay(job_lock: JobLock) -> None:
        async with job_lock.acquire(wait=True):
            is_inside.set()
            await asyncio.Event().wait()

    async def cancel(task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    staying = asyncio.create_task(stay(here))
    await is_inside.wait()
    waiting = asyncio.create_task(stay(there))
    await eventually(processes.is_waiting)
    await cancel(waiting)
    assert not await takes(there)
    await cancel(staying)
    await eventually(lambda: takes(there))


# ---------------------------------------------------------------------------- databases alone


@asynccontextmanager
async def a_holder(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that has its turn."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, url, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"True\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@both_databases
async def test_a_killed_process_releases_the_lock(url: str) -> None:
    database = Database(url)
    job_lock = SqlJobLock(database)
    try:
        async with a_holder(url) as holder:
            assert not await takes(job_lock)
            holder.kill()
            async with asyncio.timeout(TIMEOUT), job_lock.acquire(wait=True) as is_mine:
                assert is_mine
    finally:
        await database.close()


async def test_a_holder_survives_the_loss_of_its_connection(postgres: Postgres) -> None:
    """The server gives it to the next one; who had it ends without an error of its own."""
    with postgres.database() as url:
        database, other = Database(url), Database(url)
        try:
            async with SqlJobLock(database).acquire(wait=True):
                postgres.stop()
                postgres.resume()
                assert await takes(SqlJobLock(other))
            assert await takes(SqlJobLock(database))
        finally:
            await database.close()
            await other.close()


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_an_unreachable_database_is_unavailable(
    kind: str, wait: bool, tmp_path: Path
) -> None:
    nowhere = f"postgresql://nobody:x@127.0.0.1:{free_port()}/x"
    database = Database(f"sqlite:///{tmp_path}/no/x" if kind == "sqlite" else nowhere)
    try:
        with pytest.raises(Unavailable):
            async with SqlJobLock(database).acquire(wait=wait):
                pass
    finally:
        await database.close()
