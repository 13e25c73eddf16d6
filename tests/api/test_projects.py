"""Publishing, reading, deleting and bookmarking projects."""

import unicodedata

import pytest

from tests.api.client import PREFIX, UNKNOWN_ID, Api, ApiUser, Json, answer, project
from tests.api.schemas import BOOKMARK, CARD, CATALOGUE, PROJECT

pytestmark = pytest.mark.anyio


async def test_publishing_returns_location_and_etag(api: Api) -> None:
    author = await api.sign_up()
    body = project(repository_url="https://example.com/repo", skills=["Vue.js", "Python", ".NET"])

    response = await api.send("POST", "/projects", body, by=author)

    assert response.status_code == 201
    made = answer(response, PROJECT)
    assert response.headers["Location"] == f"{PREFIX}/projects/{made['id']}"
    assert response.headers["ETag"] == '"1"'
    assert made == {
        **body,
        "id": made["id"],
        "skills": [".NET", "Python", "Vue.js"],
        "content_html": (
            '<h1 id="user-content-소개">소개</h1>\n<p>여러 <strong>모임</strong></p>\n'
        ),
        "thumbnail_url": None,
        "author": {"id": author.id, "username": author.username, "image_url": None},
        "view_count": 0,
        "bookmark_count": 0,
        "comment_count": 0,
        "bookmarked": False,
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
        "hidden": False,
    }


async def test_optional_members_may_be_null_or_missing(api: Api) -> None:
    author = await api.sign_up()

    bare = await api.publish(author)
    nulls = await api.publish(author, repository_url=None, thumbnail_id=None)

    assert bare["repository_url"] is None
    assert nulls["repository_url"] is None


BAD: list[tuple[Json, list[str]]] = [
    ({"title": ""}, ["/title"]),
    ({"title": " \t\u3000\u00a0 "}, ["/title"]),
    ({"title": "글" * 51}, ["/title"]),
    ({"title": unicodedata.normalize("NFD", "글" * 51)}, ["/title"]),
    ({"title": "two\nlines"}, ["/title"]),
    ({"title": "a\0b"}, ["/title"]),
    ({"title": None}, ["/title"]),
    ({"title": 7}, ["/title"]),
    ({"title": ["T"]}, ["/title"]),
    ({"title": {"ko": "T"}}, ["/title"]),
    ({"summary": "   "}, ["/summary"]),
    ({"summary": "글" * 61}, ["/summary"]),
    ({"summary": True}, ["/summary"]),
    ({"content": "\n \n"}, ["/content"]),
    ({"content": "글" * 50_001}, ["/content"]),
    ({"content": "a\0b"}, ["/content"]),
    ({"content": 1.5}, ["/content"]),
    ({"skills": []}, ["/skills"]),
    ({"skills": ["Python"] * 2}, ["/skills/1"]),
    ({"skills": ["Python", "Telepathy"]}, ["/skills/1"]),
    ({"skills": ["7"]}, ["/skills/0"]),
    ({"skills": [["Python"]]}, ["/skills/0"]),
    ({"skills": "Python"}, ["/skills"]),
    ({"skills": None}, ["/skills"]),
    ({"repository_url": "not an address"}, ["/repository_url"]),
    ({"repository_url": "javascript:alert(1)"}, ["/repository_url"]),
    ({"repository_url": "null"}, ["/repository_url"]),
    ({"repository_url": 7}, ["/repository_url"]),
    ({"thumbnail_id": UNKNOWN_ID}, ["/thumbnail_id"]),
    ({"thumbnail_id": "nonsense"}, ["/thumbnail_id"]),
    ({"thumbnail_id": "null"}, ["/thumbnail_id"]),
    ({"author_id": UNKNOWN_ID}, ["/author_id"]),
    ({"author": {"id": UNKNOWN_ID}}, ["/author"]),
    ({"id": UNKNOWN_ID}, ["/id"]),
    ({"view_count": 1_000_000}, ["/view_count"]),
    ({"bookmark_count": 1}, ["/bookmark_count"]),
    ({"comment_count": 1}, ["/comment_count"]),
    ({"revision": 1}, ["/revision"]),
    ({"content_html": "<b>"}, ["/content_html"]),
    ({"created_at": "2020-01-01T00:00:00.000000Z"}, ["/created_at"]),
    ({"is_admin": True}, ["/is_admin"]),
    ({"a/b~c": 1}, ["/a~1b~0c"]),
    ({"title": "", "skills": ["x"]}, ["/title", "/skills/0"]),
]


@pytest.fixture(scope="module")
async def mine(api: Api, author: ApiUser) -> Json:
    """The author's only project; no test changes it."""
    return await api.publish(author)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(("over", "faults"), BAD)
async def test_an_invalid_member_is_refused_and_changes_nothing(
    api: Api, author: ApiUser, mine: Json, method: str, over: Json, faults: list[str]
) -> None:
    body = project(**over) if method == "POST" else over
    path = "/projects" if method == "POST" else f"/projects/{mine['id']}"

    assert await api.refused(422, "invalid", method, path, body, by=author) == faults
    listed = (await api.page(CARD, "/projects", author=author.id))["items"]
    assert [(card["id"], card["updated_at"]) for card in listed] == [
        (mine["id"], mine["updated_at"])
    ]


@pytest.mark.parametrize("member", ["title", "summary", "content", "skills"])
async def test_required_members_are_required(api: Api, member: str) -> None:
    author = await api.sign_up()
    body = project()
    del body[member]

    faults = await api.refused(422, "invalid", "POST", "/projects", body, by=author)

    assert faults == [f"/{member}"]


