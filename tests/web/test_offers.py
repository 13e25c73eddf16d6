"""What a page offers can be done: no link of it leads to an error, whatever happened before."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from tests.api.client import PASSWORD
from tests.api.moderation.reporting import (
    case_of,
    decide,
    moderator,
    of_comment,
    of_message,
    report,
)
from tests.api.schemas import MESSAGE
from tests.web.pages import get, log_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.client import Api, ApiUser, Json

pytestmark = pytest.mark.anyio


def links(page: str) -> Iterator[str]:
    """The local addresses of the links of a page or of a part of one, without its templates."""
    shown = re.sub("<template.*?</template>", "", page, flags=re.DOTALL)
    for address in re.findall(r'<a\b[^>]*?\shref="(/[^"#]*)', shown):
        yield unescape(address)


async def refused(api: Api, path: str, cookie: str) -> dict[str, int]:
    """The links of a page that lead to an error, with its status."""
    page = await get(api, path, cookie)
    assert page.status_code == 200, page.text
    found = {}
    for address in sorted(set(links(page.text))):
        answer = await get(api, address, cookie)
        while answer.is_redirect:
            answer = await get(api, answer.headers["Location"], cookie)
        if answer.status_code != 200:
            found[address] = answer.status_code
    return found


async def newer_than(api: Api, project: Json, cookie: str) -> str:
    """The address that the script of a project's page asks for newer comments."""
    page = await get(api, f"/projects/{project['id']}", cookie)
    (address,) = re.findall(r'data-newer="([^"]*)"', page.text)
    return unescape(address)


async def message_of(api: Api, sender: ApiUser, room: Json) -> Json:
    path = f"/rooms/{room['id']}/messages"
    return await api.ok(MESSAGE, "POST", path, {"body": "안녕하세요"}, by=sender, status=201)


async def test_no_link_to_edit_an_own_comment_is_offered_during_a_block(api: Api) -> None:
    author, commenter = await api.sign_up(), await api.sign_up()
    project = await api.publish(author)
    cookie = await log_in(api, commenter)
    newer = await newer_than(api, project, cookie)
    comment = await api.comment(commenter, project)
    await api.send("PUT", f"/me/blocks/{commenter.id}", by=author)

    for path in (newer, f"/projects/{project['id']}"):
        assert comment["id"] in (await get(api, path, cookie)).text
        assert await refused(api, path, cookie) == {}


async def test_hidden_messages_and_comments_are_not_offered_for_reports(api: Api) -> None:
    author, other, judge = await api.sign_up(), await api.sign_up(), await moderator(api)
    project, room = await api.publish(author), await api.room(author, other)
    comment, message = await api.comment(other, project), await message_of(api, other, room)
    await message_of(api, other, room)
    for target in (of_comment(comment), of_message(message)):
        await report(api, author, target)
        await decide(api, judge, await case_of(api, judge, target), "hide")

    for viewer in (author, other, judge):
        cookie = await log_in(api, viewer)
        assert await refused(api, f"/projects/{project['id']}", cookie) == {}
        if viewer is not judge:
            assert await refused(api, f"/chats/{room['id']}", cookie) == {}


async def test_a_room_whose_partner_withdrew_offers_only_what_can_be_done(api: Api) -> None:
    one, other = await api.sign_up(), await api.sign_up()
    room = await api.room(one, other)
    await message_of(api, other, room)
    await api.send("DELETE", "/me", {"password": PASSWORD}, by=other)

    cookie = await log_in(api, one)

    for path in (f"/chats/{room['id']}", "/chats"):
        assert await refused(api, path, cookie) == {}


@pytest.mark.parametrize("policy", ["open", "request", "closed"])
async def test_a_person_offers_only_what_can_be_done(api: Api, policy: str) -> None:
    one, other = await api.sign_up(), await api.sign_up(chat_policy=policy)
    cookie = await log_in(api, one)
    path = f"/people/{other.username}"
    assert await refused(api, path, cookie) == {}
    for blocker, blocked in ((one, other), (other, one)):
        await api.send("PUT", f"/me/blocks/{blocked.id}", by=blocker)
        assert await refused(api, path, cookie) == {}
