"""The OpenAPI document: Litestar's, completed.

Litestar generates paths, parameters and summaries. This module adds msgspec's schemas (Litestar's
lack lengths and formats), examples, headers, and the problems of each route. Problems follow from
the route's parameters and body, and those of its use case from
`opt={"problems": (EmailTaken, …)}`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from datetime import datetime
from typing import Any, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
from litestar import Litestar, MediaType, Request, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme, Server, Tag
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ControllerRouterHandler

from sidepro.api.dependencies import PREFIX
from sidepro.api.docs.examples import EXAMPLES
from sidepro.api.docs.links import add_links
from sidepro.api.docs.members import describe_members, describe_parameter, tidy
from sidepro.api.docs.moderation_examples import PARTS
from sidepro.api.docs.responses import (
    HEADERS,
    Problem,
    Route,
    Schemas,
    json_content,
    problem_responses,
    success_responses,
)
from sidepro.api.schemas import Moment
from sidepro.api.validation_errors import parameter_name

DESCRIPTION = f"""Developers show their side projects and meet over a coffee chat.

**Tokens.** Sign up, log in (`POST {PREFIX}/sessions`) and send
`Authorization: Bearer <access token>`. An invalid token is 401 everywhere, except at sign-up,
log-in and refresh, which ignore it.

**Errors** are `application/problem+json` (RFC 9457) with a stable `code`. A method that a path
does not support is 405 `method-not-allowed`. A resource that the caller may not see is 404, like
one that does not exist. A malformed id in a path is 404 too.

**Lists** have pages. Cursors of the other pages are in `next` and `previous`, and URLs in the
`Link` header. Lengths count code points after NFC. A required text that is blank is 422.

**Limits.** A call above the limit is 429 `rate-limited` with `Retry-After`. `RateLimit` and
`RateLimit-Policy` describe the limit of a call. Log-in: 10 a minute per address, and 20 an hour
per account from addresses that never logged in to it. Sign-up: 10 an hour per address. Mails for a
forgotten password: 30 an hour per address; to verify an address: 1 a minute and 6 a day; changes
of the address: 10 a day. Projects: 30 an hour. Comments: 120 an hour. Images: 60 an hour. Rooms:
60 an hour. Messages: 10 a second, with bursts of 50. Socket tickets: 60 a minute. Previews of
Markdown: 120 a minute. All else: 600 a
minute. Calls count per user, or per address without a token.

**The chat socket** is `GET {PREFIX}/rooms/{{room_id}}/socket?ticket=…&after=<seq>`. Programs may
send the access token in `Authorization` instead of a ticket. Its frames and close codes are in
the AsyncAPI document at [/api/asyncapi.json](/api/asyncapi.json).
"""


TAGS = {
    "Accounts": "Sign-up, and the caller's own account, profile, password and data.",
    "Sessions": "Log-in, refresh and log-out.",
    "Users": "Other people, their projects and bookmarks.",
    "Catalogue": "The values of skills, regions and meeting times.",
    "Projects": "The board.",
    "Comments": "Comments on projects.",
    "Bookmarks": "The caller's bookmarks on projects.",
    "Images": "Thumbnails, profile pictures, images in Markdown.",
    "Consent": "Requests for coffee chats, and people with whom the caller has no contact.",
    "Rooms": "Coffee chats: rooms and messages. Live events come over the socket.",
    "Notifications": "What happened to the caller's things, and how they learn of it.",
    "Recommendations": "Projects by users with similar skills.",
    "Moderation": "Reports. For moderators: cases, decisions and the log.",
    "Health": "For operators and load balancers.",
}
"""One tag for each operation. Generators name the modules of a client after them."""


class Document(JsonRenderPlugin):
    """Serves the completed document instead of Litestar's."""

    _rendered = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - Litestar's document
        """The document as JSON, rendered once."""
        self._rendered = self._rendered or msgspec.json.encode(document(request.app))
        return self._rendered


class _DocumentRouter(Router):
    """Omits Litestar's page at unknown paths below the document."""

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        if any("{" in path for path in getattr(value, "paths", ())):
            return []
        return super().register(value)


def config(version: str, public_url: str) -> OpenAPIConfig:
    """Litestar's configuration. The document has one path, below that of the public address."""
    return OpenAPIConfig(
        title="SidePro",
        version=version,
        description=DESCRIPTION,
        license=License(name="MIT", identifier="MIT"),
        servers=[Server(public_url or "/")],
        openapi_router=_DocumentRouter(
            "/api/openapi.json", route_handlers=[], include_in_schema=False
        ),
        render_plugins=[Document(path=["/", "/openapi.json"], media_type=MediaType.JSON)],
        operation_id_creator=lambda handler, _method, _path: operation_id(handler),
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
            }
        ),
        security=[{"bearer": []}],
        tags=[Tag(name, description) for name, description in TAGS.items()],
        use_handler_docstrings=True,
    )


