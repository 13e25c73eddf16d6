"""The pages of chat requests, of who may ask, and of blocks, without a browser."""

from __future__ import annotations

import pytest

from tests.api.client import Api, ApiUser
from tests.api.schemas import CHAT_REQUEST, ROOM
from tests.web.pages import get, log_in, post

pytestmark = pytest.mark.anyio


async def strangers(api: Api) -> tuple[tuple[ApiUser, str], tuple[ApiUser, str]]:
    """Two people who take chats on request, each with a session cookie."""
    one, other = [await api.sign_up(chat_policy="request") for _ in range(2)]
    return (one, await log_in(api, one)), (other, await log_in(api, other))


async def only_request(api: Api, person: ApiUser, box: str) -> dict[str, str]:
    (request,) = (await api.page(CHAT_REQUEST, "/chat-requests", by=person, box=box))["items"]
    return dict(request)


async def test_a_request_is_asked_declined_and_accepted_after_all(api: Api) -> None:
    (one, asker), (other, recipient) = await strangers(api)
    opened = await post(api, "/chats", asker, user_id=other.id)
    assert opened.headers["Location"] == f"/people/{other.username}/ask"
    form = await get(api, opened.headers["Location"], asker)
    assert 'name="introduction"' in form.text
    sent = await post(api, opened.headers["Location"], asker, introduction="지도 이야기 <b>")
    assert sent.headers["Location"] == "/chats/requests?box=sent"
    request = await only_request(api, one, "sent")
    address = f"/chats/requests/{request['id']}"

    for tab in ("/chats", "/chats/requests", "/chats/requests?box=sent"):
        assert "답을 기다리는 신청 1개" in (await get(api, tab, recipient)).text
    received = await get(api, "/chats/requests", recipient)
    assert "지도 이야기 &lt;b&gt;" in received.text
    assert f'action="{address}/accept"' in received.text
    assert (await post(api, f"{address}/decline", recipient)).status_code == 303
    mine = await get(api, "/chats/requests?box=sent", asker)
    assert f'action="{address}/withdraw"' in mine.text
    assert "거절" not in mine.text
    declined = await get(api, "/chats/requests", recipient)
    assert "답을 기다리는 신청 1개" not in declined.text
    assert f'action="{address}/decline"' not in declined.text
    accepted = await post(api, f"{address}/accept", recipient)
    (room,) = await api.ids(ROOM, "/rooms", by=one)
    assert accepted.headers["Location"] == f"/chats/{room}"
    for cookie in (asker, recipient):
        assert (await get(api, f"/chats/{room}", cookie)).status_code == 200


async def test_an_invalid_introduction_comes_back_with_its_error(api: Api) -> None:
    (_, asker), (other, _) = await strangers(api)
    answer = await post(api, f"/people/{other.username}/ask", asker, introduction="가" * 301)
    assert answer.status_code == 422
    assert "가" * 301 in answer.text
    assert "300자까지" in answer.text


async def test_one_request_too_many_of_a_new_account_comes_back_and_says_when(api: Api) -> None:
    asker = await api.sign_up()
    cookie = await log_in(api, asker)
    for _ in range(3):
        await api.chat_request(asker, await api.sign_up(chat_policy="request"))
    other = await api.sign_up(chat_policy="request")

    refused = await post(api, f"/people/{other.username}/ask", cookie, introduction="지도 이야기")

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 23 * 3_600
    assert ">\n지도 이야기</textarea>" in refused.text
    assert "24시간 뒤에 다시 할 수 있어요." in refused.text


async def test_a_request_can_be_withdrawn(api: Api) -> None:
    (one, asker), (other, _) = await strangers(api)
    request = await api.chat_request(one, other)
    answer = await post(api, f"/chats/requests/{request['id']}/withdraw", asker)
    assert answer.headers["Location"] == "/chats/requests?box=sent"
    assert (await only_request(api, other, "received"))["state"] == "withdrawn"
    assert (await post(api, f"/chats/requests/{request['id']}/withdraw", asker)).status_code == 409


