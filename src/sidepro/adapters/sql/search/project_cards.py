"""Project cards: the columns that all lists of projects select, and the views made of them."""

from typing import Any

from sqlalchemy import Select, exists, select

from sidepro.adapters.sql.catalogue_ids import CatalogueIds
from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.schema.expressions import (
    IMAGE_OF_USER,
    SKILLS_OF_PROJECT,
    THUMBNAIL,
    VIEWER,
    is_hidden,
    visible_to,
)
from sidepro.adapters.sql.schema.tables import bookmarks, project_counters, projects, users
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import UserId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.projects.views import ProjectCard

CARD_TABLES = projects.join(project_counters, project_counters.c.project_id == projects.c.id).join(
    users, users.c.id == projects.c.author_id
)

CARDS: Select[Any] = (
    select(
        projects.c.id,
        projects.c.title,
        projects.c.summary,
        projects.c.author_id,
        projects.c.created_at,
        projects.c.updated_at,
        users.c.username,
        project_counters.c.views,
        project_counters.c.bookmarks,
        project_counters.c.comments,
        SKILLS_OF_PROJECT,
        THUMBNAIL,
        IMAGE_OF_USER,
        exists()
        .where(bookmarks.c.user_id == VIEWER, bookmarks.c.project_id == projects.c.id)
        .correlate(projects)
        .label("bookmarked"),
        is_hidden(projects.c.id).label("hidden"),
    )
    .select_from(CARD_TABLES)
    .where(visible_to(VIEWER, projects.c.id))
)


def project_card(
    row: Row, catalogue: CatalogueIds, images: ImageUrls, viewer: UserId | None
) -> ProjectCard:
    """The view of a row of `CARDS`."""
    return ProjectCard(
        id=row.id,
        title=row.title,
        summary=row.summary,
        skills=catalogue.skills_of_list(row.skill_ids),
        thumbnail_url=images.url(row.thumbnail_key),
        author=author_summary(row, images),
        view_count=row.views,
        bookmark_count=row.bookmarks,
        comment_count=row.comments,
        bookmarked=None if viewer is None else bool(row.bookmarked),
        created_at=row.created_at,
        updated_at=row.updated_at,
        hidden=bool(row.hidden),
    )


def author_summary(row: Row, images: ImageUrls) -> UserSummary:
    """The author in a row that has `author_id`, `username` and `image_key`."""
    return UserSummary(row.author_id, row.username, images.url(row.image_key))
