"""The OpenAPI document: complete, valid, with examples that are true."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator

from sidepro.api.docs.openapi import document
from sidepro.http.middleware.middleware import Middleware
from sidepro.web.errors import is_page
from tests.api.openapi_document import (
    PROBLEM,
    Json,
    build,
    find_operation,
    operations,
    resolved,
)

NOT_DESCRIBED = (
    *("/api/docs", "/api/openapi.json", "/api/asyncapi.json"),
    *("/media", "/metrics", "/problems"),
)


VERBS = {
    "get": "check|count|export|find|get|list",
    "head": "check",
    "post": (
        "accept|claim|create|decide|decline|log|mark|open|preview|redeem|refresh|reverse|send|sign"
        "|upload|verify"
    ),
    "put": "add|block|change|mark|replace",
    "patch": "update",
    "delete": "unblock|withdraw|delete|end|leave|remove",
}
"""The first word of an operation id, by method."""


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(app) as client:
        yield client


def client_for(app: Litestar) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=Middleware(app))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://sidepro.test")


def objects_in(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict | list):
            yield from objects_in(child)


def test_is_valid(openapi: Json) -> None:
    assert openapi["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(openapi).validate()


def test_contains_every_route(app: Litestar, openapi: Json) -> None:
    routes = {
        (route.path_format, method.lower())
        for route in app.routes
        if isinstance(route, HTTPRoute)
        and not is_page(route.path)
        and not route.path.startswith(NOT_DESCRIBED)
        for method in route.methods
        if method != "OPTIONS" and not route.path.endswith("/socket")  # of the AsyncAPI document
    }
    assert {(path, method) for path, method, _ in operations(openapi)} == routes


def test_every_reference_resolves(openapi: Json) -> None:
    references = [node for node in objects_in(openapi) if isinstance(node.get("$ref"), str)]
    assert len(references) > 100
    for node in references:
        assert resolved(openapi, node)


def test_every_component_is_used(openapi: Json) -> None:
    used = {node["$ref"] for node in objects_in(openapi) if "$ref" in node}
    for kind in ("schemas", "responses", "headers"):
        for name in openapi["components"][kind]:
            assert f"#/components/{kind}/{name}" in used


def test_is_deterministic(openapi: Json) -> None:
    assert json.dumps(document(build())) == json.dumps(openapi)


def test_operation_ids_are_unique_functions_of_a_flat_client(openapi: Json) -> None:
    ids = [operation["operationId"] for *_, operation in operations(openapi)]
    assert len(set(ids)) == len(ids)
    for _, method, operation in operations(openapi):
        assert re.fullmatch(rf"({VERBS[method]})([A-Z][a-z]+){{1,3}}", operation["operationId"])
    assert {"createProject", "listRooms", "exportMyData"} <= set(ids)


def test_an_operation_that_answers_with_a_page_lists_or_finds(openapi: Json) -> None:
    for *_, operation in operations(openapi):
        paged = any(one["name"] == "cursor" for one in operation.get("parameters", []))
        if paged:
            assert re.match("list|find", operation["operationId"])


def test_tags_are_modules_of_a_client(openapi: Json) -> None:
    used = {tag for *_, operation in operations(openapi) for tag in operation["tags"]}
    assert used == {tag["name"] for tag in openapi["tags"]}
    for tag in openapi["tags"]:
        assert re.fullmatch("[A-Z][a-z]+", tag["name"])
        assert tag["description"].endswith(".")


def test_names_of_response_components_are_short(openapi: Json) -> None:
    for name in openapi["components"]["responses"]:
        assert re.fullmatch("([A-Z][a-z]+){1,4}", name)


def test_every_operation_has_a_summary_and_descriptions(openapi: Json) -> None:
    for *_, operation in operations(openapi):
        assert operation["summary"]
        assert operation["description"].endswith(".")
        assert len(operation["tags"]) == 1
        for response in operation["responses"].values():
            assert len(resolved(openapi, response)["description"]) > 3


def test_the_description_names_the_socket(openapi: Json) -> None:
    assert "/api/v1/rooms/{room_id}/socket" in openapi["info"]["description"]


def test_schemas_have_plain_names_and_descriptions(openapi: Json) -> None:
    for name, schema in openapi["components"]["schemas"].items():
        assert name.isalpha()
        assert "title" not in schema
        assert "\n " not in schema["description"]
    assert openapi["components"]["schemas"].keys() >= {"ProjectCardList", "Problem", "Account"}


def test_every_example_matches_its_schema(openapi: Json) -> None:
    checked = 0
    for node in objects_in(openapi["paths"] | openapi["components"]["responses"]):
        content = node.get("content")
        for media in content.values() if isinstance(content, dict) else ():
            validator = OAS31Validator(
                {"components": openapi["components"], **media["schema"]},
                format_checker=oas31_format_checker,
            )
            shown = [one["value"] for one in media.get("examples", {}).values()]
            if "example" in media:
                shown.append(media["example"])
            assert shown
            for example in shown:
                validator.validate(example)
                checked += 1
    assert checked > 60


def test_every_body_and_response_has_an_example(openapi: Json) -> None:
    for *_, operation in operations(openapi):
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        answers = [
            response for status, response in operation["responses"].items() if status[0] in "23"
        ]
        for one in bodies + answers:
            for media in one.get("content", {}).values():
                assert media["example"]


def test_examples_are_korean(openapi: Json) -> None:
    for name in ("signUp", "createProject", "createComment", "sendMessage"):
        media = find_operation(openapi, name)["requestBody"]["content"]["application/json"]
        assert re.search("[가-힣]", json.dumps(media["example"], ensure_ascii=False))


@pytest.mark.anyio
async def test_the_served_document_equals_the_generated_one(
    client: httpx.AsyncClient, openapi: Json
) -> None:
    for _ in range(2):
        answer = await client.get("/api/openapi.json")
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == "application/json"
        assert answer.json() == openapi


class Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href")]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        assert data.strip() in ("", "SidePro API")


@pytest.mark.anyio
async def test_the_page_loads_only_local_files(client: httpx.AsyncClient) -> None:
    page = await client.get("/api/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    parser = Addresses()
    parser.feed(page.text)
    assert len(parser.found) == 4
    for address in parser.found:
        assert re.match(r"/api/docs/[^/]", address)
        part = await client.get(address)
        assert part.status_code == 200
        assert part.headers["x-content-type-options"] == "nosniff"
        assert "attachment" not in part.headers.get("content-disposition", "")
    start = (await client.get("/api/docs/start.js")).text
    assert "//" not in start
    assert "validatorUrl: null" in start
    assert (await client.get(re.findall(r'url: "(.+)"', start)[0])).status_code == 200


@pytest.mark.anyio
async def test_the_page_has_a_content_security_policy(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/api/docs")).headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    sources = {source for sources in directives.values() for source in sources.split()}
    assert sources == {"'none'", "'self'", "'unsafe-inline'", "data:"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path",
    [
        *("/api", "/api/nothing", "/api/redoc", "/api/elements", "/api/rapidoc", "/api/swagger"),
        *("/api/openapi.yml", "/api/openapi.yaml", "/api/oauth2-redirect.html"),
        *("/api/docs/files/index.html", "/api/docs/files/swagger-initializer.js"),
        *("/api/docs/files/swagger-ui.js", "/api/docs/files/..%2f__init__.py"),
        *("/api/docs/files", "/api/docs/files/", "/api/docs/nothing"),
    ],
)
async def test_no_other_page_is_served(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["code"] == "not-found"


@pytest.mark.anyio
async def test_documents_can_be_switched_off() -> None:
    async with client_for(build(docs=False)) as client:
        for path in ("/api/docs", "/api/docs/start.js", "/api/openapi.json"):
            assert (await client.get(path)).status_code == 404
