"""ASGI middleware around the application: request id, one log line a request, security headers.

Also adds CORS headers, and rejects foreign hosts, too long URLs, and API calls that do not accept
JSON. Serves HEAD for every GET route, and supports a public address with a path.
"""

import os
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.exceptions import LitestarException
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from sidepro.domain.errors import Unavailable
from sidepro.domain.waiting import begin_waits, end_waits
from sidepro.http.client_address import client_address
from sidepro.http.middleware.accept import accepts_json
from sidepro.http.middleware.compression import compressed
from sidepro.http.middleware.hosts import EXEMPT, HostPolicy
from sidepro.http.middleware.parser_caches import ParserCaches
from sidepro.http.middleware.response_headers import PREFLIGHT_HEADERS, Header, ResponseHeaders
from sidepro.http.monitoring.metrics import METHODS, Metrics
from sidepro.http.monitoring.request_log import PathMask, request_ids
from sidepro.http.monitoring.tracing import RequestTracer
from sidepro.http.problems.documents import (
    BAD_HOST,
    BASE_PATH,
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

USUAL_ACCEPT = (None, b"*/*", b"application/json")
"""Values of `Accept` that include JSON, and its absence."""

HeadersAndBody = tuple[list[Header], bytes]
RejectionPage = Callable[[HTTPScope, int], HeadersAndBody | None]
"""The page about a rejection, by its status; `None` if the path does not belong to the pages."""


class ResponseAborted(Exception):
    """A store failed in the middle of a response. The server closes the connection, so that the
    client cannot mistake a part for the whole.
    """


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
        tracer: RequestTracer | None = None,
    ) -> None:
        """Without a `rejection_page`, all rejections are problem documents."""
        self._app = app
        self._tracer = tracer
        self._rejection_page = rejection_page
        self._metrics = metrics
        self._service_address = address or ServiceAddress()
        self._response_headers = ResponseHeaders(
            self._service_address.base_path, self._service_address.allowed_origins
        )
        self._parser_caches = ParserCaches(app)
        self._mask = PathMask(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            begin_waits()
            self._parser_caches.count(scope)
            if self._tracer is None:
                await self._serve(self._local(scope), receive, send)
                return
            method = scope["method"] if scope["method"] in METHODS else None
            with self._tracer.request(method) as span:
                structlog.contextvars.bind_contextvars(trace_id=span.trace_id)
                span.set_response(*await self._serve(self._local(scope), receive, send))
            return
        if scope["type"] == ScopeType.WEBSOCKET:
            self._parser_caches.count(scope)
            scope = self._local(scope)
            _bind(scope, _request_id(_header(scope, b"x-request-id")))
            if self._has_bad_host(scope, _header(scope, b"host")):
                await deny_socket(scope, send, BAD_HOST)
                return
            send = _deny_unrouted(scope, send)
        await self._app(scope, receive, send)

    def _local(self, scope: Any) -> Any:
        """The scope without the path of the public address, which a proxy may keep or remove."""
        base = self._service_address.base_path
        if not base:
            return scope
        scope = {**scope, BASE_PATH: base}
        if scope["path"] == base:  # as people type it
            return {**scope, "path": "/", "raw_path": b"/"}
        if not scope["path"].startswith(f"{base}/"):
            return scope
        raw_path = (scope.get("raw_path") or b"").removeprefix(base.encode())
        return {**scope, "path": scope["path"].removeprefix(base), "raw_path": raw_path}

    async def _serve(
        self, scope: HTTPScope, receive: Receive, send: Send
    ) -> tuple[str | None, int]:
        """Returns the path template, if any, and the status."""
        # If a header is repeated, the first one counts.
        headers = dict(reversed(list(scope["headers"])))
        request_id = _request_id(headers.get(b"x-request-id"))
        has_token = b"authorization" in headers
        origin = headers.get(b"origin")
        method = scope["method"]
        is_preflight = method == "OPTIONS" and headers.keys() >= _PREFLIGHT
        started = time.perf_counter()
        status = 500
        aborted: str | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                end_waits()  # of a long answer, each wait counts by itself
                status = message["status"]
                message["headers"] = [
                    *self._response_headers.complete(
                        message["headers"],
                        request_id=request_id,
                        origin=origin,
                        has_token=has_token,
                    ),
                    *rate_limit_headers(scope),
                    *(PREFLIGHT_HEADERS if is_preflight and status == 204 else ()),
                ]
            await send(message)

        async def receive_and_watch() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect":
                cast("dict[str, Any]", scope)[DISCONNECTED] = True
            return message

        _bind(scope, request_id)
        rejection = self._rejection(scope, headers)
        if rejection is None and is_preflight and not self._response_headers.allows(origin):
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
                send_head = compressed(scope, _without_content(send_with_headers))
                aborted = await self._call(scope, receive, send_head)
        else:
            send_compressed = compressed(scope, send_with_headers)
            aborted = await self._call(scope, receive_and_watch, send_compressed)
        seconds = time.perf_counter() - started
        return self._record(scope, method, status, seconds, aborted)

    async def _call(self, scope: HTTPScope, receive: Receive, send: Send) -> str | None:
        """Call the application. Returns why it could not end a response that it had begun."""
        try:
            await self._app(scope, receive, send)
        except LitestarException as error:
            unavailable = _unavailable_among(error)
            if unavailable is None:
                raise
            return unavailable.reason
        return None

    def _record(
        self, scope: HTTPScope, method: str, status: int, seconds: float, aborted: str | None
    ) -> tuple[str | None, int]:
        """Log and count a request.

        Raises:
            ResponseAborted: its response is `aborted`, for this reason.
        """
        if aborted is not None:
            log.warning("unavailable", reason=aborted, response="aborted")
        log.info(
            "request",
            method=method,
            path=self._mask(scope["path"]),
            status=status,
            ms=round(seconds * 1000, 1),
            **request_ids(scope),
        )
        route = scope.get("path_template")
        if self._metrics:
            self._metrics.record_request(method, route, status, seconds)
        if aborted is not None:
            raise ResponseAborted
        return route, status

    def _has_bad_host(self, scope: Scope, header: bytes | None) -> bool:
        """Whether no host, another one, or more than one (RFC 9112, section 3.2) is named."""
        hosts = self._service_address.hosts
        return hosts is not None and (
            not hosts.allows(header) or [name for name, _ in scope["headers"]].count(b"host") > 1
        )

    async def _reject(self, scope: HTTPScope, send: Send, rejection: Rejection) -> None:
        """Respond with a page or a problem document."""
        page = self._rejection_page and self._rejection_page(scope, rejection[0])
        headers, body = page or _problem(scope, rejection)
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

    def _rejection(self, scope: HTTPScope, headers: dict[bytes, bytes]) -> Rejection | None:
        path = scope["path"]
        if self._has_bad_host(scope, headers.get(b"host")) and not path.startswith(EXEMPT):
            return BAD_HOST
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) >= MAX_URL:
            return 413, *REJECTIONS[413]
        if (
            headers.get(b"accept") not in USUAL_ACCEPT
            and path.startswith("/api/v1/")
            and not accepts_json(
                value.decode("latin-1") for name, value in scope["headers"] if name == b"accept"
            )
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


def _bind(scope: Scope, request_id: bytes) -> None:
    """Add the request's id and address to all lines of its log.

    A pipelined request inherits the values of the one before, and replaces all of them.
    """
    structlog.contextvars.bind_contextvars(
        request_id=request_id.decode(), address=client_address(scope.get("client"))
    )


def _request_id(client_id: bytes | None) -> bytes:
    """The client's id of the request, or a new one."""
    if client_id is not None and REQUEST_ID.fullmatch(client_id):
        return client_id
    return os.urandom(8).hex().encode()


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


def _problem(scope: Scope, rejection: Rejection) -> HeadersAndBody:
    """The headers and body of a rejection."""
    base_path = cast("dict[str, Any]", scope).get(BASE_PATH, "")
    body = msgspec.json.encode(problem_document(*rejection, base_path=base_path))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    return headers, body


def _unavailable_among(error: BaseException) -> Unavailable | None:
    """The failure of a store that caused the framework's error about a begun response."""
    if isinstance(error, Unavailable):
        return error
    causes = [error.__cause__, *(error.exceptions if isinstance(error, ExceptionGroup) else ())]
    found = (_unavailable_among(cause) for cause in causes if cause is not None)
    return next(filter(None, found), None)


def _deny_unrouted(scope: Scope, send: Send) -> Send:
    """Answer 404 where the router closes a socket of a path that has none, before it is accepted.
    The server would answer an empty 403.
    """

    async def send_or_deny(message: Message) -> None:
        if message["type"] == "websocket.close" and scope.get("path_template") is None:
            await deny_socket(scope, send, (404, *REJECTIONS[404]))
        else:
            await send(message)

    return send_or_deny


async def deny_socket(scope: Scope, send: Send, rejection: Rejection) -> None:
    """Deny the upgrade with a problem, before any side effect."""
    status, code, _ = rejection
    log.warning("socket_refused", reason=code)
    headers, body = _problem(scope, rejection)
    start = {"type": "websocket.http.response.start", "status": status, "headers": headers}
    # Litestar's types lack the ASGI extension for denial responses.
    await send(cast("Any", start))
    await send(
        cast("Any", {"type": "websocket.http.response.body", "body": body, "more_body": False})
    )
