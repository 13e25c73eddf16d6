"""`sidepro users`: create-admin, deactivate, activate, reset-password, list."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import pytest

from sidepro.bootstrap import build
from sidepro.domain.errors import WrongCredentials
from sidepro.settings import Settings
from tests.cli.conftest import Outcome
from tests.servers import settings
from tests.servers.sidepro_process import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    RunCommand = Callable[..., Outcome]

PASSWORD = "정확한 horse battery 9"
OTHER = "또 다른 battery horse 8"


@pytest.fixture
def run_with_input(tmp_path: Path) -> RunCommand:
    """Runs `sidepro` in its own process, with text on standard input and no terminal."""

    def run_it(stdin: str, *arguments: str, **environment: str) -> Outcome:
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=tmp_path,
            env=settings(environment),
            input=stdin.encode(),
            capture_output=True,
            timeout=60,
            check=False,
            start_new_session=True,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run_it


def listed(run: RunCommand) -> list[list[str]]:
    outcome = run("users", "list")
    assert (outcome.code, outcome.err) == (0, "")
    return [line.split("\t") for line in outcome.out.splitlines()]


def admin(run: RunCommand, email: str = "a@b.kr", name: str = "미나") -> Outcome:
    return run("users", "create-admin", email, name, "--password", PASSWORD)


def test_an_administrator_is_created_and_listed(run_migrated: RunCommand) -> None:
    outcome = admin(run_migrated)
    assert (outcome.code, outcome.err) == (0, "")
    assert "미나 <a@b.kr>" in outcome.out
    assert PASSWORD not in outcome.out
    ((_, *rest),) = listed(run_migrated)
    assert rest == ["a@b.kr", "미나", "administrator"]


@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
def test_a_password_is_read_from_standard_input(
    run_migrated: RunCommand, run_with_input: RunCommand, end: str
) -> None:
    outcome = run_with_input(PASSWORD + end, "users", "create-admin", "a@b.kr", "name")
    assert (outcome.code, outcome.err) == (0, "")
    assert PASSWORD not in outcome.out
    assert [row[1:] for row in listed(run_migrated)] == [["a@b.kr", "name", "administrator"]]


def test_create_admin_without_a_password_is_an_error(
    run_migrated: RunCommand, run_with_input: RunCommand
) -> None:
    outcome = run_with_input("", "users", "create-admin", "a@b.kr", "name")
    assert "standard input" in outcome.error_line()
    assert listed(run_migrated) == []


def test_accounts_are_deactivated_and_activated_by_email_or_name(run_migrated: RunCommand) -> None:
    admin(run_migrated)
    for name in ("A@B.kr", "미나"):
        assert run_migrated("users", "deactivate", name).out == "미나 is deactivated\n"
        assert listed(run_migrated)[0][3] == "administrator, deactivated"
        assert run_migrated("users", "activate", name).out == "미나 is active\n"
        assert listed(run_migrated)[0][3] == "administrator"


def can_log_in(folder: Path, password: str) -> bool:
    """Whether the user of `admin` can log in with this password."""

    async def attempt() -> bool:
        container = build(Settings(data_dir=folder / "data"), "")
        try:
            sessions = container.api.services.sessions
            return bool(await sessions.log_in("a@b.kr", password, address="203.0.113.7"))
        except WrongCredentials:
            return False
        finally:
            await container.close()

    return asyncio.run(attempt())


def test_roles_are_given_and_listed(run_migrated: RunCommand) -> None:
    admin(run_migrated)
    for role, shown in (("moderator", "moderator"), ("admin", "administrator"), ("member", "")):
        outcome = run_migrated("users", "set-role", "미나", role)
        assert (outcome.code, outcome.out) == (0, f"미나 has the role {role}\n")
        ((_, _, _, *rest),) = listed(run_migrated)
        assert rest == [shown]
    outcome = run_migrated("users", "set-role", "미나", "king")
    assert outcome.code == 2
    assert "king" in outcome.err


def test_a_password_is_reset(run_migrated: RunCommand, tmp_path: Path) -> None:
    admin(run_migrated)
    assert can_log_in(tmp_path, PASSWORD)
    outcome = run_migrated("users", "reset-password", "미나", "--password", OTHER)
    assert (outcome.code, outcome.err) == (0, "")
    assert OTHER not in outcome.out
    assert can_log_in(tmp_path, OTHER)
    assert not can_log_in(tmp_path, PASSWORD)


def test_users_are_listed_in_the_order_of_sign_up(run_migrated: RunCommand) -> None:
    names = ["셋", "하나", "zwei"]
    for number, name in enumerate(names):
        assert admin(run_migrated, f"a{number}@b.kr", name + "-x").code == 0
    assert [row[2] for row in listed(run_migrated)] == [name + "-x" for name in names]


@pytest.mark.parametrize(
    "arguments",
    [
        ["deactivate", "nobody"],
        ["activate", "nobody"],
        ["set-role", "nobody", "member"],
        ["reset-password", "nobody", "--password", OTHER],
    ],
    ids=" ".join,
)
def test_an_unknown_name_is_a_one_line_error(
    run_migrated: RunCommand, arguments: list[str]
) -> None:
    outcome = run_migrated("users", *arguments)
    assert "'nobody'" in outcome.error_line()
    assert outcome.code == 1


@pytest.mark.parametrize(
    ("email", "name", "password", "said"),
    [
        ("no address", "name", PASSWORD, "email"),
        ("c@d.kr", "n", PASSWORD, "username"),
        ("c@d.kr", "name", "short", "password"),
        ("c@d.kr", "name", "password123", "password"),
        ("c@d.kr", "somebody", "somebody-123", "password"),
        ("A@b.kr", "name", PASSWORD, "email"),
        ("c@d.kr", "미나", PASSWORD, "username"),
    ],
)
def test_an_invalid_new_account_is_a_one_line_error(
    run_migrated: RunCommand, email: str, name: str, password: str, said: str
) -> None:
    admin(run_migrated)
    outcome = run_migrated("users", "create-admin", email, name, "--password", password)
    assert said in outcome.error_line().lower()
    assert len(listed(run_migrated)) == 1


def test_a_weak_new_password_changes_nothing(run_migrated: RunCommand) -> None:
    admin(run_migrated)
    line = run_migrated("users", "reset-password", "미나", "--password", "short").error_line()
    assert "password" in line.lower()


@pytest.mark.parametrize("arguments", [["list"], ["deactivate", "x"]], ids=" ".join)
def test_a_database_without_schema_is_a_one_line_error(
    run_here: RunCommand, arguments: list[str]
) -> None:
    assert "sidepro migrate" in run_here("users", *arguments).error_line()


@pytest.mark.parametrize(
    "arguments", [["lsit"], ["deactivate"], ["create-admin", "a@b.kr"]], ids=" ".join
)
def test_an_invalid_argument_is_a_one_line_error(
    run_here: RunCommand, arguments: list[str]
) -> None:
    outcome = run_here("users", *arguments)
    assert outcome.code == 2
    assert "--help" in outcome.error_line()
