"""Access tokens: JWTs (RFC 7519) signed with HMAC-SHA-256."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import jwt
from jwt.types import Options

from sidepro.domain.clock import Clock
from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId, UserId

ALGORITHM = "HS256"
AUDIENCE = "sidepro"
KIND = "access"
LEEWAY = timedelta(seconds=30)
"""Maximum clock difference between two machines of one installation."""

CACHE_SIZE = 10_000
"""Verified tokens that are not verified again. The oldest is evicted first."""

# Times are compared by the clock of the installation, and PyJWT has that of the machine.
_OPTIONS: Options = {
    "require": ["iss", "aud", "sub", "sid", "iat", "nbf", "exp", "kind"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


class JwtAccessTokens:
    """See `sidepro.domain.accounts.ports.AccessTokens`.

    Claims: `iss` the public address, `aud` sidepro, `sub` the user, `sid` the session, `adm`
    whether the user is an administrator, `mod` whether they are a moderator, `kind` access, and
    `iat`, `nbf`, `exp`.
    """

    def __init__(
        self, keys: Sequence[bytes], issuer: str, lifetime: timedelta, clock: Clock
    ) -> None:
        """The first key signs; all keys verify."""
        self._keys = tuple(keys)
        self._issuer = issuer
        self._lifetime = lifetime
        self._clock = clock
        # Digest → caller, start and end of validity in Unix time. No token is kept in memory.
        self._verified: dict[bytes, tuple[Caller, float, float]] = {}

    @property
    def lifetime(self) -> int:
        return int(self._lifetime.total_seconds())

    def issue(self, caller: Caller) -> str:
        now = self._clock()
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(caller.id),
            "sid": str(caller.session_id),
            "adm": caller.is_admin,
            "mod": caller.is_moderator,
            "kind": KIND,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + self._lifetime).timestamp()),
        }
        return jwt.encode(claims, self._keys[0], algorithm=ALGORITHM)

    def read(self, token: str) -> Caller:
        digest = hashlib.sha256(token.encode()).digest()
        verified = self._verified.get(digest)
        if verified is None:
            verified = self._verify(token)
            if len(self._verified) >= CACHE_SIZE:
                del self._verified[next(iter(self._verified))]
            self._verified[digest] = verified
        caller, since, until = verified
        if not since <= self._clock().timestamp() < until:
            raise NotAuthenticated
        return caller

    def _verify(self, token: str) -> tuple[Caller, float, float]:
        """Check everything but the times. Returns the caller, start and end of validity."""
        leeway = LEEWAY.total_seconds()
        for key in self._keys:
            try:
                claims = jwt.decode(
                    token,
                    key,
                    algorithms=[ALGORITHM],
                    audience=AUDIENCE,
                    issuer=self._issuer,
                    options=_OPTIONS,
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidTokenError as error:
                raise NotAuthenticated from error
            if claims["kind"] != KIND:
                raise NotAuthenticated
            try:
                user, session = UUID(claims["sub"]), UUID(claims["sid"])
                since = max(int(claims["nbf"]), int(claims["iat"])) - leeway
                until = int(claims["exp"]) + leeway
            except (ValueError, TypeError, AttributeError) as error:
                raise NotAuthenticated from error
            caller = Caller(
                UserId(user),
                SessionId(session),
                is_admin=claims.get("adm") is True,
                is_moderator=claims.get("mod") is True,
            )
            return caller, since, until
        raise NotAuthenticated


def derive_key(secret: str, purpose: str) -> bytes:
    """A key for one purpose: a signature made for one is invalid for any other.

    HMAC-SHA-256 of the purpose under the secret, as in HKDF-Expand (RFC 5869) with one block.
    """
    return hmac.new(secret.encode(), purpose.encode() + b"\x01", hashlib.sha256).digest()
