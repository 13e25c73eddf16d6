"""SQL expressions that statements of several modules share."""

from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Date,
    Label,
    String,
    bindparam,
    cast,
    func,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from sidepro.adapters.sql.schema.tables import (
    images,
    profile_skills,
    profiles,
    project_skills,
    projects,
    users,
)

VIEWER = bindparam("viewer", type_=users.c.id.type)
"""The viewing user; NULL for an anonymous one."""


def visible_to(
    viewer: BindParameter[Any],  # noqa: ARG001 - a rule that hides projects looks at both
    project_id: ColumnElement[Any],  # noqa: ARG001 - as above
) -> ColumnElement[bool]:
    """The condition that the viewer may see the project: `Project.is_visible_to` in SQL.

    Every statement that reads projects, their comments, bookmarks or counters for a viewer
    includes it. All projects are public, so it adds nothing to a statement.
    """
    return true()


def _skill_ids(owner: Column[Any], owner_id: Column[Any]) -> Label[str]:
    """The ids of an owner's skills as one text such as `4,17`, labelled `skill_ids`; NULL without
    any. `owner` is the foreign key in the table of skills, `owner_id` the owner's primary key.
    """
    return (
        select(func.aggregate_strings(cast(owner.table.c.skill_id, String), ","))
        .where(owner == owner_id)
        .correlate(owner_id.table)
        .scalar_subquery()
        .label("skill_ids")
    )


SKILLS_OF_PROFILE = _skill_ids(profile_skills.c.user_id, profiles.c.user_id)
SKILLS_OF_PROJECT = _skill_ids(project_skills.c.project_id, projects.c.id)

# Subqueries instead of joins: images are looked up only for a page's rows, and the other tables
# keep their join order.
IMAGE_OF_USER = (
    select(images.c.key)
    .join(profiles, profiles.c.image_id == images.c.id)
    .where(profiles.c.user_id == users.c.id)
    .correlate(users)
    .scalar_subquery()
    .label("image_key")
)
THUMBNAIL = (
    select(images.c.key)
    .where(images.c.id == projects.c.thumbnail_id)
    .correlate(projects)
    .scalar_subquery()
    .label("thumbnail_key")
)


# ------------------------------------------------------------------------------------- days


class KoreanDay(FunctionElement[Any]):
    """`KoreanDay(moment)`: the SQL form of `sidepro.domain.projects.trending.day_of`."""

    type: TypeEngine[Any] = Date()
    inherit_cache: bool | None = True


@compiles(KoreanDay)
def _korean_day(element: KoreanDay, compiler: SQLCompiler, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"CAST({moment} AT TIME ZONE INTERVAL '+09:00' AS DATE)"


@compiles(KoreanDay, "sqlite")
def _korean_day_of_text(element: KoreanDay, compiler: SQLCompiler, **options: Any) -> str:
    return f"date({compiler.process(element.clauses, **options)}, '+9 hours')"
