"""Reporting, over a store in memory: by whom, what the case keeps, and what reports hide."""

from dataclasses import replace

import pytest

from sidepro.domain.errors import NotFound
from sidepro.domain.moderation.case import Action, CaseState
from sidepro.domain.moderation.report import TRUSTED_AFTER
from sidepro.domain.moderation.target import TargetKind
from sidepro.domain.visibility import Visibility
from tests.domain.moderation.scene import ALL, Scene
from tests.domain.services import Services, awaited, error_fields
from tests.factories import new_id

CONTENT = [TargetKind.PROJECT, TargetKind.COMMENT, TargetKind.MESSAGE]


@awaited
async def test_the_snapshot_is_what_the_first_report_saw(services: Services) -> None:
    scene = await Scene.build(services)
    target = scene.target(TargetKind.COMMENT)
    await scene.report(target)
    await services.comments.edit(
        scene.author, scene.project.id, scene.comment_id, "아무 일 없어요"
    )
    await scene.report(target, await services.person())
    details = await scene.case(target)
    assert [item.content["body"] for item in details.snapshot] == ["광고 댓글"]
    assert details.case.report_count == 2


@awaited
async def test_a_deleted_target_keeps_its_case_and_is_reported_no_more(services: Services) -> None:
    scene = await Scene.build(services)
    target = scene.target(TargetKind.COMMENT)
    await scene.report(target)
    await services.comments.delete(scene.author, scene.project.id, scene.comment_id)
    with pytest.raises(NotFound):
        await scene.report(target, await services.person())
    assert (await scene.case(target)).snapshot


@pytest.mark.parametrize("kind", TargetKind)
@awaited
async def test_nobody_reports_what_is_not_there(services: Services, kind: TargetKind) -> None:
    scene = await Scene.build(services)
    with pytest.raises(NotFound):
        await scene.report(replace(scene.target(kind), id=new_id()))


@pytest.mark.parametrize("kind", CONTENT)
@awaited
async def test_only_who_sees_a_thing_reports_it(services: Services, kind: TargetKind) -> None:
    scene = await Scene.build(services)
    target = scene.target(kind)
    if kind is not TargetKind.MESSAGE:
        # The comment goes with its project.
        project = scene.target(TargetKind.PROJECT)
        await scene.decide(await scene.reported(project), Action.HIDE)
    with pytest.raises(NotFound):
        await scene.report(target, await services.person())


@awaited
async def test_who_left_a_room_reports_nothing_in_it(services: Services) -> None:
    scene = await Scene.build(services)
    await services.rooms.leave(scene.reporter, scene.room_id)
    with pytest.raises(NotFound):
        await scene.report(scene.target(TargetKind.MESSAGE))


@pytest.mark.parametrize("kind", TargetKind)
@awaited
async def test_nobody_reports_their_own(services: Services, kind: TargetKind) -> None:
    scene = await Scene.build(services)
    assert await error_fields(scene.report(scene.target(kind), scene.author)) == ["/id"]


@pytest.mark.parametrize("text", ["x" * 1_001, " ", "a\0b"])
@awaited
async def test_a_note_is_bounded(services: Services, text: str) -> None:
    scene = await Scene.build(services)
    target = scene.target(TargetKind.USER)
    assert await error_fields(scene.report(target, text=text)) == ["/note"]
    assert (await scene.report(target, text="x" * 1_000)).created


@awaited
async def test_a_person_has_one_open_report_of_a_target(services: Services) -> None:
    scene = await Scene.build(services)
    target = scene.target(TargetKind.PROJECT)
    first = await scene.report(target)
    assert await scene.report(target, text="다시") == first._replace(created=False)
    assert (await scene.case(target)).case.report_count == 1
    await scene.decide(await scene.case(target), Action.DISMISS)
    assert (await scene.report(target)).created
    case = (await scene.case(target)).case
    assert (case.state, case.report_count, case.decision) == (CaseState.OPEN, 2, None)
    mine = (await services.reports.reports(scene.reporter, ALL)).items
    assert sorted(report.is_decided for report in mine) == [False, True]


@pytest.mark.parametrize("kind", [TargetKind.PROJECT, TargetKind.COMMENT, TargetKind.USER])
@awaited
async def test_the_third_trusted_report_hides_content_and_no_person(
    services: Services, kind: TargetKind
) -> None:
    scene = await Scene.build(services)
    target = scene.target(kind)
    for _ in range(3):
        assert scene.visibility(target) is Visibility.VISIBLE
        await scene.report(target, await scene.trusted())
    hidden = Visibility.VISIBLE if kind is TargetKind.USER else Visibility.HIDDEN
    assert scene.visibility(target) is hidden
    assert (await scene.case(target)).case.state is CaseState.OPEN


@awaited
async def test_reports_that_are_decided_or_not_trusted_hide_nothing(services: Services) -> None:
    scene = await Scene.build(services)
    target = scene.target(TargetKind.PROJECT)
    for _ in range(2):
        await scene.report(target, await scene.trusted())
    await scene.decide(await scene.case(target), Action.DISMISS)
    exactly_a_week = services.clock.now - TRUSTED_AFTER
    for members in ({"email_verified": False}, {"created_at": exactly_a_week}):
        await scene.report(target, await scene.trusted(**members))
    for _ in range(2):
        await scene.report(target, await scene.trusted())
    assert scene.visibility(target) is Visibility.VISIBLE
    await scene.report(target, await scene.trusted())
    assert scene.visibility(target) is Visibility.HIDDEN
    assert (await scene.case(target)).case.report_count == 7
