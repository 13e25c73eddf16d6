"""What two people can still do while one of them blocks the other."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.api.client import Api, ApiUser, Json, problem
from tests.api.moderation.reporting import case_of, of_user, report
from tests.api.openapi_document import operations, resolved
from tests.api.schemas import CHAT_REQUEST, COMMENT, ROOM, USER, USER_SUMMARY
from tests.databases import both_databases

pytestmark = [pytest.mark.anyio, both_databases]

CONTRACT = Path(__file__).parent / "contract" / "openapi.json"
OPENAPI: Json = json.loads(CONTRACT.read_text("utf-8"))
OWN_IDS = {"session_id", "image_id", "thumbnail_id", "up_to"}
"""Ids of what is the caller's alone. All other ids may be of another person or their things."""


@dataclass(frozen=True)
class Row:
    """The status of a call about the other person without a block, and during one.

    `during` is the problem that replaces a success; without it a block changes nothing. Braces
    in `body` and `query` name members of `Scene.names`.
    """

    status: int
    during: tuple[int, str] | None = None
    body: Json | None = None
    query: Json | None = None


CLOSED, SETTLED = (403, "chat-closed"), (409, "request-settled")
TO_OTHER = {"user_id": "{user_id}"}
WITHDRAWAL = "DELETE /chat-requests/{request_id}"

TABLE = {
    # people
    "GET /users": Row(200, query={"username": "{username}"}),
    "GET /users/{user_id}": Row(200),
    "GET /users/{user_id}/projects": Row(200),
    "GET /users/{user_id}/bookmarks": Row(200),
    "PUT /me/blocks/{user_id}": Row(204),
    "DELETE /me/blocks/{user_id}": Row(204),
    "GET /recommendations": Row(200),
    "POST /reports": Row(201, body={"kind": "user", "id": "{user_id}", "reason": "spam"}),
    # the project is the other's, and the comment on it is the caller's
    "GET /projects": Row(200, query={"author": "{user_id}"}),
    "GET /projects/{project_id}": Row(200),
    "HEAD /projects/{project_id}": Row(200),
    "PATCH /projects/{project_id}": Row(403, body={"title": "제목"}),
    "DELETE /projects/{project_id}": Row(403),
    "PUT /projects/{project_id}/bookmark": Row(200),
    "DELETE /projects/{project_id}/bookmark": Row(200),
    "GET /projects/{project_id}/comments": Row(200),
    "POST /projects/{project_id}/comments": Row(201, (403, "forbidden"), {"body": "안녕"}),
    "GET /projects/{project_id}/comments/{comment_id}": Row(200),
    "PATCH /projects/{project_id}/comments/{comment_id}": Row(
        200, (403, "forbidden"), {"body": "안녕"}
    ),
    "DELETE /projects/{project_id}/comments/{comment_id}": Row(204),
    # they have no room; the request is the other's, except the one that the caller withdraws
    "POST /chat-requests": Row(201, CLOSED, {**TO_OTHER, "introduction": "안녕하세요"}),
    "POST /chat-requests/{request_id}/acceptance": Row(200, SETTLED),
    "POST /chat-requests/{request_id}/decline": Row(204, SETTLED),
    WITHDRAWAL: Row(204, SETTLED),
    "POST /rooms": Row(409, CLOSED, TO_OTHER),
    # their room
    "GET /rooms": Row(200),
    "GET /rooms/{room_id}": Row(200),
    "DELETE /rooms/{room_id}": Row(204),
    "GET /rooms/{room_id}/messages": Row(200),
    "POST /rooms/{room_id}/messages": Row(201, (409, "room-pending"), {"body": "안녕"}),
    "PUT /rooms/{room_id}/read": Row(204, body={"seq": 1}),
    "POST /rooms/{room_id}/socket-tickets": Row(201),
    # moderators judge whom they block too; of the case nothing is decided yet
    "GET /moderation/cases/{case_id}": Row(200),
    "POST /moderation/cases/{case_id}/claim": Row(200, body={"version": 1}),
    "POST /moderation/cases/{case_id}/decisions": Row(
        200, body={"version": 1, "action": "dismiss", "reason": "괜찮아요"}
    ),
    "POST /moderation/cases/{case_id}/reversals": Row(409, body={"version": 1, "reason": "실수"}),
    "PUT /moderation/users/{user_id}/role": Row(200, body={"role": "member"}),
}


def ids_in(schema: Any, name: str = "") -> Iterator[str]:
    """The names of the members and parameters with this schema that are ids."""
    if isinstance(schema, list):
        for one in schema:
            yield from ids_in(one, name)
    elif isinstance(schema, dict):
        schema = resolved(OPENAPI, schema)
        if schema.get("format") == "uuid":
            yield name
        for inner, one in schema.get("properties", {}).items():
            yield from ids_in(one, inner)
        for keyword in ("anyOf", "oneOf", "allOf", "items"):
            yield from ids_in(schema.get(keyword), name)


def takes_an_id_of_others(operation: Json) -> bool:
    parameters = [resolved(OPENAPI, one) for one in operation.get("parameters", [])]
    names = {one["name"] for one in parameters if one["in"] == "path"}
    names.update(*(ids_in(one["schema"], one["name"]) for one in parameters))
    for content in operation.get("requestBody", {}).get("content", {}).values():
        names.update(ids_in(content["schema"]))
    return bool(names - OWN_IDS)


