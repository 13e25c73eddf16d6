"""Who may write where email addresses must be verified."""

from sidepro.domain.accounts.ports import AccountReader
from sidepro.domain.errors import EmailNotVerified
from sidepro.domain.identity import Caller
from sidepro.domain.ids import UserId

MAX_REMEMBERED = 100_000


class VerifiedWriterGate:
    """See `sidepro.domain.identity.WriterGate`.

    Remembers whom it let pass: a verified account stays verified, also while another address waits
    for its verification. So only the first call of a person costs a statement.
    """

    def __init__(self, reader: AccountReader) -> None:
        self._reader = reader
        self._verified: dict[UserId, None] = {}

    async def __call__(self, caller: Caller) -> None:
        if caller.id in self._verified:
            return
        account = await self._reader.account(caller.id)
        if account is None:
            return  # the use case refuses a deleted account
        if not account.email_verified:
            raise EmailNotVerified
        if len(self._verified) >= MAX_REMEMBERED:
            del self._verified[next(iter(self._verified))]
        self._verified[caller.id] = None
