"""Access tokens: JWTs (RFC 7519) signed with HMAC-SHA-256."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import jwt

from sidepro.domain.clock import Clock
from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId, UserId

ALGORITHM = "HS256"
AUDIENCE = "sidepro"
KIND = "access"
LEEWAY = timedelta(seconds=5)
"""How far the clocks of two machines of one installation may be apart."""

CACHE_SIZE = 10_000
"""Tokens that were found good and need not be verified again; the oldest are forgotten first."""

_CLAIMS = ["iss", "aud", "sub", "sid", "iat", "nbf", "exp", "kind"]


class JwtAccessTokens:
    """See `sidepro.domain.accounts.ports.AccessTokens`.

    Claims: `iss` the public address, `aud` sidepro, `sub` the user, `sid` the session, `adm`
    whether an administrator, `kind` access, and `iat`, `nbf`, `exp`.
    """

    def __init__(
        self, keys: Sequence[bytes], issuer: str, lifetime: timedelta, clock: Clock
    ) -> None:
        """The first key signs; all of them verify."""
        self._keys = tuple(keys)
        self._issuer = issuer
        self._lifetime = lifetime
        self._clock = clock
        # By digest, so that no dump of the memory gives tokens away: the caller, and from when
        # until when (seconds since 1970) the token is good.
        self._good: dict[bytes, tuple[Caller, float, float]] = {}

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
            "kind": KIND,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + self._lifetime).timestamp()),
        }
        return jwt.encode(claims, self._keys[0], algorithm=ALGORITHM)

    def read(self, token: str) -> Caller:
        digest = hashlib.sha256(token.encode()).digest()
        good = self._good.get(digest)
        if good is None:
            good = self._verified(token)
            if len(self._good) >= CACHE_SIZE:
                del self._good[next(iter(self._good))]
            self._good[digest] = good
        caller, since, until = good
        if not since <= self._clock().timestamp() < until:
            raise NotAuthenticated
        return caller

    def _verified(self, token: str) -> tuple[Caller, float, float]:
        for key in self._keys:
            try:
                claims = jwt.decode(
                    token,
                    key,
                    algorithms=[ALGORITHM],
                    audience=AUDIENCE,
                    issuer=self._issuer,
                    leeway=LEEWAY,
                    options={"require": _CLAIMS},
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidTokenError as error:
                raise NotAuthenticated from error
            if claims["kind"] != KIND:
                raise NotAuthenticated
            try:
                user, session = UUID(claims["sub"]), UUID(claims["sid"])
            except (ValueError, TypeError, AttributeError) as error:
                raise NotAuthenticated from error
            caller = Caller(UserId(user), SessionId(session), claims.get("adm") is True)
            leeway = LEEWAY.total_seconds()
            since = max(int(claims["nbf"]), int(claims["iat"])) - leeway
            return caller, since, int(claims["exp"]) + leeway
        raise NotAuthenticated


def derive_key(secret: str, purpose: str) -> bytes:
    """A key for one purpose, so that no two uses of the secret can be played against each other.

    HMAC-SHA-256 of the purpose under the secret, as in HKDF-Expand (RFC 5869) with one block.
    """
    return hmac.new(secret.encode(), purpose.encode() + b"\x01", hashlib.sha256).digest()
