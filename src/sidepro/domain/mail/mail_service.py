"""What operators do with the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass

from sidepro.domain.clock import Clock
from sidepro.domain.errors import ensure_found
from sidepro.domain.ids import MailId
from sidepro.domain.mail.mail import Mail, MailState
from sidepro.domain.mail.ports import MailReader, MailTrigger, MailUnitOfWork
from sidepro.domain.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class MailService:
    """Lists mails, and tries to send failed ones again."""

    unit_of_work: UnitOfWorkFactory[MailUnitOfWork]
    reader: MailReader
    trigger: MailTrigger
    clock: Clock

    async def mails(self, state: MailState | None, limit: int) -> Sequence[Mail]:
        """The newest mails, in this state or in any."""
        return await self.reader.mails(state, limit)

    async def retry(self, mail_id: MailId) -> Mail:
        """Try to send a mail again, for another day. One that was sent stays as it is.

        Raises:
            NotFound: there is no such mail.
        """
        async with self.unit_of_work() as work:
            mail = ensure_found(await work.mails.get(mail_id))
            if mail.state is not MailState.SENT:
                mail = mail.retried(self.clock())
                await work.mails.save(mail)
            await work.commit()
        await self.trigger.request()
        return mail
