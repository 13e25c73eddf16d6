"""Bookmarks on projects."""

from dataclasses import dataclass

from sidepro.domain.clock import Clock
from sidepro.domain.errors import ensure_found
from sidepro.domain.identity import Caller
from sidepro.domain.ids import ProjectId, UserId
from sidepro.domain.notifications.notification import NotificationEvent
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.notifications.ports import ChangedEntry
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.projects.ports import BoardReader, ProjectUnitOfWork
from sidepro.domain.projects.trending import day_of
from sidepro.domain.projects.views import BookmarkState, ProjectCard
from sidepro.domain.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class BookmarkService:
    """Adding, removing and listing bookmarks."""

    unit_of_work: UnitOfWorkFactory[ProjectUnitOfWork]
    reader: BoardReader
    notifier: Notifier
    clock: Clock

    async def add(self, caller: Caller, project_id: ProjectId) -> BookmarkState:
        """Bookmark a project. Safe to repeat.

        Raises:
            NotFound: there is no such project.
        """
        now = self.clock()
        changes: list[ChangedEntry] = []
        async with self.unit_of_work() as work:
            author_id = ensure_found(await work.notifications.lock_author(project_id))
            ensure_found(await work.board_reader.counters(project_id, caller.id))
            added = await work.bookmarks.add(caller.id, project_id, now)
            if added:
                event = NotificationEvent.bookmark(author_id, project_id, caller.id, now)
                changes = await self.notifier.notify(work, event)
            counters = await work.projects.adjust_counters(
                project_id, caller.id, bookmarks=int(added)
            )
            if added:
                await work.projects.adjust_daily_bookmarks(project_id, day_of(now), 1)
            await work.commit()
        await self.notifier.publish(changes)
        return BookmarkState(True, counters.bookmarks)

    async def remove(self, caller: Caller, project_id: ProjectId) -> BookmarkState:
        """Remove the caller's bookmark, also from the count of the day when it was given. Safe to
        repeat.

        Raises:
            NotFound: there is no such project.
        """
        async with self.unit_of_work() as work:
            await work.notifications.lock_author(project_id)
            ensure_found(await work.board_reader.counters(project_id, caller.id))
            changes = await work.notifications.remove_bookmark(project_id, caller.id)
            given_at = await work.bookmarks.remove(caller.id, project_id)
            by = 0 if given_at is None else -1
            counters = await work.projects.adjust_counters(project_id, caller.id, bookmarks=by)
            if given_at is not None:
                await work.projects.adjust_daily_bookmarks(project_id, day_of(given_at), -1)
            await work.commit()
        await self.notifier.publish(changes)
        return BookmarkState(False, counters.bookmarks)

    async def of_user(
        self, user_id: UserId, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        """A page of the projects that a user has bookmarked, latest bookmark first."""
        return await self.reader.bookmarked_by(user_id, page, viewer)

    async def count(self, user_id: UserId, viewer: UserId | None) -> int:
        """How many projects a user has bookmarked."""
        return await self.reader.bookmarks_of(user_id, viewer)
