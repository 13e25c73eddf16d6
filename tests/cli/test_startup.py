"""The order in which processes and their stores start, and what is told when it cannot work."""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import httpx
import psycopg
import pytest

from sidepro import settings as configuration
from tests.databases import migrate, settings_of
from tests.servers import (
    HOST,
    Postgres,
    RedisServer,
    SideProJobs,
    SideProServer,
    free_port,
    sidepro_process,
)
from tests.servers import settings as environment_of
from tests.servers.pgbouncer import PgBouncer
from tests.servers.watched_server import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Outcome
    from tests.databases import Databases

pytestmark = pytest.mark.servers


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    with Postgres.start() as server:
        yield server


def says_that_it_waits(process: SideProServer) -> bool:
    return "waiting" in process.log()


@pytest.mark.slow
def test_processes_wait_for_stores_that_start_later(
    own_postgres: Postgres, own_redis: RedisServer, tmp_path: Path
) -> None:
    url = migrate(own_postgres.fresh_database())
    environment = {**settings_of(url, tmp_path), "SIDEPRO_REDIS_URL": own_redis.url}
    own_postgres.stop()
    own_redis.stop()
    processes = [SideProServer(environment)]
    processes += [SideProJobs(name, environment) for name in ("worker", "scheduler")]
    try:
        for process in processes:
            process.start_soon()
        for process in processes:
            wait_until(partial(says_that_it_waits, process), seconds=30, failure=process.log)
        own_postgres.resume()
        own_redis.resume()
        for process in processes:
            wait_until(process._answers, seconds=30, failure=process.log)
            assert "Traceback" not in process.log()
    finally:
        for process in processes:
            process.close()


@pytest.mark.slow
def test_a_server_starts_without_redis_and_uses_it_once_it_is_there(
    own_postgres: Postgres, own_redis: RedisServer, tmp_path: Path
) -> None:
    url = migrate(own_postgres.fresh_database())
    own_redis.stop()
    settings = {**settings_of(url, tmp_path), "SIDEPRO_REDIS_URL": own_redis.url}
    with SideProServer(settings) as server, httpx.Client(base_url=server.url) as http:

        def health() -> str:
            return str(http.get("/health/ready").json()["status"])

        assert http.get("/api/v1/projects").status_code == 200
        assert health() == "degraded"
        assert "redis_down" in server.log()
        assert "waiting" not in server.log()
        own_redis.resume()
        wait_until(lambda: health() == "ok", seconds=10, failure=server.log)


@pytest.mark.slow
def test_a_migration_waits_for_a_database_that_starts_later(
    own_postgres: Postgres, tmp_path: Path
) -> None:
    url = own_postgres.fresh_database()
    own_postgres.stop()
    log = tmp_path / "log"
    process = sidepro_process.start(
        ["migrate"],
        environment=environment_of(settings_of(url, tmp_path)),
        folder=tmp_path,
        out=log,
    )
    wait_until(lambda: "waiting" in log.read_text(), seconds=30, failure=log.read_text)
    own_postgres.resume()
    assert process.wait(60) == 0, log.read_text()


@pytest.mark.slow
def test_a_server_that_waits_for_the_database_leaves_requests_to_others(
    own_postgres: Postgres, own_redis: RedisServer, tmp_path: Path
) -> None:
    url = migrate(own_postgres.fresh_database())
    own_postgres.stop()
    server = SideProServer({**settings_of(url, tmp_path), "SIDEPRO_REDIS_URL": own_redis.url})
    try:
        server.start_soon()
        wait_until(partial(says_that_it_waits, server), seconds=30, failure=server.log)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, server.port), timeout=5)
        with socket.create_server((HOST, server.port)):  # now the port is another program's
            own_postgres.resume()
            assert server._process
            assert server._process.wait(timeout=30) == 1
        assert f"cannot listen on {HOST}:{server.port}: Address already in use" in server.log()
        assert "Traceback" not in server.log()
    finally:
        server.close()


def test_a_missing_permission_of_redis_is_one_line(
    run_here: Callable[..., Outcome],
    postgresql_databases: Databases,
    own_redis: RedisServer,
    tmp_path: Path,
) -> None:
    with own_redis.client() as client:
        rules = ("reset", "on", ">pw", "~*", "+@all")
        client.execute_command("ACL", "SETUSER", "app", *rules)
    with postgresql_databases.fresh() as url:
        redis_url = own_redis.url.replace("redis://", "redis://app:pw@")
        environment = {**settings_of(url, tmp_path), "SIDEPRO_REDIS_URL": redis_url}
        for command in (["worker"], ["serve", "--port=0"]):
            line = run_here(*command, **environment).error_line()
            assert line.startswith("Redis refuses this program: NOPERM"), line
            assert "channel" in line


