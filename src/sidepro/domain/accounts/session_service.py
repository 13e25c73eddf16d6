"""Log-in, and what becomes of the session that it begins."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from sidepro.domain.accounts.audit_log import AuthenticationEvent, AuthenticationLog
from sidepro.domain.accounts.ports import (
    ADDRESS_REFRESH_AFTER,
    AccessTokens,
    AccountReader,
    AccountUnitOfWork,
    EmailNormalizer,
    PasswordHasher,
    SessionRegistry,
)
from sidepro.domain.accounts.session import (
    RefreshToken,
    Session,
    SessionTtl,
    TokenUse,
)
from sidepro.domain.accounts.user import MAX_EMAIL, User
from sidepro.domain.clock import Clock
from sidepro.domain.errors import (
    AccountDeactivated,
    NotFound,
    RateLimited,
    SessionEnded,
    WrongCredentials,
)
from sidepro.domain.identity import Caller, token_digest
from sidepro.domain.ids import NewId, NewSecret, SessionId
from sidepro.domain.rate_limiting import Limit, RateLimiter
from sidepro.domain.text import casefold_key
from sidepro.domain.unit_of_work import UnitOfWorkFactory

UNKNOWN_ADDRESS_LIMIT = Limit("log-in-account", 20, 3600, fallback=5)
"""Log-ins to one account from addresses that it does not know, all of them together."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a log-in gives. Times are in seconds from now."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    session_id: SessionId


