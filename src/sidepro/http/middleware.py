"""The edge: what every answer has, whoever gave it. Plain ASGI around the whole application.

Request ids, one log line a request, and headers that keep answers out of caches and browsers
from guessing; and refusals of what no route would take.
"""

import re
import secrets
import time
from collections.abc import Iterable
from functools import lru_cache

import msgspec
import structlog
from litestar.datastructures.headers import Accept
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from sidepro.api.errors import MEDIA_TYPE, MIDDLEWARE_CODES, document
from sidepro.http import rate_limits as limits
from sidepro.http.metrics import Metrics

log = structlog.get_logger(__name__)

MAX_URL = 8 * 1024
REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
JSON = "application/json"

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class Middleware:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, metrics: Metrics | None = None) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            await self._serve(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        headers = _first(scope)
        sent = headers.get(b"x-request-id", b"")
        request_id = sent if REQUEST_ID.fullmatch(sent) else secrets.token_hex(8).encode()
        signed_in = b"authorization" in headers
        started = time.perf_counter()
        status = 500

        async def send_dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_headers(
                    [*message["headers"], *limits.rate_limit_headers(scope)], request_id, signed_in
                )
            await send(message)

        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            request_id=request_id.decode(), address=limits.address_of(scope)
        )
        refusal = _refusal(scope, headers.get(b"accept"))
        if refusal:
            await _refuse(send_dressed, refusal)
        else:
            await self._app(scope, receive, send_dressed)
        seconds = time.perf_counter() - started
        log.info(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            ms=round(seconds * 1000, 1),
        )
        if self._metrics:
            route = scope.get("path_template")
            self._metrics.record_request(scope["method"], route, status, seconds)


def _first(scope: HTTPScope) -> dict[bytes, bytes]:
    """The headers by their names, which are lower-case; of several the first."""
    return dict(reversed(list(scope["headers"])))


def _with_headers(
    headers: Iterable[tuple[bytes, bytes]], request_id: bytes, signed_in: bool
) -> list[tuple[bytes, bytes]]:
    dressed = [*headers, *_ALWAYS, (b"x-request-id", request_id)]
    if signed_in:
        dressed = [pair for pair in dressed if pair[0].lower() != b"cache-control"]
        dressed.append((b"cache-control", b"no-store"))
    return dressed


def _refusal(scope: HTTPScope, accept: bytes | None) -> int | None:
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) >= MAX_URL:
        return 413
    if accept is not None and scope["path"].startswith("/api/v1/") and not _takes_json(accept):
        return 406
    return None


@lru_cache(maxsize=200)
def _takes_json(accept: bytes) -> bool:
    return Accept(accept.decode("latin-1")).best_match([JSON, MEDIA_TYPE]) is not None


async def _refuse(send: Send, status: int) -> None:
    code, detail = MIDDLEWARE_CODES[status]
    body = msgspec.json.encode(document(status, code, detail))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
