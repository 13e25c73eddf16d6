"""Concurrent calls: counters stay exact, and unique things stay unique."""

import asyncio
from collections import Counter
from collections.abc import Iterable

import httpx
import pytest

from tests.api.client import PASSWORD, Api
from tests.api.schemas import BOOKMARK, COMMENT, HISTORY, PROJECT, ROOM
from tests.databases import both_databases

pytestmark = [pytest.mark.anyio, both_databases]


def statuses(responses: Iterable[httpx.Response]) -> dict[int, int]:
    return dict(Counter(response.status_code for response in responses))


async def test_200_concurrent_reads_are_200_views(api: Api) -> None:
    author = await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}"

    seen = await asyncio.gather(*(api.get(PROJECT, path) for _ in range(200)))

    counts = [project["view_count"] for project in seen]
    assert min(counts) >= 1
    assert max(counts) == 200
    assert (await api.get(PROJECT, path))["view_count"] == 201


async def test_concurrent_bookmarks_of_50_users_are_50_bookmarks(api: Api) -> None:
    author = await api.sign_up()
    made = await api.publish(author)
    path = f"/projects/{made['id']}/bookmark"
    people = await asyncio.gather(*(api.sign_up() for _ in range(50)))

    states = await asyncio.gather(*(api.ok(BOOKMARK, "PUT", path, by=who) for who in people))

    assert sorted(state["bookmark_count"] for state in states) == list(range(1, 51))
    assert (await api.get(PROJECT, f"/projects/{made['id']}"))["bookmark_count"] == 50


async def test_twenty_concurrent_bookmarks_of_one_user_are_one_bookmark(api: Api) -> None:
    author = await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}/bookmark"

    on = await asyncio.gather(*(api.ok(BOOKMARK, "PUT", path, by=author) for _ in range(20)))
    off = await asyncio.gather(*(api.ok(BOOKMARK, "DELETE", path, by=author) for _ in range(20)))

    assert {state["bookmark_count"] for state in on} == {1}
    assert {state["bookmark_count"] for state in off} == {0}


async def test_two_users_opening_a_room_concurrently_get_one_room(api: Api) -> None:
    for _ in range(10):
        one, two = await api.sign_up(), await api.sign_up()

        answers = await asyncio.gather(
            api.send("POST", "/rooms", {"user_id": two.id}, by=one),
            api.send("POST", "/rooms", {"user_id": one.id}, by=two),
        )

        assert statuses(answers) == {201: 1, 200: 1}
        assert len({answer.json()["id"] for answer in answers}) == 1
        for person in (one, two):
            assert len(await api.ids(ROOM, "/rooms", by=person)) == 1


async def test_two_users_leaving_concurrently_leave_no_room(api: Api) -> None:
    for _ in range(5):
        one, two = await api.sign_up(), await api.sign_up()
        path = f"/rooms/{(await api.room(one, two))['id']}"

        answers = await asyncio.gather(*(api.send("DELETE", path, by=who) for who in (one, two)))

        assert statuses(answers) == {204: 2}
        assert (await api.room(one, two))["id"] not in path


@pytest.mark.parametrize(
    ("same", "code"), [("email", "email-taken"), ("username", "username-taken")]
)
async def test_ten_concurrent_sign_ups_with_one_name_make_one_account(
    api: Api, same: str, code: str
) -> None:
    def body(number: int) -> dict[str, str]:
        new = {"email": f"twin.{same}.{number}@example.com", "username": f"{same}-twin-{number}"}
        return {**new, same: f"twin-{same}@example.com" if same == "email" else "twin-name"}

    answers = await asyncio.gather(
        *(api.send("POST", "/users", {**body(n), "password": PASSWORD}) for n in range(10))
    )

    assert statuses(answers) == {201: 1, 409: 9}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {code}


async def test_30_concurrent_messages_are_numbered_1_to_30(api: Api) -> None:
    one, two = await api.sign_up(), await api.sign_up()
    room = await api.room(one, two)

    sent = await asyncio.gather(
        *(api.send_message((one, two)[n % 2], room, f"{n}", client_id=f"{n}") for n in range(30))
    )

    assert sorted(message["seq"] for message in sent) == list(range(1, 31))
    history = await api.get(HISTORY, f"/rooms/{room['id']}/messages", by=one)
    assert history["items"] == sorted(sent, key=lambda message: int(message["seq"]))
    assert history["last_seq"] == 30


async def test_ten_concurrent_sends_of_one_client_id_are_one_message(api: Api) -> None:
    one, two = await api.sign_up(), await api.sign_up()
    path = f"/rooms/{(await api.room(one, two))['id']}/messages"

    answers = await asyncio.gather(
        *(api.send("POST", path, {"body": f"{n}", "client_id": "c"}, by=one) for n in range(10))
    )

    assert statuses(answers) == {201: 1, 200: 9}
    assert len({answer.text for answer in answers}) == 1
    assert (await api.get(HISTORY, path, by=two))["last_seq"] == 1


async def test_one_of_ten_concurrent_edits_of_a_revision_succeeds(api: Api) -> None:
    author = await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}"
    tag = {"If-Match": '"1"'}

    answers = await asyncio.gather(
        *(api.send("PATCH", path, {"title": f"{n}"}, by=author, headers=tag) for n in range(10))
    )

    assert statuses(answers) == {200: 1, 412: 9}
    (made,) = [answer.json()["title"] for answer in answers if answer.status_code == 200]
    assert (await api.get(PROJECT, path))["title"] == made


async def test_concurrent_comments_and_deletions_are_counted(api: Api) -> None:
    author = await api.sign_up()
    made = await api.publish(author)
    path = f"/projects/{made['id']}/comments"
    there = await asyncio.gather(*(api.comment(author, made) for _ in range(20)))

    bookmarks = [
        api.send("DELETE", f"{path}/{comment['id']}", by=author)
        for comment in there[:10]
        for _ in range(2)
    ]
    answers, _ = await asyncio.gather(
        asyncio.gather(*bookmarks), asyncio.gather(*(api.comment(author, made) for _ in range(15)))
    )

    assert statuses(answers) == {204: 10, 404: 10}
    assert (await api.get(PROJECT, f"/projects/{made['id']}"))["comment_count"] == 25
    assert len(await api.ids(COMMENT, path, limit=100)) == 25


async def test_reading_a_project_while_it_is_deleted_is_no_error(api: Api) -> None:
    author, reader = await api.sign_up(), await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}"

    calls = [
        call
        for _ in range(10)
        for call in (
            api.send("GET", path),
            api.send("PUT", f"{path}/bookmark", by=reader),
            api.send("POST", f"{path}/comments", {"body": "x"}, by=reader),
        )
    ]
    calls.insert(15, api.send("DELETE", path, by=author))
    answers = await asyncio.gather(*calls)

    assert {answer.status_code for answer in answers} <= {200, 201, 204, 404}
    await api.refused(404, "not-found", "GET", path)
