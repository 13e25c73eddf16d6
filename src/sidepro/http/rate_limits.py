"""Rate limits: the limit of each route, and the response headers about it."""

from math import ceil
from typing import Any, cast

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from sidepro.domain.errors import RateLimited
from sidepro.domain.identity import Caller
from sidepro.domain.rate_limiting import (
    Allowance,
    Limit,
    RateLimiter,
)
from sidepro.http.client_address import client_address
from sidepro.http.verified_email import VERIFIED_ONLY

_MINUTE, _HOUR = 60, 3600

ALL_ELSE = Limit("default", 600, _MINUTE)

# Entries for a route's `opt`. Those of writing are for people with a verified address. Sign-up and
# calls with a password count by address even for signed-in callers.
LOG_IN = {"limit": Limit("log-in", 10, _MINUTE, fallback=5), "by_address": True}
SIGN_UP = {"limit": Limit("sign-up", 10, _HOUR, fallback=3), "by_address": True}
PROJECTS: dict[str, Any] = {"limit": Limit("projects", 30, _HOUR), VERIFIED_ONLY: True}
COMMENTS: dict[str, Any] = {"limit": Limit("comments", 120, _HOUR), VERIFIED_ONLY: True}
MARKDOWN = {"limit": Limit("markdown", 120, _MINUTE)}
"""Previews during typing."""
IMAGES: dict[str, Any] = {"limit": Limit("images", 60, _HOUR), VERIFIED_ONLY: True}
ROOMS: dict[str, Any] = {"limit": Limit("rooms", 60, _HOUR), VERIFIED_ONLY: True}
MESSAGES: dict[str, Any] = {"limit": Limit("messages", 50, 5), VERIFIED_ONLY: True}
"""10 a second, with bursts of 50."""
PASSWORD_RESETS = {"limit": Limit("password-resets", 30, _HOUR, fallback=10), "by_address": True}
TICKETS = {"limit": Limit("tickets", 60, _MINUTE)}

SITEMAPS = {"limit": Limit("sitemaps", 60, _MINUTE)}
"""A part has thousands of addresses."""

_ALLOWANCE = "rate_limit"
_ALSO = "further_rate_limits"


class RateLimitMiddleware(ASGIMiddleware):
    """Counts a request against the limit of its route, by user, or by address without a token.

    Raises:
        RateLimited: the limit is exceeded.
    """

    scopes: tuple[ScopeType, ...] = (ScopeType.HTTP,)

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    def __deepcopy__(self, _memo: object) -> "RateLimitMiddleware":
        # Litestar deep-copies routers together with their middleware. The limiter must be shared.
        return self

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        opt = scope["route_handler"].opt
        caller = None if opt.get("by_address") else cast("Caller | None", scope["user"])
        key = client_address(scope.get("client")) if caller is None else str(caller.id)
        for limit in (*scope["state"].get(_ALSO, ()), opt.get("limit", ALL_ELSE)):
            await _count(scope, self._limiter, limit, key)
        await next_app(scope, receive, send)


def count_also(scope: Scope, limit: Limit) -> None:
    """Count a request against this limit too. Call it before the middleware."""
    scope["state"].setdefault(_ALSO, []).append(limit)


async def count_refused_caller(scope: Scope, limiter: RateLimiter) -> None:
    """Count a request with a missing or invalid token against its address.

    Callers with a valid token do not share this count.

    Raises:
        RateLimited: the limit is exceeded.
    """
    await _count(scope, limiter, ALL_ELSE, client_address(scope.get("client")))


async def _count(scope: Scope, limiter: RateLimiter, limit: Limit, key: str) -> None:
    allowance = await limiter.take(limit, key)
    set_allowance(scope, allowance)
    if allowance.retry_after is not None:
        raise RateLimited(allowance)


def set_allowance(scope: Scope, allowance: Allowance) -> None:
    """Choose the limit that the response headers describe."""
    scope["state"][_ALLOWANCE] = allowance


def rate_limit_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """RateLimit and RateLimit-Policy. Empty for a route without a limit.

    Source: draft-ietf-httpapi-ratelimit-headers-10.
    """
    allowance: Allowance | None = scope.get("state", {}).get(_ALLOWANCE)
    if allowance is None:
        return []
    limit = allowance.limit
    policy = f'"{limit.name}";q={limit.quota};w={limit.window}'
    left = f'"{limit.name}";r={allowance.remaining};t={ceil(round(allowance.reset_after, 3))}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]
