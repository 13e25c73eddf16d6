"""Comments on projects."""

import unicodedata
from typing import Any

import pytest

from tests.api.client import PREFIX, UNKNOWN_ID, Api, ApiUser, Json, answer
from tests.api.schemas import COMMENT, PROJECT

pytestmark = pytest.mark.anyio


async def test_a_comment_is_returned_with_its_location(api: Api) -> None:
    author, reader = await api.sign_up(), await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}/comments"

    response = await api.send("POST", path, {"body": " 정말\n멋져요! "}, by=reader)

    assert response.status_code == 201
    made = answer(response, COMMENT)
    assert response.headers["Location"] == f"{PREFIX}{path}/{made['id']}"
    assert made == {
        "id": made["id"],
        "author": {"id": reader.id, "username": reader.username, "image_url": None},
        "body": " 정말\n멋져요! ",
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
        "hidden": False,
    }


async def test_comments_are_public_and_oldest_first(api: Api) -> None:
    author, reader = await api.sign_up(), await api.sign_up()
    made = await api.publish(author)
    comments = [await api.comment(who, made) for who in (reader, author, reader)]

    listed = await api.page(COMMENT, f"/projects/{made['id']}/comments")

    assert listed == {"items": comments, "next": None, "previous": None}


async def test_comments_come_newest_first_on_request(api: Api) -> None:
    author = await api.sign_up()
    made = await api.publish(author)
    comments = [await api.comment(author, made) for _ in range(3)]
    path = f"/projects/{made['id']}/comments"

    assert (await api.page(COMMENT, path, order="newest"))["items"] == comments[::-1]
    assert (await api.page(COMMENT, path, order="oldest"))["items"] == comments
    await api.refused(422, "invalid", "GET", path, query={"order": "best"})


async def test_one_comment_is_public_and_where_its_location_says(api: Api) -> None:
    author = await api.sign_up()
    made = await api.publish(author)
    path = f"/projects/{made['id']}/comments"
    response = await api.send("POST", path, {"body": "하나"}, by=author)

    location = response.headers["Location"].removeprefix(PREFIX)
    assert await api.get(COMMENT, location) == answer(response, COMMENT)
    for unknown in (UNKNOWN_ID, "nonsense"):
        await api.refused(404, "not-found", "GET", f"{path}/{unknown}")
        there = location.replace(made["id"], unknown)
        await api.refused(404, "not-found", "GET", there)


async def test_comments_are_counted(api: Api) -> None:
    author = await api.sign_up()
    made = await api.publish(author)
    path = f"/projects/{made['id']}"
    first = await api.comment(author, made)
    await api.comment(author, made)
    await api.send("DELETE", f"{path}/comments/{first['id']}", by=author)

    assert (await api.get(PROJECT, path))["comment_count"] == 1
    assert (await api.page(COMMENT, f"{path}/comments", total=True))["total"] == 1


BAD: list[tuple[Any, list[str]]] = [
    ({"body": ""}, ["/body"]),
    ({"body": " \n\u2003"}, ["/body"]),
    ({"body": "글" * 2_001}, ["/body"]),
    ({"body": "a\0"}, ["/body"]),
    ({"body": None}, ["/body"]),
    ({"body": 7}, ["/body"]),
    ({}, ["/body"]),
    ({"body": "x", "author_id": UNKNOWN_ID}, ["/author_id"]),
    ({"body": "x", "created_at": "2020-01-01T00:00:00Z"}, ["/created_at"]),
    ([{"body": "x"}], [""]),
    ("body", [""]),
]


@pytest.fixture(scope="module")
async def commented(api: Api) -> tuple[ApiUser, str, Json]:
    """A user, the path of the comments on their project, and the only comment."""
    author = await api.sign_up()
    made = await api.publish(author)
    return author, f"/projects/{made['id']}/comments", await api.comment(author, made)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(("body", "faults"), BAD)
async def test_an_invalid_comment_is_refused_and_changes_nothing(
    api: Api, commented: tuple[ApiUser, str, Json], method: str, body: Any, faults: list[str]
) -> None:
    author, path, comment = commented
    there = path if method == "POST" else f"{path}/{comment['id']}"

    assert await api.refused(422, "invalid", method, there, body, by=author) == faults
    assert (await api.page(COMMENT, path))["items"] == [comment]


async def test_the_length_of_a_comment_is_counted_after_composition(api: Api) -> None:
    author = await api.sign_up()
    text = "한" * 2_000

    comment = await api.comment(
        author, await api.publish(author), unicodedata.normalize("NFD", text)
    )

    assert comment["body"] == text


async def test_a_commenter_edits_their_comment(api: Api) -> None:
    author, reader = await api.sign_up(), await api.sign_up()
    made = await api.publish(author)
    before = await api.comment(reader, made)
    path = f"/projects/{made['id']}/comments"

    after = await api.ok(COMMENT, "PATCH", f"{path}/{before['id']}", {"body": "neu"}, by=reader)

    assert after == {**before, "body": "neu", "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]
    assert (await api.page(COMMENT, path))["items"] == [after]


async def comment_by_reader(api: Api) -> tuple[Json, ApiUser, ApiUser, str]:
    author, reader = await api.sign_up(), await api.sign_up()
    made = await api.publish(author)
    comment = await api.comment(reader, made)
    return made, author, reader, f"/projects/{made['id']}/comments/{comment['id']}"


async def test_the_projects_author_cannot_edit_other_peoples_comments(api: Api) -> None:
    _, author, _, path = await comment_by_reader(api)

    await api.refused(403, "forbidden", "PATCH", path, {"body": "neu"}, by=author)


@pytest.mark.parametrize("who", ["project author", "comment author", "administrator"])
async def test_commenter_project_author_and_administrator_delete_a_comment(
    api: Api, who: str
) -> None:
    made, author, reader, path = await comment_by_reader(api)
    people = {"project author": author, "comment author": reader}
    person = people[who] if who in people else await api.administrator()

    response = await api.send("DELETE", path, by=person)

    assert (response.status_code, response.content) == (204, b"")
    assert await api.ids(COMMENT, f"/projects/{made['id']}/comments") == []
    await api.refused(404, "not-found", "DELETE", path, by=person)


async def test_a_stranger_cannot_delete_a_comment(api: Api) -> None:
    _, _, _, path = await comment_by_reader(api)

    await api.refused(403, "forbidden", "DELETE", path, by=await api.sign_up())


@pytest.mark.parametrize(
    ("method", "body"), [("GET", None), ("PATCH", {"body": "neu"}), ("DELETE", None)]
)
async def test_a_comment_is_not_found_under_another_project(
    api: Api, method: str, body: Json | None
) -> None:
    _, _, reader, path = await comment_by_reader(api)
    other = await api.publish(reader)
    comment_id = path.rpartition("/")[2]

    there = f"/projects/{other['id']}/comments/{comment_id}"
    await api.refused(404, "not-found", method, there, body, by=reader)


@pytest.mark.parametrize("project_id", [UNKNOWN_ID, "nonsense"])
async def test_an_unknown_project_has_no_comments(api: Api, project_id: str) -> None:
    person = await api.sign_up()
    path = f"/projects/{project_id}/comments"

    await api.refused(404, "not-found", "GET", path)
    await api.refused(404, "not-found", "POST", path, {"body": "x"}, by=person)
