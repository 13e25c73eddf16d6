"""Errors as problem+json (RFC 9457): one table from the domain's tree to statuses."""

import re
from math import ceil
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.types import Scope

from sidepro.domain.errors import (
    BadCursor,
    Conflict,
    FieldError,
    Forbidden,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PreconditionFailed,
    RateLimited,
    SideProError,
    Unavailable,
    UnsupportedImageType,
)
from sidepro.http import rate_limits as limits

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "5"
"""Seconds after which a client may try again when a store is away."""

STATUSES: dict[type[SideProError], int] = {
    BadCursor: 400,
    NotAuthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    PreconditionFailed: 412,
    UnsupportedImageType: 415,
    InvalidInput: 422,
    RateLimited: 429,
    Unavailable: 503,
}

_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    412: "Precondition failed",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid input",
    429: "Too many requests",
    500: "Internal error",
    503: "Unavailable",
}

# What the framework itself refuses.
MIDDLEWARE_CODES = {
    400: ("malformed", "The request cannot be read."),
    404: ("not-found", NotFound.detail),
    405: ("method-not-allowed", "This address does not take this method."),
    406: ("not-acceptable", "Answers are application/json."),
    413: ("too-large", "The request is too large."),
    415: ("unsupported-media-type", "Bodies are application/json."),
}


class RequestRejected(HTTPException):
    """Refused by the edge before any use case: `status_code` is one of 400, 406, 413 and 415."""

    def __init__(self, status: int, detail: str | None = None) -> None:
        super().__init__(status_code=status, detail=detail or MIDDLEWARE_CODES[status][1])


def status_of(error: SideProError) -> int:
    """The HTTP status of an error: that of the nearest class of the tree in the table."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    return 500


def problem(
    status: int,
    code: str,
    detail: str,
    faults: tuple[FieldError, ...] = (),
    headers: dict[str, str] | None = None,
) -> Response[dict[str, Any]]:
    """A problem as a response."""
    body = document(status, code, detail, faults)
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def document(
    status: int, code: str, detail: str, faults: tuple[FieldError, ...] = ()
) -> dict[str, Any]:
    """A problem document."""
    body: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "code": code,
    }
    if faults:
        body["errors"] = [_field_error(fault) for fault in faults]
    return body


def _field_error(fault: FieldError) -> dict[str, str]:
    if fault.parameter is not None:
        return {"parameter": fault.parameter, "detail": fault.detail}
    return {"pointer": fault.pointer or "", "detail": fault.detail}


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Answer any error that a route or the framework raised."""
    error = request.scope["state"].pop(_STRONGER, error)
    if isinstance(error, SideProError):
        if isinstance(error, RateLimited) and error.allowance:
            limits.set_rate_limit_headers(request.scope, error.allowance)
        return _domain_problem(error)
    if isinstance(error, ValidationException):
        return _domain_problem(InvalidInput(*_parameter_errors(error)))
    if isinstance(error, HTTPException) and error.status_code < 500:
        status = error.status_code if error.status_code in MIDDLEWARE_CODES else 400
        code, detail = MIDDLEWARE_CODES[status]
        headers = _allowed(error) if isinstance(error, MethodNotAllowedException) else None
        said = error.detail if isinstance(error, RequestRejected) else detail
        return problem(status, code, said, headers=headers)
    log.error("unhandled_error", exc_info=error)
    return problem(500, "internal", "Something went wrong on our side.")


def _domain_problem(error: SideProError) -> Response[dict[str, Any]]:
    faults = error.errors if isinstance(error, InvalidInput) else ()
    headers = None
    if isinstance(error, NotAuthenticated):
        headers = {"WWW-Authenticate": "Bearer"}
    elif isinstance(error, Unavailable):
        log.warning("unavailable", reason=_reason(error))
        headers = {"Retry-After": RETRY_AFTER}
    elif isinstance(error, RateLimited):
        wait = error.allowance and error.allowance.retry_after
        headers = {"Retry-After": str(max(1, ceil(round(wait or 0, 3))))}
    return problem(status_of(error), error.code, error.detail, faults, headers)


def _reason(error: Unavailable) -> str:
    """The first line of what a driver said. For the log alone."""
    cause = getattr(error.__cause__, "orig", None) or error.__cause__ or error
    return (str(cause).splitlines() or [type(cause).__name__])[0]


def _allowed(error: MethodNotAllowedException) -> dict[str, str]:
    allowed = (error.headers or {}).get("allow", "")
    return {"Allow": allowed} if allowed else {}


def _parameter_errors(error: ValidationException) -> tuple[FieldError, ...]:
    """What is wrong with query parameters, as the framework found it."""
    faults = []
    for one in error.extra if isinstance(error.extra, list) else ():
        name = str(one.get("key", "")).partition(".")[0].partition("[")[0]
        detail = str(one.get("message", "is not valid"))
        if name == "data":
            faults.append(FieldError("needs a JSON body", pointer=""))
        else:
            faults.append(FieldError(_plain(detail), parameter=name))
    return tuple(faults)


def _plain(message: str) -> str:
    """What msgspec says, as the end of a sentence that begins with the member's name."""
    text = message.partition(" - at ")[0].replace("`", "")
    text = re.sub(r"^Expected (.+), got (.+)$", r"must be \1, not \2", text)
    text = re.sub(r"^Expected ", "must be ", text)
    text = re.sub(r"^Invalid enum value (.+)$", r"is none of the choices: \1", text)
    return re.sub(r"^Invalid ", "is not a valid ", text)


def decoding_error(error: msgspec.ValidationError) -> FieldError:
    """What does not fit in a body, with a JSON pointer made of msgspec's path (`$.skills[1]`)."""
    text = str(error)
    what, _, where = text.partition(" - at `$")
    path = "".join(
        f"/{name or index}" for name, index in re.findall(r"\.([^.\[\]`]+)|\[(\d+)\]", where)
    )
    member = re.search(r"(?:missing required|unknown) field `(.+)`$", what)
    if member:
        known = "is missing" if "missing required" in what else "is not a member"
        name = member[1].replace("~", "~0").replace("/", "~1")
        return FieldError(known, pointer=f"{path}/{name}")
    return FieldError(_plain(what), pointer=path)


_STRONGER = "stronger_error"
_WEAK = (BadCursor, InvalidInput, PreconditionFailed, ValidationException)


async def prefer_access_error(error: Exception, scope: Scope) -> None:
    """Answer 404 and 403 before 422 and 412.

    Input is decoded before a use case looks at who may do it; so when the input is refused on a
    route that has an access check (`opt={"access": …}`), the check is made then, and what it
    raises is answered instead. Registered as an `after_exception` hook: it runs before `handle`.
    """
    # A request that fits no route has no handler, whatever the type says.
    check = getattr(scope.get("route_handler"), "opt", {}).get("access")
    if not check or not isinstance(error, (*_WEAK, NotFoundException, RequestRejected)):
        return
    try:
        await check(scope)
    except SideProError as stronger:
        scope["state"][_STRONGER] = stronger
