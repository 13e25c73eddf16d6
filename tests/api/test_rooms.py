"""Coffee-chat rooms: opening, listing, leaving and reopening them."""

import pytest

from tests.api.client import PREFIX, UNKNOWN_ID, Api, ApiUser, Json, answer
from tests.api.schemas import ROOM, UNREAD

pytestmark = pytest.mark.anyio


async def two_people(api: Api) -> tuple[ApiUser, ApiUser]:
    return await api.sign_up("one"), await api.sign_up("two")


async def seen(api: Api, room: Json, by: ApiUser) -> Json:
    return await api.get(ROOM, f"/rooms/{room['id']}", by=by)


async def leave(api: Api, room: Json, by: ApiUser) -> None:
    response = await api.send("DELETE", f"/rooms/{room['id']}", by=by)
    assert (response.status_code, response.content) == (204, b"")


# ------------------------------------------------------------------------------------- asking


async def test_opening_a_room_with_another_user_creates_it(api: Api) -> None:
    one, two = await two_people(api)

    response = await api.send("POST", "/rooms", {"user_id": two.id}, by=one)

    assert response.status_code == 201
    room = answer(response, ROOM)
    assert response.headers["Location"] == f"{PREFIX}/rooms/{room['id']}"
    assert room == {
        "id": room["id"],
        "participant": {"id": two.id, "username": two.username, "image_url": None},
        "status": "stop",
        "left_by": None,
        "last_message": None,
        "last_seq": 0,
        "read_seq": 0,
        "participant_read_seq": 0,
        "unread_count": 0,
        "created_at": room["created_at"],
        "updated_at": room["created_at"],
        "writable": True,
    }


async def test_opening_it_again_from_either_side_returns_the_same_room(api: Api) -> None:
    one, two = await two_people(api)
    room = await api.room(one, two)

    for asking, asked in ((one, two), (two, one)):
        response = await api.send("POST", "/rooms", {"user_id": asked.id}, by=asking)
        assert response.status_code == 200
        again = answer(response, ROOM)
        assert again["id"] == room["id"]
        assert again["participant"]["id"] == asked.id
        assert again["updated_at"] == room["updated_at"]


async def test_a_room_with_oneself_is_refused(api: Api) -> None:
    person = await api.sign_up()

    body = {"user_id": person.id}
    found = await api.refused(422, "cannot-chat-with-yourself", "POST", "/rooms", body, by=person)

    assert found == ["/user_id"]


async def test_a_room_with_an_unknown_user_is_not_found(api: Api) -> None:
    person = await api.sign_up()

    await api.refused(404, "not-found", "POST", "/rooms", {"user_id": UNKNOWN_ID}, by=person)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, "/user_id"),
        ({"user_id": None}, "/user_id"),
        ({"user_id": "nonsense"}, "/user_id"),
        ({"user_id": 7}, "/user_id"),
        ({"user_id": [UNKNOWN_ID]}, "/user_id"),
        ({"user_id": UNKNOWN_ID, "status": "running"}, "/status"),
        ({"user_id": UNKNOWN_ID, "left_by": None}, "/left_by"),
    ],
)
async def test_an_invalid_request_is_refused(api: Api, body: Json, fault: str) -> None:
    person = await api.sign_up()

    assert await api.refused(422, "invalid", "POST", "/rooms", body, by=person) == [fault]


# ------------------------------------------------------------------------------------- listing


async def test_each_participant_sees_the_room_with_the_other(api: Api) -> None:
    one, two = await two_people(api)
    room = await api.room(one, two)

    for me, other in ((one, two), (two, one)):
        page = await api.page(ROOM, "/rooms", by=me, total=True)
        assert page["total"] == 1
        assert page["items"] == [await seen(api, room, me)]
        assert page["items"][0]["participant"]["id"] == other.id


async def test_rooms_are_listed_by_latest_activity(api: Api) -> None:
    me = await api.sign_up()
    rooms = [await api.room(me, await api.sign_up()) for _ in range(3)]
    order = [rooms[n]["id"] for n in (2, 1, 0)]
    assert await api.ids(ROOM, "/rooms", by=me) == order

    await api.send_message(me, rooms[0])

    assert await api.ids(ROOM, "/rooms", by=me) == [rooms[n]["id"] for n in (0, 2, 1)]


async def test_reading_and_opening_again_are_no_activity(api: Api) -> None:
    me, friend = await two_people(api)
    room = await api.room(me, friend)
    later = await api.room(me, await api.sign_up())
    await api.send("PUT", f"/rooms/{room['id']}/read", {"seq": 0}, by=me)
    await api.room(friend, me)

    assert await api.ids(ROOM, "/rooms", by=me) == [later["id"], room["id"]]


async def test_a_room_shows_its_last_message_and_unread_count(api: Api) -> None:
    one, two = await two_people(api)
    room = await api.room(one, two)
    await api.send_message(one, room, "하나")
    last = await api.send_message(one, room, "둘", client_id="c-2")

    for_two, for_one = await seen(api, room, two), await seen(api, room, one)

    assert for_two["last_message"] == for_one["last_message"] == last
    assert (for_two["last_seq"], for_two["unread_count"], for_two["read_seq"]) == (2, 2, 0)
    assert (for_one["last_seq"], for_one["unread_count"], for_one["read_seq"]) == (2, 0, 0)
    assert for_two["updated_at"] == last["sent_at"]


