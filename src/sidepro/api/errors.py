"""The API's exception handler: every error becomes problem+json (RFC 9457)."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, ValidationException
from litestar.types import Scope

from sidepro.api.dependencies import ApiConnection
from sidepro.api.validation_errors import parameter_errors
from sidepro.domain.errors import (
    BadCursor,
    InvalidInput,
    NotAuthenticated,
    PreconditionFailed,
    RateLimited,
    SideProError,
)
from sidepro.http.app import AfterException
from sidepro.http.middleware.middleware import DISCONNECTED
from sidepro.http.problems.documents import (
    BASE_PATH,
    REJECTIONS,
    RequestRejected,
    members_of,
    problem_response,
    status_of,
)
from sidepro.http.problems.retries import retry_headers
from sidepro.http.rate_limits import set_allowance
from sidepro.http.services import Services

log = structlog.get_logger(__name__)

AccessCheck = Callable[[Services, ApiConnection], Awaitable[object]]
"""Raises `NotFound` or `Forbidden`. A route names it in `opt={"access": …}`."""

_ACCESS_ERROR = "access_error"
_INPUT_ERRORS = (BadCursor, InvalidInput, PreconditionFailed, ValidationException, RequestRejected)


def handle_error(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """The response to any exception of a route or of the framework."""
    base_path = str(request.scope.get(BASE_PATH, ""))
    respond = partial(problem_response, base_path=base_path)
    error = request.state.pop(_ACCESS_ERROR, error)
    if isinstance(error, ValidationException):
        parameters = request.route_handler.parsed_fn_signature.parameters
        error = InvalidInput(*parameter_errors(error, parameters))
    if isinstance(error, SideProError):
        if isinstance(error, RateLimited) and error.allowance:
            set_allowance(request.scope, error.allowance)
        errors = error.errors if isinstance(error, InvalidInput) else ()
        return respond(
            status_of(error),
            error.code,
            error.detail,
            errors,
            _headers(error),
            members=members_of(error),
        )
    if isinstance(error, HTTPException) and error.status_code < 500:
        status = error.status_code if error.status_code in REJECTIONS else 400
        code, detail = REJECTIONS[status]
        if isinstance(error, RequestRejected):
            detail = error.detail
        has_headers = isinstance(error, (MethodNotAllowedException, RequestRejected))
        headers = error.headers if has_headers else None
        return respond(status, code, detail, headers=headers)
    if request.scope.get(DISCONNECTED) and isinstance(error, HTTPException):
        # The client has disconnected. The request's log line records it.
        return respond(400, REJECTIONS[400][0], "The request ended early.")
    log.error("unhandled_error", exc_info=error)
    return respond(500, "internal", "An unexpected error occurred.")


def _headers(error: SideProError) -> dict[str, str] | None:
    if isinstance(error, NotAuthenticated):
        return {"WWW-Authenticate": "Bearer"}
    return retry_headers(error)


def access_error_hook(services: Services) -> AfterException:
    """An `after_exception` hook that prefers 404 and 403 to errors of the input.

    Input is decoded before the use case checks access. When the input is rejected, this hook runs
    the route's access check. If the check fails, `handle_error` responds with its error.
    """

    async def prefer_access_error(error: Exception, scope: Scope) -> None:
        # Routing errors have no handler and are not input errors.
        if not isinstance(error, _INPUT_ERRORS):
            return
        connection = ApiConnection(scope)
        check: AccessCheck | None = connection.route_handler.opt.get("access")
        if check is None:
            return
        try:
            await check(services, connection)
        except SideProError as access_error:
            connection.state[_ACCESS_ERROR] = access_error

    return prefer_access_error
