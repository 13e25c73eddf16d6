"""`sidepro users`: administrators, closing and opening accounts, passwords, the list."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import pytest

from sidepro.bootstrap import build
from sidepro.domain.errors import WrongCredentials
from sidepro.settings import Settings
from tests.cli.conftest import COMMAND, Outcome
from tests.servers import settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Outcome]

PASSWORD = "정확한 horse battery 9"
OTHER = "또 다른 battery horse 8"


@pytest.fixture
def with_input(tmp_path: Path) -> Run:
    """Runs `sidepro` as a process without a terminal, with something on standard input."""

    def run_it(given: str, *arguments: str, **environment: str) -> Outcome:
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=tmp_path,
            env=settings(environment),
            input=given.encode(),
            capture_output=True,
            timeout=60,
            check=False,
            start_new_session=True,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run_it


@pytest.fixture
def migrated(run_here: Run) -> Run:
    """The command, beside a database that is there."""
    assert run_here("migrate").code == 0
    return run_here


def listed(run: Run) -> list[list[str]]:
    outcome = run("users", "list")
    assert (outcome.code, outcome.err) == (0, "")
    return [line.split("\t") for line in outcome.out.splitlines()]


def admin(run: Run, email: str = "a@b.kr", name: str = "미나") -> Outcome:
    return run("users", "create-admin", email, name, "--password", PASSWORD)


def test_an_administrator_is_made_and_listed(migrated: Run) -> None:
    outcome = admin(migrated)
    assert (outcome.code, outcome.err) == (0, "")
    assert "미나 <a@b.kr>" in outcome.out
    assert PASSWORD not in outcome.out
    ((_, *rest),) = listed(migrated)
    assert rest == ["a@b.kr", "미나", "administrator"]


@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
def test_a_password_may_come_on_standard_input(migrated: Run, with_input: Run, end: str) -> None:
    outcome = with_input(PASSWORD + end, "users", "create-admin", "a@b.kr", "name")
    assert (outcome.code, outcome.err) == (0, "")
    assert PASSWORD not in outcome.out
    assert [row[1:] for row in listed(migrated)] == [["a@b.kr", "name", "administrator"]]


def test_without_a_password_nothing_is_made(migrated: Run, with_input: Run) -> None:
    outcome = with_input("", "users", "create-admin", "a@b.kr", "name")
    assert "standard input" in outcome.complaint()
    assert listed(migrated) == []


def test_accounts_are_closed_and_opened_by_email_or_name(migrated: Run) -> None:
    admin(migrated)
    for name in ("A@B.kr", "미나"):
        assert migrated("users", "deactivate", name).out == "미나 is deactivated\n"
        assert listed(migrated)[0][3] == "administrator, deactivated"
        assert migrated("users", "activate", name).out == "미나 is active\n"
        assert listed(migrated)[0][3] == "administrator"


def may_log_in(folder: Path, password: str) -> bool:
    """Whether the person of `admin` logs in with this password."""

    async def attempt() -> bool:
        platform = build(Settings(data_dir=folder / "data"), "")
        try:
            sessions = platform.api.services.sessions
            return bool(await sessions.log_in("a@b.kr", password, address="203.0.113.7"))
        except WrongCredentials:
            return False
        finally:
            await platform.close()

    return asyncio.run(attempt())


def test_a_password_is_reset(migrated: Run, tmp_path: Path) -> None:
    admin(migrated)
    assert may_log_in(tmp_path, PASSWORD)
    outcome = migrated("users", "reset-password", "미나", "--password", OTHER)
    assert (outcome.code, outcome.err) == (0, "")
    assert OTHER not in outcome.out
    assert may_log_in(tmp_path, OTHER)
    assert not may_log_in(tmp_path, PASSWORD)


def test_everybody_is_listed_in_the_order_of_signing_up(migrated: Run) -> None:
    names = ["셋", "하나", "zwei"]
    for number, name in enumerate(names):
        assert admin(migrated, f"a{number}@b.kr", name + "-x").code == 0
    assert [row[2] for row in listed(migrated)] == [name + "-x" for name in names]


@pytest.mark.parametrize(
    "arguments",
    [
        ["deactivate", "nobody"],
        ["activate", "nobody"],
        ["reset-password", "nobody", "--password", OTHER],
    ],
    ids=" ".join,
)
def test_an_unknown_name_is_one_line(migrated: Run, arguments: list[str]) -> None:
    outcome = migrated("users", *arguments)
    assert "'nobody'" in outcome.complaint()
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
def test_an_account_that_cannot_be_is_one_line(
    migrated: Run, email: str, name: str, password: str, said: str
) -> None:
    admin(migrated)
    outcome = migrated("users", "create-admin", email, name, "--password", password)
    assert said in outcome.complaint().lower()
    assert len(listed(migrated)) == 1


def test_a_weak_new_password_changes_nothing(migrated: Run) -> None:
    admin(migrated)
    line = migrated("users", "reset-password", "미나", "--password", "short").complaint()
    assert "password" in line.lower()


@pytest.mark.parametrize("arguments", [["list"], ["deactivate", "x"]], ids=" ".join)
def test_a_database_that_is_not_migrated_is_one_line(run_here: Run, arguments: list[str]) -> None:
    assert "sidepro migrate" in run_here("users", *arguments).complaint()


@pytest.mark.parametrize(
    "arguments", [["lsit"], ["deactivate"], ["create-admin", "a@b.kr"]], ids=" ".join
)
def test_a_wrong_argument_of_users_is_one_line(run_here: Run, arguments: list[str]) -> None:
    outcome = run_here("users", *arguments)
    assert outcome.code == 2
    assert "--help" in outcome.complaint()
