"""Signing up, logging in and out by cookie."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.api.client import PASSWORD
from tests.databases import both_databases

if TYPE_CHECKING:
    import httpx

    from tests.api.client import Api

pytestmark = pytest.mark.anyio

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


async def post(api: Api, path: str, cookie: str = "", **fields: str) -> httpx.Response:
    """Posts a form as a page of the site does."""
    response = await api.http.post(path, data=fields, headers={**SAME_ORIGIN, "Cookie": cookie})
    api.http.cookies.clear()
    return response


async def get(api: Api, path: str, cookie: str = "") -> httpx.Response:
    response = await api.http.get(path, headers={"Cookie": cookie})
    api.http.cookies.clear()
    return response


def cookie_of(response: httpx.Response) -> str:
    """The session cookie that a response sets, as a browser sends it."""
    found = re.search(r"\bsidepro=([^;]*)", ", ".join(response.headers.get_list("Set-Cookie")))
    assert found, response.text
    return f"sidepro={found[1]}"


@both_databases
async def test_signing_up_logs_in(api: Api) -> None:
    form = {"email": "new@example.com", "username": "새사람", "password": PASSWORD}

    response = await post(api, "/sign-up", **form, next="/?q=x")

    assert (response.status_code, response.headers["Location"]) == (303, "/?q=x")
    page = await get(api, "/", cookie_of(response))
    assert 'action="/log-out"' in page.text
    assert page.headers["Cache-Control"] == "no-store"


async def test_a_form_that_fails_comes_back_with_what_was_typed(api: Api) -> None:
    form = {"email": "no-email", "username": "x", "password": "short"}

    response = await post(api, "/sign-up", **form)

    assert response.status_code == 422
    assert 'value="no-email"' in response.text
    assert 'id="email-error"' in response.text
    assert 'id="username-error"' in response.text
    assert 'id="password-error"' in response.text
    assert "short" not in response.text


@both_databases
async def test_logging_out_ends_the_session(api: Api) -> None:
    person = await api.sign_up()
    cookie = cookie_of(await post(api, "/log-in", email=person.email, password=PASSWORD))
    assert 'action="/log-out"' in (await get(api, "/", cookie)).text

    response = await post(api, "/log-out", cookie)

    assert response.status_code == 303
    assert 'action="/log-out"' not in (await get(api, "/", cookie)).text
