"""Reports."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sidepro.domain.ids import CaseId, ReportId, UserId
from sidepro.domain.validation import Validator

MAX_NOTE = 1_000

HIDING_REPORTS = 3
"""Open reports by trusted people that hide a target until somebody decides."""

TRUSTED_AFTER = timedelta(days=7)
"""Age of an account whose reports count towards `HIDING_REPORTS`, if its email is verified."""


class ReportReason(StrEnum):
    """Why something is reported. The values are stored."""

    SPAM = "spam"
    HARASSMENT = "harassment"
    HATE = "hate"
    SEXUAL = "sexual"
    ILLEGAL = "illegal"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Report:
    """A report of the target of a case. It is open until the case is decided. `reporter_id` is
    `None` if they withdrew.
    """

    id: ReportId
    case_id: CaseId
    reporter_id: UserId | None
    reason: ReportReason
    note: str | None
    created_at: datetime
    decided_at: datetime | None = None


def validate_note(note: str | None) -> str | None:
    """The note in NFC. `None` for no note, and for an empty one, which forms send.

    Raises:
        InvalidInput: it is too long, blank, or cannot be stored.
    """
    if not note:
        return None
    validator = Validator()
    text = validator.text(note, "note", MAX_NOTE)
    validator.raise_errors()
    return text
