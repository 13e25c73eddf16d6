"""A project's page and its comments over HTTP."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.api.client import UNKNOWN_ID
from tests.api.schemas import CARD
from tests.databases import both_databases
from tests.web.pages import SAME_ORIGIN, call, get, log_in, post

if TYPE_CHECKING:
    from tests.api.client import Api, Json

pytestmark = pytest.mark.anyio


async def views(api: Api, project: Json) -> int:
    """The views of a project so far."""
    found = await api.page(CARD, "/projects", author=project["author"]["id"])
    (count,) = [each["view_count"] for each in found["items"] if each["id"] == project["id"]]
    return int(count)


def comments(text: str) -> list[str]:
    """The ids of the comments in a page."""
    return re.findall(r'id="comment-([0-9a-f-]{36})"', text)


async def test_anybody_reads_a_project_and_is_led_to_log_in(api: Api) -> None:
    author = await api.sign_up()
    project = await api.publish(author, content="# 소개\n\n여러 **모임**")
    comment = await api.comment(author, project, "<b>첫째</b>")

    response = await get(api, f"/projects/{project['id']}")

    assert "<strong>모임</strong>" in response.text
    assert "&lt;b&gt;첫째&lt;/b&gt;" in response.text
    assert comments(response.text) == [comment["id"]]
    assert f"/log-in?next=%2Fprojects%2F{project['id']}" in response.text
    assert "<textarea" not in response.text


@pytest.mark.parametrize("rest", ["", "/delete", f"/comments/{UNKNOWN_ID}/edit"])
async def test_a_project_that_is_gone_is_a_page_that_is_not_found(api: Api, rest: str) -> None:
    cookie = await log_in(api, await api.sign_up())

    assert (await get(api, f"/projects/{UNKNOWN_ID}{rest}", cookie)).status_code == 404


@both_databases
async def test_a_view_is_counted_when_somebody_comes_to_read(api: Api) -> None:
    project = await api.publish(await api.sign_up())
    path = f"/projects/{project['id']}"

    await api.http.head(path)
    await call(api, "GET", path, {"Sec-Purpose": "prefetch;prerender"})
    await call(api, "GET", path, {"Referer": f"http://sidepro.test{path}"})
    await call(api, "GET", path, {"Referer": f"http://sidepro.test{path}?cursor=x"})
    assert await views(api, project) == 0

    await get(api, path)
    await call(api, "GET", path, {"Referer": "http://sidepro.test/"})
    assert await views(api, project) == 2


async def test_head_has_no_length_but_the_other_headers_of_the_page(api: Api) -> None:
    path = f"/projects/{(await api.publish(await api.sign_up()))['id']}"
    got, head = await api.http.get(path), await api.http.head(path)

    assert head.content == b""
    for name in ("Content-Type", "Cache-Control", "Vary", "Content-Security-Policy"):
        assert head.headers[name] == got.headers[name]
    assert head.headers.get("Content-Length") in (None, got.headers["Content-Length"])


async def test_a_bookmark_goes_on_and_off_and_back_to_the_page(api: Api) -> None:
    project = await api.publish(await api.sign_up())
    cookie = await log_in(api, await api.sign_up())
    path = f"/projects/{project['id']}"

    response = await post(api, f"{path}/bookmark", cookie, bookmarked="true", next="/?q=x")
    assert (response.status_code, response.headers["Location"]) == (303, "/?q=x")
    assert 'aria-pressed="true"' in (await get(api, path, cookie)).text

    headers = {**SAME_ORIGIN, "Cookie": cookie, "Accept": "application/json"}
    response = await call(api, "POST", f"{path}/bookmark", headers, {"bookmarked": "false"})
    assert response.json() == {"bookmarked": False, "count": "0"}


async def test_a_bookmark_without_a_session_goes_on_after_logging_in(api: Api) -> None:
    project = await api.publish(await api.sign_up())

    response = await post(api, f"/projects/{project['id']}/bookmark", bookmarked="true", next="/")

    assert response.status_code == 401
    assert 'name="unsent.bookmarked" value="true"' in response.text


@both_databases
async def test_a_comment_is_written_edited_and_deleted_by_forms(api: Api) -> None:
    project = await api.publish(await api.sign_up())
    cookie = await log_in(api, await api.sign_up())
    path = f"/projects/{project['id']}"

    response = await post(api, f"{path}/comments", cookie, body="첫째\r\n줄")
    assert response.status_code == 303
    page = await get(api, response.headers["Location"], cookie)
    (identity,) = comments(page.text)
    assert response.headers["Location"].endswith(f"#comment-{identity}")
    assert "첫째\n줄" in page.text

    edit = f"{path}/comments/{identity}/edit"
    assert "첫째\n줄</textarea>" in (await get(api, edit, cookie)).text
    response = await post(api, edit, cookie, body="둘째", next=path)
    assert response.headers["Location"] == f"{path}#comment-{identity}"
    assert "둘째" in (await get(api, path, cookie)).text

    delete = f"{path}/comments/{identity}/delete"
    assert "둘째" in (await get(api, delete, cookie)).text
    assert (await post(api, delete, cookie, next=path)).status_code == 303
    assert comments((await get(api, path, cookie)).text) == []


@both_databases
async def test_a_comment_whose_form_is_sent_twice_is_written_once(api: Api) -> None:
    project = await api.publish(await api.sign_up())
    cookie = await log_in(api, await api.sign_up())
    path = f"/projects/{project['id']}"
    key = re.search(r'name="idempotency_key" value="([^"]+)"', (await get(api, path, cookie)).text)
    assert key
    form = {"idempotency_key": key[1], "body": "첫째"}

    first, again = [await post(api, f"{path}/comments", cookie, **form) for _ in range(2)]
    assert again.headers["Location"] == first.headers["Location"]
    assert len(comments((await get(api, path, cookie)).text)) == 1

    # Somebody goes back, and writes another comment into the same form.
    await post(api, f"{path}/comments", cookie, **{**form, "body": "둘째"})
    assert len(comments((await get(api, path, cookie)).text)) == 2


async def test_a_wrong_comment_comes_back_with_its_text(api: Api) -> None:
    author = await api.sign_up()
    project = await api.publish(author)
    comment = await api.comment(author, project)
    cookie = await log_in(api, author)
    path = f"/projects/{project['id']}/comments"

    for address in (path, f"{path}/{comment['id']}/edit"):
        response = await post(api, address, cookie, body="x" * 2001)
        assert response.status_code == 422
        assert 'id="body-error"' in response.text
        assert "x" * 2001 in response.text


async def test_many_comments_are_on_pages_and_a_new_one_is_on_the_last(api: Api) -> None:
    author = await api.sign_up()
    project = await api.publish(author)
    made = [(await api.comment(author, project))["id"] for _ in range(35)]
    path = f"/projects/{project['id']}"

    first = (await get(api, path)).text
    assert comments(first) == made[:30]
    onward = re.search(r'rel="next" href="([^"#]*)', first)
    assert onward
    assert comments((await get(api, onward[1])).text) == made[30:]

    response = await post(api, f"{path}/comments", await log_in(api, author), body="새 댓글")
    last = (await get(api, response.headers["Location"])).text
    assert comments(last)[:-1] == made[6:]


async def test_new_comments_come_after_those_on_the_page(api: Api) -> None:
    author = await api.sign_up()
    project = await api.publish(author)
    await api.comment(author, project)
    page = (await get(api, f"/projects/{project['id']}")).text
    newer = re.search(r'data-newer="([^"]*)"', page)
    assert newer
    assert (await get(api, newer[1])).status_code == 204

    new = [(await api.comment(author, project))["id"] for _ in range(2)]

    part = (await get(api, newer[1])).text
    assert comments(part) == new
    assert "새 댓글 2개" in part
    onward = re.search(r'data-newer="([^"]*)"', part)
    assert onward
    assert (await get(api, onward[1])).status_code == 204


async def test_menus_of_new_comments_lead_back_to_the_page(api: Api) -> None:
    author, commenter = await api.sign_up(), await api.sign_up()
    cookie = await log_in(api, author)
    project = await api.publish(author)
    path = f"/projects/{project['id']}"
    newer = re.search(r'data-newer="([^"]*)"', (await get(api, path, cookie)).text)
    assert newer
    for person in (author, commenter):
        await api.comment(person, project)

    part = (await get(api, newer[1], cookie)).text

    places = re.findall(r'href="[^"]*[?;](next|going_to)=([^"&]*)"', part)
    assert set(places) == {("next", path), ("going_to", path)}


async def test_forms_are_for_those_who_may_use_them(api: Api) -> None:
    author, commenter, stranger = [await api.sign_up() for _ in range(3)]
    project = await api.publish(author)
    comment = await api.comment(commenter, project)
    path = f"/projects/{project['id']}"
    a_comment = f"{path}/comments/{comment['id']}"
    allowed = {
        author: {f"{path}/delete", f"{a_comment}/delete"},
        commenter: {f"{a_comment}/edit", f"{a_comment}/delete"},
        stranger: set(),
    }

    for person, addresses in allowed.items():
        cookie = await log_in(api, person)
        page = (await get(api, path, cookie)).text
        for address in (f"{path}/delete", f"{a_comment}/edit", f"{a_comment}/delete"):
            is_allowed = address in addresses
            assert (address in page) == is_allowed
            assert (await get(api, address, cookie)).status_code == (200 if is_allowed else 403)
            if not is_allowed:
                response = await post(api, address, cookie, body="x")
                assert response.status_code == 403
        asks = f'name="user_id" value="{author.id}"' in page
        assert asks == (person is not author)
    for address in (f"{path}/delete", f"{a_comment}/edit", f"{a_comment}/delete"):
        assert (await get(api, address)).headers["Location"].startswith("/log-in?next=")


async def test_administrators_remove_what_others_wrote_with_password_and_reason(
    api: Api,
) -> None:
    author, administrator = await api.sign_up(), await api.administrator()
    project = await api.publish(author)
    comment = await api.comment(author, project)
    path, cookie = f"/projects/{project['id']}", await log_in(api, administrator)
    removals = {
        f"{path}/delete": f"/operator/projects/{project['id']}/remove",
        f"{path}/comments/{comment['id']}/delete": f"/operator/comments/{comment['id']}/remove",
    }

    page = (await get(api, path, cookie)).text
    for address, removal in removals.items():
        assert address not in page
        assert f'"{removal}?next=' in page
        for answer in (await get(api, address, cookie), await post(api, address, cookie)):
            assert answer.headers["Location"].startswith(removal)
    assert comment["id"] in (await get(api, path, cookie)).text


async def test_a_project_is_deleted_after_a_question(api: Api) -> None:
    author = await api.sign_up()
    project = await api.publish(author, title="지울 것")
    cookie = await log_in(api, author)
    path = f"/projects/{project['id']}"
    assert "지울 것" in (await get(api, f"{path}/delete", cookie)).text

    assert (await post(api, f"{path}/delete", cookie)).headers["Location"] == "/"

    assert (await get(api, path, cookie)).status_code == 404


async def test_a_preview_of_a_project_has_full_addresses(api: Api) -> None:
    author = await api.sign_up()
    project = await api.publish(author, title="</script><b>", repository_url="https://e.org/x")
    address = f"http://sidepro.test/projects/{project['id']}"

    text = (await get(api, f"/projects/{project['id']}")).text

    assert f'<link rel="canonical" href="{address}">' in text
    assert f'<meta property="og:url" content="{address}">' in text
    data = re.search(r'<script type="application/ld\+json">(.*?)</script>', text)
    assert data
    document = json.loads(data[1])
    assert document["name"] == "</script><b>"
    assert document["url"] == address
    assert document["codeRepository"] == "https://e.org/x"
