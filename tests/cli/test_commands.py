"""The commands: what they do, and how they refuse what cannot be done."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import signal
import socket
import sqlite3
import stat
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from sidepro import cli
from sidepro.adapters.sql.schema import migrate as migrations
from tests.cli.conftest import COMMAND
from tests.databases import settings_of
from tests.servers import HOST, SECRET_KEY, SideProServer, free_port, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome
    from tests.servers import Postgres

SMALL = ["--users=4", "--projects=3", "--comments=2", "--bookmarks=2", "--rooms=1"]
SMALL += ["--messages-per-room=2"]


# ----------------------------------------------------------------------------------------- help


def test_there_is_help_everywhere(run_here: Callable[..., Outcome]) -> None:
    whole = run_here("--help")
    assert (whole.code, whole.err) == (0, "")
    for name in cli.COMMANDS:
        command = cli.cli.get_command(click.Context(cli.cli), name)
        assert command is not None
        assert (command.help or "").startswith(cli.COMMANDS[name][1])
        assert re.search(rf"^  {name} +\S", whole.out, re.MULTILINE)
        for option in ("--help", "-h"):
            outcome = run_here(name, option, SIDEPRO_DOCS="perhaps")
            assert (outcome.code, outcome.err) == (0, ""), "help needs no sound settings"
            assert outcome.out.startswith(f"Usage: sidepro {name}")
            for parameter in command.params:
                assert max(parameter.opts, key=len) in outcome.out


def test_without_a_command_it_shows_its_help(run_here: Callable[..., Outcome]) -> None:
    outcome = run_here()
    assert "Usage: sidepro" in outcome.out + outcome.err
    assert "Traceback" not in outcome.err


def test_it_tells_its_version(run_here: Callable[..., Outcome]) -> None:
    outcome = run_here("--version")
    assert outcome.code == 0
    assert re.search(r"\d+\.\d+\.\d+", outcome.out)


@pytest.mark.parametrize(
    "arguments",
    [
        ["sreve"],
        ["--port"],
        ["serve", "--prot", "1"],
        ["serve", "--port", "many"],
        ["serve", "--port", "65536"],
        ["serve", "--workers", "0"],
        ["serve", "extra"],
        ["seed", "--users", "1"],
        ["seed", "--projects", "-1"],
    ],
    ids=" ".join,
)
def test_a_wrong_argument_is_one_line(
    run_here: Callable[..., Outcome], arguments: list[str]
) -> None:
    outcome = run_here(*arguments)
    assert outcome.code == 2
    assert "--help" in outcome.complaint()


# ------------------------------------------------------------------------------ what is in the way


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SIDEPRO_REDIS_URL": "redis://127.0.0.1:1/0"},
        {"SIDEPRO_DATABASE_URL": "postgresql://a:b@127.0.0.1:1/c", "SIDEPRO_SECRET_KEY": "k" * 32},
    ],
    ids=["neither", "no PostgreSQL", "no Redis"],
)
def test_more_workers_are_refused_with_the_reason(
    run_here: Callable[..., Outcome], environment: dict[str, str]
) -> None:
    line = run_here("serve", "--workers", "2", **environment).complaint()
    assert "--workers" in line
    assert "PostgreSQL and Redis" in line
    assert "in one process" in line


def test_a_taken_port_is_told(run_here: Callable[..., Outcome]) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = run_here("serve", "--port", str(port)).complaint()
    assert f"{HOST}:{port}" in line


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "::2"])
def test_an_address_of_another_machine_is_told(
    run_here: Callable[..., Outcome], host: str
) -> None:
    assert host in run_here("serve", "--host", host, "--port", "0").complaint()


@pytest.mark.parametrize("command", ["serve", "migrate", "seed"])
def test_a_data_folder_that_cannot_be_written_is_told(
    run_here: Callable[..., Outcome], nowhere: Path, command: str
) -> None:
    arguments = ["--port=0"] if command == "serve" else []
    line = run_here(command, *arguments, SIDEPRO_DATA_DIR=str(nowhere)).complaint()
    assert "cannot write to the folder" in line
    assert str(nowhere) in line

    line = run_here(
        command, *arguments, SIDEPRO_DATABASE_URL=f"sqlite:///{nowhere}/name.sqlite3"
    ).complaint()
    assert str(nowhere) in line


def test_a_folder_of_images_that_cannot_be_written_is_told(
    run_here: Callable[..., Outcome], nowhere: Path, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "in-the-way"
    in_the_way.touch()
    for folder in (nowhere, in_the_way):
        line = run_here("serve", "--port=0", SIDEPRO_IMAGES_URL=str(folder)).complaint()
        assert line.startswith(f"cannot write to the folder {folder}: ")


def test_a_file_that_is_no_database_is_told(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear database, " * 1000, "utf-8")
    line = run_here("migrate", SIDEPRO_DATABASE_URL=f"sqlite:///{file}").complaint()
    assert str(file) in line
    assert "not a database" in line


@pytest.mark.parametrize(
    "url", ["sqlite:///:memory:", "postgresql://u@127.0.0.1:1/name?nonsense=1"]
)
def test_an_address_that_no_driver_understands_is_told(
    run_here: Callable[..., Outcome], url: str
) -> None:
    environment = {"SIDEPRO_DATABASE_URL": url, "SIDEPRO_SECRET_KEY": SECRET_KEY}
    assert "SIDEPRO_DATABASE_URL" in run_here("migrate", **environment).complaint()


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
def test_an_unreachable_postgresql_is_one_line(run: Callable[..., Outcome]) -> None:
    url = f"postgresql://somebody:hunter2@{HOST}:{free_port()}/name"
    outcome = run("serve", "--port=0", SIDEPRO_DATABASE_URL=url, SIDEPRO_SECRET_KEY=SECRET_KEY)
    assert "cannot use the database" in outcome.complaint()


@pytest.mark.parametrize("command", ["serve", "migrate", "seed"])
def test_an_unreachable_postgresql_is_told(run_here: Callable[..., Outcome], command: str) -> None:
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


def test_a_wrong_password_of_postgresql_is_told(
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
            line = run_here(*arguments, **environment).complaint()
            assert "run `sidepro migrate`" in line
            assert migrations.head() in line
        done = run_here("migrate", **environment)
        assert (done.code, done.err) == (0, "")
        assert SECRET_KEY not in done.out
        assert run_here("migrate", "--check", **environment).code == 0
        assert run_here("seed", *SMALL, **environment).code == 0
    assert not (tmp_path / "not made").exists()


def test_migrate_check_changes_nothing(run_here: Callable[..., Outcome], tmp_path: Path) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    for _ in range(2):
        line = run_here("migrate", "--check", **environment).complaint()
        assert "run `sidepro migrate`" in line
        assert migrations.head() in line
    done = run_here("migrate", **environment)
    assert (done.code, done.err) == (0, "")
    assert f"from nothing to revision {migrations.head()}" in done.out
    for arguments in (["--check"], []):
        again = run_here("migrate", *arguments, **environment)
        assert (again.code, again.err) == (0, "")
        assert f"is at revision {migrations.head()}" in again.out


def test_a_database_of_a_newer_version_is_told(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    assert run_here("migrate", **environment).code == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "sidepro.sqlite3")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from tomorrow'")
        connection.commit()
    for arguments in (["serve", "--port=0"], ["migrate"], ["migrate", "--check"], ["seed"]):
        line = run_here(*arguments, **environment).complaint()
        assert "from tomorrow" in line
        assert "newer" in line


# ------------------------------------------------------------------------ one server to a database


@pytest.mark.servers
def test_one_server_alone_serves_a_database_file(
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
        line = run_here("serve", "--port=0", **environment).complaint()
        assert line.startswith("another `sidepro serve` runs")
        assert str(database) in line
        assert "Redis" in line

        server.kill()
        server.start()


def test_one_server_alone_serves_a_postgresql_database(
    run_here: Callable[..., Outcome], postgres: Postgres, tmp_path: Path
) -> None:
    with postgres.database() as url:
        environment = settings_of(url, tmp_path)
        assert run_here("migrate", **environment).code == 0
        with SideProServer(environment) as server:
            line = run_here("serve", "--port=0", **environment).complaint()
            assert line.startswith("another `sidepro serve` runs")
            password = url.split(":")[2].split("@")[0]
            assert password not in line
            server.kill()
            server.start()
            assert server.terminate() == 0


def test_the_secret_key_is_made_once_for_its_owner_alone(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    said = run_here("migrate", SIDEPRO_DATA_DIR=str(data))
    file = data / "secret.key"
    made = file.read_text("ascii")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(made.strip()) >= 32
    said = replace(said, out=said.out + run_here("migrate", SIDEPRO_DATA_DIR=str(data)).out)
    assert file.read_text("ascii") == made
    assert made.strip() not in said.out + said.err
    assert {path.name for path in data.iterdir()} == {"secret.key", "sidepro.sqlite3"}

    other = tmp_path / "other"
    run_here("migrate", SIDEPRO_DATA_DIR=str(other))
    assert (other / "secret.key").read_text("ascii") != made


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"\xff" * 64])
def test_a_broken_file_of_the_secret_key_is_told_and_not_signed_with(
    run_here: Callable[..., Outcome], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "secret.key").write_bytes(content)
    complaint = run_here("migrate", SIDEPRO_DATA_DIR=str(tmp_path)).complaint()
    assert str(tmp_path / "secret.key") in complaint


def test_a_secret_key_that_is_set_is_not_kept(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path), "SIDEPRO_SECRET_KEY": SECRET_KEY}
    assert run_here("migrate", **environment).code == 0
    assert [file.name for file in tmp_path.iterdir()] == ["sidepro.sqlite3"]


# -------------------------------------------------------------------------------- other commands


@pytest.mark.servers
def test_port_0_takes_a_free_one_and_says_which(tmp_path: Path) -> None:
    with subprocess.Popen(
        [COMMAND, "serve", "--port=0"],
        cwd=tmp_path,
        env=settings({}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as serving:
        try:
            assert serving.stdout is not None
            lines = []
            for line in serving.stdout:
                lines.append(line)
                if "Ctrl-C" in line:
                    break
            said = "".join(lines)
            (port,) = set(re.findall(r"http://127\.0\.0\.1:(\d+)/", said))
            assert int(port) > 0
            assert f"http://127.0.0.1:{port}/api/docs" in said
            with socket.create_connection((HOST, int(port)), timeout=5):
                pass
        finally:
            serving.send_signal(signal.SIGINT)  # Ctrl-C
        _, errors = serving.communicate(timeout=30)
    assert serving.returncode == 0, errors
    assert "Traceback" not in errors
    # the data lives below the current folder
    assert (tmp_path / "data" / "sidepro.sqlite3").exists()


def test_seed_fills_an_empty_database_and_no_other(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    done = run_here("seed", *SMALL, **environment)
    assert done.code == 0, done.err
    assert "demo account" in done.out
    assert "demo data" in done.err, "the progress bar"
    line = run_here("seed", *SMALL, **environment).complaint()
    assert "is not empty: nothing was added" in line


def test_openapi_is_printed_without_touching_anything(
    run_here: Callable[..., Outcome], tmp_path: Path, nowhere: Path
) -> None:
    outcome = run_here(
        "openapi",
        SIDEPRO_DATA_DIR=str(nowhere),
        SIDEPRO_DATABASE_URL=f"postgresql://nobody:{secrets.token_hex()}@{HOST}:1/none",
    )
    assert (outcome.code, outcome.err) == (0, "")
    document = json.loads(outcome.out)
    assert document["openapi"].startswith("3.1")
    assert "/api/v1/projects" in document["paths"]
    assert list(tmp_path.iterdir()) == []


# ----------------------------------------------------------------------------- sidepro markdown


def test_texts_are_rendered_again_where_the_html_is_of_other_rules(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    assert "run `sidepro migrate`" in run_here("markdown", "render", **environment).complaint()
    assert run_here("seed", *SMALL, **environment).code == 0
    said = run_here("markdown", "render", **environment)
    assert (said.code, said.out) == (0, "changed the HTML of 0 projects\n")
    html = "SELECT id, content_html FROM projects ORDER BY id"
    with contextlib.closing(sqlite3.connect(tmp_path / "sidepro.sqlite3")) as database:
        before = database.execute(html).fetchall()
        database.execute("UPDATE projects SET content_html = 'of old'")
        database.commit()
    said = run_here("markdown", "render", **environment)
    assert (said.code, said.out) == (
        0,
        f"changed the HTML of {len(before)} projects\n",
    )
    with contextlib.closing(sqlite3.connect(tmp_path / "sidepro.sqlite3")) as database:
        assert database.execute(html).fetchall() == before


# ----------------------------------------------------------------------------- sidepro counters


def test_wrong_counters_are_repaired(run_here: Callable[..., Outcome], tmp_path: Path) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    assert "run `sidepro migrate`" in run_here("counters", "check", **environment).complaint()
    assert run_here("seed", *SMALL, **environment).code == 0
    said = run_here("counters", "check", **environment)
    assert (said.code, said.out, said.err) == (0, "all counts are right\n", "")
    with contextlib.closing(sqlite3.connect(tmp_path / "sidepro.sqlite3")) as database:
        database.execute("UPDATE project_counters SET comments = comments + 1")
        database.commit()
    wrong = run_here("counters", "check", **environment)
    assert wrong.code == 1
    assert wrong.out.count("project ") == 3
    assert wrong.err == "sidepro: the counts of 3 projects are wrong; --fix repairs them\n"
    repaired = run_here("counters", "check", "--fix", **environment)
    assert (repaired.code, repaired.err) == (0, "")
    assert repaired.out.endswith("repaired the counts of 3 projects\n")
    assert run_here("counters", "check", **environment).out == "all counts are right\n"
