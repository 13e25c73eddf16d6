"""Editing projects, with and without `If-Match`."""

import pytest

from tests.api.client import PREFIX, Api, Json, answer, problem
from tests.api.schemas import PROJECT

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "edit",
    [
        {"title": "새 제목"},
        {"summary": "새 요약", "repository_url": None},
        {"repository_url": "http://example.com/other"},
        {"content": "neu"},
        {"skills": [".NET", "R"]},
        {"thumbnail_id": None, "title": "새 제목"},
    ],
)
async def test_an_edit_changes_only_the_given_members(api: Api, edit: Json) -> None:
    author = await api.sign_up()
    before = await api.publish(author, repository_url="https://example.com/repo")
    path = f"/projects/{before['id']}"

    response = await api.send("PATCH", path, edit, by=author)

    assert response.status_code == 200
    after = answer(response, PROJECT)
    changed = {name: value for name, value in edit.items() if name != "thumbnail_id"}
    assert after == {
        **before,
        **changed,
        "content_html": after["content_html"],
        "updated_at": after["updated_at"],
    }
    assert after["updated_at"] > before["updated_at"]
    assert ("neu" in after["content_html"]) == ("content" in edit)
    assert response.headers["ETag"] == '"2"'


async def test_an_edit_keeps_the_counters(api: Api) -> None:
    author, reader = await api.sign_up(), await api.sign_up()
    made = await api.publish(author)
    path = f"/projects/{made['id']}"
    await api.get(PROJECT, path)
    await api.bookmark(reader, made)
    await api.comment(reader, made)

    after = await api.ok(PROJECT, "PATCH", path, {"title": "neu"}, by=author)

    counts = [after[f"{what}_count"] for what in ("view", "bookmark", "comment")]
    assert counts == [1, 1, 1]


async def test_counters_do_not_change_the_etag(api: Api) -> None:
    author, reader = await api.sign_up(), await api.sign_up()
    made = await api.publish(author)
    await api.bookmark(reader, made)
    await api.comment(reader, made)

    assert (await api.send("GET", f"/projects/{made['id']}")).headers["ETag"] == '"1"'


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', "*", '"7", "1"', ' "1" '])
async def test_an_edit_of_the_current_revision_succeeds(api: Api, tag: str) -> None:
    author = await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}"

    edited = await api.send("PATCH", path, {"title": "neu"}, by=author, headers={"If-Match": tag})

    assert (edited.status_code, edited.json()["title"]) == (200, "neu")


async def test_several_if_match_headers_form_one_list(api: Api) -> None:
    author = await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}"

    for lines, title, status in (
        (('"7"', '"1"'), "neu", 200),
        (('"2"', '"7"'), "neuer", 200),
        (('"1"', '"2"'), "am neuesten", 412),
    ):
        headers = [*author.headers.items(), *(("If-Match", line) for line in lines)]
        edited = await api.http.patch(PREFIX + path, json={"title": title}, headers=headers)
        assert edited.status_code == status, lines


@pytest.mark.parametrize(
    "tag",
    ['"0"', '"2"', 'W/"2"', '"nonsense"', '"11"', "1", '"9999999999"', '"01"', '"a"1"b"', ""],
)
async def test_an_edit_of_another_revision_is_refused(api: Api, tag: str) -> None:
    author = await api.sign_up()
    made = await api.publish(author)
    path = f"/projects/{made['id']}"

    response = await api.send(
        "PATCH", path, {"title": "neu"}, by=author, headers={"If-Match": tag}
    )

    problem(response, 412, "precondition-failed")
    assert (await api.get(PROJECT, path))["title"] == made["title"]


async def test_the_second_edit_of_a_revision_is_refused(api: Api) -> None:
    author = await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}"
    tag = {"If-Match": '"1"'}

    first = await api.send("PATCH", path, {"title": "first"}, by=author, headers=tag)
    second = await api.send("PATCH", path, {"title": "second"}, by=author, headers=tag)

    assert (first.status_code, second.status_code) == (200, 412)
    assert (await api.get(PROJECT, path))["title"] == "first"


async def test_an_administrators_edit_keeps_the_author(api: Api) -> None:
    author, administrator = await api.sign_up(), await api.administrator()
    path = f"/projects/{(await api.publish(author))['id']}"

    after = await api.ok(PROJECT, "PATCH", path, {"title": "moderated"}, by=administrator)

    assert (after["title"], after["author"]["id"]) == ("moderated", author.id)