@pytest.mark.parametrize("room_id", [UNKNOWN_ID, "nonsense"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_room_is_not_found(api: Api, method: str, room_id: str) -> None:
    person = await api.sign_up()

    await api.refused(404, "not-found", method, f"/rooms/{room_id}", by=person)


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("GET", "/messages", None),
        ("POST", "/messages", {"body": "x"}),
        ("PUT", "/read", {"seq": 0}),
    ],
)
async def test_a_room_of_others_is_not_found(
    api: Api, method: str, tail: str, body: Json | None
) -> None:
    one, two = await two_people(api)
    room = await api.room(one, two)
    await api.send_message(one, room)
    stranger, administrator = await api.sign_up(), await api.administrator()

    for who in (stranger, administrator):
        path = f"/rooms/{room['id']}{tail}"
        await api.refused(404, "not-found", method, path, body, by=who)
    assert (await seen(api, room, one))["last_seq"] == 1


# ------------------------------------------------------------------------- leaving and pending


async def test_a_room_is_hidden_from_the_user_who_left_it(api: Api) -> None:
    one, two = await two_people(api)
    room = await api.room(one, two)
    await leave(api, room, one)

    assert await api.ids(ROOM, "/rooms", by=one) == []
    path = f"/rooms/{room['id']}"
    for method, tail, body in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("GET", "/messages", None),
        ("POST", "/messages", {"body": "x"}),
        ("PUT", "/read", {"seq": 0}),
    ):
        await api.refused(404, "not-found", method, path + tail, body, by=one)


async def test_the_remaining_participant_sees_and_reads_a_pending_room(api: Api) -> None:
    one, two = await two_people(api)
    room = await api.room(one, two)
    message = await api.send_message(one, room)
    await leave(api, room, one)

    pending = await seen(api, room, two)

    assert (pending["status"], pending["left_by"]) == ("pending", one.id)
    assert pending["participant"]["id"] == one.id
    assert await api.ids(ROOM, "/rooms", by=two) == [room["id"]]
    history = await api.send("GET", f"/rooms/{room['id']}/messages", by=two)
    assert history.json()["items"] == [message]


async def test_a_pending_room_takes_no_messages(api: Api) -> None:
    one, two = await two_people(api)
    room = await api.room(one, two)
    await leave(api, room, one)

    path = f"/rooms/{room['id']}/messages"
    await api.refused(409, "room-pending", "POST", path, {"body": "x"}, by=two)

    assert (await seen(api, room, two))["last_seq"] == 0


async def test_read_marks_move_in_a_pending_room(api: Api) -> None:
    one, two = await two_people(api)
    room = await api.room(one, two)
    await api.send_message(one, room)
    await leave(api, room, one)

    await api.send("PUT", f"/rooms/{room['id']}/read", {"seq": 1}, by=two)

    assert (await seen(api, room, two))["unread_count"] == 0


async def test_the_remaining_participant_cannot_reopen_the_room(api: Api) -> None:
    one, two = await two_people(api)
    room = await api.room(one, two)
    await leave(api, room, one)

    again = await api.room(two, one)

    assert (again["id"], again["status"], again["left_by"]) == (room["id"], "pending", one.id)


async def test_the_user_who_left_reopens_the_room_with_its_history(api: Api) -> None:
    one, two = await two_people(api)
    room = await api.room(one, two)
    await api.send_message(two, room)
    await leave(api, room, one)

    response = await api.send("POST", "/rooms", {"user_id": two.id}, by=one)

    assert response.status_code == 200
    again = answer(response, ROOM)
    assert (again["id"], again["status"], again["left_by"]) == (room["id"], "stop", None)
    assert (again["last_seq"], again["unread_count"]) == (1, 1)
    assert again["updated_at"] > room["updated_at"]
    assert (await api.send_message(two, room))["seq"] == 2


async def test_a_reopened_room_is_the_latest_activity(api: Api) -> None:
    one, two = await two_people(api)
    room = await api.room(one, two)
    later = await api.room(two, await api.sign_up())
    await leave(api, room, one)
    assert await api.ids(ROOM, "/rooms", by=two) == [later["id"], room["id"]]

    await api.room(one, two)

    assert await api.ids(ROOM, "/rooms", by=two) == [room["id"], later["id"]]


async def test_a_room_that_both_left_is_deleted_with_its_messages(api: Api) -> None:
    one, two = await two_people(api)
    room = await api.room(one, two)
    await api.send_message(one, room)
    await leave(api, room, one)
    await leave(api, room, two)

    for person in (one, two):
        await api.refused(404, "not-found", "GET", f"/rooms/{room['id']}", by=person)
    response = await api.send("POST", "/rooms", {"user_id": two.id}, by=one)
    assert response.status_code == 201
    fresh = response.json()
    assert fresh["id"] != room["id"]
    assert fresh["last_seq"] == 0


# ------------------------------------------------------------------------------------- unread


async def test_unread_messages_are_counted_over_all_rooms_on_the_list(api: Api) -> None:
    me, one, two = [await api.sign_up(name) for name in ("me", "one", "two")]
    first, second, third = [await api.room(me, other) for other in (one, two, await api.sign_up())]
    assert await api.get(UNREAD, "/me/unread", by=me) == {"rooms": 0, "messages": 0}
    for room, sender in ((first, one), (first, one), (second, two), (third, me)):
        await api.send_message(sender, room)

    assert await api.get(UNREAD, "/me/unread", by=me) == {"rooms": 2, "messages": 3}

    read = await api.send("PUT", f"/rooms/{first['id']}/read", {"seq": 1}, by=me)
    assert read.status_code == 204
    await leave(api, second, me)
    assert await api.get(UNREAD, "/me/unread", by=me) == {"rooms": 1, "messages": 1}