@dataclass(frozen=True, slots=True)
class SessionService:
    """Beginning, continuing and ending sessions. Without a `limiter` nothing is limited."""

    unit_of_work: UnitOfWorkFactory[AccountUnitOfWork]
    reader: AccountReader
    passwords: PasswordHasher
    normalize_email: EmailNormalizer
    access_tokens: AccessTokens
    new_secret: NewSecret
    clock: Clock
    new_id: NewId
    session_registry: SessionRegistry
    session_ttl: SessionTtl
    limiter: RateLimiter | None
    audit_log: AuthenticationLog

    async def log_in(
        self, email: str, password: str, *, address: str, user_agent: str | None = None
    ) -> Tokens:
        """Begin a session. Unknown email and wrong password answer alike, in time too.

        `address` is where the attempt comes from. Addresses that logged in to the account before,
        or opened it, are spared by the limit that all others share: strangers cannot lock its
        owner out.

        Raises:
            WrongCredentials: there is no such user, or the password is another.
            AccountDeactivated: the password is right and the account is closed by an operator.
            RateLimited: strangers have tried this account too often.
        """
        known = self.normalize_email(email) if len(email) <= MAX_EMAIL else None
        user = noted_at = None
        if known is not None:
            candidate = await self.reader.log_in_candidate(known, address)
            if candidate is not None:
                user, noted_at = candidate.user, candidate.address_seen_at
        if noted_at is None:
            await self._count_unknown_address(known or email, user)
        right = await self.passwords.verify(password, user.password_hash if user else None)
        if user is None or not right:
            self._log_refusal(user, "wrong-credentials")
            raise WrongCredentials
        if not user.is_active:
            self._log_refusal(user, "account-deactivated")
            raise AccountDeactivated
        renewed = user
        if self.passwords.is_outdated(user.password_hash):
            renewed = replace(user, password_hash=await self.passwords.hash(password))
        now = self.clock()
        session = Session.start(
            SessionId(self.new_id()), user.id, user_agent, now, self.session_ttl
        )
        text = self.new_secret()
        async with self.unit_of_work() as work:
            # The password may have changed, or the account been closed, while we hashed.
            if await work.users.get(user.id) != user:
                self._log_refusal(user, "changed-meanwhile")
                raise WrongCredentials
            if renewed != user:
                await work.users.save(renewed)
            if noted_at is None or now - noted_at > ADDRESS_REFRESH_AFTER:
                await work.users.remember_address(user.id, address, now)
            await work.sessions.add(session, RefreshToken.issue(text, session.id, None, now))
            await work.commit()
        self.audit_log(AuthenticationEvent.LOGGED_IN, user.id, session_id=session.id)
        return self._tokens(user, session, text, now)

    async def refresh(self, refresh_token: str) -> Tokens:
        """Go on with a session: new tokens for a refresh token, which is used up by it.

        Raises:
            SessionEnded: the token is unknown, its session is over, or it was replayed, which
                ends its session.
        """
        now = self.clock()
        text = self.new_secret()
        async with self.unit_of_work() as work:
            owner = await work.sessions.owner(token_digest(refresh_token))
            user = None if owner is None else await work.users.get(owner)
            found = await work.sessions.find_token(token_digest(refresh_token))
            if user is None or found is None:
                raise SessionEnded
            session, token = found.session, found.token
            meaning = token.use_at(now, successor_used=found.successor_used)
            is_replay = meaning is TokenUse.REPLAY
            if is_replay or session.is_expired(now) or not user.is_active:
                await work.sessions.end(session.id, session.user_id)
                await work.commit()
                await self.session_registry.revoke([session.id])
                ended = AuthenticationEvent.SESSION_ENDED
                event = AuthenticationEvent.REPLAYED if is_replay else ended
                self.audit_log(event, user.id, session_id=session.id)
                raise SessionEnded
            session = session.used(now, self.session_ttl)
            successor = RefreshToken.issue(text, session.id, token, now)
            await work.sessions.rotate(session, token, successor, now)
            await work.commit()
        self.audit_log(AuthenticationEvent.REFRESHED, user.id, session_id=session.id)
        return self._tokens(user, session, text, now)

    async def sessions(self, caller: Caller) -> tuple[Session, ...]:
        """The caller's sessions, the last used first."""
        return await self.reader.sessions(caller.id, self.clock())

    async def end_session(self, caller: Caller, session_id: SessionId) -> None:
        """End one of the caller's sessions.

        Raises:
            NotFound: the caller has no such session.
        """
        async with self.unit_of_work() as work:
            await work.users.get(caller.id)
            if not await work.sessions.end(session_id, caller.id):
                raise NotFound
            await work.commit()
        await self.session_registry.revoke([session_id])
        self.audit_log(AuthenticationEvent.SESSION_ENDED, caller.id, session_id=session_id)

    async def end_all_sessions(self, caller: Caller) -> None:
        """End all of the caller's sessions, the one that asks included."""
        async with self.unit_of_work() as work:
            await work.users.get(caller.id)
            ended = await work.sessions.end_all(caller.id)
            await work.commit()
        await self.session_registry.revoke(ended)
        self.audit_log(AuthenticationEvent.ALL_SESSIONS_ENDED, caller.id)

    async def _count_unknown_address(self, email: str, user: User | None) -> None:
        """Count a stranger's attempt, alike whether there is such an account or not."""
        if self.limiter is None:
            return
        key = hashlib.sha256(casefold_key(email[:MAX_EMAIL]).encode(errors="replace")).hexdigest()
        allowance = await self.limiter.take(UNKNOWN_ADDRESS_LIMIT, key)
        if allowance.retry_after is not None:
            self._log_refusal(user, RateLimited.code)
            raise RateLimited(allowance)

    def _log_refusal(self, user: User | None, reason: str) -> None:
        user_id = None if user is None else user.id
        self.audit_log(AuthenticationEvent.LOG_IN_REFUSED, user_id, reason=reason)

    def _tokens(self, user: User, session: Session, text: str, now: datetime) -> Tokens:
        return Tokens(
            access_token=self.access_tokens.issue(Caller(user.id, session.id, user.is_admin)),
            expires_in=self.access_tokens.lifetime,
            refresh_token=text,
            refresh_expires_in=int((session.expires_at - now).total_seconds()),
            session_id=session.id,
        )
