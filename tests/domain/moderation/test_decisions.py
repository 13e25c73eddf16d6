"""Claims, decisions and reversals, over a store in memory: who may, what becomes of the case and
its target, and who is told.
"""

from collections.abc import Awaitable
from functools import partial
from itertools import product

import pytest

from sidepro.domain.channels import ItemChanged
from sidepro.domain.errors import CaseChanged, Forbidden, Unavailable
from sidepro.domain.ids import UserId
from sidepro.domain.moderation.case import MAX_DAYS, MAX_REASON, Action, CaseState
from sidepro.domain.moderation.target import Target, TargetKind
from sidepro.domain.moderation.views import CaseDetails, CaseQuery
from sidepro.domain.visibility import Visibility
from tests.domain.moderation.scene import ALL, Scene, acts
from tests.domain.services import Services, awaited, error_fields
from tests.factories import at_once

CONTENT = [TargetKind.PROJECT, TargetKind.COMMENT, TargetKind.MESSAGE]
ACTS = ["claim", "decide", "reverse"]
PAIRS = list(product(ACTS, ACTS))


# ------------------------------------------------------------------------------------------- who


@awaited
async def test_a_moderator_who_lost_the_role_is_refused_at_once(services: Services) -> None:
    scene = await Scene.build(services)
    details = await scene.reported(scene.target(TargetKind.PROJECT))
    services.change(scene.moderator.id, is_moderator=False)
    reads: list[Awaitable[object]] = [
        services.moderation.cases(scene.moderator, CaseQuery(), ALL),
        services.moderation.case_count(scene.moderator, CaseQuery()),
        services.moderation.case(scene.moderator, details.case.id),
        services.moderation.log(scene.moderator, ALL),
        services.moderation.log_size(scene.moderator),
    ]
    writes = [act() for act in acts(services, scene.moderator, details).values()]
    for call in (*reads, *writes):
        with pytest.raises(Forbidden):
            await call


@pytest.mark.parametrize("kind", TargetKind)
@awaited
async def test_nobody_decides_about_themselves(services: Services, kind: TargetKind) -> None:
    scene = await Scene.build(services)
    details = await scene.reported(scene.target(kind))
    services.change(scene.author.id, is_moderator=True)
    assert await error_fields(scene.decide(details, Action.DISMISS, by=scene.author)) == [None]
    decided = await scene.decide(details, Action.WARN)
    assert await error_fields(scene.reverse(decided, by=scene.author)) == [None]
    assert await scene.case(scene.target(kind)) == decided


@awaited
async def test_a_case_is_claimed_over(services: Services) -> None:
    scene = await Scene.build(services)
    details = await scene.reported(scene.target(TargetKind.PROJECT))
    other = await services.person(is_moderator=True)
    for version, moderator in ((2, scene.moderator), (3, other)):
        details = await acts(services, moderator, details)["claim"]()
        assert (details.case.state, details.case.version) == (CaseState.CLAIMED, version)
        assert details.case.claimed_by
        assert details.case.claimed_by.id == moderator.id


# -------------------------------------------------------------------------------------- versions


@pytest.mark.parametrize(("first", "second"), PAIRS)
@awaited
async def test_of_two_who_have_read_one_version_the_second_is_told(
    services: Services, first: str, second: str
) -> None:
    scene = await Scene.build(services)
    details = await scene.reported(scene.target(TargetKind.PROJECT))
    if first == "reverse":
        details = await scene.decide(details, Action.HIDE)
    changed = await acts(services, scene.moderator, details)[first]()
    other = await services.person(is_moderator=True)
    with pytest.raises(CaseChanged):
        await acts(services, other, details)[second]()
    assert await scene.case(scene.target(TargetKind.PROJECT)) == changed


@awaited
async def test_of_moderators_who_decide_at_once_one_wins(services: Services) -> None:
    scene = await Scene.build(services)
    details = await scene.reported(scene.target(TargetKind.PROJECT))
    judges = [await services.person(is_moderator=True) for _ in range(5)]

    async def decide(number: int) -> CaseDetails | None:
        try:
            return await scene.decide(details, Action.HIDE, by=judges[number])
        except CaseChanged:
            return None

    decided = await at_once([partial(decide, number) for number in range(5)])
    (won,) = [one for one in decided if one is not None]
    assert won.case.version == 2
    assert len(services.store.state.moderation_log) == 1


# ------------------------------------------------------------------------------------- decisions


@pytest.mark.parametrize("kind", CONTENT)
@pytest.mark.parametrize(
    ("action", "visibility"),
    [
        (Action.DISMISS, Visibility.VISIBLE),
        (Action.WARN, Visibility.VISIBLE),
        (Action.HIDE, Visibility.HIDDEN),
        (Action.REMOVE, Visibility.REMOVED),
    ],
)
@awaited
async def test_a_reversal_restores_what_a_decision_changed(
    services: Services, kind: TargetKind, action: Action, visibility: Visibility
) -> None:
    scene = await Scene.build(services)
    target = scene.target(kind)
    before = services.store.state.copied()
    decided = await scene.decide(await scene.reported(target), action)
    assert scene.visibility(target) is visibility
    assert decided.case.hidden is (visibility is not Visibility.VISIBLE)
    again = await scene.reverse(decided)
    assert (again.case.state, again.case.decision) == (CaseState.OPEN, None)
    after = services.store.state
    assert after.projects == before.projects
    assert after.comments == before.comments
    assert after.counters == before.counters
    assert after.messages == before.messages