@pytest.mark.parametrize("path", ["redis://{host}/0", "redis+sentinel://{host}/chat/0"])
@pytest.mark.parametrize(
    "option",
    [
        *("socket_timeout=soon", "socket_timeout=0", "no_such_option=1", "protocol=9"),
        *("decode_responses=true", "ssl_ca_certs=/etc/hostname"),
    ],
)
def test_an_invalid_option_of_the_redis_url_is_one_line(
    run_here: Callable[..., Outcome],
    postgresql_databases: Databases,
    tmp_path: Path,
    option: str,
    path: str,
) -> None:
    with postgresql_databases.fresh() as url:
        redis_url = path.format(host=f"{HOST}:{free_port()}")
        environment = {
            **settings_of(url, tmp_path),
            "SIDEPRO_REDIS_URL": f"{redis_url}?{option}",
        }
        line = run_here("serve", "--port=0", **environment).error_line()
    assert line.startswith("SIDEPRO_REDIS_URL has an invalid option")


@pytest.mark.parametrize(
    "option", ["ssl_ca_certs=/no/such/file", "ssl_ca_certs=/etc/hostname", "ssl_cert_reqs=perhaps"]
)
def test_an_invalid_certificate_of_redis_is_one_line(
    run_here: Callable[..., Outcome],
    postgresql_databases: Databases,
    tmp_path: Path,
    option: str,
) -> None:
    with postgresql_databases.fresh() as url:
        redis_url = f"rediss://{HOST}:{free_port()}/0?{option}"
        environment = {**settings_of(url, tmp_path), "SIDEPRO_REDIS_URL": redis_url}
        line = run_here("serve", "--port=0", **environment).error_line()
    assert line.startswith("SIDEPRO_REDIS_URL has an invalid option")


def test_a_number_of_a_database_that_redis_lacks_is_one_line(
    run_here: Callable[..., Outcome],
    postgresql_databases: Databases,
    own_redis: RedisServer,
    tmp_path: Path,
) -> None:
    with postgresql_databases.fresh() as url:
        redis_url = own_redis.url.removesuffix("/0") + "/999"
        environment = {**settings_of(url, tmp_path), "SIDEPRO_REDIS_URL": redis_url}
        for command in (["worker"], ["serve", "--port=0"]):
            line = run_here(*command, **environment).error_line()
            assert line.startswith("Redis refuses this program"), line
            assert "DB index is out of range" in line


def test_a_node_of_a_redis_cluster_is_refused_with_the_reason(
    run_here: Callable[..., Outcome],
    postgresql_databases: Databases,
    own_redis: RedisServer,
    tmp_path: Path,
) -> None:
    own_redis.stop()
    bus = ("--cluster-port", str(free_port()))  # by default its port lies 10,000 above
    own_redis.options = ["--cluster-enabled", "yes", *bus]
    own_redis.resume()
    with postgresql_databases.fresh() as url:
        environment = {**settings_of(url, tmp_path), "SIDEPRO_REDIS_URL": own_redis.url}
        for command in (["worker"], ["serve", "--port=0"]):
            line = run_here(*command, **environment).error_line()
            assert line.startswith("Redis Cluster is not supported"), line


@pytest.mark.parametrize(
    "option",
    [
        *("sslmode=perhaps", "target_session_attrs=perhaps", "keepalives_idle=0&service=none"),
        *("options=-c%20no_such_setting=1", "options=-c%20work_mem=much", "options=much"),
    ],
)
def test_an_option_that_postgresql_refuses_is_not_waited_for(
    run_here: Callable[..., Outcome],
    postgresql_databases: Databases,
    tmp_path: Path,
    option: str,
) -> None:
    with postgresql_databases.fresh() as url:
        settings = settings_of(f"{url}?{option}", tmp_path)
        line = run_here("migrate", **{**settings, "SIDEPRO_START_TIMEOUT": "3600"}).error_line()
    assert line.startswith("cannot use the database"), line


