"""The metadata of the tables, and columns that many of them have.

Constraints and indexes are named: the adapter identifies violations by name. Times are in UTC. Ids
are UUIDv7: native on PostgreSQL, 32 hexadecimal digits on SQLite.
"""

from sqlalchemy import Column, ForeignKey, MetaData

from sidepro.adapters.sql.schema.types import DateTimeUTC, VisibilityType

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def references(target: str, *, on_delete: str = "CASCADE") -> ForeignKey:
    return ForeignKey(target, ondelete=on_delete)


def timestamp(name: str) -> Column[object]:
    return Column(name, DateTimeUTC(), nullable=False)


def visibility() -> Column[object]:
    """A value of `sidepro.domain.visibility.Visibility`."""
    return Column("visibility", VisibilityType(), nullable=False, server_default="0")
