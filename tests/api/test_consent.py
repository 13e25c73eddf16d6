"""Chat requests and rooms that need them, over HTTP."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import pytest

from tests.api.client import Api, ApiUser, Json
from tests.api.schemas import ACCOUNT, CHAT_REQUEST, ROOM, USER
from tests.databases import both_databases
from tests.factories import at_once

pytestmark = [pytest.mark.anyio, both_databases]

OPENED = {"room": ROOM}


async def strangers(api: Api) -> tuple[ApiUser, ApiUser]:
    """Two people who take chats on request, with accounts older than a week."""
    one, other = [await api.sign_up(chat_policy="request") for _ in range(2)]
    for person in (one, other):
        await age(api, person)
    return one, other


async def age(api: Api, person: ApiUser) -> None:
    await travel(api, "users", "created_at", timedelta(days=8), f"email = '{person.email}'")


async def travel(api: Api, table: str, column: str, back: timedelta, which: str) -> None:
    """Put a time of a row back, as if the time had passed."""
    async with api.container.database.writing() as connection:
        rows = await connection.exec_driver_sql(f"SELECT id, {column} FROM {table} WHERE {which}")
        assert len(rows.all()) == 1
        is_sqlite = api.container.database.is_sqlite
        earlier = (
            f"strftime('%Y-%m-%d %H:%M:%f000', {column}, '-{back.total_seconds()} seconds')"
            if is_sqlite
            else f"{column} - interval '{back.total_seconds()} seconds'"
        )
        await connection.exec_driver_sql(f"UPDATE {table} SET {column} = {earlier} WHERE {which}")
        await connection.commit()


async def set_policy(api: Api, person: ApiUser, policy: str) -> None:
    await api.ok(ACCOUNT, "PATCH", "/me", {"chat_policy": policy}, by=person)


async def policy_of(api: Api, person: ApiUser, viewer: ApiUser | None) -> str | None:
    shown = await api.ok(USER, "GET", f"/users/{person.id}", by=viewer)
    policy: str | None = shown["chat_policy"]
    return policy


async def states(api: Api, person: ApiUser, box: str, **query: str) -> list[str]:
    page = await api.page(CHAT_REQUEST, "/chat-requests", by=person, box=box, **query)
    return [one["state"] for one in page["items"]]


async def refused(api: Api, status: int, code: str, by: ApiUser, of: ApiUser) -> None:
    body = {"user_id": of.id, "introduction": "안녕하세요"}
    await api.refused(status, code, "POST", "/chat-requests", body, by=by)


async def test_an_accepted_request_opens_the_room_for_both(api: Api) -> None:
    one, other = await strangers(api)
    body = {"user_id": other.id}
    await api.refused(409, "consent-required", "POST", "/rooms", body, by=one)
    request = await api.chat_request(one, other)
    assert (request["from"]["id"], request["to"]["id"]) == (one.id, other.id)
    assert (request["state"], request["room_id"], request["settled_at"]) == ("pending", None, None)
    assert await api.chat_request(one, other, status=200) == request

    path = f"/chat-requests/{request['id']}"
    room = (await api.ok(OPENED, "POST", f"{path}/acceptance", by=other))["room"]
    assert room["participant"]["id"] == one.id
    assert room["writable"]
    for person, box in ((one, "sent"), (other, "received")):
        (seen,) = (await api.page(CHAT_REQUEST, "/chat-requests", by=person, box=box))["items"]
        assert (seen["state"], seen["room_id"]) == ("accepted", room["id"])
        assert await api.ids(ROOM, "/rooms", by=person) == [room["id"]]
    response = await api.send("POST", "/rooms", body, by=one)
    assert (response.status_code, response.json()["id"]) == (200, room["id"])
    for call in ("acceptance", "decline"):
        await api.refused(409, "request-settled", "POST", f"{path}/{call}", by=other)
    await api.refused(409, "request-settled", "DELETE", path, by=one)


async def test_requests_that_cross_accept_each_other(api: Api) -> None:
    one, other = await strangers(api)
    await api.chat_request(one, other)
    answer = await api.chat_request(other, one, status=200)
    assert (answer["from"]["id"], answer["state"]) == (other.id, "accepted")
    assert await states(api, one, "sent") == await states(api, one, "received") == ["accepted"]
    assert await api.ids(ROOM, "/rooms", by=one) == [answer["room_id"]]


async def test_a_decline_is_quiet_and_final_for_thirty_days(api: Api) -> None:
    one, other = await strangers(api)
    request = await api.chat_request(one, other)
    key = request["id"].replace("-", "" if api.container.database.is_sqlite else "-")
    which = f"id = '{key}'"
    decline = f"/chat-requests/{request['id']}/decline"
    assert (await api.send("POST", decline, by=other)).status_code == 204
    await api.refused(409, "request-settled", "POST", decline, by=other)

    assert await api.chat_request(one, other, status=200) == request
    assert await states(api, one, "sent", state="pending") == ["pending"]
    assert await states(api, one, "sent", state="declined") == []
    assert await states(api, other, "received") == ["declined"]
    assert await policy_of(api, other, one) == "request"

    await travel(api, "chat_requests", "created_at", timedelta(days=14), which)
    await travel(api, "chat_requests", "declined_at", timedelta(days=14), which)
    assert await states(api, one, "sent") == ["expired"]
    await refused(api, 403, "chat-closed", one, other)
    await api.refused(403, "chat-closed", "POST", "/rooms", {"user_id": other.id}, by=one)
    assert await policy_of(api, other, one) == "closed"
    acceptance = f"/chat-requests/{request['id']}/acceptance"
    await api.refused(409, "request-settled", "POST", acceptance, by=other)

    await travel(api, "chat_requests", "declined_at", timedelta(days=16), which)
    again = await api.chat_request(one, other)
    assert again["id"] != request["id"]


async def test_withdrawing_a_declined_request_is_final(api: Api) -> None:
    one, other = await strangers(api)
    request = await api.chat_request(one, other)
    path = f"/chat-requests/{request['id']}"
    assert (await api.send("POST", f"{path}/decline", by=other)).status_code == 204
    assert (await api.send("DELETE", path, by=one)).status_code == 204
    assert await states(api, one, "sent") == await states(api, other, "received") == ["withdrawn"]
    await api.refused(409, "request-settled", "POST", f"{path}/acceptance", by=other)
    await refused(api, 403, "chat-closed", one, other)


@pytest.mark.parametrize("by_own_request", [True, False])
async def test_the_decliner_may_change_their_mind(api: Api, by_own_request: bool) -> None:
    one, other = await strangers(api)
    request = await api.chat_request(one, other)
    path = f"/chat-requests/{request['id']}"
    assert (await api.send("POST", f"{path}/decline", by=other)).status_code == 204
    if by_own_request:
        room_id = (await api.chat_request(other, one, status=200))["room_id"]
    else:
        room_id = (await api.ok(OPENED, "POST", f"{path}/acceptance", by=other))["room"]["id"]
    assert await api.ids(ROOM, "/rooms", by=one) == [room_id]
    assert await states(api, one, "sent") == ["accepted"]


async def test_policies_decide_who_may_ask(api: Api) -> None:
    one, other = await strangers(api)
    assert await policy_of(api, other, None) is None
    await set_policy(api, other, "closed")
    assert await policy_of(api, other, one) == "closed"
    await refused(api, 403, "chat-closed", one, other)
    await api.refused(403, "chat-closed", "POST", "/rooms", {"user_id": other.id}, by=one)
    await set_policy(api, other, "open")
    assert await policy_of(api, other, one) == "open"
    first = await api.chat_request(one, other, status=200)
    assert first["state"] == "accepted"
    assert await api.chat_request(one, other, status=200) == first
    await set_policy(api, other, "closed")
    response = await api.send("POST", "/rooms", {"user_id": other.id}, by=one)
    assert (response.status_code, response.json()["id"]) == (200, first["room_id"])


async def test_ten_requests_may_be_pending(api: Api) -> None:
    one, other = await strangers(api)
    asked = [await api.sign_up(chat_policy="request") for _ in range(10)]
    requests = [await api.chat_request(one, person) for person in asked]
    decline = f"/chat-requests/{requests[0]['id']}/decline"
    assert (await api.send("POST", decline, by=asked[0])).status_code == 204
    await refused(api, 409, "too-many-requests-pending", one, other)
    assert (await api.send("DELETE", f"/chat-requests/{requests[1]['id']}", by=one)).is_success
    await api.chat_request(one, other)


async def test_a_new_account_asks_three_people_a_day(api: Api) -> None:
    asker = await api.sign_up()
    asked = [await api.sign_up(chat_policy="request") for _ in range(4)]
    for person in asked[:3]:
        await api.chat_request(asker, person)
    body = {"user_id": asked[3].id, "introduction": "안녕하세요"}
    response = await api.send("POST", "/chat-requests", body, by=asker)
    assert (response.status_code, response.json()["code"]) == (429, "rate-limited")
    assert 24 * 3600 - 60 < int(response.headers["Retry-After"]) <= 24 * 3600
    await age(api, asker)
    await api.chat_request(asker, asked[3])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"introduction": "안녕"}, "/user_id"),
        ({"introduction": "x" * 301}, "/introduction"),
        ({"introduction": " "}, "/introduction"),
    ],
)
async def test_an_invalid_request_is_refused(api: Api, body: Json, field: str) -> None:
    one, other = await strangers(api)
    if field != "/user_id":
        body = {"user_id": other.id, **body}
    assert await api.refused(422, "invalid", "POST", "/chat-requests", body, by=one) == [field]


async def test_of_answers_at_once_exactly_one_holds(api: Api) -> None:
    for _ in range(6):
        one, other = await strangers(api)
        request = await api.chat_request(one, other)
        path = f"/chat-requests/{request['id']}"
        calls: list[Callable[[], Awaitable[int]]] = [
            partial(_status, api, "POST", f"{path}/acceptance", other),
            partial(_status, api, "POST", f"{path}/decline", other),
            partial(_status, api, "DELETE", path, one),
            partial(_status, api, "PUT", f"/me/blocks/{one.id}", other),
        ]
        accepted, declined, withdrawn, blocked = await at_once(calls)
        assert blocked == 204
        assert {accepted, declined, withdrawn} <= {200, 204, 409}
        (final,) = await states(api, other, "received")
        rooms = await api.page(ROOM, "/rooms", by=one)
        assert len(rooms["items"]) == (accepted == 200) == (final == "accepted")
        assert all(room["status"] == "pending" and not room["writable"] for room in rooms["items"])
        # A decline may come before an acceptance, a withdrawal or the block.
        assert (accepted == 200) + (withdrawn == 204) + (final == "void") == 1
        assert await states(api, one, "sent") == [final]


async def _status(api: Api, method: str, path: str, by: ApiUser) -> int:
    return (await api.send(method, path, by=by)).status_code
