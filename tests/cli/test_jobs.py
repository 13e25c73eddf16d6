"""`sidepro worker`, `scheduler` and `similarity`, and their errors."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from sidepro import bootstrap as main
from sidepro.adapters.similarity.lazy_engine import PolarsEngine
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.locks import SqlJobLock
from sidepro.adapters.sql.neighbour_store import SqlNeighbourStore
from sidepro.settings import Settings
from tests.databases import address_of, both_databases, settings_of
from tests.servers import HOST, SECRET_KEY, free_port, settings
from tests.servers.sidepro_process import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Outcome
    from tests.clients import Json
    from tests.databases import Databases
    from tests.servers import Postgres, RedisServer

pytestmark = both_databases

SMALL = ["--users=6", "--projects=9", "--comments=2", "--bookmarks=2", "--rooms=1"]
SMALL += ["--messages-per-room=2"]

REPORT = re.compile(
    r"(\d+) people, (\d+) changed, in \d+\.\d\d s; "
    r"computed at (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00)\n"
)

ON_POSTGRESQL = {
    "SIDEPRO_DATABASE_URL": f"postgresql://a:b@{HOST}:1/c",
    "SIDEPRO_SECRET_KEY": SECRET_KEY,
}


@pytest.fixture
def filled(
    databases: Databases, run_here: Callable[..., Outcome], tmp_path: Path
) -> Iterator[Json]:
    """The settings of a database with a few users."""
    with databases.settings(tmp_path) as environment:
        assert run_here("seed", *SMALL, **environment).code == 0
        yield environment


# --------------------------------------------------------------------------- worker and scheduler


@pytest.mark.parametrize("command", ["worker", "scheduler"])
@pytest.mark.parametrize(
    "environment",
    [{}, {"SIDEPRO_REDIS_URL": f"redis://{HOST}:1/0"}, ON_POSTGRESQL],
    ids=["neither", "no PostgreSQL", "no Redis"],
)
def test_worker_and_scheduler_without_postgresql_and_redis_are_an_error(
    run_here: Callable[..., Outcome], command: str, environment: dict[str, str]
) -> None:
    line = run_here(command, **environment).error_line()
    assert line.startswith(f"`sidepro {command}` needs PostgreSQL and Redis")
    assert "`sidepro serve` runs the jobs itself" in line


@pytest.mark.parametrize("command", ["worker", "scheduler"])
def test_an_unreachable_server_is_a_one_line_error(
    run_here: Callable[..., Outcome], postgres: Postgres, tmp_path: Path, command: str
) -> None:
    unreachable = f"redis://:hunter2@{HOST}:{free_port()}/0"
    line = run_here(command, **ON_POSTGRESQL, SIDEPRO_REDIS_URL=unreachable).error_line()
    assert line.startswith("cannot use the database")
    with postgres.database() as url:
        environment = {**settings_of(url, tmp_path), "SIDEPRO_REDIS_URL": unreachable}
        assert "run `sidepro migrate`" in run_here(command, **environment).error_line()
        assert run_here("migrate", **environment).code == 0
        outcome = run_here(command, **environment)
    # The log of its connection is no part of what it complains of.
    assert outcome.code == 1
    assert outcome.err.startswith("sidepro: cannot use Redis: ")
    assert outcome.err.count("\n") == 1
    assert "hunter2" not in outcome.err


@pytest.mark.parametrize("command", [["worker"], ["similarity", "run"]], ids=" ".join)
def test_serve_compares_with_one_thread_and_other_commands_with_two(
    run_here: Callable[..., Outcome],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    thread_counts: list[int] = []

    def engine(threads: int) -> PolarsEngine:
        thread_counts.append(threads)
        return PolarsEngine(threads)

    monkeypatch.setattr(main, "PolarsEngine", engine)
    # The container is built before Redis is found to be unreachable.
    unreachable = f"redis://{HOST}:1/0"
    assert run_here(*command, **ON_POSTGRESQL, SIDEPRO_REDIS_URL=unreachable).error_line()
    main.build(Settings(data_dir=tmp_path), "")
    assert thread_counts == [2, 1]


# ----------------------------------------------------------------------------------- similarity


def test_a_run_shows_its_progress_and_prints_its_result(
    run_here: Callable[..., Outcome], filled: Json
) -> None:
    outcome = run_here("similarity", "run", **filled)
    assert outcome.code == 0
    done = REPORT.fullmatch(outcome.out)
    assert done, outcome.out
    people, changed, _ = done.groups()
    assert int(people) == int(changed) > 0
    assert "comparing" in outcome.err.splitlines(), "the activity"
    assert run_here("similarity", "run", "--full", **filled).code == 0


def test_with_redis_a_run_is_incremental_unless_full(
    run_here: Callable[..., Outcome], postgres: Postgres, redis_server: RedisServer, tmp_path: Path
) -> None:
    with redis_server.client() as client:
        client.flushall()
    with postgres.database() as url:
        environment = {**settings_of(url, tmp_path), "SIDEPRO_REDIS_URL": redis_server.url}
        assert run_here("migrate", **environment).code == 0
        assert run_here("seed", *SMALL, **environment).code == 0
        done = []
        for options in ([], [], ["--full"]):
            said = REPORT.fullmatch(run_here("similarity", "run", *options, **environment).out)
            assert said
            done.append((int(said[1]), int(said[2])))
        people = done[0][0]
        assert done == [(people, people), (people, 0), (people, people)]


@pytest.mark.servers
@pytest.mark.anyio
async def test_a_run_waits_for_a_run_in_progress(filled: Json, tmp_path: Path) -> None:
    database = Database(address_of(filled))
    try:
        async with SqlJobLock(database).acquire(wait=True):
            process = await asyncio.create_subprocess_exec(
                *(COMMAND, "similarity", "run"),
                cwd=tmp_path,
                env=settings(filled),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(process.wait(), 3)
        out, err = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode == 0, err
        assert REPORT.fullmatch(out.decode())
    finally:
        await database.close()


def test_a_result_older_than_the_stored_one_is_discarded(
    run_here: Callable[..., Outcome], filled: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_here("similarity", "run", **filled).code == 0

    async def is_overtaken(*_: object) -> bool:
        return False

    monkeypatch.setattr(SqlNeighbourStore, "replace", is_overtaken)
    outcome = run_here("similarity", "run", **filled)
    assert outcome.code == 0
    assert outcome.out == "nothing was changed: a later run has already stored its result\n"


def test_a_database_without_schema_is_an_error(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path / "new")}
    assert "run `sidepro migrate`" in run_here("similarity", "run", **environment).error_line()
