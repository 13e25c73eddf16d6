"""What a database is asked."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event
from sqlalchemy.sql.selectable import ReturnsRows

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.database import Database


@contextmanager
def statements(database: Database | None) -> Iterator[list[str]]:
    """The statements that the database gets meanwhile."""
    assert database is not None
    seen: list[str] = []

    fetch, write = database.fetch, database.write

    def logged_fetch(statement: ReturnsRows, *parameters: Any) -> Awaitable[list[Row]]:
        seen.append(str(statement))
        return fetch(statement, *parameters)

    def logged_write(parameters: Any, *statements: ReturnsRows) -> Awaitable[list[Row]]:
        seen.extend(map(str, statements))
        return write(parameters, *statements)

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", record)
    try:
        with patch.multiple(database, fetch=logged_fetch, write=logged_write):
            yield seen
    finally:
        event.remove(engine, "before_cursor_execute", record)
