"""Texts of reports and of the pages of moderators."""

from collections.abc import Mapping
from dataclasses import dataclass

from sidepro.web.texts import Text


@dataclass(frozen=True, slots=True)
class ModerationTexts:
    report: str
    """The link that leads to a report."""
    send_report: str
    report_title: Mapping[str, str]
    """By kind."""
    report_text: str
    reasons: Mapping[str, str]
    labels: Mapping[str, str]
    """The fields of all forms here, by name."""
    note_hint: str
    own_reports: str
    own_reports_text: str
    no_reports: str
    report_states: Mapping[str, str]

    kinds: Mapping[str, str]
    title: str
    queue: str
    log: str
    all_states: str
    states: Mapping[str, str]
    keys: str
    """How to work the queue by keyboard."""
    no_cases: str
    report_count: Text
    """`count`"""
    hidden: str
    claimed_by: Text
    """`name`"""
    claimed_by_you: str
    case_of: Text
    """The title of a case: `kind`."""
    snapshot: str
    snapshot_text: Text
    """When the first report came: `when`."""
    erased: str
    reported_message: str
    reports: str
    no_note: str
    view: str
    """The link to what was reported."""
    claim: str
    decide: str
    actions: Mapping[str, str]
    days_hint: str
    reason_hint: str
    reverse: str
    reverse_text: str
    decision: str
    decided_by: Text
    """`name` and `when`."""
    nobody: str
    changed: str
    """Another moderator was faster."""
    days: Text
    """`count`"""
    next_case: str
    """From a decided case to the next one that waits."""
    no_entries: str

    suspended_until: Text
    """What a suspended person reads at log-in: `when`."""
    hidden_project: str
    hidden_project_text: str
    hidden_comment: str
    hidden_message: str
    why: Text
    """`reason`"""
    told: Mapping[str, Text]
    """What authors read about a decision, by action: `count` of days."""
    told_reversed: str
