"""`ModerationRepository`: cases, reports, and the log that decides about suspensions."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sidepro.domain.accounts.user import User
from sidepro.domain.errors import NotFound, SideProError
from sidepro.domain.ids import CaseId, LogEntryId
from sidepro.domain.moderation.case import Action
from sidepro.domain.moderation.target import Target, TargetKind
from sidepro.domain.moderation.views import (
    CaseQuery,
    SnapshotItem,
)
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, nobody
from tests.contracts.concurrency import race
from tests.contracts.moderation_data import Scene, item, summary
from tests.factories import NOW, new_id

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene(adapters: Adapters) -> Scene:
    return await Scene.build(adapters)


async def test_a_target_has_one_case_with_the_first_snapshot(scene: Scene) -> None:
    first = await scene.case()
    async with scene.adapters.unit_of_work() as work:
        again = replace(first, id=CaseId(new_id()))
        assert await work.moderation.get_or_add(again, [item(scene.author.id, title="x")]) == first
        await work.commit()
    async with scene.adapters.unit_of_work() as work:
        for found in (work.moderation.get, work.moderation.find):
            assert await found(first.id) == first
            assert await found(again.id) is None
    details = await scene.adapters.moderation.case(first.id)
    assert details
    assert details.case.author == summary(scene.author)
    assert details.snapshot == (
        SnapshotItem(summary(scene.author), item(scene.author.id).content),
    )


async def test_concurrent_reports_of_one_target_store_one_case(scene: Scene) -> None:
    target = Target.user(scene.author.id)
    cases = await race(scene.adapters, 8, lambda _: scene.case(target))
    (case,) = {case.id for case in cases if not isinstance(case, SideProError)}
    assert await scene.adapters.moderation.case_count(CaseQuery()) == 1
    assert await scene.adapters.moderation.case(case)


async def test_targets_of_all_kinds_are_stored(scene: Scene) -> None:
    ids = [new_id() for _ in TargetKind]
    targets = [Target(kind, one) for kind, one in zip(TargetKind, ids, strict=True)]
    message = Target.message(factories.room(scene.author.id, nobody()).id, 2_147_483_647)
    for target in (*targets, message):
        case = await scene.case(target)
        async with scene.adapters.unit_of_work() as work:
            await work.moderation.lock_people(target)
            assert await work.moderation.get(case.id) == case


async def test_a_saved_case_keeps_what_never_changes(scene: Scene) -> None:
    case = await scene.case()
    claimed = await scene.save(case.reported(after(1)).claimed(scene.moderator.id, 1, after(2)))
    removed = await scene.decide(claimed, Action.REMOVE, after(3))
    changed = replace(removed, target=Target.user(nobody()), author_id=None, created_at=after(9))
    await scene.save(changed.purged())
    async with scene.adapters.unit_of_work() as work:
        assert await work.moderation.get(case.id) == removed.purged()


async def test_a_person_has_one_open_report_in_a_case(scene: Scene) -> None:
    case, other = await scene.case(), await scene.case()
    one, two, three, _ = scene.people
    report = await scene.report(case, one)
    await scene.report(case, two)
    await scene.report(other, three)
    async with scene.adapters.unit_of_work() as work:
        await work.moderation.keep_reporters(case.id)
        assert await work.moderation.open_report(case.id, one.id) == report
        assert await work.moderation.open_report(case.id, three.id) is None
    assert await scene.settle(case, after(5)) == {one.id, two.id}
    assert await scene.settle(case, after(6)) == set()
    async with scene.adapters.unit_of_work() as work:
        assert await work.moderation.open_report(case.id, one.id) is None
        assert await work.moderation.open_report(other.id, three.id)
    with pytest.raises(NotFound):
        await scene.report(case, factories.user())


async def test_open_reports_of_old_verified_accounts_are_trusted(scene: Scene) -> None:
    limit, moment = NOW - timedelta(days=7), timedelta(microseconds=1)
    old = [factories.user(created_at=limit - moment) for _ in range(2)]
    young = factories.user(created_at=limit)
    unverified = factories.user(created_at=limit - moment, email_verified=False)
    await scene.adapters.add(*old, young, unverified)
    case, other = await scene.case(), await scene.case()
    for person in (*old, young, unverified):
        await scene.report(case, person)
    await scene.report(other, old[0])

    async def trusted() -> int:
        async with scene.adapters.unit_of_work() as work:
            return await work.moderation.trusted_reports(case.id, limit)

    assert await trusted() == 2
    await scene.withdraw(old[0])
    assert await trusted() == 1
    await scene.settle(case, after(1))
    assert await trusted() == 0


async def test_only_suspensions_that_stand_count(scene: Scene) -> None:
    project, person = await scene.case(), await scene.case(Target.user(scene.author.id))
    warned, again = await scene.case(), await scene.case()
    first = await scene.decide(project, Action.SUSPEND, after(1), days=3)
    second = await scene.decide(person, Action.SUSPEND, after(2), days=9)
    await scene.decide(warned, Action.WARN, after(3))
    reversed_case = await scene.decide(again, Action.SUSPEND, after(4), days=99)
    await scene.save(reversed_case.reversed(scene.moderator.id, 2, after(5)))
    await scene.entry(again, Action.REVERSE, after(5), reverses=reversed_case.decision_id)
    await scene.save(first.reported(after(6)))  # which opens the case again
    replaced = await scene.decide(await scene.case(), Action.SUSPEND, after(6), days=5)
    third = await scene.decide(replaced.reported(after(7)), Action.SUSPEND, after(7), days=2)

    async def standing(user: User) -> dict[LogEntryId, int | None]:
        async with scene.adapters.unit_of_work() as work:
            found = await work.moderation.suspensions(user.id)
            for entry in found:
                assert await work.moderation.entry(entry.id) == entry
            assert await work.moderation.entry(LogEntryId(new_id())) is None
        return {entry.id: entry.days for entry in found}

    assert await standing(scene.author) == {
        first.decision_id: 3,
        second.decision_id: 9,
        third.decision_id: 2,
    }
    assert await standing(scene.moderator) == {}


async def test_removed_content_is_due_once_its_time_is_over(scene: Scene) -> None:
    removed = [
        await scene.decide(await scene.case(), Action.REMOVE, after(number)) for number in range(3)
    ]
    await scene.decide(await scene.case(), Action.HIDE, NOW)
    now = removed[1].purge_at
    assert now

    async def due(limit: int) -> tuple[CaseId, ...]:
        async with scene.adapters.unit_of_work() as work:
            return await work.moderation.due_for_purge(now, limit)

    assert await due(9) == (removed[0].id, removed[1].id)
    assert await due(1) == (removed[0].id,)
    await scene.save(removed[0].purged())
    assert await due(9) == (removed[1].id,)
