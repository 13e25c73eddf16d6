"""Cases: their states and versions; and who sees what is hidden."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from sidepro.domain.errors import CaseChanged, InvalidInput
from sidepro.domain.ids import CaseId, LogEntryId, ProjectId, UserId
from sidepro.domain.moderation.case import PURGE_AFTER, Action, Case, CaseState, Decision
from sidepro.domain.moderation.target import Target
from sidepro.domain.visibility import Viewer, Visibility
from tests import factories

NOW = factories.NOW
AUTHOR, MODERATOR = UserId(uuid4()), UserId(uuid4())
PROJECT = Target.project(ProjectId(uuid4()))
OPEN = Case.open(CaseId(uuid4()), PROJECT, AUTHOR, NOW)
ENTRY = LogEntryId(uuid4())


def decided(action: Action, days: int | None = None, case: Case = OPEN) -> Case:
    decision = Decision.make(case.target, action, days, "because")
    return case.decided(decision, MODERATOR, case.version, ENTRY, NOW)


@pytest.mark.parametrize(
    ("action", "visibility"),
    [
        (Action.DISMISS, Visibility.VISIBLE),
        (Action.WARN, Visibility.VISIBLE),
        (Action.HIDE, Visibility.HIDDEN),
        (Action.REMOVE, Visibility.REMOVED),
    ],
)
def test_a_decision_makes_the_target_what_it_says(action: Action, visibility: Visibility) -> None:
    for before in (OPEN, OPEN.hidden_by_reports(NOW)):
        case = decided(action, case=before)
        assert (case.state, case.version, case.visibility) == (CaseState.DECIDED, 2, visibility)
        due = NOW + PURGE_AFTER if action is Action.REMOVE else None
        assert (case.decision_id, case.purge_at) == (ENTRY, due)


def test_each_step_but_a_report_changes_the_version() -> None:
    assert OPEN.reported(NOW).version == OPEN.version
    claimed = OPEN.claimed(MODERATOR, 1, NOW)
    assert (claimed.state, claimed.version) == (CaseState.CLAIMED, 2)
    assert claimed.reported(NOW).state is CaseState.CLAIMED
    hidden = decided(Action.HIDE, case=claimed)
    undone = hidden.reversed(MODERATOR, 3, NOW)
    assert (undone.state, undone.version, undone.visibility) == (CaseState.OPEN, 4, 0)
    assert (undone.claimed_by, undone.decision_id, undone.purge_at) == (None, None, None)


def test_a_report_about_a_decided_case_opens_it_again() -> None:
    again = decided(Action.DISMISS).reported(NOW + timedelta(days=1))
    assert (again.state, again.version, again.report_count) == (CaseState.OPEN, 3, 1)
    assert again.updated_at == NOW + timedelta(days=1)


def test_another_version_is_refused() -> None:
    with pytest.raises(CaseChanged):
        OPEN.claimed(MODERATOR, 2, NOW)
    with pytest.raises(CaseChanged):
        OPEN.reversed(MODERATOR, 1, NOW)
    with pytest.raises(CaseChanged):
        decided(Action.HIDE).claimed(MODERATOR, 2, NOW)
    with pytest.raises(CaseChanged):
        replace(decided(Action.REMOVE), is_purged=True).reversed(MODERATOR, 2, NOW)


def test_nobody_decides_about_their_own_content() -> None:
    with pytest.raises(InvalidInput):
        replace(OPEN, author_id=MODERATOR).reversed(MODERATOR, 1, NOW)
    with pytest.raises(InvalidInput):
        decided(Action.DISMISS, case=replace(OPEN, author_id=MODERATOR))


@pytest.mark.parametrize("action", [Action.WARN, Action.SUSPEND])
def test_somebody_who_withdrew_is_neither_warned_nor_suspended(action: Action) -> None:
    days = 1 if action is Action.SUSPEND else None
    with pytest.raises(InvalidInput):
        decided(action, days, replace(OPEN, author_id=None))


def test_reports_hide_no_person() -> None:
    person = replace(OPEN, target=Target.user(AUTHOR))
    assert person.hidden_by_reports(NOW) is person


def test_hidden_content_is_seen_by_its_author_and_moderators() -> None:
    others = (Viewer(), Viewer(MODERATOR))
    author, moderator = Viewer(AUTHOR), Viewer(MODERATOR, is_moderator=True)
    for visibility, seeing in (
        (Visibility.VISIBLE, {*others, author, moderator}),
        (Visibility.HIDDEN, {author, moderator}),
        (Visibility.REMOVED, {moderator}),
    ):
        for viewer in (*others, author, moderator):
            assert viewer.sees(visibility, AUTHOR) == (viewer in seeing)
    assert not Viewer().sees(Visibility.HIDDEN, None), "an author who withdrew is nobody"


def test_a_target_is_what_its_text_says() -> None:
    message = replace(PROJECT, kind=PROJECT.kind, seq=7)
    for target in (PROJECT, message):
        assert Target.parse(target.kind, target.text) == target
