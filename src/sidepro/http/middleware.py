"""ASGI middleware around the application: request id, one log line a request, security headers.

Rejects URLs that are too long and API calls that do not accept JSON.
"""

import re
import secrets
import time
from functools import lru_cache

import msgspec
import structlog
from litestar.datastructures.headers import Accept
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from sidepro.http.client_address import client_address
from sidepro.http.metrics import Metrics
from sidepro.http.problems import MEDIA_TYPE, REJECTIONS, problem_document
from sidepro.http.rate_limits import rate_limit_headers

log = structlog.get_logger(__name__)

MAX_URL = 8 * 1024
REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")

_SECURITY_HEADERS = (
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
        # Of several headers of one name the first counts.
        headers = dict(reversed(list(scope["headers"])))
        client_id = headers.get(b"x-request-id", b"")
        request_id = (
            client_id if REQUEST_ID.fullmatch(client_id) else secrets.token_hex(8).encode()
        )
        has_token = b"authorization" in headers
        started = time.perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                all_headers = [
                    *message["headers"],
                    *rate_limit_headers(scope),
                    *_SECURITY_HEADERS,
                    (b"x-request-id", request_id),
                ]
                message["headers"] = _uncached(all_headers) if has_token else all_headers
            await send(message)

        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            request_id=request_id.decode(), address=client_address(scope.get("client"))
        )
        rejection = _rejection(scope, headers.get(b"accept"))
        if rejection:
            await _reject(send_with_headers, rejection)
        else:
            await self._app(scope, receive, send_with_headers)
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


def _uncached(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Responses to a caller with a token must not be stored by caches."""
    others = [header for header in headers if header[0].lower() != b"cache-control"]
    return [*others, (b"cache-control", b"no-store")]


def _rejection(scope: HTTPScope, accept: bytes | None) -> int | None:
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) >= MAX_URL:
        return 413
    if accept is not None and scope["path"].startswith("/api/v1/") and not _accepts_json(accept):
        return 406
    return None


@lru_cache(maxsize=200)
def _accepts_json(accept: bytes) -> bool:
    json_types = ["application/json", MEDIA_TYPE]
    return Accept(accept.decode("latin-1")).best_match(json_types) is not None


async def _reject(send: Send, status: int) -> None:
    body = msgspec.json.encode(problem_document(status, *REJECTIONS[status]))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
