"""Badges equal the visible unread notifications under any interleaving of use cases."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

import pytest

from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.domain.blocks.block_service import BlockService
from sidepro.domain.errors import Forbidden, NotFound
from sidepro.domain.moderation.content import load_content, set_visibility
from sidepro.domain.moderation.target import Target
from sidepro.domain.notifications.notification import NotificationKind
from sidepro.domain.notifications.notification_service import NotificationService
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.bookmark_service import BookmarkService
from sidepro.domain.projects.comment_service import CommentService
from sidepro.domain.visibility import Visibility
from tests import factories

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sidepro.domain.accounts.user import User
    from sidepro.domain.identity import Caller
    from sidepro.domain.ids import CommentId, ProjectId, UserId
    from sidepro.domain.notifications.views import NotificationView

    Use = Callable[[Caller, ProjectId], Awaitable[object]]
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
        self.comments = CommentService(
            work, adapters.board, notifier, clock, factories.new_id, factories.no_log
        )
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
        uses = self.uses()
        (use,) = self.random.choices(list(uses), list(uses.values()))
        with suppress(NotFound, Forbidden):
            await use(person, project)

    def uses(self) -> dict[Use, float]:
        """What people do, and how often."""
        return {
            self._comment: 4,
            self._delete_comment: 3,
            self.bookmarks.add: 3,
            self.bookmarks.remove: 2,
            self._read: 2,
            self._delete_project: 0.15,
        }

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
            assert all(entry.count for entry in entries)
            await self.check_events(user, entries)

    async def check_events(self, user: User, entries: Sequence[NotificationView]) -> None:
        """The entries gather what exists, and all of it."""
        expected = await self.expected(user.id, self.projects[user.id].id)
        assert counts(entries) == expected

    async def expected(self, author: UserId, project: ProjectId) -> dict[NotificationKind, int]:
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


class WorldWithTrust(World):
    """People who block each other too, and moderators who hide projects and show them again."""

    def __init__(self, adapters: Adapters, seed: int) -> None:
        super().__init__(adapters, seed)
        events = InProcessPubSub()
        self.blocks = BlockService(adapters.unit_of_work, adapters.blocks, events, self.clock)

    def uses(self) -> dict[Use, float]:
        return {**super().uses(), self._block: 1.5, self._unblock: 1.5, self._hide_or_show: 1}

    async def _block(self, person: Caller, project: ProjectId) -> None:
        if (author := self._author_of(project)) != person.id:
            await self.blocks.block(person, author)

    async def _unblock(self, person: Caller, project: ProjectId) -> None:
        await self.blocks.unblock(person, self._author_of(project))

    async def _hide_or_show(self, _person: Caller, project: ProjectId) -> None:
        async with self.adapters.unit_of_work() as work:
            content = await load_content(work, Target.project(project))
            if content and content.project:
                is_visible = content.project.visibility is Visibility.VISIBLE
                after = Visibility.HIDDEN if is_visible else Visibility.VISIBLE
                await set_visibility(work, content, after)
                await work.commit()

    def _author_of(self, project: ProjectId) -> UserId:
        return next(author for author, one in self.projects.items() if one.id == project)

    async def check_events(self, user: User, entries: Sequence[NotificationView]) -> None:
        """No entry is of a hidden project or of somebody without contact. What was taken along
        does not come back.
        """
        found, there = counts(entries), await self.expected(user.id, self.projects[user.id].id)
        assert all(found[kind] <= there[kind] for kind in found)
        async with self.adapters.unit_of_work() as work:
            for entry in entries:
                assert entry.actor
                assert not await work.blocks.is_between(user.id, entry.actor.id)
        if entries:
            assert await self.adapters.board.project(self.projects[user.id].id, None)


def counts(entries: Sequence[NotificationView]) -> dict[NotificationKind, int]:
    """The events of each kind."""
    return {
        kind: sum(entry.count for entry in entries if entry.kind is kind)
        for kind in (NotificationKind.COMMENT, NotificationKind.BOOKMARKS)
    }


@pytest.mark.parametrize("kind", [World, WorldWithTrust])
@pytest.mark.parametrize("seed", range(3))
async def test_badges_equal_the_unread_entries_and_counts_what_is_there(
    adapters: Adapters, seed: int, kind: type[World]
) -> None:
    world = kind(adapters, seed)
    await world.set_up()
    for _ in range(STEPS):
        await asyncio.gather(*(world.step() for _ in range(AT_ONCE)))
        await world.check()
