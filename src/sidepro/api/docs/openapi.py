"""The OpenAPI document: what Litestar knows of the routes, made complete.

Litestar gives paths, parameters and summaries. Added here are the schemas as msgspec writes them
(Litestar's own lack lengths and formats), examples, headers, and every problem that a route
answers with: derived from the route's shape, and from `opt={"problems": (EmailTaken, …)}` where
only the use case knows.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from datetime import datetime
from inspect import cleandoc
from typing import Any, get_args, get_type_hints

import msgspec
from litestar import Litestar, MediaType, Request
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme, Tag
from litestar.routes import HTTPRoute

from sidepro.api.dependencies import PREFIX
from sidepro.api.docs.responses import (
    HEADERS,
    Problem,
    Route,
    answers,
    json_content,
    problem_responses,
)
from sidepro.api.schemas import Moment

DESCRIPTION = f"""Developers show their side projects and meet over a coffee chat.

**Tokens.** Sign up, log in (`POST {PREFIX}/sessions`) and send
`Authorization: Bearer <access token>`. A token that is sent and not valid is 401 everywhere.

**Errors** are `application/problem+json` (RFC 9457) with a stable `code`. A method that an address
does not take is 405 `method-not-allowed`. What a caller may not see answers like what does not
exist; a malformed id in a path does too.

**Lists** go on with the cursors in `next` and `previous`, or with the `Link` header. Lengths count
code points after NFC; a text that is blank where one is needed is 422.

**Limits.** A call too many is 429 `rate-limited` with `Retry-After`; `RateLimit` and
`RateLimit-Policy` tell what is left. Log-in 10 a minute an address and, from addresses that an
account does not know, 20 an hour an account; sign-up 10 an hour an address; projects 30, comments
120 and rooms 60 an hour; messages 10 a second with bursts of 50; socket tickets 60 and all else
600 a minute. Users are counted by themselves, others by their address.

**The chat socket** is `GET {PREFIX}/rooms/{{room_id}}/socket?ticket=…&after=<seq>`; programs may
send the access token in `Authorization` in the place of a ticket. What goes over it, and what it
is closed with, is in the AsyncAPI document at [/api/asyncapi.json](/api/asyncapi.json).
"""


class Document(JsonRenderPlugin):
    """Serves the complete document in the place of Litestar's."""

    _rendered = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - Litestar's document
        """The document as JSON, made once."""
        self._rendered = self._rendered or msgspec.json.encode(document(request.app))
        return self._rendered


def config(version: str) -> OpenAPIConfig:
    """What Litestar needs to know, and the one address that the document is served at."""
    return OpenAPIConfig(
        title="SidePro",
        version=version,
        description=DESCRIPTION,
        license=License(name="MIT", identifier="MIT"),
        # Litestar answers with a page of its own whatever is below this path: so nothing is.
        path="/api/openapi.json",
        render_plugins=[Document(path=["/", "/openapi.json"], media_type=MediaType.JSON)],
        operation_id_creator=lambda handler, _method, _path: handler.handler_name,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
            }
        ),
        security=[{"bearer": []}],
        tags=[
            Tag("Accounts", "Sign-up, log-in, profiles, public pages."),
            Tag("Board", "Projects, comments, bookmarks."),
            Tag("Images", "For thumbnails, profile pictures and Markdown."),
            Tag("Coffee chat", "Rooms and messages; live over the socket."),
            Tag("Recommendations", "Projects by people with similar skills."),
            Tag("Health", "For whoever operates the platform."),
        ],
        use_handler_docstrings=True,
    )


def document(app: Litestar) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an application."""
    made = app.openapi_schema.to_schema()
    components = made["components"]
    routes = list(_routes(app, made["paths"]))
    structs = list(dict.fromkeys(s for route in routes for s in (route.body, route.answer) if s))
    references, schemas = msgspec.json.schema_components(
        [*structs, Problem], ref_template="#/components/schemas/{name}"
    )
    for struct in structs:
        if is_dataclass(struct):
            _describe_timestamps(struct, schemas)
    shapes = dict(zip(structs, references, strict=False))
    shared: dict[str, Any] = {}
    for route in routes:
        operation = route.made
        del operation["deprecated"]
        parameters = operation.get("parameters", [])
        parameters[:] = [_parameter(route, one, components["schemas"]) for one in parameters]
        if route.body:
            content = json_content(route.body, shapes)
            operation["requestBody"] = {"required": True, "content": content}
        problems = problem_responses(route, shared)
        operation["responses"] = dict(sorted({**answers(route, shapes), **problems}.items()))
        if "multipart" in route.handler.opt:
            operation["requestBody"] = route.handler.opt["multipart"]
        if not route.path.startswith(PREFIX):
            operation["security"] = []
        elif route.handler.opt.get("public"):
            operation["security"] = [{}, {"bearer": []}]
    components["schemas"] = {name: _untitled(schemas[name]) for name in sorted(schemas)}
    components["responses"] = dict(sorted(shared.items()))
    components["headers"] = HEADERS
    # A page of projects is a ProjectCardList rather than a ListOf_ProjectCard_.
    named = re.sub(r"\bListOf_(\w+?)_", r"\1List", json.dumps(made))
    complete: dict[str, Any] = json.loads(named)
    return complete


def _routes(app: Litestar, paths: dict[str, Any]) -> Iterator[Route]:
    for route in app.routes:
        if isinstance(route, HTTPRoute) and route.path_format in paths:
            for method, (handler, _) in route.route_handler_map.items():
                made = paths[route.path_format].get(method.lower())
                if made:
                    yield Route(route.path_format, method, handler, made)


def _describe_timestamps(record: Any, schemas: dict[str, Any]) -> None:
    """Give the times of a domain record, and of the records in it, the schema of `Moment`.

    msgspec describes a `datetime` without an annotation as a string and nothing more.
    """
    for name, hint in get_type_hints(record).items():
        member = schemas[record.__name__]["properties"][name]
        for part in (hint, *get_args(hint)):
            if part is datetime:
                member.get("anyOf", [member])[0].update(msgspec.json.schema(Moment))
            elif is_dataclass(part):
                _describe_timestamps(part, schemas)


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the title, which says the name once more."""
    tidy = {key: value for key, value in schema.items() if key != "title"}
    return tidy | {"description": cleandoc(tidy.get("description", ""))}


def _parameter(route: Route, made: dict[str, Any], enums: dict[str, Any]) -> dict[str, Any]:
    """What may be left out is never null; enumerations stand where they are used."""
    schema = made["schema"]
    for option in schema.pop("oneOf", []) + schema.pop("allOf", []):
        if option != {"type": "null"}:
            schema |= option
    if "$ref" in schema:
        schema |= enums[schema.pop("$ref").rpartition("/")[2]]
    for bound in schema.keys() & {"minimum", "maximum"}:
        schema[bound] = int(schema[bound])
    field = route.handler.parsed_fn_signature.parameters.get(made["name"])
    if field and field.has_default and field.default is not None:
        schema["default"] = field.default
    about = {key: made[key] for key in ("name", "in", "required", "description") if key in made}
    return about | {"schema": {k: v for k, v in schema.items() if k not in _SAID_BEFORE}}


_SAID_BEFORE = {"title", "description"}
