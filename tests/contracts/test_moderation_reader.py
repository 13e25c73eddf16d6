"""`ModerationReader`: the queue, cases, reports and the log, also in the export and after a
withdrawal.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial

import pytest

from sidepro.domain.accounts.user import User
from sidepro.domain.data_export.views import ExportedDecision, ExportedReport
from sidepro.domain.ids import CaseId, CommentId, ReportId
from sidepro.domain.moderation.case import Action, Case, CaseState
from sidepro.domain.moderation.ports import StoredItem
from sidepro.domain.moderation.report import ReportReason
from sidepro.domain.moderation.target import Target, TargetKind
from sidepro.domain.moderation.views import (
    MAX_EXCERPT,
    CaseQuery,
    DecisionView,
    LogEntryView,
    OwnDecisionView,
    ReportView,
    SnapshotItem,
)
from sidepro.domain.pagination import PageRequest
from sidepro.domain.visibility import Visibility
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, nobody
from tests.contracts.moderation_data import Scene, item, summary
from tests.contracts.paging import read_all_pages
from tests.factories import NOW, new_id

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene(adapters: Adapters) -> Scene:
    return await Scene.build(adapters)


async def test_the_queue_is_ordered_by_reports_and_age_and_filtered(scene: Scene) -> None:
    counts = [1, 3, 1, 2, 3]
    cases = []
    for place, count in enumerate(counts):
        case = await scene.case(at=after(place))
        for _ in range(count):
            case = case.reported(after(9))
        cases.append(await scene.save(case))
    cases[2] = await scene.save(cases[2].claimed(scene.moderator.id, 1, after(9)))
    person = await scene.case(Target.user(scene.author.id), at=after(6))
    whole = [cases[number].id for number in (1, 4, 3, 0, 2)] + [person.id]
    reader = scene.adapters.moderation
    for query, expected in (
        (CaseQuery(), whole),
        (CaseQuery(state=CaseState.OPEN), [one for one in whole if one != cases[2].id]),
        (CaseQuery(state=CaseState.CLAIMED), [cases[2].id]),
        (CaseQuery(kind=TargetKind.USER), [person.id]),
        (CaseQuery(CaseState.CLAIMED, TargetKind.USER), []),
    ):
        found = await read_all_pages(partial(reader.cases, query), limit=2)
        assert [case.id for case in found] == expected
        assert await reader.case_count(query) == len(expected)


async def test_a_case_tells_who_claimed_and_decided_it_and_why_it_was_reported(
    scene: Scene,
) -> None:
    case = await scene.case()
    one, two, three, _ = scene.people
    spam = await scene.report(case, one, at=after(2))
    hate = await scene.report(case, two, ReportReason.HATE, at=after(1))
    also = await scene.report(case, three, at=after(3))
    claimed = await scene.save(case.claimed(scene.moderator.id, 1, after(4)))
    hidden = await scene.decide(claimed, Action.HIDE, after(5))
    details = await scene.adapters.moderation.case(case.id)
    assert details
    assert [report.id for report in details.reports] == [hate.id, spam.id, also.id]
    view = details.case
    assert view.reasons == {ReportReason.SPAM: 2, ReportReason.HATE: 1}
    assert list(view.reasons) == [ReportReason.SPAM, ReportReason.HATE]
    assert (view.state, view.version, view.hidden) == (CaseState.DECIDED, 3, True)
    assert view.claimed_by == summary(scene.moderator)
    decision = DecisionView(Action.HIDE, None, "why", summary(scene.moderator), after(5))
    assert view.decision == decision
    assert (await scene.adapters.moderation.cases(CaseQuery(), PageRequest())).items == (view,)
    for_author = await scene.adapters.moderation.decision_about(case.target)
    assert for_author == replace(decision, moderator=None)
    await scene.save(hidden.reversed(scene.moderator.id, 3, after(6)))
    assert await scene.adapters.moderation.decision_about(case.target) is None
    assert await scene.adapters.moderation.case(CaseId(new_id())) is None


async def test_an_author_learns_of_the_last_decision_of_each_of_their_cases(scene: Scene) -> None:
    shown, dismissed, undone = [await scene.case() for _ in range(3)]
    person = await scene.case(Target.user(scene.author.id))
    warned = await scene.decide(shown, Action.WARN, after(1))
    opened = await scene.save(warned.reported(after(2)))  # the decision is still told
    suspended = await scene.decide(person, Action.SUSPEND, after(3), days=2)
    await scene.decide(dismissed, Action.DISMISS, after(4))
    hidden = await scene.decide(undone, Action.HIDE, after(5))
    await scene.save(hidden.reversed(scene.moderator.id, hidden.version, after(6)))
    await scene.entry(hidden, Action.REVERSE, after(6), reverses=hidden.decision_id)
    ids = {case.id for case in (opened, dismissed, hidden, suspended)} | {CaseId(new_id())}
    own = OwnDecisionView(shown.target, "제목", Action.WARN, None, "why", is_reversed=False)
    reader = scene.adapters.moderation
    assert await reader.own_decisions(scene.author.id, ids) == {
        shown.id: own,
        person.id: replace(own, target=person.target, action=Action.SUSPEND, days=2),
        undone.id: replace(own, target=undone.target, action=Action.HIDE, is_reversed=True),
    }
    assert await reader.own_decisions(scene.moderator.id, ids) == {}
    await scene.decide(opened, Action.REMOVE, after(7))
    latest = await reader.own_decisions(scene.author.id, {shown.id})
    assert latest == {shown.id: replace(own, action=Action.REMOVE)}


async def test_the_excerpt_is_the_beginning_of_what_was_reported(scene: Scene) -> None:
    room_id = factories.room(scene.author.id, nobody()).id
    around = [{"seq": seq, "body": f"{seq}"} for seq in (1, 11, 111)]
    long = "가" * (MAX_EXCERPT + 1)
    for target, contents, expected in (
        (Target.message(room_id, 11), around, "11"),
        (Target.message(room_id, 1), around, "1"),
        (Target.comment(CommentId(new_id())), [{"body": long}], long[:-1]),
        (Target.user(scene.author.id), [{"username": "미나", "bio": "x"}], "미나"),
    ):
        case = Case.open(CaseId(new_id()), target, scene.author.id, NOW)
        async with scene.adapters.unit_of_work() as work:
            items = [StoredItem(scene.author.id, content) for content in contents]
            await work.moderation.get_or_add(case, items)
            await work.commit()
        details = await scene.adapters.moderation.case(case.id)
        assert details
        assert details.case.excerpt == expected


async def test_reports_are_listed_to_their_reporter_the_newest_first(scene: Scene) -> None:
    reporter, other, *_ = scene.people
    cases = [await scene.case() for _ in range(4)]
    reports = [await scene.report(case, reporter, at=after(n)) for n, case in enumerate(cases)]
    await scene.report(cases[0], other)
    await scene.settle(cases[1], after(9))
    reader = scene.adapters.moderation
    views = [
        ReportView(
            report.id, case.target, report.reason, report.note, case is cases[1], report.created_at
        )
        for report, case in zip(reports, cases, strict=True)
    ]
    found = await read_all_pages(partial(reader.reports, reporter.id), limit=3)
    assert found == views[::-1]
    assert await reader.report_count(reporter.id) == 4
    assert await reader.report(reports[1].id) == views[1]
    assert await reader.report(ReportId(new_id())) is None


async def test_the_log_has_the_newest_entry_first(scene: Scene) -> None:
    case = await scene.case()
    entries = [await scene.entry(case, Action.WARN, after(number)) for number in range(5)]
    whole = await read_all_pages(scene.adapters.moderation.log, limit=20)
    assert await scene.adapters.moderation.log_size() == len(whole)
    assert whole == sorted(whole, key=lambda one: (one.at, one.id), reverse=True)
    # The log of a database is never emptied.
    assert [one for one in whole if one.case_id == case.id] == [
        LogEntryView(
            id=entry.id,
            moderator=summary(scene.moderator),
            action=Action.WARN,
            target=case.target,
            days=None,
            reason="why",
            case_id=case.id,
            reverses=None,
            at=entry.at,
        )
        for entry in reversed(entries)
    ]


# ------------------------------------------------------------------------- export and withdrawal


async def test_who_withdraws_is_in_no_case_report_or_entry_any_more(scene: Scene) -> None:
    reporter, *_ = scene.people
    person = await scene.case(Target.user(scene.author.id))
    project = await scene.case()
    for case in (person, project):
        await scene.report(case, reporter)
        claimed = await scene.save(case.claimed(scene.moderator.id, 1, after(1)))
        await scene.decide(claimed, Action.WARN, after(2))
    await scene.withdraw(scene.author, scene.moderator, reporter)
    for case, content in ((person, {}), (project, item(scene.author.id).content)):
        details = await scene.adapters.moderation.case(case.id)
        assert details
        assert details.snapshot == (SnapshotItem(None, content),)
        assert len(details.reports) == 1
        assert (details.case.author, details.case.claimed_by) == (None, None)
        assert details.case.excerpt == content.get("title")
        assert details.case.decision
        assert details.case.decision.moderator is None
    assert await scene.adapters.moderation.report_count(reporter.id) == 0
    log = await read_all_pages(scene.adapters.moderation.log, limit=20)
    mine = [entry for entry in log if entry.case_id in (person.id, project.id)]
    assert [entry.moderator for entry in mine] == [None, None]


async def test_reporters_export_their_reports_and_authors_what_was_decided(scene: Scene) -> None:
    reporter, *_ = scene.people
    case = await scene.case()
    report = await scene.report(case, reporter, at=after(1))
    await scene.settle(case, after(2))
    decided = await scene.decide(case, Action.SUSPEND, after(3), days=4)
    target = case.target.text
    export = scene.adapters.data_export

    async def records(
        kind: type[ExportedReport] | type[ExportedDecision], user: User
    ) -> list[object]:
        section: AsyncIterator[Sequence[object]] = export.section(kind, user.id)
        return [one async for batch in section for one in batch]

    assert await records(ExportedReport, reporter) == [
        ExportedReport(report.id, "project", target, "spam", "note", after(1), after(2))
    ]
    assert decided.decision_id
    assert await records(ExportedDecision, scene.author) == [
        ExportedDecision(decided.decision_id, "project", target, "suspend", 4, "why", after(3))
    ]
    assert await records(ExportedReport, scene.author) == []
    assert await records(ExportedDecision, reporter) == []


async def test_hiding_is_stored_with_the_case(scene: Scene) -> None:
    case = (await scene.case()).reported(after(1)).hidden_by_reports(after(1))
    await scene.save(case)
    async with scene.adapters.unit_of_work() as work:
        stored = await work.moderation.get(case.id)
    assert stored
    assert stored.visibility is Visibility.HIDDEN
    (view,) = (await scene.adapters.moderation.cases(CaseQuery(), PageRequest())).items
    assert (view.hidden, view.report_count) == (True, 1)
