"""What administrators do to people and to what others wrote, for the operators' log."""

from enum import Enum
from typing import Protocol

from sidepro.domain.ids import UserId


class OperatorAction(Enum):
    """What an administrator did. The value is the event's name in the log."""

    DEACTIVATED = "operator_deactivated_account"
    ACTIVATED = "operator_activated_account"
    EDITED_PROJECT = "operator_edited_project"
    REMOVED_PROJECT = "operator_removed_project"
    REMOVED_COMMENT = "operator_removed_comment"
    REPAIRED_COUNTERS = "operator_repaired_counters"
    REQUESTED_SIMILARITY = "operator_requested_similarity"


class OperatorLog(Protocol):
    """Writes the actions of administrators to the log."""

    def __call__(
        self,
        action: OperatorAction,
        operator: UserId,
        *,
        target: object | None = None,
        reason: str | None = None,
    ) -> None:
        """Log an action that is done: who did it, to the thing with which id, and why.

        MUST NOT log personal data beyond ids and the reason, and MUST NOT fail.
        """
        ...
