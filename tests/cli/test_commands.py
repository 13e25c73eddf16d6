"""Help, output and the commands besides `serve`."""

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
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from sidepro import cli
from tests.servers import HOST, SECRET_KEY, Postgres, settings
from tests.servers.sidepro_process import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome
from tests.cli.seed_options import SMALL


def test_every_command_has_help(run_here: Callable[..., Outcome]) -> None:
    overview = run_here("--help")
    assert (overview.code, overview.err) == (0, "")
    for name in cli.COMMANDS:
        command = cli.cli.get_command(click.Context(cli.cli), name)
        assert command is not None
        assert (command.help or "").startswith(cli.COMMANDS[name][1])
        assert re.search(rf"^  {name} +\S", overview.out, re.MULTILINE)
        for option in ("--help", "-h"):
            outcome = run_here(name, option, SIDEPRO_DOCS="perhaps")
            assert (outcome.code, outcome.err) == (0, ""), "help needs no valid settings"
            assert outcome.out.startswith(f"Usage: sidepro {name}")
            for parameter in command.params:
                name_in_help = max(parameter.opts, key=len)
                if isinstance(parameter, click.Argument):
                    name_in_help = name_in_help.upper()
                assert name_in_help in outcome.out


def test_help_is_shown_without_a_command(run_here: Callable[..., Outcome]) -> None:
    outcome = run_here()
    assert "Usage: sidepro" in outcome.out + outcome.err
    assert "Traceback" not in outcome.err


def test_the_version_is_printed(run_here: Callable[..., Outcome]) -> None:
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
def test_an_invalid_argument_is_a_one_line_error(
    run_here: Callable[..., Outcome], arguments: list[str]
) -> None:
    outcome = run_here(*arguments)
    assert outcome.code == 2
    assert "--help" in outcome.error_line()


@pytest.mark.servers
def test_port_0_takes_a_free_port_and_prints_the_address_of_the_board_first(
    tmp_path: Path,
) -> None:
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
            result = "".join(lines)
            (port,) = set(re.findall(r"http://127\.0\.0\.1:(\d+)/", result))
            assert int(port) > 0
            addresses = re.findall(r"http://\S+", result)
            assert addresses[0] == f"http://127.0.0.1:{port}/"
            assert f"http://127.0.0.1:{port}/api/docs" in addresses
            with socket.create_connection((HOST, int(port)), timeout=5):
                pass
        finally:
            serving.send_signal(signal.SIGINT)  # Ctrl-C
        _, errors = serving.communicate(timeout=30)
    assert serving.returncode == 0, errors
    assert "Traceback" not in errors
    # the data lives below the current folder
    assert (tmp_path / "data" / "sidepro.sqlite3").exists()


def test_seed_fills_only_an_empty_database(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    done = run_here("seed", *SMALL, **environment)
    assert done.code == 0, done.err
    assert "demo account" in done.out
    assert "demo data" in done.err, "the progress bar"
    line = run_here("seed", *SMALL, **environment).error_line()
    assert "is not empty: nothing was added" in line


def test_openapi_is_printed_without_database_or_data_folder(
    run_here: Callable[..., Outcome], tmp_path: Path, unwritable_folder: Path
) -> None:
    outcome = run_here(
        "openapi",
        SIDEPRO_DATA_DIR=str(unwritable_folder),
        SIDEPRO_DATABASE_URL=f"postgresql://nobody:{secrets.token_hex()}@{HOST}:1/none",
    )
    assert (outcome.code, outcome.err) == (0, "")
    document = json.loads(outcome.out)
    assert document["openapi"].startswith("3.1")
    assert "/api/v1/projects" in document["paths"]
    assert list(tmp_path.iterdir()) == []


def test_markdown_render_updates_outdated_html(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    assert "run `sidepro migrate`" in run_here("markdown", "render", **environment).error_line()
    assert run_here("seed", *SMALL, **environment).code == 0
    result = run_here("markdown", "render", **environment)
    assert (result.code, result.out) == (0, "changed the HTML of 0 projects\n")
    html = "SELECT id, content_html FROM projects ORDER BY id"
    with contextlib.closing(sqlite3.connect(tmp_path / "sidepro.sqlite3")) as database:
        before = database.execute(html).fetchall()
        database.execute("UPDATE projects SET content_html = 'of old'")
        database.commit()
    result = run_here("markdown", "render", **environment)
    assert (result.code, result.out) == (
        0,
        f"changed the HTML of {len(before)} projects\n",
    )
    with contextlib.closing(sqlite3.connect(tmp_path / "sidepro.sqlite3")) as database:
        assert database.execute(html).fetchall() == before


def test_wrong_counters_are_repaired(run_here: Callable[..., Outcome], tmp_path: Path) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    assert "run `sidepro migrate`" in run_here("counters", "check", **environment).error_line()
    assert run_here("seed", *SMALL, **environment).code == 0
    result = run_here("counters", "check", **environment)
    assert (result.code, result.out, result.err) == (0, "all counts are right\n", "")
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


def test_wrong_daily_counts_of_bookmarks_are_repaired(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    assert run_here("seed", *SMALL, **environment).code == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "sidepro.sqlite3")) as database:
        database.execute(
            "INSERT INTO project_days SELECT project_id, date('now', '+9 hours'), 0, 99"
            " FROM project_counters"
            " WHERE project_id = (SELECT min(project_id) FROM project_counters)"
            " ON CONFLICT DO UPDATE SET bookmarks = 99"
        )
        database.commit()
    wrong = run_here("counters", "check", **environment)
    assert re.search(r"project [0-9a-f-]{36}: bookmarks of [0-9-]{10} 99, actual \d\n", wrong.out)
    assert wrong.err == "sidepro: the counts of 1 project are wrong; --fix repairs them\n"
    repaired = run_here("counters", "check", "--fix", **environment)
    assert repaired.out.endswith("repaired the counts of 1 project\n")
    assert run_here("counters", "check", **environment).out == "all counts are right\n"


def test_seeded_projects_have_trending_scores_at_once(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    assert run_here("seed", *SMALL, SIDEPRO_DATA_DIR=str(tmp_path)).code == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "sidepro.sqlite3")) as database:
        (scored,) = database.execute(
            "SELECT count(*) FROM project_counters WHERE trending > 0"
        ).fetchone()
    assert scored > 0


@pytest.mark.servers
@pytest.mark.parametrize("command", ["migrate", "worker"])
def test_a_database_that_is_not_in_utf_8_is_refused(
    run_here: Callable[..., Outcome], postgres: Postgres, command: str
) -> None:
    address = postgres.fresh_database(locale="ENCODING 'SQL_ASCII' LOCALE 'C'")
    try:
        line = run_here(
            command,
            SIDEPRO_DATABASE_URL=address,
            SIDEPRO_SECRET_KEY=SECRET_KEY,
            SIDEPRO_REDIS_URL="redis://127.0.0.1:1",
        ).error_line()
    finally:
        postgres.drop(address)
    assert "has the encoding SQL_ASCII" in line


def test_what_a_server_creates_is_readable_by_its_user_alone(
    run: Callable[..., Outcome], tmp_path: Path
) -> None:
    assert run("migrate", SIDEPRO_DATA_DIR=str(tmp_path / "data")).code == 0
    folder = tmp_path / "data"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}
    assert modes.pop("data") == 0o700
    assert set(modes.values()) == {0o600}, modes
