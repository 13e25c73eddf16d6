"""What a database is asked."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event
from sqlalchemy.sql.selectable import ReturnsRows

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.database import Database

RunStatement = Callable[..., Awaitable[list[Row]]]


@contextmanager
def statements(database: Database | None) -> Iterator[list[str]]:
    """The statements that the database gets meanwhile."""
    assert database is not None
    seen: list[str] = []

    def recording(run: RunStatement) -> RunStatement:
        def logged(statement: ReturnsRows, *parameters: Any) -> Awaitable[list[Row]]:
            seen.append(str(statement))
            return run(statement, *parameters)

        return logged

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", record)
    try:
        with patch.multiple(
            database, fetch=recording(database.fetch), write=recording(database.write)
        ):
            yield seen
    finally:
        event.remove(engine, "before_cursor_execute", record)
