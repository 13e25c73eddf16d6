"""INSERT … ON CONFLICT, which SQLAlchemy spells differently for each database."""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def upsert(connection: AsyncConnection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """An INSERT that takes `on_conflict_do_nothing` and `on_conflict_do_update`.

    To learn whether a row was inserted, add `returning`: SQLAlchemy has no row count for it.
    """
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
