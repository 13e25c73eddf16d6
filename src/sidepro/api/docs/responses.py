"""The responses of a route in the OpenAPI document: its structs and its problems."""

from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from typing import Annotated, Any, get_origin

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler

from sidepro.api.dependencies import PREFIX
from sidepro.api.docs.examples import EXAMPLES, IDS
from sidepro.api.docs.problem_examples import PROBLEMS
from sidepro.api.idempotency import HEADER as IDEMPOTENCY_KEY
from sidepro.api.idempotency import REPLAYED
from sidepro.api.schemas import Moment
from sidepro.domain.errors import (
    BadCursor,
    EmailNotVerified,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PreconditionFailed,
    RateLimited,
    SideProError,
    TokenProblem,
    Unavailable,
)
from sidepro.domain.violations import FieldCode
from sidepro.http.problems.documents import (
    MEDIA_TYPE,
    REJECTIONS,
    members_of,
    problem_document,
    status_of,
)
from sidepro.http.problems.pages import EXPLANATIONS
from sidepro.http.verified_email import VERIFIED_ONLY

Schemas = dict[Any, dict[str, Any]]
"""References to the schemas of structs."""


class InvalidMember(msgspec.Struct):
    """An error of one member: a JSON pointer (RFC 6901) into the body, or a parameter.

    `code` is stable. `params` are the numbers and words of `detail`: `{"max": 50}`.
    """

    code: FieldCode
    detail: str
    params: dict[str, int | str | list[str]]
    pointer: str | msgspec.UnsetType = msgspec.UNSET
    parameter: str | msgspec.UnsetType = msgspec.UNSET


class Problem(msgspec.Struct):
    """An error (RFC 9457). `code` is stable. `errors` lists the invalid members. `until` is the
    end of a suspension, `reason` why a token is not valid.
    """

    type: Annotated[str, msgspec.Meta(extra_json_schema={"format": "uri-reference"})]
    title: str
    status: int
    detail: str
    code: Annotated[str, msgspec.Meta(extra_json_schema={"enum": sorted(EXPLANATIONS)})]
    errors: list[InvalidMember] | msgspec.UnsetType = msgspec.UNSET
    until: Moment | msgspec.UnsetType = msgspec.UNSET
    reason: (
        Annotated[str, msgspec.Meta(extra_json_schema={"enum": sorted(TokenProblem)})]
        | msgspec.UnsetType
    ) = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: its handler and Litestar's description."""

    path: str
    method: str
    handler: HTTPRouteHandler
    generated: dict[str, Any]

    @property
    def body(self) -> Any:
        """The struct of the request body, if any."""
        field = self.handler.parsed_data_field
        return None if field is None else _struct(field.annotation)

    @property
    def response(self) -> Any:
        """The struct of the response, if any."""
        field = self.handler.parsed_fn_signature.return_type
        if field.is_subclass_of(Response):
            field = field.inner_types[0]
        if field.is_optional:
            field = next(inner for inner in field.inner_types if not inner.is_none_type)
        return _struct(field.annotation)

    def has_parameter(self, place: str, name: str | None = None) -> bool:
        """Whether the route has a parameter in this place, with this name if one is given."""
        parameters = self.generated.get("parameters", [])
        return any(p["in"] == place and name in (None, p["name"]) for p in parameters)


def _struct(annotation: Any) -> Any:
    kind = get_origin(annotation) or annotation
    if isinstance(kind, type) and (issubclass(kind, msgspec.Struct) or is_dataclass(kind)):
        return annotation
    return None


def json_content(struct: Any, schemas: Schemas) -> dict[str, Any]:
    content = {"schema": schemas[struct], "example": msgspec.to_builtins(EXAMPLES[struct])}
    return {"application/json": content}


def _header(description: str, example: str | int) -> dict[str, Any]:
    kind = "integer" if isinstance(example, int) else "string"
    return {"description": description, "schema": {"type": kind}, "example": example}


HEADERS = {
    "X-Request-ID": _header(
        "The id that the client sent, or a new one. It is also in the logs.",
        "9f02a6d37e4793b8",
    ),
    "WWW-Authenticate": _header("`Bearer`.", "Bearer"),
    "Retry-After": _header("Seconds after which the client may retry.", 5),
    "RateLimit": _header(
        "The remaining calls of the limit of this call: `r` now, all in `t` seconds "
        "(draft-ietf-httpapi-ratelimit-headers-10). Absent without a limit.",
        '"default";r=599;t=1',
    ),
    REPLAYED: _header(
        "`true` if this repeats the first response to this `Idempotency-Key`.", "true"
    ),
    "RateLimit-Policy": _header(
        "The limit of this call: `q` calls in `w` seconds.", '"default";q=600;w=60'
    ),
}

