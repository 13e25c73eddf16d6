"""Types of columns that hold values of the domain."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, SmallInteger
from sqlalchemy.types import TypeDecorator, TypeEngine

from sidepro.domain.visibility import Visibility


class VisibilityType(TypeDecorator[Visibility]):
    """A `Visibility` as its number."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = SmallInteger
    cache_ok: bool | None = True

    def process_bind_param(self, value: Visibility | None, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else int(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Visibility | None:  # noqa: ARG002 - as above
        return None if value is None else Visibility(value)


class DateTimeUTC(TypeDecorator[datetime]):
    """A moment: an aware `datetime`, in UTC. SQLite stores it without its offset.

    Raises:
        TypeError: a naive `datetime` is to be stored.
    """

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = DateTime(timezone=True)
    cache_ok: bool | None = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a naive datetime: its time zone is unknown")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value
