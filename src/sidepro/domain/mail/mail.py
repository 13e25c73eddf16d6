"""A mail in the outbox, and when to try to send it.

waiting ──sent──▶ sent
│ ▲
│ └──── retry by an operator ────┐
└── refused, or too late ──▶ failed
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from sidepro.domain.ids import MailId, UserId
from sidepro.domain.language import DEFAULT_LANGUAGE, Language

RETRY_FOR = timedelta(days=1)
"""Time for which sending is tried."""

FIRST_PAUSE = timedelta(minutes=2)
"""Pause after the first attempt. Longer than any attempt takes: a mail whose sender died is tried
again, and no two processes send one mail at the same time.
"""

MAX_PAUSE = timedelta(hours=3)
MAX_REASON = 200
MAX_DOUBLINGS = 10

Content = Mapping[str, Any]
"""What the text of a mail needs, as JSON. No secrets: those are derived when the mail is sent."""


class MailKind(StrEnum):
    """What a mail is about. The values are stored."""

    EMAIL_VERIFICATION = "email-verification"
    PASSWORD_RESET = "password-reset"  # noqa: S105 - the name of a kind
    EMAIL_CHANGE_REQUESTED = "email-change-requested"
    EMAIL_CHANGED = "email-changed"
    DIGEST = "digest"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - the name of a kind


class MailState(StrEnum):
    """Where a mail is on its way. The values are stored."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class Recipient(Protocol):
    """Who gets a mail: a user of the accounts topic."""

    @property
    def id(self) -> UserId: ...
    @property
    def email(self) -> str: ...
    @property
    def language(self) -> Language: ...
    @property
    def time_zone(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of the outbox.

    `user_id` is `None` while nobody knows whose address it is. `due_at` is the time of the next
    attempt, which is not made after `give_up_at`. `message_id` is set before the first attempt
    and never changes, like all that the text depends on. `unsubscribe` names the kind of
    notification that one click switches off; `None` for mails that people cannot switch off.
    `token_digest` is the SHA-256 of the token in the mail, if there is one.
    """

    id: MailId
    kind: MailKind
    user_id: UserId | None
    address: str
    language: Language
    time_zone: str
    content: Content
    created_at: datetime
    due_at: datetime
    give_up_at: datetime
    unsubscribe: str | None = None
    token_digest: bytes | None = field(default=None, repr=False)
    message_id: str | None = None
    state: MailState = MailState.WAITING
    attempts: int = 0
    sent_at: datetime | None = None
    reason: str | None = None

    @classmethod
    def to(
        cls,
        recipient: Recipient,
        kind: MailKind,
        mail_id: MailId,
        now: datetime,
        *,
        content: Content | None = None,
        address: str | None = None,
        due_at: datetime | None = None,
        retry_for: timedelta = RETRY_FOR,
        unsubscribe: str | None = None,
    ) -> "Mail":
        """A mail to a person in their language, to `address` or else to their own.

        It is sent as soon as possible, or from `due_at` on.
        """
        due_at = due_at or now
        return cls(
            id=mail_id,
            kind=kind,
            user_id=recipient.id,
            address=address or recipient.email,
            language=recipient.language,
            time_zone=recipient.time_zone,
            content=content or {},
            created_at=now,
            due_at=due_at,
            give_up_at=due_at + retry_for,
            unsubscribe=unsubscribe,
        )

    @classmethod
    def to_address(
        cls,
        address: str,
        kind: MailKind,
        mail_id: MailId,
        now: datetime,
        *,
        retry_for: timedelta = RETRY_FOR,
    ) -> "Mail":
        """A mail to the person with this address, whom the job looks up, if there is one."""
        return cls(
            id=mail_id,
            kind=kind,
            user_id=None,
            address=address,
            language=DEFAULT_LANGUAGE,
            time_zone="UTC",
            content={},
            created_at=now,
            due_at=now,
            give_up_at=now + retry_for,
        )

    def addressed(self, recipient: Recipient) -> "Mail":
        """The mail to this person, who was looked up."""
        return replace(
            self,
            user_id=recipient.id,
            address=recipient.email,
            language=recipient.language,
            time_zone=recipient.time_zone,
        )

    def is_too_late(self, now: datetime) -> bool:
        """Whether no further attempt is made."""
        return now >= self.give_up_at

    def attempted(self, now: datetime) -> "Mail":
        """The mail before an attempt. If the attempt has no outcome, the next one follows after a
        pause that doubles each time.
        """
        pause = min(FIRST_PAUSE * 2 ** min(self.attempts, MAX_DOUBLINGS), MAX_PAUSE)
        return replace(self, attempts=self.attempts + 1, due_at=now + pause)

    def delayed(self, reason: str) -> "Mail":
        """The mail after an attempt that failed for now."""
        return replace(self, reason=reason[:MAX_REASON])

    def failed(self, reason: str) -> "Mail":
        """The mail after it was given up."""
        return replace(self, state=MailState.FAILED, reason=reason[:MAX_REASON])

    def sent(self, now: datetime) -> "Mail":
        """The mail after it was sent."""
        return replace(self, state=MailState.SENT, sent_at=now, reason=None)

    def retried(self, now: datetime) -> "Mail":
        """The mail after an operator has asked to try again."""
        return replace(
            self,
            state=MailState.WAITING,
            attempts=0,
            due_at=now,
            give_up_at=now + RETRY_FOR,
        )
