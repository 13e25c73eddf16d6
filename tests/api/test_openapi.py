"""The OpenAPI document is complete, and its page needs no other host.

Nothing here touches a database: the application is built as `sidepro openapi` builds it.
"""

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

from sidepro import bootstrap as main
from sidepro.api.docs.openapi import document
from sidepro.domain.errors import SideProError
from sidepro.http.middleware import Middleware
from sidepro.http.problems import REJECTIONS
from sidepro.settings import Settings

Json = dict[str, Any]

PROBLEM = "application/problem+json"
METHODS = {"get", "head", "post", "put", "patch", "delete"}
NOT_DESCRIBED = ("/api/docs", "/api/openapi.json", "/api/asyncapi.json", "/media", "/metrics")


def build(*, docs: bool = True) -> Litestar:
    platform = main.build(Settings(secret_key=("nothing is signed with this",), docs=docs), "")
    platform.passwords.close()
    return main.application(platform, with_jobs=False)


@pytest.fixture(scope="module")
def app() -> Litestar:
    return build()


@pytest.fixture(scope="module")
def openapi(app: Litestar) -> Json:
    return document(app)


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(app) as client:
        yield client


def client_for(app: Litestar) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=Middleware(app))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://sidepro.test")


def operations(openapi: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in openapi["paths"].items():
        assert item.keys() <= METHODS
        for method, operation in item.items():
            yield path, method, operation


def api_operations(openapi: Json) -> Iterator[tuple[str, str, Json]]:
    found = [one for one in operations(openapi) if one[0].startswith("/api/v1/")]
    assert len(found) > 25
    return iter(found)


def resolved(openapi: Json, node: Json) -> Json:
    while "$ref" in node:
        target: Any = openapi
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def objects_in(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict | list):
            yield from objects_in(child)


def codes(openapi: Json, operation: Json) -> dict[int, set[str]]:
    """The problem codes of an operation by status, from its examples."""
    found = {}
    for status, response in operation["responses"].items():
        media = resolved(openapi, response).get("content", {}).get(PROBLEM)
        if media:
            found[int(status)] = {one["value"]["code"] for one in media["examples"].values()}
    return found


def operation(openapi: Json, operation_id: str) -> Json:
    (found,) = (one for *_, one in operations(openapi) if one["operationId"] == operation_id)
    return found


# ------------------------------------------------------------------------------- the whole of it


def test_is_valid(openapi: Json) -> None:
    assert openapi["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(openapi).validate()


def test_contains_every_route(app: Litestar, openapi: Json) -> None:
    routes = {
        (route.path_format, method.lower())
        for route in app.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith(NOT_DESCRIBED)
        for method in route.methods
        if method != "OPTIONS"
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


def test_operation_ids_are_short_and_unique(openapi: Json) -> None:
    ids = [operation["operationId"] for *_, operation in operations(openapi)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+){0,3}", one) for one in ids)


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


# ---------------------------------------------------------------------------------------- examples


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
    for name in ("sign_up", "publish", "write_comment", "send"):
        media = operation(openapi, name)["requestBody"]["content"]["application/json"]
        assert re.search("[가-힣]", json.dumps(media["example"], ensure_ascii=False))


# ---------------------------------------------------------------------------------------- problems


def own_codes(kind: type[SideProError] = SideProError) -> Iterator[str]:
    if "code" in vars(kind):
        yield kind.code
    for child in kind.__subclasses__():
        yield from own_codes(child)


def test_contains_every_problem_code(openapi: Json) -> None:
    shown: set[str] = set()
    for *_, one in operations(openapi):
        shown |= set().union(*codes(openapi, one).values())
    edge = {code for code, _ in REJECTIONS.values()}
    # An operation is a method that its address takes.
    assert (set(own_codes()) | edge) - shown == {"method-not-allowed"}


def test_every_error_is_a_problem(openapi: Json) -> None:
    for path, method, one in api_operations(openapi):
        for status, reference in one["responses"].items():
            response = resolved(openapi, reference)
            if status < "400":
                assert PROBLEM not in response.get("content", {})
            elif method == "head":
                assert "content" not in response
            else:
                assert list(response["content"]) == [PROBLEM], (path, method, status)
                schema = response["content"][PROBLEM]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}
                for code in codes(openapi, one)[int(status)]:
                    assert f"`{code}`" in response["description"]
    assert '"status_code"' not in json.dumps(openapi)


def test_problems_follow_from_parameters_and_bodies(openapi: Json) -> None:
    for path, method, one in api_operations(openapi):
        if method == "head":
            continue
        where = (method, path)
        found = codes(openapi, one)
        parameters = {(p["in"], p["name"]) for p in one.get("parameters", [])}
        query = any(place == "query" for place, _ in parameters)
        body = "requestBody" in one
        bad_requests = {"malformed"} if body else set()
        bad_requests |= {"bad-cursor"} if ("query", "cursor") in parameters else set()
        assert found.get(400, set()) == bad_requests, where
        assert "not-authenticated" in found[401], where
        assert found[406] == {"not-acceptable"}, where
        assert found[413] == {"too-large"}, where
        assert (415 in found) == body, where
        assert ("invalid" in found.get(422, ())) == (body or query), where
        assert (412 in found) == (("header", "If-Match") in parameters), where
        assert found[500] == {"internal"}, where
        assert found[503] == {"unavailable"}, where
        if "{" in path:
            assert found[404] == {"not-found"}, where


def test_problems_of_the_use_cases(openapi: Json) -> None:
    by_shape = {
        *("malformed", "bad-cursor", "not-authenticated", "not-acceptable", "too-large"),
        *("precondition-failed", "unsupported-media-type", "invalid", "internal", "unavailable"),
        *("rate-limited", "idempotency-key-in-use", "idempotency-key-reused"),
    }
    special = {
        one["operationId"]: set().union(*codes(openapi, one).values())
        - by_shape
        - ({"not-found"} if "{" in path else set())
        for path, _, one in operations(openapi)
    }
    assert {name: found for name, found in special.items() if found} == {
        "sign_up": {"email-taken", "username-taken", "weak-password"},
        "log_in": {"wrong-credentials", "account-deactivated"},
        "refresh": {"session-ended"},
        "change_password": {"weak-password", "wrong-password"},
        "withdraw": {"wrong-password"},
        "edit_profile": {"no-profile"},
        "edit_project": {"forbidden"},
        "delete_project": {"forbidden"},
        "edit_comment": {"forbidden"},
        "delete_comment": {"forbidden"},
        "ask": {"not-found", "cannot-chat-with-yourself"},
        "send": {"room-pending"},
        "upload_image": {"bad-image", "image-quota"},
    }


def test_problems_have_headers_for_the_next_attempt(openapi: Json) -> None:
    for _, _, one in api_operations(openapi):
        refused = resolved(openapi, one["responses"]["401"])
        assert "WWW-Authenticate" in refused["headers"]
        assert "Retry-After" in resolved(openapi, one["responses"]["503"])["headers"]


# ------------------------------------------------------------------- tokens, headers, parameters


def test_security(app: Litestar, openapi: Json) -> None:
    assert openapi["security"] == [{"bearer": []}]
    anybody = {
        one["operationId"]
        for *_, one in api_operations(openapi)
        if one.get("security") == [{}, {"bearer": []}]
    }
    assert anybody == {
        *("sign_up", "availability", "log_in", "refresh", "catalogue", "board", "comments"),
        *("read_project", "project_head", "user_page", "user_projects"),
    }
    for path, _, one in operations(openapi):
        if one["operationId"] not in anybody:
            assert ("security" in one) == path.startswith("/health/")


def test_headers(openapi: Json) -> None:
    named: dict[str, set[tuple[str, str]]] = {"Location": set(), "ETag": set(), "Link": set()}
    for *_, one in operations(openapi):
        for status, response in one["responses"].items():
            headers = resolved(openapi, response)["headers"]
            assert "X-Request-ID" in headers
            for name in named.keys() & headers.keys():
                named[name].add((one["operationId"], status))
    assert named["Location"] == {
        *(("sign_up", "201"), ("publish", "201"), ("write_comment", "201"), ("ask", "201")),
    }
    assert named["ETag"] == {
        *(("catalogue", "200"), ("catalogue", "304"), ("publish", "201")),
        *(("read_project", "200"), ("project_head", "200"), ("edit_project", "200")),
    }
    lists = {"board", "user_projects", "user_bookmarks", "comments", "rooms", "sessions"}
    assert named["Link"] == {(name, "200") for name in lists}


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("ask", {"200", "201"}),
        ("send", {"200", "201"}),
        ("catalogue", {"200", "304"}),
        ("sign_up", {"201"}),
        ("take_bookmark_off", {"200"}),
        ("leave", {"204"}),
        ("mark_read", {"204"}),
        ("ready", {"200"}),
    ],
)
def test_success_responses(openapi: Json, name: str, statuses: set[str]) -> None:
    answers = operation(openapi, name)["responses"]
    assert {status for status in answers if status < "400"} == statuses
    for status in statuses:
        assert ("content" in answers[status]) == (status in ("200", "201"))


