"""Projects in SQL."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Select, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.catalogue_ids import (
    CatalogueCache,
    CatalogueIds,
)
from sidepro.adapters.sql.engine.database import TransactionSource
from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.repositories.board.search_rows import SET_NGRAMS
from sidepro.adapters.sql.repositories.rows import entity_loader
from sidepro.adapters.sql.schema.expressions import SKILLS_OF_PROJECT, VIEWER, visible_to
from sidepro.adapters.sql.schema.moderation_tables import hidden_projects
from sidepro.adapters.sql.schema.tables import (
    project_counters,
    project_days,
    project_search,
    project_skills,
    projects,
    users,
)
from sidepro.adapters.sql.search.ngrams import ngrams_of
from sidepro.domain.errors import NotFound
from sidepro.domain.ids import ProjectId, UserId
from sidepro.domain.projects.ports import Counters
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.search_key import search_text
from sidepro.domain.visibility import Visibility

# Two statements: a single one that waits for the lock would read the new row, but the old skills.
_LOCK = (
    select(projects.c.id).where(projects.c.id == bindparam("id")).with_for_update(key_share=True)
)
_PROJECT = (
    select(projects, SKILLS_OF_PROJECT, hidden_projects.c.is_removed)
    .outerjoin(hidden_projects, hidden_projects.c.project_id == projects.c.id)
    .where(projects.c.id == bindparam("id"))
)
_ADJUST_COUNTERS = (
    update(project_counters)
    .where(
        project_counters.c.project_id == bindparam("id"),
        visible_to(VIEWER, project_counters.c.project_id),
    )
    .values(
        bookmarks=project_counters.c.bookmarks + bindparam("bookmarks_by"),
        comments=project_counters.c.comments + bindparam("comments_by"),
    )
    .returning(project_counters.c.views, project_counters.c.bookmarks, project_counters.c.comments)
)
_REMOVE_DAILY_BOOKMARK = (
    update(project_days)
    .where(
        project_days.c.project_id == bindparam("id"),
        project_days.c.day == bindparam("of_day"),
        # A bookmark of the time before daily counts is in none of them.
        project_days.c.bookmarks > 0,
    )
    .values(bookmarks=project_days.c.bookmarks - 1)
)
_USERNAME = select(users.c.username).where(users.c.id == bindparam("id"))
# Delays a change of the username, which then finds the new project.
_USERNAME_TO_ADD = _USERNAME.with_for_update(read=True, key_share=True)


class SqlProjects:
    """See `sidepro.domain.projects.ports.ProjectRepository`."""

    def __init__(self, connection: AsyncConnection, catalogue: CatalogueCache) -> None:
        self._connection = connection
        self._catalogue = catalogue

    async def add(self, project: Project) -> None:
        values = await self._values(project, _USERNAME_TO_ADD)
        await self._connection.execute(insert(projects), {"id": project.id, **values})
        await self._connection.execute(
            insert(project_counters),
            {"project_id": project.id, "views": 0, "bookmarks": 0, "comments": 0},
        )
        await self._connection.execute(insert(project_search), search_row(project, values))
        await self._add_skills(project)

    async def get(self, project_id: ProjectId) -> Project | None:
        await self._connection.execute(_LOCK, {"id": project_id})
        row = (await self._connection.execute(_PROJECT, {"id": project_id})).first()
        if row is None:
            return None
        catalogue = await self._catalogue.current(TransactionSource(self._connection))
        return Project(
            id=row.id,
            author_id=row.author_id,
            title=row.title,
            summary=row.summary,
            content=row.content,
            content_html=row.content_html,
            repository_url=row.repository_url,
            thumbnail_id=row.thumbnail_id,
            skills=catalogue.skills_of_list(row.skill_ids),
            revision=row.revision,
            created_at=row.created_at,
            updated_at=row.updated_at,
            visibility=_visibility(row.is_removed),
        )

    async def save(self, project: Project) -> None:
        values = await self._values(project, _USERNAME)
        await self._connection.execute(
            update(projects).where(projects.c.id == project.id).values(values)
        )
        # Writes only if the search text changed, which spares the index.
        await self._connection.execute(
            SET_NGRAMS, {"of": project.id, "now": ngrams_of(values["search_text"])}
        )
        await self._connection.execute(
            delete(project_skills).where(project_skills.c.project_id == project.id)
        )
        await self._add_skills(project)

    async def save_html(self, project_id: ProjectId, content_html: str) -> None:
        await self._connection.execute(
            update(projects).where(projects.c.id == project_id).values(content_html=content_html)
        )

    async def delete(self, project_id: ProjectId) -> None:
        await self._connection.execute(delete(projects).where(projects.c.id == project_id))

    async def set_visibility(self, project: Project, visibility: Visibility) -> None:
        if visibility is Visibility.VISIBLE:
            shown = delete(hidden_projects).where(hidden_projects.c.project_id == project.id)
            await self._connection.execute(shown)
            return
        is_removed = visibility is Visibility.REMOVED
        hidden = upsert(self._connection, hidden_projects).values(
            project_id=project.id, author_id=project.author_id, is_removed=is_removed
        )
        await self._connection.execute(
            hidden.on_conflict_do_update(
                index_elements=[hidden_projects.c.project_id], set_={"is_removed": is_removed}
            )
        )

    async def count_comments(self, project_id: ProjectId, by: int) -> None:
        counted = (
            update(project_counters)
            .where(project_counters.c.project_id == project_id)
            .values(comments=project_counters.c.comments + by)
        )
        await self._connection.execute(counted)

    async def adjust_counters(
        self,
        project_id: ProjectId,
        viewer: UserId | None = None,
        *,
        bookmarks: int = 0,
        comments: int = 0,
    ) -> Counters:
        adjusted = await self._connection.execute(
            _ADJUST_COUNTERS,
            {
                "id": project_id,
                "viewer": viewer,
                "bookmarks_by": bookmarks,
                "comments_by": comments,
            },
        )
        row = adjusted.first()
        if row is None:
            raise NotFound
        return load_counters(row)

    async def adjust_daily_bookmarks(self, project_id: ProjectId, day: date, by: int) -> None:
        if by < 0:
            parameters = {"id": project_id, "of_day": day}
            await self._connection.execute(_REMOVE_DAILY_BOOKMARK, parameters)
            return
        added = upsert(self._connection, project_days).values(
            project_id=project_id, day=day, views=0, bookmarks=1
        )
        await self._connection.execute(
            added.on_conflict_do_update(
                index_elements=[project_days.c.project_id, project_days.c.day],
                set_={"bookmarks": project_days.c.bookmarks + 1},
            )
        )

    async def _values(self, project: Project, of_author: Select[Any]) -> dict[str, Any]:
        username = await self._connection.scalar(of_author, {"id": project.author_id})
        if username is None:
            raise NotFound
        return project_values(project, username)

    async def _add_skills(self, project: Project) -> None:
        catalogue = await self._catalogue.current(TransactionSource(self._connection))
        rows = project_skill_rows(project, catalogue)
        if rows:
            await self._connection.execute(insert(project_skills), rows)


load_counters = entity_loader(Counters)


def _visibility(is_removed: bool | None) -> Visibility:
    """From the row of a hidden project; `None` without one."""
    if is_removed is None:
        return Visibility.VISIBLE
    return Visibility.REMOVED if is_removed else Visibility.HIDDEN


def project_values(project: Project, username: str) -> dict[str, Any]:
    """A project's row without its key; `username` is its author's."""
    return {
        "author_id": project.author_id,
        "title": project.title,
        "summary": project.summary,
        "search_text": search_text(project.title, project.summary, username),
        "content": project.content,
        "content_html": project.content_html,
        "repository_url": project.repository_url,
        "thumbnail_id": project.thumbnail_id,
        "revision": project.revision,
        "created_at": project.created_at,
        "updated_at": project.updated_at,
    }


def search_row(project: Project, values: Mapping[str, Any]) -> dict[str, Any]:
    """The row of the text search; `values` are those of `project_values`."""
    return {
        "project_id": project.id,
        "created_at": project.created_at,
        "grams": ngrams_of(values["search_text"]),
    }


def project_skill_rows(project: Project, catalogue: CatalogueIds) -> list[dict[str, Any]]:
    return [
        {"project_id": project.id, "skill_id": catalogue.skill_ids[name]}
        for name in project.skills
    ]
