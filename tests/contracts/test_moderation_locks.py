"""What moderators do waits for the people whom it is about, as everything else does."""

import asyncio

import pytest

from sidepro.domain.ids import CaseId, NotificationId, ProjectId, ReportId, UserId
from sidepro.domain.moderation.case import Case
from sidepro.domain.moderation.content import load_content, set_visibility
from sidepro.domain.moderation.report import Report, ReportReason
from sidepro.domain.moderation.target import Target, TargetKind
from sidepro.domain.notifications.notification import NotificationEvent
from sidepro.domain.visibility import Visibility
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.concurrency import UNBLOCKED_WITHIN
from tests.factories import NOW, new_id

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.servers,
    pytest.mark.parametrize("backend", ["postgresql"], indirect=True),
]


async def target_of(adapters: Adapters, kind: TargetKind, author_id: UserId) -> Target:
    """Something by this person, among the things of somebody else."""
    other = factories.user()
    project, room = factories.project(other.id), factories.room(author_id, other.id)
    own = factories.project(author_id)
    await adapters.add(other, project, own, room)
    comment = factories.comment(project.id, author_id)
    async with adapters.unit_of_work() as work:
        await work.comments.add(comment)
        await work.projects.count_comments(project.id, 1)
        room, message = room.with_message(author_id, "안녕하세요", None, NOW)
        await work.rooms.add_messages(message)
        await work.rooms.save(room)
        await work.commit()
    return {
        TargetKind.PROJECT: Target.project(own.id),
        TargetKind.COMMENT: Target.comment(comment.id),
        TargetKind.MESSAGE: Target.message(room.id, message.seq),
        TargetKind.USER: Target.user(author_id),
    }[kind]


async def report(adapters: Adapters, target: Target, reporter: UserId) -> Case | None:
    """Report a target as the use case does; `None` if it is gone."""
    async with adapters.unit_of_work() as work:
        content = await load_content(work, target)
        if content is None or content.author_id is None:
            return None
        case = Case.open(CaseId(new_id()), target, content.author_id, NOW)
        case = await work.moderation.get_or_add(case, content.snapshot())
        fresh = Report(ReportId(new_id()), case.id, reporter, ReportReason.SPAM, None, NOW)
        await work.moderation.add_report(fresh)
        await work.commit()
    return case


@pytest.mark.parametrize("kind", TargetKind)
async def test_a_report_waits_for_the_withdrawal_of_the_author(
    adapters: Adapters, kind: TargetKind
) -> None:
    author, reporter = factories.user(), factories.user()
    await adapters.add(author, reporter)
    target = await target_of(adapters, kind, author.id)
    async with adapters.unit_of_work() as work:
        await work.users.get_for_deletion(author.id)
        waiting = asyncio.create_task(report(adapters, target, reporter.id))
        await asyncio.sleep(UNBLOCKED_WITHIN)
        assert not waiting.done()
        for room in await work.rooms.of_user(author.id):
            left = room.withdraw(author.id)
            assert left
            await work.rooms.save(left)
        await work.notifications.remove_of(author.id)
        await work.users.delete(author.id)
        await work.commit()
    assert await asyncio.wait_for(waiting, 5) is None


async def test_a_decision_keeps_reporters_until_they_are_told(adapters: Adapters) -> None:
    author, reporter = factories.user(), factories.user()
    await adapters.add(author, reporter)
    target = await target_of(adapters, TargetKind.PROJECT, author.id)
    case = await report(adapters, target, reporter.id)
    assert case

    async def withdraw() -> None:
        async with adapters.unit_of_work() as work:
            await work.users.delete(reporter.id)
            await work.commit()

    async with adapters.unit_of_work() as work:
        await work.moderation.keep_reporters(case.id)
        withdrawal = asyncio.create_task(withdraw())
        await asyncio.sleep(UNBLOCKED_WITHIN)
        assert not withdrawal.done()
        assert await work.moderation.settle_reports(case.id, NOW) == (reporter.id,)
        await work.commit()
    await asyncio.wait_for(withdrawal, 5)


async def test_a_hidden_project_keeps_no_entry_of_an_event_that_came_at_the_same_time(
    adapters: Adapters,
) -> None:
    author, other = factories.user(), factories.user()
    await adapters.add(author, other)
    target = await target_of(adapters, TargetKind.PROJECT, author.id)
    project_id = ProjectId(target.id)

    async def hide() -> None:
        async with adapters.unit_of_work() as work:
            content = await load_content(work, target)
            await set_visibility(work, content, Visibility.HIDDEN)
            await work.commit()

    async with adapters.unit_of_work() as work:
        await work.notifications.lock_author(project_id)
        hiding = asyncio.create_task(hide())
        await asyncio.sleep(UNBLOCKED_WITHIN)
        event = NotificationEvent.bookmark(author.id, project_id, other.id, NOW)
        await work.notifications.add(event, NotificationId(new_id()), new_id())
        await work.commit()
    await asyncio.wait_for(hiding, 5)
    assert await adapters.notifications.notification_count(author.id) == 0
