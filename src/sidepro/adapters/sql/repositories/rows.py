"""Entities and rows whose fields and columns have the same names."""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Table

EntityT = TypeVar("EntityT")


def entity_loader(kind: type[EntityT]) -> Callable[[Any], EntityT]:
    """A function that makes an entity from a row, without validation: a stricter rule must not
    break stored rows.
    """
    loaded: Any = kind  # mypy wants a dataclass for `fields`
    values = attrgetter(*(field.name for field in fields(loaded)))
    return lambda row: kind(*values(row))


def row_of(table: Table, entity: object) -> dict[str, Any]:
    """The row of an entity that has a member for each column, but for those that it lacks."""
    names = [column.name for column in table.c if hasattr(entity, column.name)]
    return {name: getattr(entity, name) for name in names}