DOCUMENTED = {
    f"{method.upper()} {path.removeprefix('/api/v1')}": operation
    for path, method, operation in operations(OPENAPI)
}
WITH_NEW_PEOPLE = ("/moderation/", "/chat-requests", "{room_id}")
"""Parts of calls that make a moderator, or that need one of the few requests of a new person."""

ABOUT_OTHERS = {name for name, one in DOCUMENTED.items() if takes_an_id_of_others(one)}


@dataclass(frozen=True)
class Scene:
    """The caller, the other person, and the ids of what a call may be about."""

    caller: ApiUser
    other: ApiUser
    names: dict[str, str]

    def filled(self, values: Json | None) -> Json | None:
        return values and {
            key: one.format(**self.names) if isinstance(one, str) else one
            for key, one in values.items()
        }


@pytest.fixture(scope="module")
async def pairs(api: Api) -> AsyncIterator[AsyncIterator[tuple[ApiUser, ApiUser]]]:
    """Pairs of people that know nothing of each other. Signing up is the expensive part."""

    async def made() -> AsyncGenerator[tuple[ApiUser, ApiUser], None]:
        people: list[ApiUser] = []
        while True:
            new = await api.sign_up(chat_policy="request")
            for person in people:
                yield person, new
            people.append(new)

    async with aclosing(made()) as found:
        yield found


async def scene_of(api: Api, pairs: AsyncIterator[tuple[ApiUser, ApiUser]], call: str) -> Scene:
    """What this call needs. Only a call about a room finds one: it makes requests pointless."""
    if any(part in call for part in WITH_NEW_PEOPLE):
        caller, other = [await api.sign_up(chat_policy="request") for _ in range(2)]
    else:
        caller, other = await anext(pairs)
    names = {"user_id": other.id, "username": other.username}
    if "{project_id}" in call:
        project = await api.publish(other)
        names |= {"project_id": project["id"]}
        names |= {"comment_id": (await api.comment(caller, project))["id"]}
    if "{request_id}" in call or "{room_id}" in call:
        pair = (caller, other) if call == WITHDRAWAL else (other, caller)
        names |= {"request_id": (await api.chat_request(*pair))["id"]}
    if "{room_id}" in call:
        path = f"/chat-requests/{names['request_id']}/acceptance"
        room = (await api.send("POST", path, by=caller)).json()["room"]
        await api.send_message(other, room)
        names |= {"room_id": room["id"]}
    if "/moderation/" in call:
        await api.execute("UPDATE users SET is_admin = true WHERE email = :email", caller)
        await report(api, await api.sign_up(), of_user(other))
        names |= {"case_id": (await case_of(api, caller, of_user(other)))["id"]}
    return Scene(caller, other, names)


@pytest.mark.parametrize("blocker", ["nobody", "the caller", "the other"])
@pytest.mark.parametrize("call", sorted(ABOUT_OTHERS | TABLE.keys()))
async def test_calls_about_somebody_during_a_block(
    api: Api, pairs: AsyncIterator[tuple[ApiUser, ApiUser]], call: str, blocker: str
) -> None:
    assert call in TABLE, f"{call} takes an id of others: state in TABLE what a block changes"
    assert call in DOCUMENTED, f"there is no {call}"
    row, scene = TABLE[call], await scene_of(api, pairs, call)
    blocks = {"the caller": (scene.caller, scene.other), "the other": (scene.other, scene.caller)}
    if blocker in blocks:
        by, of = blocks[blocker]
        assert (await api.send("PUT", f"/me/blocks/{of.id}", by=by)).status_code == 204
    method, _, path = call.partition(" ")
    response = await api.send(
        method,
        path.format(**scene.names),
        scene.filled(row.body),
        by=scene.caller,
        query=scene.filled(row.query),
    )
    if row.during and blocker in blocks:
        problem(response, *row.during)
    else:
        assert response.status_code == row.status, response.text


async def pair_with_block(api: Api) -> tuple[ApiUser, ApiUser, Json]:
    """Two people with a room, of whom the first blocks the other."""
    blocker, blocked = await api.sign_up(), await api.sign_up()
    room = await api.room(blocker, blocked)
    await api.send_message(blocked, room)
    response = await api.send("PUT", f"/me/blocks/{blocked.id}", by=blocker)
    assert response.status_code == 204
    return blocker, blocked, room


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


async def test_what_is_read_during_a_block_is_seen_by_the_other_after_it(api: Api) -> None:
    blocker, blocked, room = await pair_with_block(api)
    path = f"/rooms/{room['id']}"
    for reader, other in ((blocker, blocked), (blocked, blocker)):
        assert (await api.send("PUT", f"{path}/read", {"seq": 1}, by=reader)).status_code == 204
        assert (await api.get(ROOM, path, by=reader))["read_seq"] == 1
        listed = (await api.page(ROOM, "/rooms", by=other))["items"]
        for seen in (await api.get(ROOM, path, by=other), *listed):
            assert seen["participant_read_seq"] == 0

    await api.send("DELETE", f"/me/blocks/{blocked.id}", by=blocker)

    for person in (blocker, blocked):
        assert (await api.get(ROOM, path, by=person))["participant_read_seq"] == 1


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


async def test_one_comment_of_a_blocked_person_is_not_there(api: Api) -> None:
    blocker, blocked, _ = await pair_with_block(api)
    project = await api.publish(await api.sign_up())
    for author, other in ((blocked, blocker), (blocker, blocked)):
        comment = await api.comment(author, project)
        path = f"/projects/{project['id']}/comments/{comment['id']}"
        await api.refused(404, "not-found", "GET", path, by=other)
        await api.get(COMMENT, path, by=author)


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