def test_passwords_among_the_options_of_a_url_are_not_printed(
    run_here: Callable[..., Outcome], postgresql_databases: Databases, tmp_path: Path
) -> None:
    with postgresql_databases.fresh() as url:
        parts = urlsplit(url)
        options = f"user={parts.username}&password={parts.password}&sslpassword=hunter2"
        own = f"postgresql://{HOST}:{parts.port}{parts.path}?{options}"
        outcome = run_here("migrate", **settings_of(own, tmp_path))
    assert outcome.code == 0
    assert "hunter2" not in outcome.out
    assert str(parts.password) not in outcome.out


def test_sentinels_that_know_no_such_service_are_told_in_one_line(
    run_here: Callable[..., Outcome], postgresql_databases: Databases, tmp_path: Path
) -> None:
    with postgresql_databases.fresh() as url:
        environment = {
            **settings_of(url, tmp_path),
            "SIDEPRO_REDIS_URL": f"redis+sentinel://:hunter2@{HOST}:{(port := free_port())}/chat",
            "SIDEPRO_START_TIMEOUT": "0",
        }
        line = run_here("scheduler", **environment).error_line()
    assert line == f"cannot use Redis: no Sentinel ({HOST}:{port}) names a primary of chat"


def test_a_migration_without_privileges_is_one_line(
    run_here: Callable[..., Outcome], own_postgres: Postgres, tmp_path: Path
) -> None:
    url = own_postgres.fresh_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.execute("CREATE ROLE weak LOGIN PASSWORD 'weak'")
    parts = urlsplit(url)
    weak = f"postgresql://weak:weak@{HOST}:{own_postgres.port}{parts.path}"
    line = run_here("migrate", **settings_of(weak, tmp_path)).error_line()
    assert "permission denied" in line


def test_a_unix_socket_is_taken(
    run_here: Callable[..., Outcome], own_postgres: Postgres, tmp_path: Path
) -> None:
    parts = urlsplit(own_postgres.fresh_database())
    folder, port = own_postgres.folder, own_postgres.port
    url = (
        f"postgres://{parts.username}:{parts.password}@{parts.path}?host={folder}&port={port}"
        "&sslmode=disable&application_name=mine"
    )
    assert run_here("migrate", **settings_of(url, tmp_path)).code == 0
    encoded = quote(str(folder), safe="")
    url = f"postgres://{parts.username}:{parts.password}@{encoded}:{port}{parts.path}"
    assert run_here("migrate", **settings_of(url, tmp_path)).code == 0


def test_the_hosts_of_a_url_are_tried_in_turn(
    run_here: Callable[..., Outcome], own_postgres: Postgres, tmp_path: Path
) -> None:
    parts = urlsplit(own_postgres.fresh_database())
    hosts = f"{HOST}:{free_port()},{HOST}:{own_postgres.port}"
    url = (
        f"postgresql://{parts.username}:{parts.password}@{hosts}{parts.path}"
        "?target_session_attrs=read-write"
    )
    assert run_here("migrate", **settings_of(url, tmp_path)).code == 0


def test_processes_are_named_in_the_list_of_sessions(
    own_postgres: Postgres, tmp_path: Path
) -> None:
    url = migrate(own_postgres.fresh_database())
    with SideProServer(settings_of(url, tmp_path)), psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT DISTINCT application_name FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    assert rows == [("sidepro serve",)]


def test_a_misspelled_variable_of_the_env_file_is_known(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SIDEPRO_REDIS_ULR=redis://x\nSIDEPRO_WEB=on\nsidepro_web=off\nOTHER=1\n")
    dotenv = configuration.read_dotenv(file)
    assert configuration.unknown({}, dotenv) == ["SIDEPRO_REDIS_ULR", "sidepro_web"]


@pytest.mark.parametrize("ignored", ["", "options"], ids=["refuses", "drops"])
def test_pgbouncer_is_refused_with_the_reason(
    run_here: Callable[..., Outcome], own_postgres: Postgres, tmp_path: Path, ignored: str
) -> None:
    """Sessions of a pooler have neither our settings nor our locks."""
    url = migrate(own_postgres.fresh_database())
    with PgBouncer(own_postgres, url, ignored) as pooler:
        for command in (["migrate"], ["serve", "--port=0"]):
            line = run_here(*command, **settings_of(pooler.url, tmp_path)).error_line()
            assert "a pooler before" in line
            assert "connect to PostgreSQL itself" in line
