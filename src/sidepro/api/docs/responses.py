"""What a route answers with, as the OpenAPI document tells it: its shapes and its problems."""

from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from typing import Annotated, Any, get_origin

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler

from sidepro.api.dependencies import PREFIX
from sidepro.api.docs.examples import EXAMPLES, PROBLEMS
from sidepro.api.idempotency import HEADER as IDEMPOTENCY_KEY
from sidepro.api.idempotency import REPLAYED
from sidepro.domain.errors import (
    BadCursor,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PreconditionFailed,
    RateLimited,
    SideProError,
    Unavailable,
)
from sidepro.http.problems import MEDIA_TYPE, REJECTIONS, problem_document, status_of

Schemas = dict[Any, dict[str, Any]]
"""References to the schemas of structs."""


class InvalidMember(msgspec.Struct):
    """What is wrong, and where: a JSON pointer (RFC 6901) into the body, or a parameter."""

    detail: str
    pointer: str | msgspec.UnsetType = msgspec.UNSET
    parameter: str | msgspec.UnsetType = msgspec.UNSET


class Problem(msgspec.Struct):
    """An error (RFC 9457). `code` is stable; `errors` lists what is wrong with the input."""

    type: Annotated[str, msgspec.Meta(extra_json_schema={"format": "uri-reference"})]
    title: str
    status: int
    detail: str
    code: str
    errors: list[InvalidMember] | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: its handler, and what Litestar wrote about it."""

    path: str
    method: str
    handler: HTTPRouteHandler
    made: dict[str, Any]

    @property
    def body(self) -> Any:
        """The struct of the request body, if it has one."""
        field = self.handler.parsed_data_field
        return None if field is None else _struct(field.annotation)

    @property
    def answer(self) -> Any:
        """The struct of the answer, if it has one."""
        field = self.handler.parsed_fn_signature.return_type
        if field.is_subclass_of(Response):
            field = field.inner_types[0]
        if field.is_optional:
            field = next(inner for inner in field.inner_types if not inner.is_none_type)
        return _struct(field.annotation)

    def has_parameter(self, place: str, name: str | None = None) -> bool:
        """Whether something may be given there: by this name, or at all."""
        parameters = self.made.get("parameters", [])
        return any(p["in"] == place and name in (None, p["name"]) for p in parameters)


def _struct(annotation: Any) -> Any:
    kind = get_origin(annotation) or annotation
    if isinstance(kind, type) and (issubclass(kind, msgspec.Struct) or is_dataclass(kind)):
        return annotation
    return None


def json_content(struct: Any, shapes: Schemas) -> dict[str, Any]:
    content = {"schema": shapes[struct], "example": msgspec.to_builtins(EXAMPLES[struct])}
    return {"application/json": content}


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


HEADERS = {
    "X-Request-ID": _header("The id that came with the request, or a new one. Logs have it too."),
    "WWW-Authenticate": _header("`Bearer`."),
    "Retry-After": _header("Seconds after which it is worth trying again.", "integer"),
    "RateLimit": _header(
        "What the limit of this call leaves: `r` calls now, all of them in `t` seconds "
        "(draft-ietf-httpapi-ratelimit-headers-10). Missing where nothing is limited."
    ),
    REPLAYED: _header("`true` when this is the first answer to this `Idempotency-Key` again."),
    "RateLimit-Policy": _header("The limit of this call: `q` calls in `w` seconds."),
}


LIMITED = ("RateLimit", "RateLimit-Policy")
_EXTRA = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}
_BEFORE_LIMITS = {401, 406}
"""Statuses of refusals that come before a call is counted."""


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, "X-Request-ID")}


def answers(route: Route, shapes: Schemas) -> dict[str, Any]:
    """The answers that are no problems: the handler's own, and those in its `responses`."""
    handler = route.handler
    own = str(handler.status_code)
    struct = get_origin(route.answer) or route.answer
    about = (struct.__doc__ or "").partition(".")[0] if struct else "Done"
    answers: dict[str, Any] = {}
    for status in (own, *map(str, handler.responses or ())):
        made = route.made["responses"][status]
        limited = LIMITED if route.path.startswith(PREFIX) else ()
        replayed = (REPLAYED,) if route.has_parameter("header", IDEMPOTENCY_KEY) else ()
        headers = _headers(*(["Retry-After"] if status == "503" else []), *limited, *replayed)
        if status in (own, "304"):
            for name, header in route.made["responses"][own]["headers"].items():
                headers[name] = _header(header["description"])
        described = status == own and not handler.response_description
        answers[status] = {
            "description": f"{about}." if described else made["description"],
            "headers": headers,
        }
        if route.answer and made.get("content"):
            answers[status]["content"] = json_content(route.answer, shapes)
    return answers


def _refusals(route: Route) -> Iterator[type[SideProError] | int]:
    """What a route answers with when it refuses or fails: domain errors, and the edge's statuses.

    The first half follows from the route's shape, the second is declared where the route is.
    """
    if not route.path.startswith(PREFIX):
        return
    yield from (NotAuthenticated, 406, 413, RateLimited, SideProError, Unavailable)
    if route.has_parameter("path"):
        yield NotFound
    if route.body:
        yield from (400, 415)
    if route.body or route.has_parameter("query"):
        yield InvalidInput
    if route.has_parameter("query", "cursor"):
        yield BadCursor
    if route.has_parameter("header", "If-Match"):
        yield PreconditionFailed
    if route.has_parameter("header", IDEMPOTENCY_KEY):
        yield from (InvalidInput, IdempotencyKeyReused, IdempotencyKeyInUse)
    yield from route.handler.opt.get("problems", ())


def problem_responses(route: Route, shared: dict[str, Any]) -> dict[str, Any]:
    """A response for each status, with all of its codes; equal ones are shared in `shared`."""
    found: dict[int, dict[str, list[dict[str, Any]]]] = {}
    for refusal in _refusals(route):
        documents = list(_problem_documents(refusal))
        found.setdefault(documents[0]["status"], {})[documents[0]["code"]] = documents
    responses: dict[str, Any] = {}
    for status, by_code in sorted(found.items()):
        name = "-or-".join(by_code)
        extra = [*_EXTRA.get(status, ()), *(LIMITED if status not in _BEFORE_LIMITS else ())]
        shown = {
            code if number == 1 else f"{code}-{number}": {"value": document}
            for code, documents in by_code.items()
            for number, document in enumerate(documents, 1)
        }
        content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": shown}
        response = {
            "description": " or ".join(f"`{code}`" for code in by_code),
            "headers": _headers(*extra),
            "content": {MEDIA_TYPE: content},
        }
        if route.method == "HEAD":
            del response["content"]
            responses[str(status)] = response
        else:
            shared[name] = response
            responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return responses


def _problem_documents(refusal: type[SideProError] | int) -> Iterator[dict[str, Any]]:
    if isinstance(refusal, int):
        yield problem_document(refusal, *REJECTIONS[refusal])
        return
    for error in PROBLEMS.get(refusal) or (refusal(),):
        faults = error.errors if isinstance(error, InvalidInput) else ()
        yield problem_document(status_of(error), error.code, error.detail, faults)