@pytest.mark.parametrize(
    ("member", "longest"), [("title", 50), ("summary", 60), ("content", 50_000)]
)
async def test_lengths_are_counted_after_composition(api: Api, member: str, longest: int) -> None:
    author = await api.sign_up()
    text = "한" * longest

    made = await api.publish(author, **{member: unicodedata.normalize("NFD", text)})

    assert made[member] == text


async def test_at_most_twenty_skills_are_accepted(api: Api) -> None:
    author = await api.sign_up()
    skills = (await api.get(CATALOGUE, "/catalogue"))["skills"]

    made = await api.publish(author, skills=skills[19::-1])
    assert made["skills"] == skills[:20]
    body = project(skills=skills[:21])
    faults = await api.refused(422, "invalid", "POST", "/projects", body, by=author)
    assert faults == ["/skills"]


@pytest.mark.parametrize(
    "text", ["🙂👩‍💻", "العربية", "null", "7", "'; DROP TABLE projects; --", " a "]
)
async def test_texts_come_back_as_they_were_sent(api: Api, text: str) -> None:
    author = await api.sign_up()

    made = await api.publish(author, title=text, summary=text, content=text)

    assert (made["title"], made["summary"], made["content"]) == (text, text, text)


async def test_each_read_counts_one_view_and_includes_it(api: Api) -> None:
    author, reader = await api.sign_up(), await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}"

    seen = [await api.get(PROJECT, path, by=who) for who in (None, reader, author, None)]

    assert [project["view_count"] for project in seen] == [1, 2, 3, 4]
    assert [project["bookmarked"] for project in seen] == [None, False, False, None]


async def test_head_counts_no_view_and_has_the_same_etag(api: Api) -> None:
    author = await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}"

    head = await api.send("HEAD", path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == "application/json"
    assert head.headers["ETag"] == '"1"'
    assert "Content-Length" not in head.headers, "not that of GET"
    assert (await api.get(PROJECT, path))["view_count"] == 1


async def test_lists_edits_and_errors_count_no_view(api: Api) -> None:
    author, other = await api.sign_up(), await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}"

    await api.page(CARD, "/projects", author=author.id)
    await api.ok(PROJECT, "PATCH", path, {"title": "neu"}, by=author)
    await api.refused(403, "forbidden", "PATCH", path, {"title": "neu"}, by=other)
    bad = {"Authorization": "Bearer nonsense"}
    await api.refused(401, "not-authenticated", "GET", path, headers=bad)

    assert (await api.get(PROJECT, path))["view_count"] == 1


async def test_a_conditional_read_gets_the_whole_response(api: Api) -> None:
    author = await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}"

    response = await api.send("GET", path, headers={"If-None-Match": '"1"'})

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["ETag"] == '"1"'


async def test_other_spellings_of_an_id_are_not_found(api: Api, author: ApiUser) -> None:
    project = await api.publish(author)
    plain = str(project["id"])
    for other in (plain.replace("-", ""), f"urn:uuid:{plain}", f"{{{plain}}}"):
        await api.refused(404, "not-found", "GET", f"/projects/{other}")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("project_id", [UNKNOWN_ID, "nonsense", "0", "%00", "%ff", "%20"])
async def test_an_unknown_project_is_not_found(api: Api, method: str, project_id: str) -> None:
    response = await api.send(method, f"/projects/{project_id}")

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"


async def test_deleting_a_project_deletes_its_comments_and_bookmarks(api: Api) -> None:
    author, reader = await api.sign_up(), await api.sign_up()
    made = await api.publish(author)
    await api.bookmark(reader, made)
    comment = await api.comment(reader, made)
    path = f"/projects/{made['id']}"

    response = await api.send("DELETE", path, by=author)

    assert (response.status_code, response.content) == (204, b"")
    await api.refused(404, "not-found", "GET", path)
    await api.refused(404, "not-found", "GET", f"{path}/comments")
    comment_path = f"{path}/comments/{comment['id']}"
    await api.refused(404, "not-found", "DELETE", comment_path, by=reader)
    assert await api.ids(CARD, f"/users/{reader.id}/bookmarks", by=reader) == []
    assert await api.ids(CARD, "/projects", author=author.id) == []
    await api.refused(404, "not-found", "DELETE", path, by=author)


async def test_only_the_author_deletes_a_project(api: Api) -> None:
    author, other = await api.sign_up(), await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}"

    await api.refused(403, "forbidden", "DELETE", path, by=other)

    assert (await api.send("HEAD", path)).status_code == 200


async def test_adding_and_removing_a_bookmark_is_repeatable(api: Api) -> None:
    author, reader = await api.sign_up(), await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}/bookmark"

    for method in ("PUT", "PUT", "DELETE", "DELETE", "PUT"):
        on = method == "PUT"
        state = await api.ok(BOOKMARK, method, path, by=reader)
        assert state == {"bookmarked": on, "bookmark_count": int(on)}


async def test_each_person_sees_their_own_bookmark(api: Api) -> None:
    author, reader = await api.sign_up(), await api.sign_up()
    made = await api.publish(author)
    await api.bookmark(reader, made)

    for who, bookmarked in ((reader, True), (author, False), (None, None)):
        card = (await api.page(CARD, "/projects", author=author.id, by=who))["items"][0]
        page = await api.get(PROJECT, f"/projects/{made['id']}", by=who)
        assert card["bookmarked"] is bookmarked
        assert page["bookmarked"] is bookmarked
        assert card["bookmark_count"] == page["bookmark_count"] == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("project_id", [UNKNOWN_ID, "nonsense"])
async def test_an_unknown_project_cannot_be_bookmarked(
    api: Api, method: str, project_id: str
) -> None:
    person = await api.sign_up()

    path = f"/projects/{project_id}/bookmark"
    await api.refused(404, "not-found", method, path, by=person)