def test_responses_to_head_have_no_body(openapi: Json) -> None:
    for response in operation(openapi, "project_head")["responses"].values():
        assert "content" not in response


def test_the_response_of_an_unready_process_lists_its_components(openapi: Json) -> None:
    unready = operation(openapi, "ready")["responses"]["503"]
    assert unready["content"]["application/json"]["schema"]["$ref"].endswith("/Health")
    assert "Retry-After" in unready["headers"]


def test_optional_parameters_are_not_nullable(openapi: Json) -> None:
    seen = 0
    for *_, one in operations(openapi):
        for parameter in one.get("parameters", []):
            seen += 1
            assert parameter["required"] == (parameter["in"] == "path")
            assert isinstance(parameter["schema"]["type"], str)
            assert parameter["in"] == "path" or parameter["description"]
            if parameter["name"] == "limit":
                assert parameter["schema"].keys() == {"type", "minimum", "maximum", "default"}
    assert seen > 40


def test_bounds(openapi: Json) -> None:
    parameters = {
        (one["operationId"], parameter["name"]): parameter["schema"]
        for *_, one in operations(openapi)
        for parameter in one.get("parameters", [])
    }
    assert parameters["board", "sort"] == {
        "type": "string",
        "enum": ["newest", "views", "popular"],
        "default": "newest",
    }
    assert parameters["board", "match"]["enum"] == ["any", "all"]
    assert parameters["board", "q"]["maxLength"] == 100
    assert parameters["messages", "limit"]["default"] == 50
    assert parameters["recommendations", "limit"]["maximum"] == 20
    schemas = openapi["components"]["schemas"]
    assert schemas["NewProject"]["properties"]["title"]["maxLength"] == 50
    assert schemas["SignUp"]["properties"]["password"]["minLength"] == 8
    assert schemas["SignUp"]["additionalProperties"] is False
    assert schemas["Message"]["properties"]["sent_at"]["format"] == "date-time"


def test_response_members_are_required_unless_requested(openapi: Json) -> None:
    schemas = openapi["components"]["schemas"]
    asked_for = {
        *(("ProjectCardList", "total"), ("CommentList", "total"), ("RoomList", "total")),
        ("SessionList", "total"),
        *(("Availability", "email"), ("Availability", "username"), ("Problem", "errors")),
        *(("InvalidMember", "pointer"), ("InvalidMember", "parameter")),
    }
    optional = {
        (name, member)
        for name, schema in schemas.items()
        if schema.get("type") == "object" and "additionalProperties" not in schema
        for member in schema["properties"].keys() - schema["required"]
    }
    assert optional == asked_for


# ----------------------------------------------------------------------------------- the addresses


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
