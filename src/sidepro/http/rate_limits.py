"""How often a caller may call: the limits of each route, and the fields that tell about them."""

from collections.abc import MutableMapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Any, cast

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from sidepro.domain.errors import RateLimited
from sidepro.domain.identity import Caller
from sidepro.domain.rate_limiting import (
    Allowance,
    Limit,
    RateLimiter,
)

_MINUTE, _HOUR = 60, 3600

ALL_ELSE = Limit("default", 600, _MINUTE)

# What a route has in its `opt`. Guesses of passwords count against the address whoever is said to
# make them.
LOG_IN = {"limit": Limit("log-in", 10, _MINUTE, fallback=5), "by_address": True}
SIGN_UP = {"limit": Limit("sign-up", 10, _HOUR, fallback=3), "by_address": True}
PROJECTS = {"limit": Limit("projects", 30, _HOUR)}
COMMENTS = {"limit": Limit("comments", 120, _HOUR)}
IMAGES = {"limit": Limit("images", 60, _HOUR)}
ROOMS = {"limit": Limit("rooms", 60, _HOUR)}
MESSAGES = {"limit": Limit("messages", 50, 5)}
"""10 a second, with bursts of 50."""
TICKETS = {"limit": Limit("tickets", 60, _MINUTE)}

_SAID = "rate_limit"


class RateLimitMiddleware(ASGIMiddleware):
    """Counts a call against the limit of its route, for the user or else the address.

    Raises:
        RateLimited: the caller calls too often.
    """

    scopes: tuple[ScopeType, ...] = (ScopeType.HTTP,)

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    def __deepcopy__(self, _memo: object) -> "RateLimitMiddleware":
        # Litestar copies routers with all that hangs on them; what has counted is one.
        return self

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if cast("HTTPScope", scope)["method"] != "OPTIONS":
            opt = scope["route_handler"].opt
            user = None if opt.get("by_address") else cast("Caller | None", scope["user"])
            key = address_of(scope) if user is None else str(user.id)
            allowance = await self._limiter.take(opt.get("limit", ALL_ELSE), key)
            set_rate_limit_headers(scope, allowance)
            if allowance.retry_after is not None:
                raise RateLimited(allowance)
        await next_app(scope, receive, send)


def address_of(scope: MutableMapping[str, Any] | Scope) -> str:
    """Where a request comes from, as far as limits tell addresses apart: an IPv4 address, or the
    network of 64 bits that somebody with IPv6 has to themselves.
    """
    client = scope.get("client")
    return _counted_as(client[0] if client else "")


@lru_cache(maxsize=1_000)
def _counted_as(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((address, 64), strict=False))
    return str(address)


def set_rate_limit_headers(scope: MutableMapping[str, Any] | Scope, allowance: Allowance) -> None:
    """Have the answer tell about a limit, whoever gives it."""
    scope["state"][_SAID] = allowance


def rate_limit_headers(scope: MutableMapping[str, Any] | Scope) -> list[tuple[bytes, bytes]]:
    """The fields RateLimit and RateLimit-Policy of a limited call's answer.

    Source: draft-ietf-httpapi-ratelimit-headers-10.
    """
    allowance: Allowance | None = scope.get("state", {}).get(_SAID)
    if allowance is None:
        return []
    limit = allowance.limit
    policy = f'"{limit.name}";q={limit.quota};w={limit.window}'
    left = f'"{limit.name}";r={allowance.remaining};t={ceil(round(allowance.reset_after, 3))}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]
