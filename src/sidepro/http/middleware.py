"""ASGI middleware around the application: request id, one log line a request, security headers.

Also adds CORS headers, and rejects foreign hosts, too long URLs, and API calls that do not accept
JSON. Serves HEAD for every GET route, and supports a public address with a path.
"""

import re
import secrets
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from sidepro.http.accept import accepts_json
from sidepro.http.client_address import client_address
from sidepro.http.cors import PREFLIGHT_HEADERS, HeaderList, cors_headers
from sidepro.http.hosts import EXEMPT, HostPolicy
from sidepro.http.metrics import Metrics
from sidepro.http.parser_caches import ParserCaches
from sidepro.http.problems import (
    BAD_HOST,
    MEDIA_TYPE,
    ORIGIN_DENIED,
    REJECTIONS,
    problem_document,
)
from sidepro.http.rate_limits import rate_limit_headers

log = structlog.get_logger(__name__)

MAX_URL = 8 * 1024
REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")

DISCONNECTED = "sidepro.disconnected"
"""Key of a scope whose client disconnected before the end of its request."""

_PREFLIGHT = frozenset({b"origin", b"access-control-request-method"})
"""The headers by which a preflight is known (the Fetch standard)."""

UNSUPPORTED = "TRACE"
"""A method that no route has. Litestar's error about it lists all methods of an address. Its
response to OPTIONS lists only those of one route.
"""

_NOSNIFF = (b"x-content-type-options", b"nosniff")
_REFERRER_POLICY = b"referrer-policy"
_NO_REFERRER = (_REFERRER_POLICY, b"no-referrer")

HeadersAndBody = tuple[HeaderList, bytes]
RejectionPage = Callable[[HTTPScope, int], HeadersAndBody | None]
"""The page about a rejection, by its status; `None` if the path does not belong to the pages."""


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """The address of the service.

    `public_url` is the public address, or empty if it is not known. `base_path` is its path.
    """

    hosts: HostPolicy | None = None
    allowed_origins: Collection[str] = ()
    base_path: str = ""
    public_url: str = ""


Rejection = tuple[int, str, str]
"""Status, code and detail of a problem."""


class Middleware:
    """Wraps the application."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics | None = None,
        address: ServiceAddress | None = None,
        rejection_page: RejectionPage | None = None,
    ) -> None:
        """Without a `rejection_page`, all rejections are problem documents."""
        self._app = app
        self._rejection_page = rejection_page
        self._metrics = metrics
        self._service_address = address or ServiceAddress()
        self._parser_caches = ParserCaches(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in (ScopeType.HTTP, ScopeType.WEBSOCKET):  # not for the lifespan
            self._parser_caches.count(scope)
        if scope["type"] == ScopeType.HTTP:
            await self._serve(self._local(scope), receive, send)
            return
        if scope["type"] == ScopeType.WEBSOCKET:
            scope = self._local(scope)
            hosts = self._service_address.hosts
            if hosts and not hosts.allows(_header(scope, b"host")):
                await deny_socket(scope, send, BAD_HOST)
                return
        await self._app(scope, receive, send)

    def _local(self, scope: Any) -> Any:
        """The scope without the path of the public address, which a proxy may keep or remove."""
        base = self._service_address.base_path
        if not base or not scope["path"].startswith(f"{base}/"):
            return scope
        raw_path = (scope.get("raw_path") or b"").removeprefix(base.encode())
        return {**scope, "path": scope["path"].removeprefix(base), "raw_path": raw_path}

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        # If a header is repeated, the first one counts.
        headers = dict(reversed(list(scope["headers"])))
        request_id = _request_id(headers)
        has_token = b"authorization" in headers
        origin = headers.get(b"origin")
        method = scope["method"]
        is_preflight = method == "OPTIONS" and headers.keys() >= _PREFLIGHT
        started = time.perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                all_headers = [
                    *self._public_headers(message["headers"]),
                    *(PREFLIGHT_HEADERS if is_preflight and status == 204 else ()),
                    *rate_limit_headers(scope),
                    *cors_headers(origin, self._service_address.allowed_origins),
                    *_security_headers(message["headers"]),
                    (b"x-request-id", request_id),
                ]
                message["headers"] = _uncached(all_headers) if has_token else all_headers
            await send(message)

        async def receive_and_watch() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect":
                cast("dict[str, Any]", scope)[DISCONNECTED] = True
            return message

        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            request_id=request_id.decode(), address=client_address(scope.get("client"))
        )
        rejection = self._rejection(scope, headers)
        if rejection is None and is_preflight and not self._allows_origin(origin):
            rejection = ORIGIN_DENIED
        if rejection:
            await self._reject(scope, send_with_headers, rejection)
        elif method == "OPTIONS":
            await self._app(
                _with_method(scope, UNSUPPORTED), receive, _as_options(send_with_headers)
            )
        elif method == "HEAD":
            as_get = _with_method(scope, "GET")
            if not await self._serves_head(scope, receive, send_with_headers):
                scope = as_get  # the headers describe its limits
                await self._app(scope, receive, _without_content(send_with_headers))
        else:
            await self._app(scope, receive_and_watch, send_with_headers)
        seconds = time.perf_counter() - started
        log.info(
            "request",
            method=method,
            path=scope["path"],
            status=status,
            ms=round(seconds * 1000, 1),
        )
        if self._metrics:
            route = scope.get("path_template")
            self._metrics.record_request(method, route, status, seconds)

    async def _reject(self, scope: HTTPScope, send: Send, rejection: Rejection) -> None:
        """Respond with a page or a problem document."""
        page = self._rejection_page and self._rejection_page(scope, rejection[0])
        headers, body = page or _problem(rejection)
        if scope["method"] == "HEAD":
            body = b""
        await send({"type": "http.response.start", "status": rejection[0], "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _serves_head(self, scope: HTTPScope, receive: Receive, send: Send) -> bool:
        """Serve HEAD by its own handler. Sends nothing if the route has no such handler."""
        is_served = True

        async def send_unless_refused(message: Message) -> None:
            nonlocal is_served
            if message["type"] == "http.response.start":
                is_served = message["status"] != 405
            if is_served:
                await send(message)

        await self._app(scope, receive, send_unless_refused)
        return is_served

    def _allows_origin(self, origin: bytes | None) -> bool:
        return origin is None or origin.decode("latin-1") in self._service_address.allowed_origins

    def _public_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers with public addresses, and with all methods in `Allow`."""
        base = self._service_address.base_path.encode()
        public = []
        for name, value in headers:
            match name.lower():
                case b"allow":
                    public.append((name, _all_methods(value)))
                case b"location" if value.startswith(b"/"):
                    public.append((name, base + value))
                case b"link" if base:
                    public.append((name, value.replace(b"</", b"<" + base + b"/")))
                case _:
                    public.append((name, value))
        return public

    def _rejection(self, scope: HTTPScope, headers: dict[bytes, bytes]) -> Rejection | None:
        hosts = self._service_address.hosts
        if (
            hosts
            and not scope["path"].startswith(EXEMPT)
            and not hosts.allows(headers.get(b"host"))
        ):
            return BAD_HOST
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) >= MAX_URL:
            return 413, *REJECTIONS[413]
        accepted = [value for name, value in scope["headers"] if name == b"accept"]
        is_usual = accepted in ([], [b"*/*"], [b"application/json"])
        if (
            not is_usual
            and scope["path"].startswith("/api/v1/")
            and not accepts_json(value.decode("latin-1") for value in accepted)
        ):
            return 406, *REJECTIONS[406]
        return None


