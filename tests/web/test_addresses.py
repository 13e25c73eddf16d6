"""The pages at different public addresses, and with limits."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from sidepro.web.cookies import is_cookie_exposed
from tests.api.client import ADDRESS, PASSWORD
from tests.api.fixtures import serving
from tests.web.pages import SAME_ORIGIN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.databases import Databases

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("public_url", "name", "attributes"),
    [
        ("https://sidepro.test", "__Host-sidepro", {"Path=/", "Secure"}),
        ("https://sidepro.test/club", "__Secure-sidepro", {"Path=/club", "Secure"}),
        ("http://sidepro.test", "sidepro", {"Path=/"}),
        ("http://sidepro.test/club", "sidepro", {"Path=/club"}),
    ],
)
async def test_the_session_cookie_fits_the_public_address(
    databases: Databases, tmp_path: Path, public_url: str, name: str, attributes: set[str]
) -> None:
    form = {"email": "a@example.com", "username": "하늘", "password": PASSWORD}
    with databases.fresh() as address:
        async with serving(address, tmp_path, public_url=public_url) as api:
            response = await api.http.post("/sign-up", data=form, headers=SAME_ORIGIN)

    assert (
        response.headers["Location"]
        == public_url.removeprefix("https:").removeprefix("http:").removeprefix("//sidepro.test")
        + "/"
    )
    cookie = next(c for c in response.headers.get_list("Set-Cookie") if c.startswith(f"{name}="))
    found = set(cookie.split("; ")[1:])
    assert {each for each in found if not each.startswith("Max-Age")} == {
        "HttpOnly",
        "SameSite=lax",
        *attributes,
    }
    assert f"Max-Age={90 * 24 * 3600}" in found


@pytest.mark.parametrize(
    ("before", "after", "is_same_cookie"),
    [
        ("https://one.example", "https://two.example", True),
        ("http://one.example", "https://one.example", False),
        ("https://one.example", "https://one.example/club", False),
    ],
)
async def test_a_changed_public_address_ends_no_session(
    databases: Databases, tmp_path: Path, before: str, after: str, is_same_cookie: bool
) -> None:
    """An app refreshes its tokens. A browser logs in again where the cookie has another name."""
    hosts = (urlsplit(ADDRESS).hostname or "",)
    account = {"email": "a@example.com", "password": PASSWORD}
    with databases.fresh() as address:
        async with serving(address, tmp_path, public_url=before, allowed_hosts=hosts) as api:
            form = {**account, "username": "하늘"}
            response = await api.http.post("/sign-up", data=form, headers=SAME_ORIGIN)
            cookie = response.headers["Set-Cookie"].partition(";")[0]
            tokens = (await api.http.post("/api/v1/sessions", json=account)).json()

        async with serving(address, tmp_path, public_url=after, allowed_hosts=hosts) as api:
            base = urlsplit(after).path
            page = await api.http.get(f"{base}/", headers={"Cookie": cookie})
            refreshed = await api.http.post(
                f"{base}/api/v1/sessions/refresh", json={"refresh_token": tokens["refresh_token"]}
            )
            bearer = {"Authorization": f"Bearer {refreshed.json()['access_token']}"}
            sessions = await api.http.get(f"{base}/api/v1/sessions", headers=bearer)

    assert (f'action="{base}/log-out"' in page.text) == is_same_cookie
    assert len(sessions.json()["items"]) == 2, "that of the browser, and that of the app"


@pytest.mark.parametrize(
    ("public_url", "is_exposed"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://localhost", False),
        ("https://sidepro.example", False),
        ("http://sidepro.example", True),
    ],
)
def test_cookies_without_tls_are_for_this_machine(public_url: str, is_exposed: bool) -> None:
    assert is_cookie_exposed(public_url) == is_exposed


async def test_links_have_the_path_of_the_public_address(
    databases: Databases, tmp_path: Path
) -> None:
    with databases.fresh() as address:
        async with serving(address, tmp_path, public_url="https://sidepro.test/club") as api:
            page = await api.http.get("/club/")
            typed = await api.http.get("/club")

    assert page.status_code == 200
    assert 'href="/club/log-in' in page.text
    assert 'href="/log-in' not in page.text
    assert (typed.status_code, typed.text) == (200, page.text)


async def test_a_limited_form_says_when_to_send_it_again_and_keeps_it(
    databases: Databases, tmp_path: Path
) -> None:
    form = {"email": "nobody@example.com", "password": "wrong password"}
    with databases.fresh() as address:
        async with serving(address, tmp_path, rate_limits=True) as api:
            for _ in range(10):
                await api.http.post("/log-in", data=form, headers=SAME_ORIGIN)
            response = await api.http.post("/log-in", data=form, headers=SAME_ORIGIN)

    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert 'name="email" value="nobody@example.com"' in response.text
    assert "wrong password" not in response.text


async def test_guesses_of_sessions_count_against_the_limit_of_their_address(
    databases: Databases, tmp_path: Path
) -> None:
    with databases.fresh() as address:
        async with serving(address, tmp_path, rate_limits=True) as api:
            await api.http.get("/chats", headers={"Cookie": "sidepro=a"})
            response = await api.http.get("/chats", headers={"Cookie": "sidepro=b"})

    assert response.status_code == 303
    assert ";r=598;" in response.headers["RateLimit"]
