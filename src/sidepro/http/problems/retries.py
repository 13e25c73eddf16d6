"""When a client may send a request again that failed for a passing reason."""

from math import ceil

import structlog

from sidepro.domain.errors import RateLimited, Unavailable

log = structlog.get_logger(__name__)

UNAVAILABLE_FOR = 5
"""Seconds after which a client may try again when a store is unavailable."""


def retry_headers(error: Exception) -> dict[str, str] | None:
    """`Retry-After` of a response to this error; `None` if repeating the request is no use.

    Also logs why a store is unavailable. Call it once for each response.
    """
    if isinstance(error, Unavailable):
        log.warning("unavailable", reason=error.reason)
        return {"Retry-After": str(UNAVAILABLE_FOR)}
    if isinstance(error, RateLimited):
        wait = error.allowance and error.allowance.retry_after
        return {"Retry-After": str(max(1, ceil(round(wait or 0, 3))))}
    return None
