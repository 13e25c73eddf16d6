"""The headers that every response has, rejections included.

They are security headers, the request's id, `Vary`, and those of cross-origin resource sharing
(CORS, the Fetch standard). Addresses get the path of the public address, and `Allow` all methods.
"""

from collections.abc import Collection, Iterable

from sidepro.http.middleware.compression import is_text

Header = tuple[bytes, bytes]
"""Name in lower case, as ASGI requires, and value."""

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

PREFLIGHT_HEADERS = (
    # All methods: otherwise a page could not read the 405 of an unsupported one.
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (b"access-control-allow-headers", ", ".join(ALLOWED_HEADERS).encode()),
    (b"access-control-max-age", str(MAX_AGE).encode()),
)
"""Additional headers of the response to a preflight of an allowed origin."""

_EXPOSE = (b"access-control-expose-headers", ", ".join(EXPOSED_HEADERS).encode())
_NO_SNIFF = (b"x-content-type-options", b"nosniff")
_NO_REFERRER = (b"referrer-policy", b"no-referrer")
_NO_STORE = (b"cache-control", b"no-store")


class ResponseHeaders:
    """Completes headers for a service with this path and these allowed origins."""

    def __init__(self, base_path: str, allowed_origins: Collection[str]) -> None:
        self._base = base_path.encode()
        # `Location` and `Link` already are public if the public address has no path.
        self._rewritten = {b"allow", *((b"location", b"link") if base_path else ())}
        self._cors: dict[bytes | None, tuple[Header, ...]] = {
            origin.encode(): ((b"access-control-allow-origin", origin.encode()), _EXPOSE)
            for origin in allowed_origins
        }

    def allows(self, origin: bytes | None) -> bool:
        """Whether a page of this origin may call the service."""
        return origin is None or origin in self._cors

    def complete(
        self,
        headers: Iterable[Header],
        *,
        request_id: bytes,
        origin: bytes | None,
        has_token: bool,
    ) -> list[Header]:
        """The headers of a response to a caller of this origin, with or without a token.

        A response to a caller with a token is not cached. Otherwise a response keeps its own
        `Cache-Control`. It always keeps its own `Referrer-Policy`.
        """
        complete = list(headers)
        own = dict(complete)
        if has_token:
            if b"cache-control" in own:
                complete = [pair for pair in complete if pair[0] != b"cache-control"]
            complete.append(_NO_STORE)
        if not self._rewritten.isdisjoint(own):
            complete = [self._public(*pair) for pair in complete]
        vary = _vary(own.get(b"content-type", b""))
        if b"vary" in own:
            others = [value for name, value in complete if name == b"vary"]
            complete = [pair for pair in complete if pair[0] != b"vary"]
            vary = b", ".join([*others, vary])
        if b"referrer-policy" not in own:
            complete.append(_NO_REFERRER)
        complete += ((b"vary", vary), _NO_SNIFF, (b"x-request-id", request_id))
        complete += self._cors.get(origin, ())
        return complete

    def _public(self, name: bytes, value: bytes) -> Header:
        if name == b"allow":
            value = _all_methods(value)
        elif name == b"location" and value.startswith(b"/"):
            value = self._base + value
        elif name == b"link":
            value = value.replace(b"</", b"<" + self._base + b"/")
        return name, value


def _vary(content_type: bytes) -> bytes:
    # All JSON, since the length of a resource that is too short to compress may change.
    return b"Accept-Encoding, Origin" if is_text(content_type) else b"Origin"


def _all_methods(allow: bytes) -> bytes:
    methods = {method for method in map(bytes.strip, allow.split(b",")) if method.isupper()}
    if b"GET" in methods:
        methods.add(b"HEAD")
    return b", ".join(sorted(methods | {b"OPTIONS"}))
