"""Types of columns that hold values of the domain."""

from typing import Any

from sqlalchemy import Dialect, SmallInteger
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
