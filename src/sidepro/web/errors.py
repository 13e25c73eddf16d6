"""The pages' exception handler: HTML for people, with the id of the request."""

from collections.abc import Callable
from math import ceil
from typing import Any

import structlog
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException, MethodNotAllowedException, ValidationException
from litestar.types import HTTPScope

from sidepro.domain.errors import NotAuthenticated, RateLimited, SideProError, Unavailable
from sidepro.http.middleware import DISCONNECTED, HeadersAndBody, RejectionPage
from sidepro.http.problems import RequestRejected, status_of
from sidepro.http.rate_limits import set_allowance
from sidepro.web.csrf import SAFE_METHODS
from sidepro.web.page import Page, Site

log = structlog.get_logger(__name__)

NOT_PAGES = frozenset({"api", "health", "media", "metrics", "problems"})
"""First segments of paths that do not belong to the pages."""

RETRY_AFTER = 5
"""Seconds after which to try again when a store is unavailable."""

ErrorHandler = Callable[[Request[Any, Any, Any], Exception], Response[Any]]


def is_page(path: str) -> bool:
    """Whether a local path belongs to the pages."""
    return path[1:].partition("/")[0] not in NOT_PAGES


def page_error_handler(site: Site) -> ErrorHandler:
    """The response to any exception of a page."""

    def handle_page_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        page = Page(site, request)
        status = _status(request, error)
        if isinstance(error, RateLimited) and error.allowance:
            set_allowance(request.scope, error.allowance)
        if isinstance(error, NotAuthenticated) and request.method in SAFE_METHODS:
            return page.redirect(f"/log-in?next={page.here}")
        return error_page(page, status, _retry_after(error), _headers(error))

    return handle_page_error


def error_page(
    page: Page,
    status: int,
    retry_after: int | None = None,
    headers: dict[str, str] | None = None,
) -> Response[str]:
    """The page about an error. `retry_after` is in seconds."""
    known = page.texts.errors.pages
    title, explanation = known.get(status) or known[500 if status >= 500 else 400]
    if retry_after is not None:
        headers = {**(headers or {}), "Retry-After": str(retry_after)}
    return page.render(
        "errors/error.html",
        status=status,
        headers=headers,
        title=title,
        explanation=explanation,
        status_code=status,
        retry_after=retry_after,
    )


def _status(request: Request[Any, Any, Any], error: Exception) -> int:
    if isinstance(error, SideProError):
        if isinstance(error, Unavailable):
            log.warning("unavailable", reason=type(error.__cause__ or error).__name__)
        return status_of(error)
    if isinstance(error, ValidationException):
        return 400
    if isinstance(error, HTTPException) and error.status_code < 500:
        return error.status_code
    if request.scope.get(DISCONNECTED) and isinstance(error, HTTPException):
        return 400
    log.error("unhandled_error", exc_info=error)
    return 500


def _retry_after(error: Exception) -> int | None:
    if isinstance(error, Unavailable):
        return RETRY_AFTER
    if isinstance(error, RateLimited):
        wait = error.allowance and error.allowance.retry_after
        return max(1, ceil(round(wait or 0, 3)))
    return None


def _headers(error: Exception) -> dict[str, str] | None:
    if isinstance(error, (MethodNotAllowedException, RequestRejected)):
        return error.headers
    return None


def rejection_page(site: Site) -> RejectionPage:
    """The pages about rejections of the middleware around the application."""

    def render(scope: HTTPScope, status: int) -> HeadersAndBody | None:
        if not is_page(scope["path"]):
            return None
        response = error_page(Page(site, ASGIConnection(scope)), status)
        body = response.content.encode()
        headers = [
            (name.lower().encode(), value.encode()) for name, value in response.headers.items()
        ]
        headers.append((b"content-type", b"text/html; charset=utf-8"))
        headers.append((b"content-length", str(len(body)).encode()))
        return headers, body

    return render
