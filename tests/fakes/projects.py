"""Projects, comments and bookmarks in memory."""

from dataclasses import replace
from datetime import date, datetime

from sidepro.domain.errors import NotFound
from sidepro.domain.ids import (
    CommentId,
    ProjectId,
    UserId,
)
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.ports import Counters
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.trending import DailyCounts
from sidepro.domain.visibility import Visibility
from tests.fakes.state import Repository


class MemoryProjects(Repository):
    """See `sidepro.domain.projects.ports.ProjectRepository`."""

    async def add(self, project: Project) -> None:
        self._must_be_there(project.author_id)
        self._state.projects[project.id] = project
        self._state.counters[project.id] = Counters(0, 0, 0)

    async def get(self, project_id: ProjectId) -> Project | None:
        return self._state.projects.get(project_id)

    async def save(self, project: Project) -> None:
        stored = self._state.projects[project.id]
        self._state.projects[project.id] = replace(project, visibility=stored.visibility)

    async def save_html(self, project_id: ProjectId, content_html: str) -> None:
        project = self._state.projects[project_id]
        self._state.projects[project_id] = replace(project, content_html=content_html)

    async def delete(self, project_id: ProjectId) -> None:
        state = self._state
        state.projects.pop(project_id, None)
        state.counters.pop(project_id, None)
        state.trending.pop(project_id, None)
        for day_key in [day_key for day_key in state.days if day_key[0] == project_id]:
            del state.days[day_key]
        state.image_references.pop(project_id, None)
        for comment in [c for c in state.comments.values() if c.project_id == project_id]:
            del state.comments[comment.id]
        for key in [key for key in state.bookmarks if key[1] == project_id]:
            del state.bookmarks[key]

    async def set_visibility(self, project: Project, visibility: Visibility) -> None:
        stored = self._state.projects[project.id]
        self._state.projects[project.id] = replace(stored, visibility=visibility)

    async def count_comments(self, project_id: ProjectId, by: int) -> None:
        self.count(project_id, 0, by)

    async def adjust_counters(
        self,
        project_id: ProjectId,
        viewer: UserId | None = None,
        *,
        bookmarks: int = 0,
        comments: int = 0,
    ) -> Counters:
        project = self._state.projects.get(project_id)
        if project is None or not project.is_visible_to(self._state.viewer(viewer)):
            raise NotFound
        return self.count(project_id, bookmarks, comments)

    def count(self, project_id: ProjectId, bookmarks: int, comments: int) -> Counters:
        """Adjust the counters of any project."""
        counters = self._state.counters[project_id]
        adjusted = Counters(
            counters.views, counters.bookmarks + bookmarks, counters.comments + comments
        )
        self._state.counters[project_id] = adjusted
        return adjusted

    async def adjust_daily_bookmarks(self, project_id: ProjectId, day: date, by: int) -> None:
        counts = self._state.days.get((project_id, day), DailyCounts())
        if by > 0 or counts.bookmarks:
            self._state.add_to_day(project_id, day, bookmarks=by)


class MemoryComments(Repository):
    """See `sidepro.domain.projects.ports.CommentRepository`."""

    async def add(self, comment: Comment) -> None:
        self._must_be_there(comment.author_id)
        if comment.project_id not in self._state.projects:
            raise NotFound
        self._state.comments[comment.id] = comment

    async def is_blocked(self, project_id: ProjectId, user_id: UserId) -> bool:
        project = self._state.projects.get(project_id)
        return project is not None and self._state.is_blocked(project.author_id, user_id)

    async def get(self, comment_id: CommentId) -> Comment | None:
        return self._state.comments.get(comment_id)

    async def save(self, comment: Comment) -> None:
        stored = self._state.comments[comment.id]
        self._state.comments[comment.id] = replace(comment, visibility=stored.visibility)

    async def project_of(self, comment_id: CommentId) -> ProjectId | None:
        comment = self._state.comments.get(comment_id)
        return None if comment is None else comment.project_id

    async def set_visibility(self, comment_id: CommentId, visibility: Visibility) -> None:
        comment = self._state.comments[comment_id]
        self._state.comments[comment_id] = replace(comment, visibility=visibility)

    async def delete(self, comment_id: CommentId) -> bool:
        return self._state.comments.pop(comment_id, None) is not None


class MemoryBookmarks(Repository):
    """See `sidepro.domain.projects.ports.BookmarkRepository`."""

    async def add(self, user_id: UserId, project_id: ProjectId, now: datetime) -> bool:
        self._must_be_there(user_id)
        if project_id not in self._state.projects:
            raise NotFound
        if (user_id, project_id) in self._state.bookmarks:
            return False
        self._state.bookmarks[user_id, project_id] = now
        return True

    async def remove(self, user_id: UserId, project_id: ProjectId) -> datetime | None:
        return self._state.bookmarks.pop((user_id, project_id), None)
