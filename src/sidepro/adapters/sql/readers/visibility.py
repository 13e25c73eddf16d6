"""Which projects a viewer may see, in SQL."""

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam, true

from sidepro.adapters.sql.schema.tables import users

VIEWER = bindparam("viewer", type_=users.c.id.type)
"""The user who looks; NULL for an anonymous one."""


def visible_to(
    viewer: BindParameter[Any],  # noqa: ARG001 - a rule that hides projects looks at both
    project_id: ColumnElement[Any],  # noqa: ARG001
) -> ColumnElement[bool]:
    """The condition that the viewer may see the project of this id.

    Every reader of projects, and of their comments and bookmarks, has it. All projects are public:
    it adds nothing to a statement.
    """
    return true()
