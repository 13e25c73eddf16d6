"""Field errors have stable codes with parameters; each problem has a page that explains it."""

from collections.abc import Iterator
from typing import Any

import pytest

from sidepro.domain.errors import SideProError
from sidepro.domain.violations import FieldCode
from sidepro.http.problems.documents import BAD_HOST, ORIGIN_DENIED, REJECTIONS
from sidepro.http.problems.pages import EXPLANATIONS
from sidepro.server.http_protocol import REFUSALS
from tests.api.client import UNKNOWN_ID, Api, ApiUser, Json, project

pytestmark = pytest.mark.anyio

EMOJI = "\N{GRINNING FACE}"


@pytest.fixture(scope="module")
async def user(api: Api) -> ApiUser:
    return await api.sign_up()


@pytest.mark.parametrize(
    ("over", "code", "params"),
    [
        ({"title": "x" * 51}, "too-long", {"max": 50}),
        ({"summary": "x" * 61}, "too-long", {"max": 60}),
        ({"title": EMOJI * 51}, "too-long", {"max": 50}),
        ({"title": " "}, "blank", {}),
        ({"title": "a\nb"}, "not-one-line", {}),
        ({"title": 7}, "wrong-type", {"expected": "a string"}),
        ({"thumbnail_id": "x"}, "wrong-type", {"expected": "a UUID"}),
        ({"thumbnail_id": UNKNOWN_ID}, "not-yours", {}),
        ({"content": "a\0b"}, "bad-characters", {}),
        ({"skills": []}, "too-few", {"min": 1}),
        ({"skills": ["COBOL 2000"]}, "not-in-catalogue", {}),
        ({"skills": ["Python", "Python"]}, "repeated", {}),
        ({"repository_url": "ftp://x"}, "not-a-url", {}),
        ({"nothing": 1}, "unknown-field", {}),
    ],
)
async def test_fields_of_a_project(
    api: Api, user: ApiUser, over: Json, code: str, params: Json
) -> None:
    response = await api.send("POST", "/projects", project(**over), by=user)

    (error,) = response.json()["errors"]
    assert (error["code"], error["params"]) == (code, params)


@pytest.mark.parametrize(
    ("body", "code", "params"),
    [
        ({"email": "x"}, "not-an-email", {}),
        ({"username": "x"}, "too-short", {"min": 2}),
        ({"username": "x" * 31}, "too-long", {"max": 30}),
        ({"username": "a b"}, "bad-characters", {}),
        ({"username": "admin"}, "reserved", {}),
        ({"username": "p\u0430ypal"}, "mixed-scripts", {}),
        ({"password": "x"}, "too-short", {"min": 8}),
        ({"password": "password"}, "common", {}),
        ({"password": None}, "wrong-type", {"expected": "a string"}),
    ],
)
async def test_fields_of_an_account(api: Api, body: Json, code: str, params: Json) -> None:
    account = {"email": "new@example.com", "username": "new", "password": "밤하늘-별빛-2026"}

    response = await api.send("POST", "/users", {**account, **body})

    (error,) = response.json()["errors"]
    assert (error["code"], error["params"]) == (code, params)


@pytest.mark.parametrize(
    ("query", "code", "params"),
    [
        ("limit=0", "too-small", {"min": 1}),
        ("limit=101", "too-large", {"max": 100}),
        ("limit=x", "wrong-type", {"expected": "an integer"}),
        ("sort=best", "not-a-choice", None),
        ("author=x", "wrong-type", {"expected": "a UUID"}),
        ("author=null", "missing", {}),
        ("skill=COBOL+2000", "not-in-catalogue", {}),
        ("q=" + "x" * 101, "too-long", {"max": 100}),
        ("nothing=1", "unknown-parameter", {}),
        ("limit=1&limit=2", "repeated", {}),
    ],
)
async def test_query_parameters(api: Api, query: str, code: str, params: Json | None) -> None:
    response = await api.send("GET", f"/projects?{query}")

    (error,) = response.json()["errors"]
    assert error["code"] == code
    if params is None:
        assert "newest" in error["params"]["choices"]
    else:
        assert error["params"] == params


async def test_the_document_lists_the_codes(api: Api) -> None:
    schemas = (await api.send("GET", "//api/openapi.json")).json()["components"]["schemas"]

    assert set(schemas["FieldCode"]["enum"]) == set(FieldCode)
    assert schemas["Problem"]["properties"]["code"]["enum"] == sorted(EXPLANATIONS)


# ----------------------------------------------------------------------------------------- pages


def leaves(kind: type[SideProError]) -> Iterator[type[SideProError]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith("sidepro."):
            if "code" in vars(child):
                yield child
            yield from leaves(child)


def test_every_problem_is_explained() -> None:
    codes = {kind.code for kind in leaves(SideProError)} | {"internal"}
    codes |= {code for code, _ in (*REJECTIONS.values(), *REFUSALS.values())}
    codes |= {BAD_HOST[1], ORIGIN_DENIED[1]}

    assert codes == set(EXPLANATIONS)


@pytest.mark.parametrize("code", EXPLANATIONS)
async def test_a_problem_has_a_page_without_scripts_and_styles(api: Api, code: str) -> None:
    page = await api.send("GET", f"//problems/{code}")

    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert f"<h1><code>{code}</code></h1>" in page.text
    for forbidden in ("<script", "<style", "style=", "<link", "<img", "://"):
        assert forbidden not in page.text


@pytest.mark.parametrize("code", ["nothing", "INVALID", "invalid.html"])
async def test_an_unknown_problem_has_no_page(api: Api, code: str) -> None:
    await api.refused(404, "not-found", "GET", f"//problems/{code}")


async def test_the_page_of_invalid_input_lists_the_codes_of_fields(api: Api) -> None:
    page: Any = await api.send("GET", "//problems/invalid")

    for code in FieldCode:
        assert f"<code>{code}</code>" in page.text
