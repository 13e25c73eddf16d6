"""What two people can still do while one of them blocks the other: every route, both ways."""

import pytest

from tests.api.client import Api, ApiUser, Json
from tests.api.schemas import CHAT_REQUEST, COMMENT, ROOM, USER, USER_SUMMARY
from tests.databases import both_databases

pytestmark = pytest.mark.anyio

HI = {"introduction": "안녕하세요"}
REFUSED: tuple[tuple[str, str, Json, int, str], ...] = (
    ("POST", "/chat-requests", {"user_id": "{other}", **HI}, 403, "chat-closed"),
    ("POST", "/rooms/{room}/messages", {"body": "안녕"}, 409, "room-pending"),
    ("POST", "/projects/{project}/comments", {"body": "안녕"}, 403, "forbidden"),
)
ALLOWED: tuple[tuple[str, str, Json | None], ...] = (
    ("GET", "/users/{other}", None),
    ("GET", "/users/{other}/projects", None),
    ("GET", "/users/{other}/bookmarks", None),
    ("GET", "/users?username={name}", None),
    ("GET", "/projects", None),
    ("GET", "/projects/{project}", None),
    ("GET", "/projects/{project}/comments", None),
    ("PUT", "/projects/{project}/bookmark", None),
    ("GET", "/rooms", None),
    ("GET", "/rooms/{room}", None),
    ("GET", "/rooms/{room}/messages", None),
    ("PUT", "/rooms/{room}/read", {"seq": 1}),
    ("POST", "/rooms/{room}/socket-tickets", None),
    ("POST", "/rooms", {"user_id": "{other}"}),
    ("GET", "/recommendations", None),
)


async def pair_with_block(api: Api) -> tuple[ApiUser, ApiUser, Json]:
    """Two people with a room, of whom the first blocks the other."""
    blocker, blocked = await api.sign_up(), await api.sign_up()
    room = await api.room(blocker, blocked)
    await api.send_message(blocked, room)
    response = await api.send("PUT", f"/me/blocks/{blocked.id}", by=blocker)
    assert response.status_code == 204
    return blocker, blocked, room


def filled(value: Json | None, names: dict[str, str]) -> Json | None:
    if value is None:
        return None
    return {
        key: one.format(**names) if isinstance(one, str) else one for key, one in value.items()
    }


@both_databases
@pytest.mark.parametrize("is_blocker", [True, False], ids=["blocker", "blocked"])
async def test_routes_during_a_block(api: Api, is_blocker: bool) -> None:
    blocker, blocked, room = await pair_with_block(api)
    me, other = (blocker, blocked) if is_blocker else (blocked, blocker)
    names = {
        "other": other.id,
        "name": other.username,
        "room": room["id"],
        "project": (await api.publish(other))["id"],
    }
    for method, path, body, status, code in REFUSED:
        call = (status, code, method, path.format(**names), filled(body, names))
        await api.refused(*call, by=me)
    for method, path, sent in ALLOWED:
        response = await api.send(method, path.format(**names), filled(sent, names), by=me)
        assert response.is_success, (method, path, response.text)


@both_databases
async def test_a_blocked_room_is_read_only_until_it_is_unblocked(api: Api) -> None:
    blocker, blocked, room = await pair_with_block(api)
    for person in (blocker, blocked):
        seen = await api.ok(ROOM, "GET", f"/rooms/{room['id']}", by=person)
        assert (seen["status"], seen["left_by"], seen["writable"]) == ("pending", None, False)
        response = await api.send(
            "POST", "/rooms", {"user_id": seen["participant"]["id"]}, by=person
        )
        assert (response.status_code, response.json()) == (200, seen)
    assert (await api.send("DELETE", f"/rooms/{room['id']}", by=blocked)).status_code == 204
    await api.refused(403, "chat-closed", "POST", "/rooms", {"user_id": blocker.id}, by=blocked)
    path = f"/me/blocks/{blocked.id}"
    assert (await api.send("DELETE", path, by=blocker)).status_code == 204
    assert (await api.room(blocked, blocker))["writable"]
    await api.send_message(blocker, room)


async def test_two_blocks_end_one_after_the_other(api: Api) -> None:
    one, other, room = await pair_with_block(api)
    for by, of in ((other, one), (one, other)):
        assert (await api.send("PUT", f"/me/blocks/{of.id}", by=by)).status_code == 204
    for by, of, is_writable in ((one, other, False), (other, one, True)):
        assert (await api.send("DELETE", f"/me/blocks/{of.id}", by=by)).status_code == 204
        seen = await api.ok(ROOM, "GET", f"/rooms/{room['id']}", by=one)
        assert seen["writable"] is is_writable


async def test_a_block_voids_pending_and_declined_requests_alike(api: Api) -> None:
    blocker = await api.sign_up(chat_policy="request")
    for is_declined in (True, False):
        asker = await api.sign_up()
        request = await api.chat_request(asker, blocker)
        if is_declined:
            await api.send("POST", f"/chat-requests/{request['id']}/decline", by=blocker)
        for method in ("PUT", "DELETE"):
            await api.send(method, f"/me/blocks/{asker.id}", by=blocker)
            sent = await api.page(CHAT_REQUEST, "/chat-requests", by=asker, box="sent")
            assert [one["state"] for one in sent["items"]] == ["void"]


async def test_comments_of_blocked_people_are_left_out_of_lists_and_counted(api: Api) -> None:
    blocker, blocked, _ = await pair_with_block(api)
    third = await api.sign_up()
    project = await api.publish(third)
    theirs, other = await api.comment(blocked, project), await api.comment(blocker, project)
    path = f"/projects/{project['id']}/comments"
    for viewer, expected in ((blocker, [other]), (blocked, [theirs]), (third, [theirs, other])):
        assert await api.ids(COMMENT, path, by=viewer) == [one["id"] for one in expected]
        page = await api.page(COMMENT, path, by=viewer, total=True)
        assert page["total"] == 2


async def test_blocked_people_are_listed_to_their_blocker_alone(api: Api) -> None:
    blocker, blocked, _ = await pair_with_block(api)
    page = await api.page(USER_SUMMARY, "/me/blocks", by=blocker, total=True)
    assert ([one["id"] for one in page["items"]], page["total"]) == ([blocked.id], 1)
    assert await api.ids(USER_SUMMARY, "/me/blocks", by=blocked) == []
    for viewer, of in ((blocker, blocked), (blocked, blocker)):
        shown = await api.ok(USER, "GET", f"/users/{of.id}", by=viewer)
        assert shown["chat_policy"] == "closed"


async def test_nobody_blocks_themselves_or_a_person_who_is_not_there(api: Api) -> None:
    person = await api.sign_up()
    path = f"/me/blocks/{person.id}"
    assert await api.refused(422, "invalid", "PUT", path, by=person) == ["user_id"]
    nobody = "01920000-0000-7000-8000-000000000000"
    for method in ("PUT", "DELETE"):
        await api.refused(404, "not-found", method, f"/me/blocks/{nobody}", by=person)