HEADER_EXAMPLES = {
    "Content-Disposition": 'attachment; filename="sidepro-export.json"',
    "ETag": '"3"',
    "Link": f'<{PREFIX}/projects?cursor=3q2-7wAAAAAA>; rel="next"',
    "Location": f"{PREFIX}/projects/{IDS['project_id']}",
}
"""Of the headers that a route declares."""

LIMITED = ("RateLimit", "RateLimit-Policy")
_EXTRA = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}
_BEFORE_LIMITS = {401, 406}
"""Statuses of errors that occur before a call is counted."""


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, "X-Request-ID")}


def success_responses(route: Route, schemas: Schemas) -> dict[str, Any]:
    """The responses without problems: the handler's own, and those in its `responses`."""
    handler = route.handler
    own = str(handler.status_code)
    struct = get_origin(route.response) or route.response
    about = (struct.__doc__ or "").partition(".")[0] if struct else "Done"
    responses: dict[str, Any] = {}
    for status in (own, *map(str, handler.responses or ())):
        generated = route.generated["responses"][status]
        limited = LIMITED if route.path.startswith(PREFIX) else ()
        replayed = (REPLAYED,) if route.has_parameter("header", IDEMPOTENCY_KEY) else ()
        headers = _headers(*(["Retry-After"] if status == "503" else []), *limited, *replayed)
        if status in (own, "304"):
            for name, header in route.generated["responses"][own]["headers"].items():
                headers[name] = _header(header["description"], HEADER_EXAMPLES[name])
        from_struct = status == own and not handler.response_description
        responses[status] = {
            "description": f"{about}." if from_struct else generated["description"],
            "headers": headers,
        }
        if route.response and generated.get("content"):
            responses[status]["content"] = json_content(route.response, schemas)
    return responses


def _errors(route: Route) -> Iterator[type[SideProError] | int]:
    """The errors of a route: domain errors, and statuses of `REJECTIONS`.

    They follow from its parameters and body, and from its `opt["problems"]`.
    """
    if not route.path.startswith(PREFIX):
        return
    if not route.handler.opt.get("tokenless"):
        yield NotAuthenticated
    yield from (406, 413, RateLimited, SideProError, Unavailable)
    if route.has_parameter("path"):
        yield NotFound
    if route.body:
        yield from (400, 415)
    yield InvalidInput  # an unknown query parameter
    if route.has_parameter("query", "cursor"):
        yield BadCursor
    if route.has_parameter("header", "If-Match"):
        yield PreconditionFailed
    if route.has_parameter("header", IDEMPOTENCY_KEY):
        yield from (IdempotencyKeyReused, IdempotencyKeyInUse)
    if route.handler.opt.get(VERIFIED_ONLY):
        yield EmailNotVerified
    yield from route.handler.opt.get("problems", ())


def problem_responses(route: Route, shared: dict[str, Any], base_path: str) -> dict[str, Any]:
    """A response for each status, with all its codes.

    A response with one code is a component, and added to `shared`. The others stay with their
    operation: a component with several codes would have no short name. `base_path` is the path of
    the public address.
    """
    by_status: dict[int, dict[str, list[dict[str, Any]]]] = {}
    for kind in _errors(route):
        documents = list(_problem_documents(kind, base_path))
        by_status.setdefault(documents[0]["status"], {})[documents[0]["code"]] = documents
    responses: dict[str, Any] = {}
    for status, by_code in sorted(by_status.items()):
        extra = [*_EXTRA.get(status, ()), *(LIMITED if status not in _BEFORE_LIMITS else ())]
        examples = {
            code if number == 1 else f"{code}-{number}": {"value": document}
            for code, documents in by_code.items()
            for number, document in enumerate(documents, 1)
        }
        content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
        response = {
            "description": " or ".join(f"`{code}`" for code in by_code),
            "headers": _headers(*extra),
            "content": {MEDIA_TYPE: content},
        }
        if route.method == "HEAD":
            del response["content"]
            responses[str(status)] = response
        elif len(by_code) > 1:
            responses[str(status)] = response
        else:
            name = _component_name(*by_code)
            shared[name] = response
            responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return responses


def _component_name(code: str) -> str:
    """`RoomPending` for the code `room-pending`."""
    return code.title().replace("-", "")


def _problem_documents(kind: type[SideProError] | int, base_path: str) -> Iterator[dict[str, Any]]:
    if isinstance(kind, int):
        yield problem_document(kind, *REJECTIONS[kind], base_path=base_path)
        return
    for error in PROBLEMS.get(kind) or (kind(),):
        errors = error.errors if isinstance(error, InvalidInput) else ()
        yield problem_document(
            status_of(error), error.code, error.detail, errors, base_path, members_of(error)
        )
