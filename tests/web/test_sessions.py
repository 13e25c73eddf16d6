"""Signing up, logging in and out by cookie."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.api.client import PASSWORD
from tests.databases import both_databases
from tests.web.pages import cookie_of, get, log_in, post

if TYPE_CHECKING:
    from tests.api.client import Api

pytestmark = pytest.mark.anyio


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
    cookie = await log_in(api, person)
    assert 'action="/log-out"' in (await get(api, "/", cookie)).text

    response = await post(api, "/log-out", cookie)

    assert response.status_code == 303
    assert 'action="/log-out"' not in (await get(api, "/", cookie)).text


@both_databases
async def test_the_session_is_in_the_list_and_ends_with_it(api: Api) -> None:
    person = await api.sign_up()
    cookie = await log_in(api, person)
    listed = (await api.send("GET", "/sessions", by=person)).json()["items"]
    ours = next(session["id"] for session in listed if not session["current"])

    assert (await api.send("DELETE", f"/sessions/{ours}", by=person)).status_code == 204

    assert 'action="/log-out"' not in (await get(api, "/", cookie)).text


async def test_a_changed_password_ends_the_session(api: Api) -> None:
    person = await api.sign_up()
    cookie = await log_in(api, person)
    body = {"current_password": PASSWORD, "new_password": f"{PASSWORD} anew"}

    assert (await api.send("PUT", "/me/password", body, by=person)).status_code == 204

    assert 'action="/log-out"' not in (await get(api, "/", cookie)).text


async def test_wrong_credentials_come_back_with_the_email(api: Api) -> None:
    response = await post(api, "/log-in", email="nobody@example.com", password="wrong password")

    assert response.status_code == 401
    assert 'value="nobody@example.com"' in response.text
    assert "wrong password" not in response.text


async def test_what_was_being_sent_goes_on_after_logging_in(api: Api) -> None:
    person = await api.sign_up()
    unsent = {"unsent-action": "/projects/1/comments", "unsent.body": "쓰던 <댓글>"}

    wrong = await post(api, "/log-in", email=person.email, password="wrong", **unsent)
    assert 'name="unsent.body" value="쓰던 &lt;댓글&gt;"' in wrong.text
    right = await post(api, "/log-in", email=person.email, password=PASSWORD, **unsent)

    assert right.status_code == 200
    assert 'action="/projects/1/comments"' in right.text
    assert 'name="body" value="쓰던 &lt;댓글&gt;"' in right.text
    assert right.headers["Cache-Control"] == "no-store"


async def test_a_form_is_not_posted_as_somebody_who_logged_in_meanwhile(api: Api) -> None:
    project = await api.publish(await api.sign_up())
    person, other = await api.sign_up(), await api.sign_up()
    path = f"/projects/{project['id']}"
    opened = await get(api, path, await log_in(api, person))
    assert opened.text.count(f'name="viewer" value="{person.id}"') >= 2
    theirs = await log_in(api, other)

    refused = await post(api, f"{path}/comments", theirs, body="내 댓글", viewer=person.id)

    assert refused.status_code == 401
    assert 'name="unsent.body" value="내 댓글"' in refused.text
    assert f'value="{other.id}"' not in refused.text
    assert (await api.send("GET", path)).json()["comment_count"] == 0
    own = await post(api, f"{path}/comments", theirs, body="내 댓글", viewer=other.id)
    assert own.status_code == 303
    button = await post(api, "/me/sessions/end-all", theirs, viewer=person.id)
    assert button.headers["Location"] == "/log-in?next=%2F"
    assert (await get(api, "/me", theirs)).status_code == 200


async def test_the_form_asks_whether_a_name_is_free(api: Api) -> None:
    person = await api.sign_up()

    taken = await get(api, f"/sign-up/availability?username={person.username}")
    invalid = await get(api, "/sign-up/availability?username=-")

    assert taken.json()["username"] == {"free": False, "text": "이미 있는 닉네임이에요."}
    assert invalid.status_code == 422
    assert invalid.json()["errors"]["username"]


async def test_logging_in_again_ends_the_session_that_the_browser_had(api: Api) -> None:
    person, other = await api.sign_up(), await api.sign_up()
    cookie = await log_in(api, person)

    await post(api, "/log-in", cookie, email=other.email, password=PASSWORD)

    assert (await get(api, "/chats", cookie)).status_code == 303


async def test_a_page_of_no_address_does_not_ask_the_logged_in_to_log_in(api: Api) -> None:
    cookie = await log_in(api, await api.sign_up())

    with_session, without = await get(api, "/nowhere", cookie), await get(api, "/nowhere")

    assert (with_session.status_code, without.status_code) == (404, 404)
    assert 'href="/log-in"' not in with_session.text
    assert 'href="/log-in"' in without.text


async def test_a_page_does_not_wait_to_store_the_use_of_its_session(fresh_api: Api) -> None:
    person = await fresh_api.sign_up()
    cookie = await log_in(fresh_api, person)
    path = str(fresh_api.container.database.engine.url.database)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        yesterday = "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-1 day')"
        other.execute(f"UPDATE sessions SET last_used_at = {yesterday}")
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        page = await get(fresh_api, "/", cookie)
        assert time.monotonic() - started < 5.0  # the database would wait for 30
    assert person.username in page.text
