"""Log-in, refresh and log-out."""

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

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
from sidepro.domain.accounts.views import SessionViewer
from sidepro.domain.clock import Clock
from sidepro.domain.errors import (
    AccountDeactivated,
    AccountSuspended,
    NotFound,
    RateLimited,
    SessionEnded,
    Unavailable,
    WrongCredentials,
)
from sidepro.domain.identity import Caller, token_digest
from sidepro.domain.ids import NewId, NewSecret, SessionId
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.rate_limiting import Limit, RateLimiter
from sidepro.domain.text import casefold_key
from sidepro.domain.unit_of_work import UnitOfWorkFactory

UNKNOWN_ADDRESS_LIMIT = Limit("log-in-account", 20, 3600, fallback=5)
"""Log-in attempts on one account from all unknown addresses together."""

RECORD_TIMEOUT = 0.25
"""Seconds that a page waits until the use of its session is stored."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The result of a log-in or a refresh. Times are in seconds from now."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    session_id: SessionId


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """The result of a log-in of a browser. `max_age` is the lifetime of the cookie in seconds."""

    cookie: str
    max_age: int
    caller: Caller


class _Authenticated(NamedTuple):
    """The user of a log-in. `new_hash` replaces an outdated one, and `address_seen_at` is the time
    of the last log-in from the same address.
    """

    user: User
    new_hash: str | None
    address_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionService:
    """Starts, refreshes and ends sessions. Without a `limiter`, log-ins are not limited."""

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
    _recording: dict[SessionId, asyncio.Task[None]] = field(
        default_factory=dict, init=False, repr=False
    )
    """The sessions whose use is being stored."""

    async def log_in(
        self, email: str, password: str, *, address: str, user_agent: str | None = None
    ) -> Tokens:
        """Start a session with tokens. An unknown email and a wrong password take equally long.

        `address` is the client's address. Attempts from known addresses, those of the sign-up and
        of earlier log-ins, do not count towards the unknown-address limit. So others cannot lock
        the owner out.

        Raises:
            WrongCredentials: there is no such user, or the password is wrong.
            AccountDeactivated: the password is right, but an operator deactivated the account.
            AccountSuspended: the password is right, but moderators suspended the account.
            RateLimited: too many attempts on this account came from unknown addresses.
        """
        secret = self.new_secret()
        session, user = await self._start(
            await self._authenticate(email, password, address), address, user_agent, token=secret
        )
        return self._tokens(user, session, secret, session.created_at)

    async def log_in_browser(
        self, email: str, password: str, *, address: str, user_agent: str | None = None
    ) -> BrowserSession:
        """Start a session with a cookie. Rules and errors are those of `log_in`."""
        secret = self.new_secret()
        session, user = await self._start(
            await self._authenticate(email, password, address), address, user_agent, cookie=secret
        )
        return BrowserSession(
            secret,
            int((session.ends_at - session.created_at).total_seconds()),
            Caller(user.id, session.id, user.is_admin, user.is_moderator),
        )

    async def viewer(self, cookie: str) -> SessionViewer | None:
        """Who has the active session with this cookie; `None` if there is none.

        Extends the session, and stores that every few minutes. Waits for that at most
        `RECORD_TIMEOUT`.
        """
        now = self.clock()
        viewer = await self.reader.session_viewer(token_digest(cookie), now)
        if viewer is None or not viewer.session.is_use_due(now, self.session_ttl):
            return viewer
        session = viewer.session.used(now, self.session_ttl)
        if session.id not in self._recording:
            # A task of its own: the page does not wait for a database that cannot be written.
            task = asyncio.create_task(self._record_use(session))
            self._recording[session.id] = task
            task.add_done_callback(lambda _: self._recording.pop(session.id))
            await asyncio.wait([task], timeout=RECORD_TIMEOUT)
        return viewer

    async def close(self) -> None:
        """Wait until the use of all sessions is stored."""
        await asyncio.gather(*self._recording.values(), return_exceptions=True)

    async def _record_use(self, session: Session) -> None:
        with suppress(Unavailable):
            async with self.unit_of_work() as work:
                await work.sessions.record_use(session)
                await work.commit()

    async def _authenticate(self, email: str, password: str, address: str) -> _Authenticated:
        """The user of a log-in. Raises as `log_in` does."""
        normalized = self.normalize_email(email) if len(email) <= MAX_EMAIL else None
        user = address_seen_at = None
        if normalized is not None:
            candidate = await self.reader.log_in_candidate(normalized, address)
            if candidate is not None:
                user, address_seen_at = candidate.user, candidate.address_seen_at
        if address_seen_at is None:
            await self._count_unknown_address(normalized or email, user)
        is_right = await self.passwords.verify(
            password, user.password_hash if user else None, key=address
        )
        if user is None or not is_right:
            self._log_refusal(user, "wrong-credentials")
            raise WrongCredentials
        if not user.is_active:
            self._log_refusal(user, "account-deactivated")
            raise AccountDeactivated
        if user.suspended_until is not None and user.is_suspended(self.clock()):
            self._log_refusal(user, "account-suspended")
            raise AccountSuspended(user.suspended_until)
        new_hash = None
        if self.passwords.is_outdated(user.password_hash):
            new_hash = await self.passwords.hash(password, key=address)
        return _Authenticated(user, new_hash, address_seen_at)

    async def _start(
        self,
        authenticated: _Authenticated,
        address: str,
        user_agent: str | None,
        *,
        token: str | None = None,
        cookie: str | None = None,
    ) -> tuple[Session, User]:
        """Store a session with the secret of a token or of a cookie.

        Raises:
            WrongCredentials: the account changed during the slow hash.
        """
        user, new_hash, address_seen_at = authenticated
        now = self.clock()
        session = Session.start(
            SessionId(self.new_id()), user.id, user_agent, now, self.session_ttl, cookie=cookie
        )
        async with self.unit_of_work() as work:
            if await work.users.get(user.id) != user:
                self._log_refusal(user, "changed-meanwhile")
                raise WrongCredentials
            if new_hash is not None:
                await work.users.save(replace(user, password_hash=new_hash))
            if address_seen_at is None or now - address_seen_at > ADDRESS_REFRESH_AFTER:
                await work.users.remember_address(user.id, address, now)
            ended = await work.sessions.add(
                session,
                None if token is None else RefreshToken.issue(token, session.id, None, now),
            )
            await work.commit()
        if ended:
            await self.session_registry.revoke(ended)
        self.audit_log(AuthenticationEvent.LOGGED_IN, user.id, session_id=session.id)
        return session, user

    async def refresh(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token for new tokens of the same session.

        Raises:
            SessionEnded: the token is unknown, its session has ended, or the token was replayed,
                which ends its session.
            AccountSuspended: moderators suspended the account.
        """
        now = self.clock()
        secret = self.new_secret()
        async with self.unit_of_work() as work:
            owner = await work.sessions.owner(token_digest(refresh_token))
            user = None if owner is None else await work.users.get(owner)
            found = await work.sessions.find_token(token_digest(refresh_token))
            if user is None or found is None:
                raise SessionEnded
            if user.suspended_until is not None and user.is_suspended(now):
                raise AccountSuspended(user.suspended_until)
            session, token = found.session, found.token
            token_use = token.use_at(
                now, successors=found.successors, successor_used=found.successor_used
            )
            is_replay = token_use is TokenUse.REPLAY
            if is_replay or session.is_expired(now) or not user.is_active:
                await work.sessions.end(session.id, session.user_id)
                await work.commit()
                await self.session_registry.revoke([session.id])
                ended = AuthenticationEvent.SESSION_ENDED
                event = AuthenticationEvent.REPLAYED if is_replay else ended
                self.audit_log(event, user.id, session_id=session.id)
                raise SessionEnded
            session = session.used(now, self.session_ttl)
            successor = RefreshToken.issue(secret, session.id, token, now)
            await work.sessions.rotate(session, token, successor, now)
            await work.commit()
        self.audit_log(AuthenticationEvent.REFRESHED, user.id, session_id=session.id)
        return self._tokens(user, session, secret, now)

    async def sessions(self, caller: Caller, page: PageRequest) -> Page[Session]:
        """A page of the caller's active sessions, the last used first."""
        return await self.reader.sessions(caller.id, page, self.clock())

    async def session_count(self, caller: Caller) -> int:
        """How many active sessions the caller has."""
        return await self.reader.session_count(caller.id, self.clock())

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

    async def end_all_sessions(self, caller: Caller, *, but: SessionId | None = None) -> None:
        """End all sessions of the caller, including the current one, but not the session `but`."""
        async with self.unit_of_work() as work:
            await work.users.get(caller.id)
            ended = await work.sessions.end_all(caller.id, but=but)
            await work.commit()
        await self.session_registry.revoke(ended)
        self.audit_log(AuthenticationEvent.ALL_SESSIONS_ENDED, caller.id, session_id=but)

    async def _count_unknown_address(self, email: str, user: User | None) -> None:
        """Count an attempt from an unknown address, whether the account exists or not."""
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

    def _tokens(self, user: User, session: Session, refresh_token: str, now: datetime) -> Tokens:
        caller = Caller(user.id, session.id, user.is_admin, user.is_moderator)
        return Tokens(
            access_token=self.access_tokens.issue(caller),
            expires_in=self.access_tokens.lifetime,
            refresh_token=refresh_token,
            refresh_expires_in=int((session.expires_at - now).total_seconds()),
            session_id=session.id,
        )
