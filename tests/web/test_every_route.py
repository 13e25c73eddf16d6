"""What holds for every route of the pages."""

from __future__ import annotations

import re

import pytest

from sidepro.web.display.renderer import FOLDER
from tests.api.client import ADDRESS, Api
from tests.web.pages import SAFE, SAME_ORIGIN, call, get, log_in, post, routes

pytestmark = pytest.mark.anyio

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

FOR_ANYBODY = ("'/log-in'", "'/log-out'", "'/sign-up'", "shown.form.path")
"""The addresses of forms that do not depend on who is logged in."""

MAIL_PAGES = {"/password-reset", "/email-verification", "/unsubscribe"}
"""They send no referrer, as their addresses have tokens. So browsers that send no
`Sec-Fetch-Site` name their origin `null`.
"""

ENDING = {"/log-out", "/me/sessions/end-all"}
"""They end the session."""


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": ADDRESS},
        {"Sec-Fetch-Site": "none", "Origin": ADDRESS},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{ADDRESS}.evil.example"},
    ],
    ids=str,
)
async def test_an_unsafe_request_from_elsewhere_is_refused(
    api: Api, headers: dict[str, str]
) -> None:
    unsafe = [route for route in routes(api) if route[0] not in SAFE]
    assert ("POST", "/log-in") in unsafe
    for method, path in unsafe:
        if path == "/unsubscribe":
            continue  # authorised by its token, as mail programs send it
        if path in MAIL_PAGES and headers == {"Origin": "null"}:
            continue
        response = await call(api, method, path, headers, {"next": "/"})
        assert response.status_code == 403, (method, path)


@pytest.mark.parametrize("headers", [SAME_ORIGIN, {"Origin": ADDRESS}], ids=str)
async def test_an_unsafe_request_from_the_site_is_served(
    api: Api, headers: dict[str, str]
) -> None:
    for method, path in routes(api):
        if method not in SAFE:
            response = await call(api, method, path, headers, {"next": "/"})
            assert response.status_code != 403, (method, path)


@pytest.mark.parametrize("logged_in", [False, True])
async def test_every_page_has_the_security_headers(api: Api, logged_in: bool) -> None:
    cookie = await log_in(api, await api.sign_up()) if logged_in else ""
    for method, path in routes(api):
        if path.startswith("/static") or path == "/favicon.ico":
            continue
        headers = {**SAME_ORIGIN, "Cookie": "" if path in ENDING else cookie}
        response = await call(api, method, path, headers)
        assert response.status_code < 500, (method, path)
        assert response.headers["Content-Security-Policy"] == POLICY, path
        assert response.headers["Referrer-Policy"] in (
            "strict-origin-when-cross-origin",
            "no-referrer",
        )
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Request-ID"]
        is_public = not logged_in and response.status_code == 200
        if not is_public:
            assert response.headers["Cache-Control"] == "no-store", path


async def test_every_redirect_is_a_path_of_this_site(api: Api) -> None:
    cookie = await log_in(api, await api.sign_up())
    found = set()
    for method, path in routes(api):
        headers = {**SAME_ORIGIN, "Cookie": "" if path in ENDING else cookie}
        response = await call(api, method, path, headers, {} if method in SAFE else {"next": "/"})
        if response.is_redirect:
            found.add(path)
            assert re.match("/(?!/)", response.headers["Location"]), (method, path)
    assert {"/preferences", "/log-in", "/me/sessions/end-others"} <= found


def test_every_form_that_posts_has_its_viewer() -> None:
    for path in FOLDER.glob("**/*.html"):
        forms = [part.partition("</form>")[0] for part in path.read_text().split("<form")[1:]]
        for form in forms:
            if 'method="post"' in form and not any(action in form for action in FOR_ANYBODY):
                assert "{{ page.viewer_field }}" in form, path.name


async def test_the_api_takes_no_cookie(api: Api) -> None:
    cookie = await log_in(api, await api.sign_up())
    for method, path in routes(api, pages=False):
        if path.startswith("/api/v1"):
            anonymous = await api.http.request(method, path)
            with_cookie = await call(api, method, path, {"Cookie": cookie, **SAME_ORIGIN})
            assert with_cookie.status_code == anonymous.status_code, (method, path)
    assert 'action="/log-out"' in (await get(api, "/", cookie)).text


async def test_the_pages_take_no_token(api: Api) -> None:
    person = await api.sign_up()
    for method, path in routes(api):
        if not path.startswith("/static"):
            headers = {**SAME_ORIGIN, **person.headers}
            response = await call(api, method, path, headers)
            assert 'action="/log-out"' not in response.text, (method, path)


async def test_a_page_that_needs_a_person_leads_back_after_logging_in(api: Api) -> None:
    person = await api.sign_up()

    response = await post(api, "/log-in", email=person.email, password="wrong", next="/chats?a=1")

    assert response.status_code == 401
    assert 'value="/chats?a=1"' in response.text
