"""Authentication events for the operators' log."""

from enum import Enum
from typing import Protocol

from sidepro.domain.ids import SessionId, UserId


class AuthenticationEvent(Enum):
    """The value is the event's name in the log."""

    SIGNED_UP = "signed_up"
    LOGGED_IN = "logged_in"
    LOG_IN_REFUSED = "log_in_refused"
    REFRESHED = "session_refreshed"
    REPLAYED = "refresh_token_replayed"
    SESSION_ENDED = "session_ended"
    ALL_SESSIONS_ENDED = "all_sessions_ended"
    PASSWORD_REFUSED = "password_refused"  # noqa: S105 - the name of an event
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an event
    WITHDRAWN = "account_withdrawn"
    ACTIVATED = "account_activated"
    DEACTIVATED = "account_deactivated"
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    EMAIL_VERIFIED = "email_verified"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of an event


class AuthenticationLog(Protocol):
    """Writes authentication events to the log."""

    def __call__(
        self,
        event: AuthenticationEvent,
        user_id: UserId | None = None,
        *,
        session_id: SessionId | None = None,
        reason: str | None = None,
    ) -> None:
        """Log an event. `user_id` is `None` when no user has the email of the attempt.

        MUST NOT log passwords, tokens or emails, and MUST NOT fail.
        """
        ...
