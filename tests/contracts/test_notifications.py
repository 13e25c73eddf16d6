"""`NotificationRepository`, `NotificationReader`, and the badges that they move."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

import pytest

from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.coffee_chats.chat_request import REQUEST_TTL, RequestState
from sidepro.domain.errors import NotFound
from sidepro.domain.ids import NotificationId, UserId
from sidepro.domain.notifications.notification import (
    Delivery,
    NotificationEvent,
    NotificationKind,
)
from sidepro.domain.notifications.ports import ChangedEntry
from sidepro.domain.notifications.views import NotificationView, NotifiedProject
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.project import Project
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, nobody
from tests.contracts.paging import read_all_pages
from tests.factories import new_id

pytestmark = pytest.mark.anyio


class Scene:
    """An author with a project, and people who comment on it and bookmark it."""

    def __init__(self, adapters: Adapters) -> None:
        self.adapters = adapters
        self.author, *self.people = [factories.user() for _ in range(4)]
        self.project = factories.project(self.author.id)

    async def set_up(self) -> None:
        await self.adapters.add(self.author, *self.people, self.project)

    async def notify(self, event: NotificationEvent) -> ChangedEntry | None:
        async with self.adapters.unit_of_work() as work:
            entry = await work.notifications.add(event, NotificationId(new_id()), new_id())
            await work.commit()
        return entry

    async def comment(
        self, person: User, at: datetime, project: Project | None = None
    ) -> NotificationEvent:
        """A stored comment whose author is told of it."""
        on = project or self.project
        comment = factories.comment(on.id, person.id)
        await self.adapters.add(comment)
        await self.adapters.adjust_counters(on.id, comments=1)
        event = NotificationEvent.comment(on.author_id, on.id, comment.id, person.id, at)
        await self.notify(event)
        return event

    async def bookmark(self, person: User, at: datetime) -> None:
        await self.notify(
            NotificationEvent.bookmark(self.author.id, self.project.id, person.id, at)
        )

    async def views(self, user_id: UserId | None = None) -> list[NotificationView]:
        """The list, which must agree with counts and badges."""
        reader, user_id = self.adapters.notifications, user_id or self.author.id
        page = await reader.notifications(user_id, PageRequest(100))
        unread = sum(not view.read for view in page.items)
        badges = await self.adapters.badges.badges([user_id])
        assert await reader.notification_count(user_id) == len(page.items)
        assert await reader.unread_count(user_id) == unread
        assert (badges[user_id].unread_notifications if user_id in badges else 0) == unread
        return list(page.items)

    async def mark_read(self, entry: NotificationView, user_id: UserId | None = None) -> bool:
        async with self.adapters.unit_of_work() as work:
            changed = await work.notifications.mark_read(
                user_id or self.author.id, entry.id, after(1_000)
            )
            await work.commit()
        return changed


@pytest.fixture
async def scene(adapters: Adapters) -> Scene:
    made = Scene(adapters)
    await made.set_up()
    return made


def summary(user: User) -> UserSummary:
    return UserSummary(user.id, user.username, None)


async def test_events_about_one_subject_are_one_unread_entry(scene: Scene) -> None:
    first, second, third = scene.people
    await scene.comment(first, after(1))
    await scene.comment(second, after(3))
    await scene.bookmark(third, after(2))
    comments, bookmarks = await scene.views()
    project = NotifiedProject(scene.project.id, scene.project.title)
    assert comments == NotificationView(
        id=comments.id,
        kind=NotificationKind.COMMENT,
        subject_id=scene.project.id,
        actor=summary(second),
        count=2,
        project=project,
        room_id=None,
        request_id=None,
        created_at=after(3),
        read=False,
    )
    assert (bookmarks.kind, bookmarks.actor, bookmarks.count) == (
        NotificationKind.BOOKMARKS,
        summary(third),
        1,
    )
    assert await scene.views(first.id) == []


async def test_an_event_after_the_entry_was_read_starts_another_one(scene: Scene) -> None:
    first, second, _ = scene.people
    await scene.comment(first, after(1))
    (entry,) = await scene.views()
    assert await scene.mark_read(entry)
    assert not await scene.mark_read(entry)
    await scene.comment(second, after(2))
    new, old = await scene.views()
    assert (new.read, new.count, new.actor) == (False, 1, summary(second))
    assert old == replace(entry, read=True)


async def test_marks_go_up_to_the_last_event_of_an_entry(scene: Scene) -> None:
    projects = [factories.project(scene.author.id) for _ in range(3)]
    await scene.adapters.add(*projects)
    for place, project in enumerate(projects):
        await scene.comment(scene.people[0], after(place), project)
    # the first entry is now the last one
    await scene.comment(scene.people[1], after(10), projects[0])
    views = await scene.views()
    assert [view.project and view.project.id for view in views] == [
        projects[0].id,
        projects[2].id,
        projects[1].id,
    ]
    assert await scene.mark_read(views[1])
    assert [view.read for view in await scene.views()] == [False, True, True]


async def test_marks_need_an_entry_of_the_person(scene: Scene) -> None:
    await scene.comment(scene.people[0], after(1))
    (entry,) = await scene.views()
    for user_id, entry_id in (
        (scene.people[0].id, entry.id),
        (scene.author.id, NotificationId(new_id())),
    ):
        with pytest.raises(NotFound):
            await scene.mark_read(replace(entry, id=entry_id), user_id)
    assert [view.read for view in await scene.views()] == [False]


async def test_removed_events_leave_the_others(scene: Scene) -> None:
    first, second, _ = scene.people
    earlier = await scene.comment(first, after(1))
    later = await scene.comment(second, after(2))
    (entry,) = await scene.views()
    changed = [ChangedEntry(scene.author.id, entry.id)]
    for event, expected in ((later, (1, summary(first), after(1))), (earlier, None)):
        assert event.comment_id
        async with scene.adapters.unit_of_work() as work:
            assert list(await work.notifications.remove_comment(event.comment_id)) == changed
            assert list(await work.notifications.remove_comment(event.comment_id)) == []
            await work.comments.delete(event.comment_id)
            await work.projects.adjust_counters(scene.project.id, comments=-1)
            await work.commit()
        views = [(view.count, view.actor, view.created_at) for view in await scene.views()]
        assert views == ([expected] if expected else [])


async def test_a_removed_bookmark_is_not_counted(scene: Scene) -> None:
    first, second, third = scene.people
    await scene.comment(first, after(0))
    for place, person in enumerate(scene.people, 1):
        await scene.bookmark(person, after(place))
    async with scene.adapters.unit_of_work() as work:
        for person in (third, first):
            assert await work.notifications.remove_bookmark(scene.project.id, person.id)
        await work.commit()
    bookmarks, comments = await scene.views()
    assert (bookmarks.count, bookmarks.actor) == (1, summary(second))
    assert (comments.count, comments.actor) == (1, summary(first))


async def test_events_between_two_people_are_removed_in_both_directions(scene: Scene) -> None:
    first, second, _ = scene.people
    theirs = factories.project(first.id)
    await scene.adapters.add(theirs)
    await scene.comment(first, after(1))
    await scene.comment(second, after(2))
    await scene.comment(scene.author, after(3), theirs)
    await scene.comment(second, after(4), theirs)
    async with scene.adapters.unit_of_work() as work:
        assert len(await work.notifications.remove_between(scene.author.id, first.id)) == 2
        await work.commit()
    (mine,), (other,) = await scene.views(), await scene.views(first.id)
    assert (mine.count, mine.actor) == (other.count, other.actor) == (1, summary(second))


async def test_people_without_contact_learn_nothing_of_each_other(scene: Scene) -> None:
    first, second, third = scene.people
    async with scene.adapters.unit_of_work() as work:
        await work.blocks.add(scene.author.id, first.id, after(0))
        await work.blocks.add(second.id, scene.author.id, after(0))
        await work.commit()
    for person in (first, second, third):
        await scene.bookmark(person, after(1))
    assert [(view.count, view.actor) for view in await scene.views()] == [(1, summary(third))]


async def test_the_badges_count_received_requests_that_wait_for_an_answer(scene: Scene) -> None:
    author, (first, second, third) = scene.author.id, scene.people
    now = scene.adapters.clock()
    requests = [
        factories.chat_request(first.id, author, created_at=now),
        factories.chat_request(second.id, author, created_at=now - REQUEST_TTL),
        factories.chat_request(third.id, author, created_at=now, state=RequestState.DECLINED),
        factories.chat_request(author, second.id, created_at=now),
    ]
    async with scene.adapters.unit_of_work() as work:
        for request in requests:
            await work.chat_requests.add(request)
        await work.commit()
    badges = await scene.adapters.badges.badges([author, second.id, third.id])
    assert badges[author].pending_requests == badges[second.id].pending_requests == 1
    assert third.id not in badges or not badges[third.id].pending_requests


async def test_entries_about_a_project_or_subject_are_removed_together(scene: Scene) -> None:
    request = new_id()
    for kind in (NotificationKind.REQUEST, NotificationKind.ACCEPTED):
        event = NotificationEvent(scene.author.id, kind, request, after(1), scene.people[0].id)
        await scene.notify(event)
    await scene.comment(scene.people[0], after(2))
    await scene.bookmark(scene.people[0], after(3))
    assert len(await scene.views()) == 4
    async with scene.adapters.unit_of_work() as work:
        assert len(await work.notifications.remove_project(scene.project.id)) == 2
        removed = await work.notifications.remove_subject(NotificationKind.REQUEST, request)
        assert len(removed) == 1
        await work.commit()
    assert [view.kind for view in await scene.views()] == [NotificationKind.ACCEPTED]


async def test_a_withdrawal_removes_what_a_person_caused_and_owned(scene: Scene) -> None:
    first, second, _ = scene.people
    theirs = factories.project(first.id)
    await scene.adapters.add(theirs)
    await scene.comment(first, after(1))
    await scene.comment(second, after(2))
    await scene.bookmark(first, after(3))
    await scene.comment(second, after(4), theirs)
    async with scene.adapters.unit_of_work() as work:
        assert len(await work.notifications.remove_of(first.id)) == 3
        await work.users.delete(first.id)
        await work.commit()
    assert [(view.count, view.actor) for view in await scene.views()] == [(1, summary(second))]
    assert await scene.views(first.id) == []


async def test_a_deleted_project_takes_its_entries_along(scene: Scene) -> None:
    await scene.comment(scene.people[0], after(1))
    async with scene.adapters.unit_of_work() as work:
        await work.projects.delete(scene.project.id)
        await work.commit()
    assert await scene.views() == []


async def test_an_entry_without_an_actor_names_nobody(scene: Scene) -> None:
    event = NotificationEvent(scene.author.id, NotificationKind.MODERATED, new_id(), after(1))
    await scene.notify(event)
    (view,) = await scene.views()
    assert (view.actor, view.project, view.count) == (None, None, 1)


async def test_a_kind_that_is_switched_off_makes_no_entry(scene: Scene) -> None:
    reader, author = scene.adapters.notifications, scene.author.id
    await scene.comment(scene.people[0], after(1))
    chosen = {"comment": Delivery.OFF, "messages": Delivery.OFF}
    async with scene.adapters.unit_of_work() as work:
        await work.notifications.save_settings(author, chosen)
        await work.commit()
    assert await reader.settings(author) == chosen
    assert await reader.settings(nobody()) == {}
    await scene.comment(scene.people[1], after(2))
    await scene.bookmark(scene.people[1], after(3))
    counts = {view.kind: view.count for view in await scene.views()}
    assert counts == {NotificationKind.COMMENT: 1, NotificationKind.BOOKMARKS: 1}
    async with scene.adapters.unit_of_work() as work:
        await work.notifications.save_settings(author, {"comment": Delivery.MAIL})
        await work.commit()
    assert await reader.settings(author) == {**chosen, "comment": Delivery.MAIL}
    await scene.comment(scene.people[1], after(4))
    assert {view.kind: view.count for view in await scene.views()}[NotificationKind.COMMENT] == 2


async def test_stopped_mails_leave_a_kind_on_the_pages_and_other_settings_alone(
    scene: Scene,
) -> None:
    author = scene.author.id
    chosen = {"comment": Delivery.OFF, "request": Delivery.WEB, "accepted": Delivery.MAIL}
    for kinds in (["comment", "request", "accepted", "moderated", "messages"], ["accepted"]):
        async with scene.adapters.unit_of_work() as work:
            if len(kinds) > 1:
                await work.notifications.save_settings(author, chosen)
            await work.notifications.stop_mails(author, kinds)
            await work.commit()
        assert await scene.adapters.notifications.settings(author) == {
            **chosen,
            "accepted": Delivery.WEB,
            "moderated": Delivery.WEB,
            "messages": Delivery.OFF,
        }


async def test_an_author_is_found_by_the_project(scene: Scene) -> None:
    async with scene.adapters.unit_of_work() as work:
        assert await work.notifications.lock_author(scene.project.id) == scene.author.id
        assert await work.notifications.lock_author(factories.project(nobody()).id) is None


async def test_entries_are_read_by_owner_and_id(scene: Scene) -> None:
    await scene.comment(scene.people[0], after(1))
    (view,) = await scene.views()
    key = ChangedEntry(scene.author.id, view.id)
    keys = [key, ChangedEntry(scene.people[0].id, view.id), ChangedEntry(key[0], _entry_id())]
    assert await scene.adapters.notifications.entries(keys) == {key: view}


async def test_pages_follow_the_last_event(scene: Scene) -> None:
    subjects = [new_id() for _ in range(7)]
    for place, subject in enumerate(subjects):
        event = NotificationEvent(
            scene.author.id, NotificationKind.MODERATED, subject, after(place // 2)
        )
        await scene.notify(event)
    read = partial(scene.adapters.notifications.notifications, scene.author.id)
    listed = await scene.views()
    assert sorted(listed, key=lambda view: (view.created_at, view.id), reverse=True) == listed
    assert await read_all_pages(read, 3) == listed


def _entry_id() -> NotificationId:
    return NotificationId(UUID(int=1))