@pytest.mark.parametrize(
    ("kind", "action", "days", "pointers"),
    [
        (TargetKind.USER, Action.HIDE, None, ["/action"]),
        (TargetKind.USER, Action.REMOVE, None, ["/action"]),
        (TargetKind.USER, Action.SUSPEND, None, ["/days"]),
        (TargetKind.PROJECT, Action.WARN, 3, ["/days"]),
        (TargetKind.PROJECT, Action.SUSPEND, 0, ["/days"]),
        (TargetKind.PROJECT, Action.SUSPEND, MAX_DAYS + 1, ["/days"]),
        (TargetKind.USER, Action.HIDE, 3, ["/action", "/days"]),
    ],
)
@awaited
async def test_an_action_must_fit_the_target_and_the_days(
    services: Services, kind: TargetKind, action: Action, days: int | None, pointers: list[str]
) -> None:
    scene = await Scene.build(services)
    details = await scene.reported(scene.target(kind))
    assert await error_fields(scene.decide(details, action, days)) == pointers
    assert not services.store.state.moderation_log


@pytest.mark.parametrize("reason", ["", " \n", "x" * (MAX_REASON + 1), "a\0b"])
@awaited
async def test_a_decision_and_a_reversal_need_a_reason(services: Services, reason: str) -> None:
    scene = await Scene.build(services)
    case = (await scene.reported(scene.target(TargetKind.PROJECT))).case
    service, by = services.moderation, scene.moderator
    decide = service.decide(by, case.id, 1, Action.HIDE, None, reason)
    assert await error_fields(decide) == ["/reason"]
    await service.decide(by, case.id, 1, Action.HIDE, None, "x" * MAX_REASON)
    assert await error_fields(service.reverse(by, case.id, 2, reason)) == ["/reason"]


@awaited
async def test_the_log_has_each_decision_and_what_a_reversal_undid(services: Services) -> None:
    scene = await Scene.build(services)
    target = scene.target(TargetKind.PROJECT)
    await scene.reverse(await scene.decide(await scene.reported(target), Action.HIDE))
    done, undone = services.store.state.moderation_log.values()
    for entry in (done, undone):
        assert (entry.moderator_id, entry.target) == (scene.moderator.id, target)
        assert entry.case_id == (await scene.case(target)).case.id
    assert (done.action, done.reason, done.reverses) == (Action.HIDE, "규칙 위반", None)
    assert (undone.action, undone.reason) == (Action.REVERSE, "잘못 봤어요")
    assert undone.reverses == done.id


@pytest.mark.parametrize("action", [Action.HIDE, Action.DISMISS])
@awaited
async def test_what_was_hidden_and_then_deleted_cannot_be_restored(
    services: Services, action: Action
) -> None:
    scene = await Scene.build(services)
    decided = await scene.decide(await scene.reported(scene.target(TargetKind.COMMENT)), action)
    await services.comments.delete(scene.author, scene.project.id, scene.comment_id)
    if action is Action.HIDE:
        with pytest.raises(CaseChanged):
            await scene.reverse(decided)
    else:  # there is nothing to restore
        assert (await scene.reverse(decided)).case.state is CaseState.OPEN


@awaited
async def test_a_decision_that_is_not_committed_changes_and_tells_nothing(
    services: Services,
) -> None:
    scene = await Scene.build(services)
    target = scene.target(TargetKind.MESSAGE)
    details = await scene.reported(target)
    services.pubsub.changes.clear()
    services.fail_commits(after=0)
    with pytest.raises(Unavailable):
        await scene.decide(details, Action.HIDE)
    services.fail_commits(after=None)
    assert await scene.case(target) == details
    assert scene.visibility(target) is Visibility.VISIBLE
    assert services.pubsub.changes == []


# ------------------------------------------------------------------------------------ who learns


@pytest.mark.parametrize("action", [Action.DISMISS, Action.WARN, Action.HIDE, Action.REMOVE])
@awaited
async def test_reporters_learn_that_it_was_decided_and_the_author_what(
    services: Services, action: Action
) -> None:
    scene = await Scene.build(services)
    target = scene.target(TargetKind.PROJECT)
    await scene.report(target, await services.person())
    await scene.decide(await scene.reported(target), action)
    assert await scene.kinds_told(scene.reporter) == [("report-decided", None)]
    moderated = [] if action is Action.DISMISS else [("moderated", None)]
    assert await scene.kinds_told(scene.author) == moderated
    assert await scene.kinds_told(scene.moderator) == []
    decision = await services.reports.decision_about(target)
    assert decision
    assert (decision.action, decision.reason, decision.moderator) == (action, "규칙 위반", None)


@awaited
async def test_three_reports_tell_those_whose_notifications_went(services: Services) -> None:
    scene = await Scene.build(services)
    reader = await services.person()
    comment = await services.comments.write(reader, scene.project.id, "멋져요")
    (entry,) = (await services.notifications.notifications(scene.author, ALL)).items
    services.pubsub.changes.clear()
    for _ in range(3):
        assert services.pubsub.changes == []
        await scene.report(Target.comment(comment.id), await scene.trusted())
    assert services.pubsub.changes == [ItemChanged.notification(scene.author.id, entry.id)]


@awaited
async def test_both_people_of_a_room_are_told_of_a_message_that_is_hidden_or_shown_again(
    services: Services,
) -> None:
    scene = await Scene.build(services)
    services.pubsub.changes.clear()

    def rooms_told() -> set[UserId]:
        told = {
            person.id
            for person in (scene.author, scene.reporter)
            if ItemChanged.room(person.id, scene.room_id) in services.pubsub.changes
        }
        services.pubsub.changes.clear()
        return told

    details = await scene.reported(scene.target(TargetKind.MESSAGE))
    assert rooms_told() == set(), "a report shows nothing"
    decided = await scene.decide(details, Action.HIDE)
    assert rooms_told() == {scene.author.id, scene.reporter.id}
    await scene.reverse(decided)
    assert rooms_told() == {scene.author.id, scene.reporter.id}
