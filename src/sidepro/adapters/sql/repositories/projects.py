"""Projects, comments and bookmarks in SQL: what changes them."""

from typing import Any

from sqlalchemy import String, bindparam, cast, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.readers.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.schema.tables import (
    project_counters,
    project_search,
    project_skills,
    projects,
    users,
)
from sidepro.adapters.sql.search.ngrams import NgramArray, ngrams_of
from sidepro.domain.errors import NotFound
from sidepro.domain.ids import (
    ProjectId,
)
from sidepro.domain.projects.ports import Counters
from sidepro.domain.projects.project import Project
from sidepro.domain.text import casefold_key

SKILLS_OF_PROJECT = (
    select(func.aggregate_strings(cast(project_skills.c.skill_id, String), ","))
    .where(project_skills.c.project_id == projects.c.id)
    .correlate(projects)
    .scalar_subquery()
    .label("skill_ids")
)

# Held first and read afterwards: a statement that waits for a lock sees the row as it is then,
# and everything else, such as the skills, as it was before.
_PROJECT_HELD = (
    select(projects.c.id).where(projects.c.id == bindparam("id")).with_for_update(key_share=True)
)
_PROJECT = select(projects, SKILLS_OF_PROJECT).where(projects.c.id == bindparam("id"))
_MOVE_COUNTERS = (
    update(project_counters)
    .where(project_counters.c.project_id == bindparam("id"))
    .values(
        bookmarks=project_counters.c.bookmarks + bindparam("bookmarks_moved"),
        comments=project_counters.c.comments + bindparam("comments_moved"),
    )
    .returning(project_counters.c.views, project_counters.c.bookmarks, project_counters.c.comments)
)
_NEW_GRAMS = (
    update(project_search)
    .where(
        project_search.c.project_id == bindparam("of"),
        project_search.c.grams != bindparam("now", type_=NgramArray()),
    )
    .values(grams=bindparam("now", type_=NgramArray()))
)
_USERNAME_KEY = select(users.c.username_key).where(users.c.id == bindparam("id"))


class SqlProjects:
    """See `sidepro.domain.projects.ports.ProjectRepository`."""

    def __init__(self, connection: AsyncConnection, catalogue: CatalogueCache) -> None:
        self._connection = connection
        self._catalogue = catalogue

    async def add(self, project: Project) -> None:
        values = await self._values(project)
        await self._connection.execute(insert(projects), {"id": project.id, **values})
        await self._connection.execute(
            insert(project_counters),
            {"project_id": project.id, "views": 0, "bookmarks": 0, "comments": 0},
        )
        await self._connection.execute(
            insert(project_search),
            {
                "project_id": project.id,
                "created_at": project.created_at,
                "grams": ngrams_of(values["search_text"]),
            },
        )
        await self._add_skills(project)

    async def get(self, project_id: ProjectId) -> Project | None:
        await self._connection.execute(_PROJECT_HELD, {"id": project_id})
        row = (await self._connection.execute(_PROJECT, {"id": project_id})).first()
        if row is None:
            return None
        numbered = await self._catalogue.current(self._connection)
        return Project(
            id=row.id,
            author_id=row.author_id,
            title=row.title,
            summary=row.summary,
            content=row.content,
            content_html=row.content_html,
            repository_url=row.repository_url,
            thumbnail_id=row.thumbnail_id,
            skills=numbered.skills_of_list(row.skill_ids),
            revision=row.revision,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    async def save(self, project: Project) -> None:
        values = await self._values(project)
        await self._connection.execute(
            update(projects).where(projects.c.id == project.id).values(**values)
        )
        # Most edits leave these as they are, and the index untouched.
        await self._connection.execute(
            _NEW_GRAMS, {"of": project.id, "now": ngrams_of(values["search_text"])}
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

    async def adjust_counters(
        self, project_id: ProjectId, *, bookmarks: int = 0, comments: int = 0
    ) -> Counters:
        moved = await self._connection.execute(
            _MOVE_COUNTERS,
            {"id": project_id, "bookmarks_moved": bookmarks, "comments_moved": comments},
        )
        row = moved.first()
        if row is None:
            raise NotFound
        return Counters(views=row.views, bookmarks=row.bookmarks, comments=row.comments)

    async def _values(self, project: Project) -> dict[str, Any]:
        author = await self._connection.scalar(_USERNAME_KEY, {"id": project.author_id})
        if author is None:
            raise NotFound
        return {
            "author_id": project.author_id,
            "title": project.title,
            "summary": project.summary,
            "search_text": search_text(project.title, project.summary, author),
            "content": project.content,
            "content_html": project.content_html,
            "repository_url": project.repository_url,
            "thumbnail_id": project.thumbnail_id,
            "revision": project.revision,
            "created_at": project.created_at,
            "updated_at": project.updated_at,
        }

    async def _add_skills(self, project: Project) -> None:
        numbered = await self._catalogue.current(self._connection)
        rows = [
            {"project_id": project.id, "skill_id": numbered.skill_ids[name]}
            for name in project.skills
        ]
        if rows:
            await self._connection.execute(insert(project_skills), rows)


def search_text(title: str, summary: str, username_key: str) -> str:
    """What a text search looks through. The parts have no line breaks, nor have search terms, so
    that no term is found across two parts. A username never changes, and may be kept here.
    """
    return f"{casefold_key(title)}\n{casefold_key(summary)}\n{username_key}"
