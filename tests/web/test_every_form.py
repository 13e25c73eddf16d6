"""What holds for every form of the pages: what was typed comes back, with what is wrong."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from litestar.routes import HTTPRoute

from sidepro.web.errors import is_page
from tests.api.client import PASSWORD
from tests.web.pages import SAFE, SAME_ORIGIN, cookie_of, get
from tests.web.posted_forms import (
    BUTTONS,
    FOR_SCRIPTS,
    FORMS,
    LONG,
    WITH_A_TOKEN,
    PostedForm,
    ReadPage,
    Scene,
    all_here,
    scene_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from tests.api.client import Api

pytestmark = pytest.mark.anyio


CONTRACT = Path(__file__).parents[1] / "api" / "contract" / "openapi.json"

MEMBERS = {
    name
    for schema in json.loads(CONTRACT.read_text("utf-8"))["components"]["schemas"].values()
    for name in schema.get("properties", {})
}
"""The members of all shapes of the API."""

OF_THE_PAGES_ALONE = {"confirmed", "target", "revision"}
"""A checkbox, a report's target with its room, and the ETag of a project."""


@pytest.fixture(scope="module")
async def scene(api: Api) -> Scene:
    """No test changes it: each form fails."""
    return await scene_of(api)


def general(path: str) -> str:
    """A path with the same name for every id, without its type."""
    return re.sub(r"\{[^}]*\}", "{}", path)


async def posted(
    api: Api, path: str, cookie: str, fields: Mapping[str, str | Sequence[str]]
) -> httpx.Response:
    response = await api.http.post(path, data=fields, headers={**SAME_ORIGIN, "Cookie": cookie})
    api.http.cookies.clear()
    return response


async def test_every_route_that_takes_a_form_is_listed(api: Api) -> None:
    routes = {
        general(route.path)
        for route in api.app.routes
        if isinstance(route, HTTPRoute) and is_page(route.path) and route.methods - SAFE
    }
    listed = {form.path for form in FORMS} | BUTTONS | FOR_SCRIPTS | WITH_A_TOKEN
    assert {general(path) for path in listed} == routes


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_fields_of_a_form_are_named_as_members_of_the_api(form: PostedForm) -> None:
    names = {*form.typed, *form.chosen, *form.wrong}
    assert names - MEMBERS - OF_THE_PAGES_ALONE == set()


@pytest.mark.parametrize("form", FORMS, ids=str)
async def test_a_form_that_fails_comes_back_with_its_texts_and_errors(
    api: Api, scene: Scene, form: PostedForm
) -> None:
    response = await posted(api, scene.path(form), scene.cookies[form.viewer], scene.fields(form))

    assert response.status_code == form.status, response.text
    page = ReadPage(response.text)
    for name, text in scene.texts(form).items():
        assert page.fields[name][-1] == text, name
    for name in form.wrong:
        assert {name, f"{name}-error"} <= page.ids, name
        assert f"#{name}" in page.links, name
    assert page.summary
    assert "autofocus" in page.summary
    assert page.summary["tabindex"] == "-1"
    assert "wrong password" not in response.text


@pytest.mark.parametrize("form", FORMS, ids=str)
async def test_the_page_of_a_form_that_fails_has_an_address_to_come_back_to(
    api: Api, scene: Scene, form: PostedForm
) -> None:
    cookie = scene.cookies[form.viewer]
    failed = await posted(api, scene.path(form), cookie, scene.fields(form))
    (here,) = re.findall(r'<form id="here".*?name="next" value="([^"]*)"', failed.text)

    page = await get(api, unescape(here), cookie)
    while page.is_redirect:
        page = await get(api, page.headers["Location"], cookie)

    assert page.status_code == 200


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form.has_texts and not form.is_short_with_password], ids=str
)
async def test_the_texts_of_a_form_that_fails_stay_when_another_language_is_chosen(
    api: Api, scene: Scene, form: PostedForm
) -> None:
    cookie = scene.cookies[form.viewer]
    failed = await posted(api, scene.path(form), cookie, scene.fields(form))

    chosen = await posted(api, "/preferences", cookie, {**all_here(failed.text), "language": "en"})

    assert chosen.status_code == 200
    assert '<html lang="en"' in chosen.text
    cookie += "; sidepro-language=en"
    (action,) = re.findall(r'<form class="stack" method="post" action="([^"]*)"', chosen.text)
    again = await posted(api, action, cookie, ReadPage(chosen.text).fields)
    assert '<html lang="en"' in again.text
    page = ReadPage(again.text)
    for name, text in scene.texts(form).items():
        assert page.fields[name][-1] == text, name


@pytest.mark.parametrize("form", [form for form in FORMS if form.is_short_with_password], ids=str)
async def test_a_short_form_with_a_password_is_empty_when_another_language_is_chosen(
    api: Api, scene: Scene, form: PostedForm
) -> None:
    cookie = scene.cookies[form.viewer]
    failed = await posted(api, scene.path(form), cookie, scene.fields(form))
    fields = all_here(failed.text)
    chosen = await posted(api, "/preferences", cookie, {**fields, "language": "en"})
    assert chosen.headers["Location"] == fields["next"][0]


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form.viewer and form.has_texts], ids=str
)
async def test_a_form_goes_on_after_its_session_ended_and_the_person_logged_in(
    api: Api, scene: Scene, form: PostedForm
) -> None:
    person = scene.people[str(form.viewer)]
    refused = await posted(api, scene.path(form), "", scene.fields(form))
    assert refused.status_code == 401
    log_in = ReadPage(refused.text).fields
    logged_in = await posted(
        api, "/log-in", "", {**log_in, "email": person.email, "password": PASSWORD}
    )
    (action,) = re.findall(r'<form class="stack" method="post" action="([^"]*)"', logged_in.text)
    resumed = ReadPage(logged_in.text).fields
    if any(LONG[:20] in text for text in scene.texts(form).values()):
        assert LONG[:20] in "".join(re.findall("<blockquote.*?</blockquote>", logged_in.text))

    again = await posted(api, action, cookie_of(logged_in), resumed)

    page = ReadPage(again.text)
    for name, text in scene.texts(form).items():
        assert page.fields[name][-1] == text, name
