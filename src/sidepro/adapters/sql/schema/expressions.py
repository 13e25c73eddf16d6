"""SQL expressions that statements of several modules share."""

from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Date,
    Label,
    ScalarSelect,
    String,
    and_,
    bindparam,
    cast,
    exists,
    func,
    not_,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from sidepro.adapters.sql.schema.chat_tables import blocks
from sidepro.adapters.sql.schema.moderation_tables import hidden_projects, withheld_images
from sidepro.adapters.sql.schema.tables import (
    comments,
    images,
    profile_skills,
    profiles,
    project_skills,
    projects,
    users,
)
from sidepro.domain.visibility import Visibility

VIEWER = bindparam("viewer", type_=users.c.id.type)
"""The viewing user; NULL for an anonymous one."""


_moderators = users.alias("moderators")


def is_moderator(user: BindParameter[Any]) -> ColumnElement[bool]:
    """Whether this user is a moderator or an administrator."""
    return exists().where(
        _moderators.c.id == user, or_(_moderators.c.is_moderator, _moderators.c.is_admin)
    )


def visible_to(viewer: BindParameter[Any], project_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition that the viewer may see the project: `Project.is_visible_to` in SQL.

    Every statement that reads projects, their comments, bookmarks or counters for a viewer
    includes it. The table of hidden projects is small, and only a project in it costs more than
    the look-up.
    """
    return not_(
        exists()
        .where(
            hidden_projects.c.project_id == project_id,
            or_(
                hidden_projects.c.is_removed,
                hidden_projects.c.author_id.is_distinct_from(viewer),
            ),
            not_(is_moderator(viewer)),
        )
        .correlate_except(hidden_projects)
    )


def is_public(project_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition that anybody may see the project. It needs no viewer."""
    return not_(is_hidden(project_id))


def is_hidden(project_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether moderators have hidden or removed the project."""
    return (
        exists()
        .where(hidden_projects.c.project_id == project_id)
        .correlate_except(hidden_projects)
    )


def comment_visible_to(viewer: BindParameter[Any]) -> ColumnElement[bool]:
    """The condition that the viewer may see the comment: `Comment.is_visible_to` in SQL. Combine
    it with `visible_to` for its project.
    """
    return or_(
        IS_VISIBLE_COMMENT,
        and_(comments.c.visibility == Visibility.HIDDEN, comments.c.author_id == viewer),
        is_moderator(viewer),
    )


IS_VISIBLE_COMMENT = comments.c.visibility == Visibility.VISIBLE
"""The condition that a comment counts."""


def no_contact(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[bool]:
    """The rule of blocks in SQL: one of the two people blocks the other."""
    return exists().where(
        or_(
            and_(blocks.c.blocker_id == one, blocks.c.blocked_id == other),
            and_(blocks.c.blocker_id == other, blocks.c.blocked_id == one),
        )
    )


def in_contact(person_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """That there is no block between the viewer and this person, for statements with many people.

    The people of the viewer's blocks are read once for a statement.
    """
    return person_id.not_in(
        union_all(
            select(blocks.c.blocked_id).where(blocks.c.blocker_id == VIEWER),
            select(blocks.c.blocker_id).where(blocks.c.blocked_id == VIEWER),
        )
    )


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
def image_of(user_id: ColumnElement[Any]) -> ScalarSelect[str]:
    """The key of a user's picture; NULL without one."""
    return (
        select(images.c.key)
        .join(profiles, profiles.c.image_id == images.c.id)
        .where(profiles.c.user_id == user_id)
        .correlate_except(images, profiles)
        .scalar_subquery()
    )


IMAGE_OF_USER = image_of(users.c.id).label("image_key")
IMAGE_NAME = func.coalesce(
    select(withheld_images.c.name)
    .where(withheld_images.c.image_id == images.c.id)
    .correlate_except(withheld_images)
    .scalar_subquery(),
    images.c.key,
)
"""The key that the image's object is stored under now."""

THUMBNAIL = (
    select(IMAGE_NAME)
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
