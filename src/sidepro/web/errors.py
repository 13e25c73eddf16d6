"""The pages' exception handler: HTML for people, with the id of the request."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import structlog
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException, MethodNotAllowedException, ValidationException
from litestar.types import HTTPScope

from sidepro.domain.errors import (
    EmailNotVerified,
    InvalidInput,
    NotAuthenticated,
    RateLimited,
    SideProError,
)
from sidepro.http.cross_site import SAFE_METHODS
from sidepro.http.middleware.middleware import DISCONNECTED, HeadersAndBody, RejectionPage
from sidepro.http.problems.documents import RequestRejected, status_of
from sidepro.http.problems.retries import retry_headers
from sidepro.http.rate_limits import set_allowance
from sidepro.web.forms import Form, wait_text
from sidepro.web.page import Page, Site, route_options
from sidepro.web.unsent import UnsentForm

log = structlog.get_logger(__name__)

NOT_PAGES = frozenset({"api", "health", "media", "metrics", "problems"})
"""First segments of paths that do not belong to the pages."""


def resumed_at(action: str) -> dict[str, str]:
    """The `opt` of a route whose unsent form is posted to this address instead, such as one that
    shows the form again.
    """
    return {"unsent_action": action}


JSON_ERRORS = {"json_errors": True}
"""The `opt` of a route for scripts: its errors are JSON."""

GENERAL = frozenset({"forbidden", "invalid", "not-found", "rate-limited", "unavailable"})
"""Codes of errors about which a page says no more than about their status."""

RETRIED = frozenset({408, 429, 500, 503})
"""Statuses after which the same request may succeed."""

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
        headers = _headers(error)
        if wants_json(request):
            return _json_error(page, error, status, headers)
        # HEAD too: the middleware serves it as GET after 405.
        if status == 405 and request.method == "GET":
            # The address of a form: of a page that shows it again, or typed.
            return page.redirect(page.path.rpartition("/")[0] or "/")
        if isinstance(error, NotAuthenticated):
            if page.unsent is None:
                return page.redirect(f"/log-in?{urlencode({'next': _place(page, request)})}")
            return log_in_page(page, 401, going_to="/", unsent=page.unsent)
        if isinstance(error, EmailNotVerified):
            return unverified_page(page, page.unsent or UnsentForm(page.here, Form()), status)
        return error_page(page, status, headers, _explanation(page, error))

    return handle_page_error


def log_in_page(
    page: Page,
    status: int,
    *,
    going_to: str,
    form: Form | None = None,
    unsent: UnsentForm | None = None,
) -> Response[str]:
    """The form to log in, which may carry what was posted before."""
    return page.render(
        "sessions/log_in.html",
        status=status,
        form=form or Form(),
        going_to=going_to,
        unsent=unsent,
    )


def unverified_page(
    page: Page, unsent: UnsentForm, status: int, *, is_sent: bool = False
) -> Response[str]:
    """Asks to verify the email address first, and carries what was posted.

    `is_sent` says that the mail was just sent again.
    """
    return page.render("sessions/unverified.html", status=status, unsent=unsent, is_sent=is_sent)


def error_page(
    page: Page,
    status: int,
    headers: dict[str, str] | None = None,
    explanation: str | None = None,
) -> Response[str]:
    """The page about an error, with a form that sends again what was posted, if that may help, or
    else with the texts that were. Without an explanation, it has that of its status.
    """
    title, general = _texts(page, status)
    is_retried = status in RETRIED
    if not is_retried and page.unsent and not page.unsent.texts:
        page.unsent = None
    retry_after = (headers or {}).get("Retry-After")
    return page.render(
        "errors/error.html",
        status=status,
        headers=headers,
        title=title,
        explanation=explanation or general,
        status_code=status,
        retry_after=retry_after and wait_text(int(retry_after), page.texts.errors),
        is_retried=is_retried,
    )


def wants_json(request: Request[Any, Any, Any]) -> bool:
    """Whether a script made the request."""
    return bool(route_options(request).get("json_errors"))


def _json_error(
    page: Page, error: Exception, status: int, headers: dict[str, str] | None
) -> Response[Any]:
    """`code`, a `text` for people, and `errors`: the text about each field."""
    title, explanation = _texts(page, status)
    content: dict[str, Any] = {"code": "internal", "text": f"{title}. {explanation}", "errors": {}}
    if isinstance(error, SideProError):
        content["code"] = error.code
        rejected = Form().rejected(error, page.texts.errors)
        content["errors"] = {each.field: each.text for each in rejected.errors if each.field}
        content["text"] = page.texts.errors.problems.get(error.code, content["text"])
    return page.json(content, status=status, headers=headers)


def _place(page: Page, request: Request[Any, Any, Any]) -> str:
    """Where to go after logging in: a form without fields is not posted again."""
    return page.here if request.method in SAFE_METHODS else "/"


def _explanation(page: Page, error: Exception) -> str | None:
    """What an error says beyond its status, if anything."""
    texts = page.texts.errors
    if isinstance(error, InvalidInput) and error.errors:
        rejected = Form().rejected(error, texts)
        return " ".join(dict.fromkeys(each.text for each in rejected.errors))
    if isinstance(error, SideProError) and error.code not in GENERAL:
        return texts.problems.get(error.code)
    return None


def _texts(page: Page, status: int) -> tuple[str, str]:
    known = page.texts.errors.pages
    return known.get(status) or known[500 if status >= 500 else 400]


def _status(request: Request[Any, Any, Any], error: Exception) -> int:
    if isinstance(error, SideProError):
        return status_of(error)
    if isinstance(error, ValidationException):
        return 400
    if isinstance(error, HTTPException) and error.status_code < 500:
        return error.status_code
    if request.scope.get(DISCONNECTED) and isinstance(error, HTTPException):
        return 400
    log.error("unhandled_error", exc_info=error)
    return 500


def _headers(error: Exception) -> dict[str, str] | None:
    if isinstance(error, (MethodNotAllowedException, RequestRejected)):
        return error.headers
    return retry_headers(error)


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
