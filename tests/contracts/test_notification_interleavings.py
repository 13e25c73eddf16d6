"""Badges equal the visible unread notifications under any interleaving of use cases."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

import pytest

from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.domain.errors import NotFound
from sidepro.domain.notifications.notification import NotificationKind
from sidepro.domain.notifications.notification_service import NotificationService
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.bookmark_service import BookmarkService
from sidepro.domain.projects.comment_service import CommentService
from tests import factories

if TYPE_CHECKING:
    from sidepro.domain.identity import Caller
    from sidepro.domain.ids import CommentId, ProjectId
    from tests.contracts.adapters import Adapters

pytestmark = pytest.mark.anyio

PEOPLE, STEPS, AT_ONCE = 4, 30, 5
ALL = PageRequest(100)


class World:
    """People who each have a project, and what they do to those of the others."""

    def __init__(self, adapters: Adapters, seed: int) -> None:
        self.adapters = adapters
        self.random = Random(seed)
        self.people = [factories.user() for _ in range(PEOPLE)]
        self.projects = {user.id: factories.project(user.id) for user in self.people}
        events, work = InProcessPubSub(), adapters.unit_of_work
        notifier = Notifier(events, factories.new_id)
        clock = factories.SetClock()
        self.comments = CommentService(work, adapters.board, notifier, clock, factories.new_id)
        self.bookmarks = BookmarkService(work, adapters.board, notifier, clock)
        self.notifications = NotificationService(work, adapters.notifications, events, clock)
        self.clock = clock
        self.written: list[tuple[Caller, ProjectId, CommentId]] = []

    async def set_up(self) -> None:
        await self.adapters.add(*self.people, *self.projects.values())

    async def step(self) -> None:
        """One use case of somebody. What it refers to may be absent by now."""
        self.clock.forward(self.random.random())
        person = factories.caller(self.random.choice(self.people))
        project = self.random.choice(list(self.projects.values())).id
        uses = {
            self._comment: 4,
            self._delete_comment: 3,
            self.bookmarks.add: 3,
            self.bookmarks.remove: 2,
            self._read: 2,
            self._delete_project: 0.15,
        }
        (use,) = self.random.choices(list(uses), list(uses.values()))
        with suppress(NotFound):
            await use(person, project)

    async def _comment(self, person: Caller, project: ProjectId) -> None:
        comment = await self.comments.write(person, project, "멋져요")
        self.written.append((person, project, comment.id))

    async def _delete_comment(self, _person: Caller, _project: ProjectId) -> None:
        if self.written:
            await self.comments.delete(*self.random.choice(self.written))

    async def _read(self, person: Caller, _project: ProjectId) -> None:
        entries = (await self.notifications.notifications(person, ALL)).items
        if entries:
            await self.notifications.mark_read(person, self.random.choice(entries).id)

    async def _delete_project(self, _person: Caller, project: ProjectId) -> None:
        async with self.adapters.unit_of_work() as work:
            await work.notifications.lock_author(project)
            await work.projects.get(project)
            await work.notifications.remove_project(project)
            await work.projects.delete(project)
            await work.commit()

    async def check(self) -> None:
        for user in self.people:
            entries = (await self.notifications.notifications(factories.caller(user), ALL)).items
            unread = [entry for entry in entries if not entry.read]
            badges = await self.adapters.badges.badges([user.id])
            shown = badges[user.id].unread_notifications if user.id in badges else 0
            assert shown == len(unread)
            assert len({(entry.kind, entry.project) for entry in unread}) == len(unread)
            project = self.projects[user.id].id
            counts = {
                kind: sum(entry.count for entry in entries if entry.kind is kind)
                for kind in (NotificationKind.COMMENT, NotificationKind.BOOKMARKS)
            }
            assert counts == await self._expected(user.id, project)
            assert all(entry.count for entry in entries)

    async def _expected(self, author: object, project: ProjectId) -> dict[NotificationKind, int]:
        """The comments and bookmarks by others that exist."""
        comments = (await self.adapters.board.comments(project, ALL, None)).items
        others = [user for user in self.people if user.id != author]
        bookmarks = 0
        for user in others:
            page = await self.adapters.board.bookmarked_by(user.id, ALL, None)
            bookmarks += sum(card.id == project for card in page.items)
        return {
            NotificationKind.COMMENT: sum(one.author.id != author for one in comments),
            NotificationKind.BOOKMARKS: bookmarks,
        }


@pytest.mark.parametrize("seed", range(3))
async def test_badges_equal_the_unread_entries_and_counts_what_is_there(
    adapters: Adapters, seed: int
) -> None:
    world = World(adapters, seed)
    await world.set_up()
    for _ in range(STEPS):
        await asyncio.gather(*(world.step() for _ in range(AT_ONCE)))
        await world.check()
