"""Notifications of requests for coffee chats, over HTTP."""

import pytest

from tests.api.client import PASSWORD, Api, ApiUser, Json
from tests.api.schemas import ROOM
from tests.databases import both_databases

pytestmark = [pytest.mark.anyio, both_databases]


async def strangers(api: Api) -> tuple[ApiUser, ApiUser]:
    """Two people who take chats on request."""
    one, other = [await api.sign_up(chat_policy="request") for _ in range(2)]
    return one, other


async def listed(api: Api, person: ApiUser) -> list[Json]:
    """The list, whose number of unread entries must be right."""
    page = (await api.send("GET", "/notifications", by=person)).json()
    assert page["unread_count"] == sum(not entry["read"] for entry in page["items"])
    return list(page["items"])


async def told(api: Api, person: ApiUser) -> list[tuple[str, str, str, str | None]]:
    """What each notification says: its kind, actor, request and room."""
    return [
        (one["kind"], one["actor"]["id"], one["request_id"], one["room_id"])
        for one in await listed(api, person)
    ]


async def test_a_request_and_its_acceptance_are_notified_to_the_other_person(api: Api) -> None:
    one, other = await strangers(api)
    request = await api.chat_request(one, other)
    await api.chat_request(one, other, status=200)
    asked = ("request", one.id, request["id"], None)
    assert (await told(api, other), await told(api, one)) == ([asked], [])

    path = f"/chat-requests/{request['id']}/acceptance"
    room = (await api.ok({"room": ROOM}, "POST", path, by=other))["room"]
    assert await told(api, one) == [("accepted", other.id, request["id"], room["id"])]
    assert await told(api, other) == [asked]


async def test_a_decline_is_notified_to_nobody(api: Api) -> None:
    one, other = await strangers(api)
    request = await api.chat_request(one, other)
    await api.send("POST", f"/chat-requests/{request['id']}/decline", by=other)
    assert await told(api, one) == []


async def test_a_crossing_request_is_an_acceptance(api: Api) -> None:
    one, other = await strangers(api)
    request = await api.chat_request(one, other)
    crossing = await api.chat_request(other, one, status=200)
    assert await told(api, one) == [("accepted", other.id, request["id"], crossing["room_id"])]


async def test_a_request_to_an_open_person_is_notified_with_its_room(api: Api) -> None:
    one, other = await strangers(api)
    await api.send("PATCH", "/me", {"chat_policy": "open"}, by=other)
    request = await api.chat_request(one, other, status=200)
    await api.chat_request(one, other, status=200)
    assert await told(api, other) == [("request", one.id, request["id"], request["room_id"])]
    assert await told(api, one) == []


async def test_opening_the_room_with_an_asker_who_is_open_now_is_an_acceptance(api: Api) -> None:
    one, other = await strangers(api)
    request = await api.chat_request(one, other)
    await api.send("PATCH", "/me", {"chat_policy": "open"}, by=one)
    room = await api.ok(ROOM, "POST", "/rooms", {"user_id": one.id}, by=other, status=201)
    assert await told(api, one) == [("accepted", other.id, request["id"], room["id"])]


@pytest.mark.parametrize("answer", ["accept", "decline", "ask back", "open the room"])
async def test_who_has_answered_need_not_read_that_they_were_asked(api: Api, answer: str) -> None:
    one, other = await strangers(api)
    request = await api.chat_request(one, other)
    assert [entry["read"] for entry in await listed(api, other)] == [False]
    path = f"/chat-requests/{request['id']}"
    match answer:
        case "accept":
            await api.ok({"room": ROOM}, "POST", f"{path}/acceptance", by=other)
        case "decline":
            assert (await api.send("POST", f"{path}/decline", by=other)).status_code == 204
        case "ask back":
            await api.chat_request(other, one, status=200)
        case _:
            await api.send("PATCH", "/me", {"chat_policy": "open"}, by=one)
            await api.ok(ROOM, "POST", "/rooms", {"user_id": one.id}, by=other, status=201)
    assert [entry["read"] for entry in await listed(api, other)] == [True]
    assert all(not entry["read"] for entry in await listed(api, one))


@pytest.mark.parametrize("end", ["withdrawal", "block", "deletion"])
async def test_a_request_that_ends_takes_its_notification_along(api: Api, end: str) -> None:
    one, other = await strangers(api)
    request = await api.chat_request(one, other)
    assert len(await told(api, other)) == 1
    match end:
        case "withdrawal":
            await api.send("DELETE", f"/chat-requests/{request['id']}", by=one)
        case "block":
            await api.send("PUT", f"/me/blocks/{one.id}", by=other)
        case _:
            await api.send("DELETE", "/me", {"password": PASSWORD}, by=one)
    assert await told(api, other) == []