def document(app: Litestar) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an application."""
    generated = app.openapi_schema.to_schema()
    components = generated["components"]
    routes = list(_routes(app, generated["paths"]))
    structs = sorted({s for route in routes for s in (route.body, route.response) if s}, key=str)
    references, schemas = msgspec.json.schema_components(
        [*structs, Problem], ref_template="#/components/schemas/{name}"
    )
    for struct in structs:
        if is_dataclass(struct):
            _describe_timestamps(struct, schemas)
    schema_of = dict(zip(structs, references, strict=False))
    shared: dict[str, Any] = {}
    base_path = urlsplit(generated["servers"][0]["url"]).path.rstrip("/")
    for route in routes:
        parameters = route.generated.get("parameters", [])
        parameters[:] = [_parameter(route, one, components["schemas"]) for one in parameters]
        _complete(route, schema_of, shared, base_path)
    components["responses"] = dict(sorted(shared.items()))
    components["schemas"] = {name: tidy(schemas[name]) for name in sorted(schemas)}
    bodies = [(schema_of[struct], msgspec.to_builtins(EXAMPLES[struct])) for struct in structs]
    parts = [
        ({"$ref": f"#/components/schemas/{type(part).__name__}"}, msgspec.to_builtins(part))
        for part in PARTS
    ]
    shown = [*bodies, *parts, *_problems(components["responses"])]
    describe_members(components["schemas"], shown)
    components["headers"] = HEADERS
    # A page of projects is named ProjectCardList instead of ListOf_ProjectCard_.
    named = re.sub(r"\bListOf_(\w+?)_", r"\1List", json.dumps(generated))
    complete: dict[str, Any] = json.loads(named)
    return complete


def _complete(route: Route, schema_of: Schemas, shared: dict[str, Any], base_path: str) -> None:
    """Complete an operation. Responses that several operations have go to `shared`."""
    operation = route.generated
    del operation["deprecated"]
    if route.body:
        content = json_content(route.body, schema_of)
        operation["requestBody"] = {"required": True, "content": content}
    problems = problem_responses(route, shared, base_path)
    successes = success_responses(route, schema_of)
    operation["responses"] = dict(sorted({**successes, **problems}.items()))
    add_links(operation)
    if "multipart" in route.handler.opt:
        operation["requestBody"] = route.handler.opt["multipart"]
    if not route.path.startswith(PREFIX) or route.handler.opt.get("tokenless"):
        operation["security"] = []
    elif route.handler.opt.get("public"):
        operation["security"] = [{}, {"bearer": []}]


def _problems(responses: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Schemas and examples of problem documents."""
    for response in responses.values():
        for content in response["content"].values():
            for example in content["examples"].values():
                yield content["schema"], example["value"]


def operation_id(handler: HTTPRouteHandler) -> str:
    """The name of an operation in clients: `createProject` for the handler `create_project`."""
    first, *words = handler.handler_name.split("_")
    return first + "".join(word.capitalize() for word in words)


def _routes(app: Litestar, paths: dict[str, Any]) -> Iterator[Route]:
    for route in app.routes:
        if isinstance(route, HTTPRoute) and route.path_format in paths:
            for method, (handler, _) in route.route_handler_map.items():
                generated = paths[route.path_format].get(method.lower())
                if generated:
                    yield Route(route.path_format, method, handler, generated)


def _describe_timestamps(record: Any, schemas: dict[str, Any]) -> None:
    """Give the times of a domain record, and of the records in it, the schema of `Moment`.

    msgspec describes a `datetime` without an annotation only as a string.
    """
    for name, hint in get_type_hints(record).items():
        member = schemas[record.__name__]["properties"][name]
        for part in (hint, *get_args(hint)):
            if part is datetime:
                member.get("anyOf", [member])[0].update(msgspec.json.schema(Moment))
            elif is_dataclass(part):
                _describe_timestamps(part, schemas)


def _parameter(route: Route, generated: dict[str, Any], enums: dict[str, Any]) -> dict[str, Any]:
    """An optional parameter is omitted, never null. Enumerations are inlined."""
    schema = generated["schema"]
    for option in schema.pop("oneOf", []) + schema.pop("allOf", []):
        if option != {"type": "null"}:
            schema |= option
    if "$ref" in schema:
        schema |= enums[schema.pop("$ref").rpartition("/")[2]]
    for bound in schema.keys() & {"minimum", "maximum"}:
        schema[bound] = int(schema[bound])
    fields = route.handler.parsed_fn_signature.parameters.values()
    field = next((one for one in fields if parameter_name(one) == generated["name"]), None)
    if field and field.has_default and field.default is not None:
        schema["default"] = field.default
    described: dict[str, Any] = {
        key: generated[key]
        for key in ("name", "in", "required", "description")
        if key in generated
    }
    described["schema"] = {k: v for k, v in schema.items() if k not in _REDUNDANT}
    describe_parameter(described)
    return described


_REDUNDANT = {"title", "description"}
