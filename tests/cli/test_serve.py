"""`sidepro serve`: start-up errors, and one server for each database."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import sqlite3
import stat
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from sidepro.adapters.sql.schema import migrate as migrations
from tests.databases import settings_of
from tests.servers import HOST, SECRET_KEY, SideProServer, free_port, sidepro_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome
    from tests.servers import Postgres
from tests.cli.seed_options import SMALL


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SIDEPRO_REDIS_URL": "redis://127.0.0.1:1/0"},
        {
            "SIDEPRO_DATABASE_URL": "postgresql://a:b@127.0.0.1:1/c",
            "SIDEPRO_SECRET_KEY": SECRET_KEY,
        },
    ],
    ids=["neither", "no PostgreSQL", "no Redis"],
)
def test_several_workers_without_postgresql_and_redis_are_an_error(
    run_here: Callable[..., Outcome], environment: dict[str, str]
) -> None:
    line = run_here("serve", "--workers", "2", **environment).error_line()
    assert "--workers" in line
    assert "PostgreSQL and Redis" in line
    assert "in one process" in line


def test_a_taken_port_is_an_error(run_here: Callable[..., Outcome]) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = run_here("serve", "--port", str(port)).error_line()
    assert f"{HOST}:{port}" in line


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "::2"])
def test_an_address_of_another_machine_is_an_error(
    run_here: Callable[..., Outcome], host: str
) -> None:
    assert host in run_here("serve", "--host", host, "--port", "0").error_line()


@pytest.mark.parametrize("command", ["serve", "migrate", "seed"])
def test_an_unwritable_data_folder_is_an_error(
    run_here: Callable[..., Outcome], unwritable_folder: Path, command: str
) -> None:
    arguments = ["--port=0"] if command == "serve" else []
    line = run_here(command, *arguments, SIDEPRO_DATA_DIR=str(unwritable_folder)).error_line()
    assert "cannot write to the folder" in line
    assert str(unwritable_folder) in line

    line = run_here(
        command, *arguments, SIDEPRO_DATABASE_URL=f"sqlite:///{unwritable_folder}/name.sqlite3"
    ).error_line()
    assert str(unwritable_folder) in line


def test_an_unwritable_images_folder_is_an_error(
    run_here: Callable[..., Outcome], unwritable_folder: Path, tmp_path: Path
) -> None:
    blocking_file = tmp_path / "blocking-file"
    blocking_file.touch()
    for folder in (unwritable_folder, blocking_file):
        line = run_here("serve", "--port=0", SIDEPRO_IMAGES_URL=str(folder)).error_line()
        assert line.startswith(f"cannot write to the folder {folder}: ")


def test_a_file_that_is_no_database_is_an_error(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear database, " * 1000, "utf-8")
    line = run_here("migrate", SIDEPRO_DATABASE_URL=f"sqlite:///{file}").error_line()
    assert str(file) in line
    assert "not a database" in line


@pytest.mark.parametrize(
    "url", ["sqlite:///:memory:", "postgresql://u@127.0.0.1:1/name?nonsense=1"]
)
def test_a_database_url_that_no_driver_accepts_is_an_error(
    run_here: Callable[..., Outcome], url: str
) -> None:
    environment = {"SIDEPRO_DATABASE_URL": url, "SIDEPRO_SECRET_KEY": SECRET_KEY}
    assert "SIDEPRO_DATABASE_URL" in run_here("migrate", **environment).error_line()


@pytest.mark.parametrize(
    "name",
    [
        "내 데이터",
        "a#b",
        "what?",
        "100%25",
    ],
)
def test_a_data_folder_may_have_any_name(
    run_here: Callable[..., Outcome], tmp_path: Path, name: str
) -> None:
    assert run_here("migrate", SIDEPRO_DATA_DIR=str(tmp_path / name)).code == 0
    assert {file.name for file in (tmp_path / name).iterdir()} == {
        "secret.key",
        "sidepro.sqlite3",
    }
    assert [folder.name for folder in tmp_path.iterdir()] == [name]


@pytest.mark.servers
def test_an_unreachable_postgresql_is_a_one_line_error_of_the_process(
    run: Callable[..., Outcome],
) -> None:
    url = f"postgresql://somebody:hunter2@{HOST}:{free_port()}/name"
    outcome = run("serve", "--port=0", SIDEPRO_DATABASE_URL=url, SIDEPRO_SECRET_KEY=SECRET_KEY)
    assert "cannot use the database" in outcome.error_line()


@pytest.mark.parametrize("command", ["serve", "migrate", "seed"])
def test_an_unreachable_postgresql_is_an_error_without_the_password(
    run_here: Callable[..., Outcome], command: str
) -> None:
    port = free_port()
    outcome = run_here(
        command,
        *(["--port=0"] if command == "serve" else []),
        SIDEPRO_DATABASE_URL=f"postgresql://somebody:hunter2@{HOST}:{port}/name",
        SIDEPRO_SECRET_KEY=SECRET_KEY,
    )
    line = outcome.err
    assert outcome.code == 1
    assert line.startswith(
        f"sidepro: cannot use the database postgresql://somebody:***@{HOST}:{port}/name: "
    )
    assert "refused" in line
    assert "hunter2" not in outcome.out + line
    assert line.count("\n") == 1


def test_a_wrong_postgresql_password_is_an_error_without_the_password(
    run_here: Callable[..., Outcome], postgres: Postgres
) -> None:
    url = re.sub(r":[^:@]*@", ":hunter2@", postgres.url)
    outcome = run_here("migrate", SIDEPRO_DATABASE_URL=url, SIDEPRO_SECRET_KEY=SECRET_KEY)
    assert outcome.code == 1
    assert "password authentication failed" in outcome.err
    assert "hunter2" not in outcome.out + outcome.err
    assert outcome.err.count("\n") == 1


def test_a_postgresql_database_must_be_migrated_first(
    run_here: Callable[..., Outcome], postgres: Postgres, tmp_path: Path
) -> None:
    with postgres.database() as url:
        environment = settings_of(url, tmp_path / "not made")
        for arguments in (["serve", "--port=0"], ["seed"], ["migrate", "--check"]):
            line = run_here(*arguments, **environment).error_line()
            assert "run `sidepro migrate`" in line
            assert migrations.head() in line
        done = run_here("migrate", **environment)
        assert (done.code, done.err) == (0, "")
        assert SECRET_KEY not in done.out
        assert run_here("migrate", "--check", **environment).code == 0
        # Pictures would be files.
        assert run_here("seed", *SMALL, "--pictures=0", **environment).code == 0
    assert not (tmp_path / "not made").exists()


def test_migrate_check_changes_nothing(run_here: Callable[..., Outcome], tmp_path: Path) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    for _ in range(2):
        line = run_here("migrate", "--check", **environment).error_line()
        assert "run `sidepro migrate`" in line
        assert migrations.head() in line
    done = run_here("migrate", **environment)
    assert (done.code, done.err) == (0, "")
    assert f"from nothing to revision {migrations.head()}" in done.out
    for arguments in (["--check"], []):
        again = run_here("migrate", *arguments, **environment)
        assert (again.code, again.err) == (0, "")
        assert f"is at revision {migrations.head()}" in again.out


def test_a_database_of_a_newer_version_is_an_error(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    assert run_here("migrate", **environment).code == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "sidepro.sqlite3")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from tomorrow'")
        connection.execute("UPDATE schema_compatibility SET oldest_code = 'of tomorrow'")
        connection.commit()
    for arguments in (["serve", "--port=0"], ["migrate"], ["migrate", "--check"], ["seed"]):
        line = run_here(*arguments, **environment).error_line()
        assert "from tomorrow" in line
        assert "too new" in line


@pytest.mark.servers
def test_a_database_of_a_newer_version_is_served_if_it_is_compatible(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    assert run_here("migrate", **environment).code == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "sidepro.sqlite3")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from tomorrow'")
        connection.commit()
    for arguments in (["migrate"], ["migrate", "--check"]):
        outcome = run_here(*arguments, **environment)
        assert (outcome.code, outcome.err) == (0, "")
    assert "compatible" in run_here("migrate", "--check", **environment).out
    assert run_here("seed", *SMALL, **environment).code == 0
    with SideProServer(environment) as server:
        assert httpx.get(f"{server.url}/api/v1/projects").json()["items"]


@pytest.mark.servers
def test_a_second_server_on_a_database_file_is_an_error(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    database = tmp_path / "data" / "our chats.sqlite3"
    environment = {
        "SIDEPRO_DATABASE_URL": f"sqlite:///{database}",
        "SIDEPRO_DATA_DIR": str(tmp_path / "keys"),
    }
    with SideProServer(environment) as server:
        assert database.exists()
        assert {file.name for file in (tmp_path / "keys").iterdir()} == {"images", "secret.key"}
        line = run_here("serve", "--port=0", **environment).error_line()
        assert line.startswith("another `sidepro serve` runs")
        assert str(database) in line
        assert "Redis" in line

        server.kill()
        server.start()


def test_a_second_server_on_postgresql_without_redis_is_an_error(
    run_here: Callable[..., Outcome], postgres: Postgres, tmp_path: Path
) -> None:
    with postgres.database() as url:
        environment = settings_of(url, tmp_path)
        assert run_here("migrate", **environment).code == 0
        with SideProServer(environment) as server:
            line = run_here("serve", "--port=0", **environment).error_line()
            assert line.startswith("another `sidepro serve` runs")
            password = url.split(":")[2].split("@")[0]
            assert password not in line
            server.kill()
            server.start()
            assert server.terminate() == 0


@pytest.mark.servers
def test_the_output_may_be_full_and_the_end_of_the_terminal_stops_it(tmp_path: Path) -> None:
    """Its announcement is lost, and nothing else."""
    folder = tmp_path / "data"
    full = SideProServer(folder=tmp_path)
    full.log_file.symlink_to("/dev/full")
    full.environment["SIDEPRO_DATA_DIR"] = str(folder)
    with full as server:
        assert server.terminate(sent=signal.SIGHUP) == 0


@pytest.mark.parametrize("arguments", [("--help",), ("serve", "--help"), ("openapi",)])
def test_a_command_without_room_for_its_output_fails_with_one_line(
    arguments: tuple[str, ...],
) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sidepro_process.COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"sidepro: No space left on device\n")


def test_the_secret_key_is_created_once_and_readable_by_its_owner_only(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    result = run_here("migrate", SIDEPRO_DATA_DIR=str(data))
    file = data / "secret.key"
    made = file.read_text("ascii")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(made.strip()) >= 32
    result = replace(result, out=result.out + run_here("migrate", SIDEPRO_DATA_DIR=str(data)).out)
    assert file.read_text("ascii") == made
    assert made.strip() not in result.out + result.err
    assert {path.name for path in data.iterdir()} == {"secret.key", "sidepro.sqlite3"}

    other = tmp_path / "other"
    run_here("migrate", SIDEPRO_DATA_DIR=str(other))
    assert (other / "secret.key").read_text("ascii") != made


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"\xff" * 64])
def test_a_damaged_secret_key_file_is_an_error(
    run_here: Callable[..., Outcome], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "secret.key").write_bytes(content)
    error_line = run_here("migrate", SIDEPRO_DATA_DIR=str(tmp_path)).error_line()
    assert str(tmp_path / "secret.key") in error_line


def test_a_configured_secret_key_is_not_stored(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path), "SIDEPRO_SECRET_KEY": SECRET_KEY}
    assert run_here("migrate", **environment).code == 0
    assert [file.name for file in tmp_path.iterdir()] == ["sidepro.sqlite3"]
