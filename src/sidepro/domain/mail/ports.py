"""Ports of mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sidepro.domain.ids import MailId, UserId
from sidepro.domain.language import Language
from sidepro.domain.mail.mail import Mail, MailState
from sidepro.domain.unit_of_work import UnitOfWork


class MailRepository(Protocol):
    """The outbox, inside a unit of work."""

    async def add(self, mail: Mail) -> None:
        """Put a mail into the outbox. It is sent if the unit of work commits.

        Raises:
            NotFound: the user does not exist.
        """
        ...

    async def take_due(self, now: datetime) -> Mail | None:
        """A waiting mail that is due, the one that is due longest, or `None`.

        MUST lock it until the unit of work ends, and MUST NOT wait for mails that another unit of
        work has locked.
        """
        ...

    async def get(self, mail_id: MailId) -> Mail | None:
        """The mail, or `None`. MUST lock it until the unit of work ends."""
        ...

    async def save(self, mail: Mail) -> None:
        """Store a changed mail. MUST do nothing if it no longer exists."""
        ...

    async def delete(self, mail_id: MailId) -> None:
        """Delete a mail. Safe to repeat."""
        ...

    async def delete_old(self, sent_before: datetime, failed_before: datetime, limit: int) -> int:
        """Delete up to `limit` mails that were sent or created that long ago, and return how many.

        Waiting mails MUST stay. MUST NOT wait for mails that another transaction has locked.
        """
        ...


class UnsubscribeTokenRepository(Protocol):
    """Stores who and what an unsubscribe token is for, inside a unit of work."""

    async def add(self, digest: bytes, user_id: UserId, kind: str, now: datetime) -> None:
        """Store the digest of a token that switches off mails of this kind to this person.

        Safe to repeat.

        Raises:
            NotFound: the user does not exist.
        """
        ...

    async def find(self, digest: bytes) -> tuple[UserId, str] | None:
        """The person and the kind of the token with this digest, or `None`."""
        ...


class MailUnitOfWork(UnitOfWork, Protocol):
    """A transaction over the outbox."""

    @property
    def mails(self) -> MailRepository: ...
    @property
    def unsubscribe_tokens(self) -> UnsubscribeTokenRepository: ...


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many mails wait and how many were given up. `oldest_due_at` is when the mail that is due
    longest should have been sent; `None` if none is due.
    """

    waiting: int
    failed: int
    oldest_due_at: datetime | None


class MailReader(Protocol):
    """Reads the outbox for operators."""

    async def mails(self, state: MailState | None, limit: int) -> Sequence[Mail]:
        """The newest mails, in this state or in any, at most `limit`."""
        ...

    async def backlog(self, now: datetime) -> Backlog:
        """The state of the outbox, in one statement."""
        ...


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it goes to the server. `text` and `html` say the same.

    `unsubscribe_url` takes a POST that switches such mails off (RFC 8058).
    """

    message_id: str
    date: datetime
    to: str
    language: Language
    subject: str
    text: str
    html: str
    unsubscribe_url: str | None


class MailComposer(Protocol):
    """Writes mails."""

    def compose(self, mail: Mail, token: str | None, unsubscribe_token: str | None) -> Letter:
        """The letter in the mail's language. MUST be the same for the same arguments.

        Nothing that a person chose, such as a name, MUST be able to add a header, a link or
        markup.
        """
        ...


class MailProblem(Exception):
    """A mail could not be handed over. `reason` is for operators."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MailRefused(MailProblem):
    """The server will never take this mail."""


class MailDelayed(MailProblem):
    """The server did not take this mail now."""


class MailServerUnavailable(MailProblem):
    """The server takes no mails now: it cannot be reached, or does not accept the sender."""


class MailTransport(Protocol):
    """Hands mails over."""

    async def send(self, letter: Letter) -> None:
        """Hand a mail over, within a minute.

        Raises:
            MailRefused, MailDelayed, MailServerUnavailable: it was not taken.
        """
        ...

    async def close(self) -> None:
        """End the connection, if there is one. The next `send` opens another. MUST NOT fail."""
        ...


class MailTokens(Protocol):
    """Derives the tokens in mails from the secret key, so that no token is ever stored.

    Tokens have 256 bits. Only their digests (`sidepro.domain.identity.token_digest`) are stored.
    """

    def issue(self, mail_id: MailId) -> str:
        """The token of a mail, by the key that signs now."""
        ...

    def find(self, mail_id: MailId, digest: bytes) -> str | None:
        """The token of a mail that has this digest, by any key; `None` if the key is gone."""
        ...

    def for_unsubscribing(self, user_id: UserId, kind: str) -> str:
        """The token that switches off mails of this kind to this person."""
        ...


class MailTrigger(Protocol):
    """Requests a run of the sender before its schedule."""

    async def request(self) -> None:
        """Send mails soon. MUST NOT raise: the next scheduled run makes up for a lost request."""
        ...
