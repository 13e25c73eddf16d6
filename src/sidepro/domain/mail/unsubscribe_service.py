"""Switching mails off by the token in them, without logging in (RFC 8058)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from sidepro.domain.errors import InvalidToken
from sidepro.domain.identity import token_digest
from sidepro.domain.ids import UserId
from sidepro.domain.mail.ports import MailUnitOfWork
from sidepro.domain.unit_of_work import UnitOfWorkFactory

Work = TypeVar("Work", bound=MailUnitOfWork)

SwitchOff = Callable[[Work, UserId, str], Awaitable[None]]
"""Switches off mails of a kind to a person in a unit of work. MUST be safe to repeat."""


@dataclass(frozen=True, slots=True)
class UnsubscribeService(Generic[Work]):
    """Switches mails off. `handlers` do it, by the kind of the token (`Mail.unsubscribe`)."""

    unit_of_work: UnitOfWorkFactory[Work]
    handlers: Mapping[str, SwitchOff[Work]]

    async def unsubscribe(self, token: str) -> None:
        """Switch off what the token is for. The token holds for ever: a click may be repeated.

        Raises:
            InvalidToken: the token is unknown.
        """
        async with self.unit_of_work() as work:
            found = await work.unsubscribe_tokens.find(token_digest(token))
            if found is None:
                raise InvalidToken
            user_id, kind = found
            handler = self.handlers.get(kind)
            if handler is not None:
                await handler(work, user_id, kind)
                await work.commit()
