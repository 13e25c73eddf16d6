"""Whether the token of a mail can be used."""

from datetime import datetime

from sidepro.domain.accounts.account_token import AccountToken, TokenPurpose
from sidepro.domain.accounts.ports import AccountUnitOfWork
from sidepro.domain.accounts.user import User
from sidepro.domain.errors import InvalidToken, TokenProblem


async def find_token_user(
    work: AccountUnitOfWork, digest: bytes, purpose: TokenPurpose, now: datetime
) -> tuple[User, AccountToken]:
    """The user of a token, locked, and the token. It can be used in this unit of work.

    Raises:
        InvalidToken: it cannot be used.
    """
    found = await work.account_tokens.find(digest)
    user = None if found is None else await work.users.get(found.user_id)
    # Read it again now that the user is locked: a concurrent call may have used it.
    token = await work.account_tokens.find(digest)
    if user is None or token is None or token.purpose is not purpose or not user.is_active:
        raise InvalidToken(TokenProblem.UNKNOWN)
    if not token.fits(user, *_addresses(user, purpose)):
        raise InvalidToken(TokenProblem.SUPERSEDED)
    if purpose is TokenPurpose.EMAIL_VERIFICATION:
        issued = await work.account_tokens.of_user(user.id, purpose)
        if any(other.created_at > token.created_at for other in issued):
            raise InvalidToken(TokenProblem.SUPERSEDED)
    if token.is_expired(now):
        raise InvalidToken(TokenProblem.EXPIRED)
    return user, token


def _addresses(user: User, purpose: TokenPurpose) -> tuple[str | None, ...]:
    """The addresses that a token for this purpose may have been sent to.

    A pending address replaces the current one: a mail to verify that one comes too late.
    """
    if purpose is TokenPurpose.PASSWORD_RESET:
        return (user.email,)
    return (user.pending_email or user.email,)
