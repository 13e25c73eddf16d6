"""Errors of stores are logged without what is stored."""

from __future__ import annotations

import logging
import sqlite3
from io import StringIO
from typing import TYPE_CHECKING

import pytest
import redis.exceptions
import structlog
from sqlalchemy import text

from sidepro.adapters.sql.engine.database import Database
from tests.databases import both_databases

if TYPE_CHECKING:
    from tests.databases import Databases

SECRET = "mina@example.kr $argon2id$v=19$secret"


@pytest.fixture(params=["console", "json"])
def log_format(request: pytest.FixtureRequest) -> str:
    """Each test runs in either format."""
    return str(request.param)


def logged(error: BaseException, log_text: StringIO) -> str:
    """What both ways of logging write about an exception."""
    structlog.get_logger("tests").error("unhandled_error", exc_info=error)
    logging.getLogger("taskiq").error("Exception while executing: %s", error, exc_info=error)
    return log_text.getvalue()


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


@pytest.mark.anyio
@both_databases
async def test_a_failed_constraint_does_not_write_its_row_into_the_log(
    databases: Databases, log_text: StringIO
) -> None:
    statement = text(
        "INSERT INTO users (id, email, email_key, username, username_key, password_hash, is_admin,"
        " is_active, created_at) VALUES (:id, :secret, NULL, 'mina', 'mina', :secret, false, true,"
        " CURRENT_TIMESTAMP)"
    )
    user_id = "0190d1f0a4b47c6e8f00aabbccddeeff"
    with databases.fresh() as address:
        database = Database(address)
        with pytest.raises(Exception, match=r"(?i)null") as failed:
            async with database.writing() as connection:
                await connection.execute(statement, {"id": user_id, "secret": SECRET})
        await database.close()
    output = logged(failed.value, log_text)
    assert "mina@example.kr" not in output
    assert "argon2id" not in output
    assert "IntegrityError" in output
    assert "23502" in output or "SQLITE_CONSTRAINT_NOTNULL" in output
    assert "test_log_redaction" in output, "the traceback stays"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        pytest.param(redis.exceptions.ResponseError(f"OOM {SECRET}"), "error=OOM", id="redis"),
        pytest.param(sqlite3.DataError(SECRET), "DataError", id="sqlite"),
    ],
)
def test_messages_of_drivers_are_omitted_wherever_they_are_in_the_chain(
    error: BaseException, shown: str, log_text: StringIO
) -> None:
    caught = raised(RuntimeError("outer"), raised(error))
    group = raised(BaseExceptionGroup("several", [caught]))
    output = logged(group, log_text)
    assert SECRET not in output
    assert shown in output
    assert "outer" in output
    assert "several" in output


def test_a_message_copied_from_a_driver_is_omitted(log_text: StringIO) -> None:
    driver = raised(sqlite3.DataError(SECRET))
    assert SECRET not in logged(raised(ValueError(SECRET), driver), log_text)


def test_other_exceptions_are_logged_whole(log_text: StringIO) -> None:
    assert "the reason" in logged(raised(ValueError("the reason")), log_text)