async def test_the_policy_is_changed_and_shown_to_others(api: Api) -> None:
    (_, asker), (other, cookie) = await strangers(api)
    assert (await get(api, "/me/chat", cookie)).text.count(" checked") == 1
    assert (await post(api, "/me/chat", cookie, chat_policy="closed")).status_code == 303
    person = await get(api, f"/people/{other.username}", asker)
    assert "지금은 커피챗을 받지 않아요." in person.text
    assert (
        await post(api, f"/people/{other.username}/ask", asker, introduction="안녕")
    ).status_code == 403
    assert (await post(api, "/me/chat", cookie, chat_policy="else")).status_code == 422


async def test_a_person_is_blocked_after_a_confirmation_and_unblocked(api: Api) -> None:
    (one, blocker), (other, blocked) = await strangers(api)
    person = f"/people/{other.username}"
    assert "차단할까요" in (await get(api, f"{person}/block", blocker)).text
    assert (await post(api, f"{person}/block", blocker)).headers["Location"] == person
    assert f'action="/me/blocks/{other.id}/remove"' in (await get(api, person, blocker)).text
    assert other.username in (await get(api, "/me/chat", blocker)).text
    seen = await get(api, f"/people/{one.username}", blocked)
    assert "지금은 커피챗을 받지 않아요." in seen.text
    assert "차단했어요" not in seen.text
    assert (await post(api, f"/me/blocks/{other.id}/remove", blocker)).status_code == 303
    assert "지금은 커피챗을" not in (await get(api, person, blocker)).text


async def test_a_room_of_people_without_contact_says_so_and_not_why(api: Api) -> None:
    one, other = await api.sign_up(), await api.sign_up()
    room = await api.room(one, other)
    await api.send("PUT", f"/me/blocks/{one.id}", by=other)
    page = await get(api, f"/chats/{room['id']}", await log_in(api, one))
    assert 'data-closed="unwritable">' in page.text
    assert 'data-closed="left" hidden>' in page.text


async def test_a_block_shows_a_sentence_in_the_place_of_the_form_of_a_comment(api: Api) -> None:
    (one, blocker), (other, blocked) = await strangers(api)
    projects = [await api.publish(author) for author in (one, other)]
    for author, project in zip((other, one), projects, strict=True):
        await api.comment(author, project)
    await api.send("PUT", f"/me/blocks/{other.id}", by=one)

    for cookie, project in ((blocked, projects[0]), (blocker, projects[1])):
        page = await get(api, f"/projects/{project['id']}", cookie)
        assert "이 프로젝트에는 댓글을 쓸 수 없어요." in page.text
        assert 'name="body"' not in page.text
        assert "수정하기" not in page.text
        assert "삭제하기" in page.text


async def test_a_button_that_comes_too_late_is_answered_with_the_reason(api: Api) -> None:
    (one, asker), (other, recipient) = await strangers(api)
    request = await api.chat_request(one, other)
    address = f"/chats/requests/{request['id']}"
    assert (await post(api, f"{address}/withdraw", asker)).status_code == 303
    settled = await post(api, f"{address}/accept", recipient)
    await api.send("PATCH", "/me", {"chat_policy": "closed"}, by=other)
    closed = await post(api, "/chats", asker, user_id=other.id)
    own = await post(api, "/chats", asker, user_id=one.id)

    for answer, status, reason in (
        (settled, 409, "이미 처리된 신청이에요."),
        (closed, 403, "지금은 커피챗을 받지 않는 사람이에요."),
        (own, 422, "나에게는 커피챗을 신청할 수 없어요."),
    ):
        assert answer.status_code == status
        assert reason in answer.text


async def test_forms_that_would_be_refused_lead_to_the_page_of_the_person(api: Api) -> None:
    (one, asker), (other, _) = await strangers(api)
    await api.send("PATCH", "/me", {"chat_policy": "closed"}, by=other)
    forms = ((other, "ask"), (one, "ask"), (one, "block"))
    for person, form in forms:
        address = f"/people/{person.username}"
        assert (await get(api, f"{address}/{form}", asker)).headers["Location"] == address
