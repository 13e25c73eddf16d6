"""Problem documents (RFC 9457) and the HTTP status of each error of the domain."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from litestar import Response
from litestar.exceptions import HTTPException

from sidepro.domain.errors import (
    AccountSuspended,
    BadCursor,
    Conflict,
    FieldError,
    Forbidden,
    InvalidInput,
    InvalidToken,
    NotAuthenticated,
    NotFound,
    PreconditionFailed,
    RateLimited,
    SideProError,
    Unavailable,
    UnsupportedImageType,
)
from sidepro.http.timestamps import moment

MEDIA_TYPE = "application/problem+json"

BASE_PATH = "sidepro.base_path"
"""Key of a scope: the path of the public address. Absent without one."""

NO_MEMBERS: Mapping[str, str] = MappingProxyType({})

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
"""The status of the nearest base class applies. All other errors are 500."""

_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Request timeout",
    409: "Conflict",
    412: "Precondition failed",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid input",
    426: "Upgrade required",
    429: "Too many requests",
    431: "Request header fields too large",
    500: "Internal error",
    503: "Unavailable",
}

REJECTIONS = {
    400: ("malformed", "The request cannot be parsed."),
    404: ("not-found", NotFound.detail),
    405: ("method-not-allowed", "This address does not support this method."),
    406: ("not-acceptable", "Responses are application/json."),
    413: ("too-large", "The request is too large."),
    415: ("unsupported-media-type", "The body must be application/json."),
    426: ("upgrade-required", "This address serves WebSocket connections only."),
}
"""Code and detail of requests that are rejected before a use case runs, by status."""


BAD_HOST = (400, "bad-host", "The service does not have this host name.")
ORIGIN_DENIED = (403, "origin-not-allowed", "Pages of this origin may not connect.")
"""Status, code and detail."""


class RequestRejected(HTTPException):
    """The request was rejected before a use case ran: `status` is one of `REJECTIONS`."""

    def __init__(
        self, status: int, detail: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(
            status_code=status, detail=detail or REJECTIONS[status][1], headers=headers
        )


def status_of(error: SideProError) -> int:
    """The HTTP status of an error."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def members_of(error: SideProError) -> Mapping[str, str]:
    """The members of the error's document that others do not have."""
    if isinstance(error, AccountSuspended) and error.until is not None:
        return {"until": moment(error.until)}
    if isinstance(error, InvalidToken):
        return {"reason": error.reason.value}
    return NO_MEMBERS


def problem_document(
    status: int,
    code: str,
    detail: str,
    errors: tuple[FieldError, ...] = (),
    base_path: str = "",
    members: Mapping[str, str] = NO_MEMBERS,
) -> dict[str, Any]:
    """A problem document. `errors` locates invalid input. `members` are those of one code alone.

    `base_path` is the path of the public address. The page about the problem is below it.
    """
    document: dict[str, Any] = {
        "type": f"{base_path}/problems/{code}",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "code": code,
        **members,
    }
    if errors:
        document["errors"] = [_field_error(error) for error in errors]
    return document


def problem_response(
    status: int,
    code: str,
    detail: str,
    errors: tuple[FieldError, ...] = (),
    headers: dict[str, str] | None = None,
    base_path: str = "",
    members: Mapping[str, str] = NO_MEMBERS,
) -> Response[dict[str, Any]]:
    """A problem document as a response."""
    return Response(
        problem_document(status, code, detail, errors, base_path, members),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def _field_error(error: FieldError) -> dict[str, Any]:
    violation = error.violation
    is_parameter = error.parameter is not None
    place = {"parameter": error.parameter} if is_parameter else {"pointer": error.pointer or ""}
    return {
        **place,
        "code": str(violation.code),
        "detail": violation.detail,
        "params": dict(violation.params),
    }