def _with_method(scope: HTTPScope, method: str) -> HTTPScope:
    """A copy of the scope with another method. The server keeps the original."""
    state = dict(scope.get("state") or {})
    return cast("HTTPScope", {**scope, "method": method, "state": state})


def _as_options(send: Send) -> Send:
    """Turn the response to `UNSUPPORTED` into the response to OPTIONS."""
    is_found = False

    async def send_as_options(message: Message) -> None:
        nonlocal is_found
        if message["type"] == "http.response.start" and message["status"] == 405:
            is_found = True
            message["status"] = 204
            message["headers"] = [pair for pair in message["headers"] if pair[0] == b"allow"]
        elif message["type"] == "http.response.body" and is_found:
            message["body"] = b""
        await send(message)

    return send_as_options


def _without_content(send: Send) -> Send:
    async def send_without_content(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return send_without_content


def _request_id(headers: dict[bytes, bytes]) -> bytes:
    """The client's id of the request, or a new one."""
    client_id = headers.get(b"x-request-id", b"")
    return client_id if REQUEST_ID.fullmatch(client_id) else secrets.token_hex(8).encode()


def _all_methods(allow: bytes) -> bytes:
    methods = {method for method in map(bytes.strip, allow.split(b",")) if method.isupper()}
    if b"GET" in methods:
        methods.add(b"HEAD")
    return b", ".join(sorted(methods | {b"OPTIONS"}))


def _uncached(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Forbid caches to store the response to a caller with a token."""
    others = [header for header in headers if header[0].lower() != b"cache-control"]
    return [*others, (b"cache-control", b"no-store")]


def _security_headers(headers: Iterable[tuple[bytes, bytes]]) -> HeaderList:
    """The security headers that are missing: a page has a referrer policy of its own."""
    if any(name == _REFERRER_POLICY for name, _ in headers):
        return [_NOSNIFF]
    return [_NOSNIFF, _NO_REFERRER]


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


def _problem(rejection: Rejection) -> HeadersAndBody:
    """The headers and body of a rejection."""
    body = msgspec.json.encode(problem_document(*rejection))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    return headers, body


async def deny_socket(scope: Scope, send: Send, rejection: Rejection) -> None:
    """Deny the upgrade with a problem, before any side effect."""
    status, code, _ = rejection
    log.warning("socket_refused", reason=code, address=client_address(scope.get("client")))
    headers, body = _problem(rejection)
    start = {"type": "websocket.http.response.start", "status": status, "headers": headers}
    # Litestar's types lack the ASGI extension for denial responses.
    await send(cast("Any", start))
    await send(
        cast("Any", {"type": "websocket.http.response.body", "body": body, "more_body": False})
    )
