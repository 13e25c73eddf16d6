"""The pages of notifications, and the badges in the header, over HTTP."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from sidepro.adapters.sql.schema.chat_tables import messages, rooms
from sidepro.adapters.sql.schema.notification_tables import notifications
from sidepro.domain.visibility import Visibility
from tests.api.client import Api, ApiUser
from tests.databases import both_databases
from tests.statement_log import statements
from tests.web.pages import get, log_in, post

pytestmark = pytest.mark.anyio


async def author_with_a_comment(api: Api) -> tuple[ApiUser, ApiUser, dict[str, str]]:
    author, reader = await api.sign_up("author"), await api.sign_up("reader")
    project = await api.publish(author, title="동네 지도")
    await api.comment(reader, project)
    return author, reader, project


async def test_the_page_lists_what_happened_and_marks_it_as_read(api: Api) -> None:
    author, reader, project = await author_with_a_comment(api)
    cookie = await log_in(api, author)
    text = (await get(api, "/notifications", cookie)).text
    assert f"{reader.username} 님이 ‘동네 지도’에 댓글을 남겼어요." in text
    assert f'href="/projects/{project["id"]}#comments"' in text
    assert "안 읽은 알림 1개" in text
    up_to = text.partition('name="up_to" value="')[2].partition('"')[0]
    marked = await post(api, "/notifications/read", cookie, up_to=up_to)
    assert (marked.status_code, marked.headers["Location"]) == (303, "/notifications")
    text = (await get(api, "/notifications", cookie)).text
    assert 'name="up_to"' not in text
    assert reader.username in text


async def test_an_entry_that_is_absent_by_now_marks_nothing(api: Api) -> None:
    author, reader, project = await author_with_a_comment(api)
    cookie = await log_in(api, author)
    await api.send("DELETE", f"/projects/{project['id']}", by=author)
    for up_to in (reader.id, "nonsense", ""):
        marked = await post(api, "/notifications/read", cookie, up_to=up_to)
        assert marked.status_code == 303
    assert "아직 알림이 없어요" in (await get(api, "/notifications", cookie)).text


async def test_settings_are_chosen_on_a_page(api: Api) -> None:
    author, reader, project = await author_with_a_comment(api)
    cookie = await log_in(api, author)
    assert "/me/notifications" in (await get(api, "/me/settings", cookie)).text
    fields = {"comment": "off", "bookmarks": "mail"}
    saved = await post(api, "/me/notifications", cookie, **fields)
    assert (saved.status_code, saved.headers["Location"]) == (303, "/me/notifications")
    settings = (await api.send("GET", "/me/notification-settings", by=author)).json()
    assert settings["comment"] == "off"
    assert settings["bookmarks"] == "mail"
    page = (await get(api, "/me/notifications", cookie)).text
    assert '<option value="off" selected>' in page
    forged = await post(api, "/me/notifications", cookie, comment="mail", messages="web")
    assert forged.status_code == 422
    assert (await api.send("GET", "/me/notification-settings", by=author)).json() == settings
    await api.comment(reader, project)
    assert "안 읽은 알림 1개" in (await get(api, "/", cookie)).text


async def test_the_header_has_the_badges_of_every_page(api: Api) -> None:
    author, reader, _ = await author_with_a_comment(api)
    room = await api.room(reader, author)
    await api.send_message(reader, room)
    cookie = await log_in(api, author)
    for path in ("/", "/me", "/chats", "/projects/new"):
        text = (await get(api, path, cookie)).text
        assert "안 읽은 메시지 1개" in text
        assert "안 읽은 알림 1개" in text
    assert "data-stream" not in (await get(api, "/")).text


async def test_all_badges_of_a_page_are_one_statement(fresh_api: Api) -> None:
    author, reader, project = await author_with_a_comment(fresh_api)
    cookie = await log_in(fresh_api, author)
    path = f"/people/{reader.username}"
    for who in (cookie, ""):  # the catalogue is kept for a while
        await get(fresh_api, path, who)
    database = fresh_api.container.database
    with statements(database) as anonymous:
        await get(fresh_api, path)
    with statements(database) as personal:
        await get(fresh_api, path, cookie)
    # the session and its person, and the badges
    assert len(personal) <= len(anonymous) + 2
    assert project


async def add_notifications_and_rooms(api: Api, person: ApiUser) -> None:
    """10,000 unread notifications and 500 rooms with an unread message of somebody who left."""
    owner, now = UUID(person.id), datetime.now(UTC)
    entries = [
        {
            "id": uuid4(),
            "recipient_id": owner,
            "kind": "moderated",
            "subject_id": uuid4(),
            "created_at": now,
            "last_at": now,
        }
        for _ in range(10_000)
    ]
    chats = [
        {
            "id": uuid4(),
            "low_id": owner,
            "low_read_seq": 0,
            "high_read_seq": 0,
            "last_seq": 1,
            "created_at": now,
            "updated_at": now,
        }
        for _ in range(500)
    ]
    sent = [
        {
            "room_id": chat["id"],
            "seq": 1,
            "body": "x",
            "sent_at": now,
            "visibility": Visibility.VISIBLE,
        }
        for chat in chats
    ]
    async with api.container.database.writing() as connection:
        for table, rows in ((notifications, entries), (rooms, chats), (messages, sent)):
            await connection.execute(insert(table), rows)
        await connection.commit()


@both_databases
async def test_many_notifications_and_rooms_cost_the_board_no_more_statements(
    fresh_api: Api,
) -> None:
    person = await fresh_api.sign_up()
    cookie = await log_in(fresh_api, person)
    await get(fresh_api, "/", cookie)  # the catalogue is kept for a while
    with statements(fresh_api.container.database) as before:
        await get(fresh_api, "/", cookie)
    await add_notifications_and_rooms(fresh_api, person)
    with statements(fresh_api.container.database) as after:
        text = (await get(fresh_api, "/", cookie)).text
    assert "안 읽은 메시지 500개" in text
    assert after == before


async def test_a_page_gets_tickets_for_the_stream(api: Api) -> None:
    author, *_ = await author_with_a_comment(api)
    cookie = await log_in(api, author)
    answer = await post(api, "/me/socket-tickets", cookie)
    assert answer.json()["path"] == "/api/v1/me/socket"
    assert answer.headers["Cache-Control"] == "no-store"
