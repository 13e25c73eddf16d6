"""Cross-origin resource sharing (the Fetch standard) for every response, rejections included."""

from collections.abc import Collection

ALLOWED_HEADERS = (
    *("Authorization", "Content-Type", "If-Match", "If-None-Match"),
    *("Idempotency-Key", "X-Request-ID"),
)
EXPOSED_HEADERS = (
    *("ETag", "Link", "Location", "Retry-After", "RateLimit", "RateLimit-Policy"),
    *("X-Request-ID", "Idempotent-Replayed"),
)
MAX_AGE = 600
"""Seconds for which browsers keep the response to a preflight."""

_VARY = (b"vary", b"Origin")
_EXPOSE = (b"access-control-expose-headers", ", ".join(EXPOSED_HEADERS).encode())

HeaderList = list[tuple[bytes, bytes]]


def cors_headers(origin: bytes | None, allowed: Collection[str]) -> HeaderList:
    """The CORS headers of a response to a page of this origin."""
    if origin is None or origin.decode("latin-1") not in allowed:
        return [_VARY]
    return [_VARY, (b"access-control-allow-origin", origin), _EXPOSE]


PREFLIGHT_HEADERS = (
    # All methods: otherwise a page could not read the 405 of an unsupported one.
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (b"access-control-allow-headers", ", ".join(ALLOWED_HEADERS).encode()),
    (b"access-control-max-age", str(MAX_AGE).encode()),
)
"""Additional headers of the response to a preflight of an allowed origin."""
