"""Pagination of all lists: pages, cursors, links and totals."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests import image_files
from tests.api.client import PASSWORD, PREFIX, Api, ApiUser, Json, answer
from tests.api.schemas import (
    CARD,
    COMMENT,
    OWN_IMAGE,
    PROJECT,
    ROOM,
    SESSION,
    TOKENS,
    USER,
    Shape,
    page_schema,
)
from tests.databases import both_databases, no_sql
from tests.statement_log import statements

pytestmark = [pytest.mark.anyio, both_databases]

SIZE = 5

PNG = image_files.saved(image_files.picture((60, 40)))


@dataclass(frozen=True)
class Listed:
    """A list of five items: its path, its caller, and the ids in order."""

    path: str
    by: ApiUser | None
    shape: Shape
    ids: list[str]
    query: dict[str, Any] = field(default_factory=dict)

    async def page(self, api: Api, **query: Any) -> Json:
        return await api.page(self.shape, self.path, by=self.by, **self.query, **query)


async def projects(api: Api) -> tuple[ApiUser, list[str]]:
    author = await api.sign_up()
    return author, [(await api.publish(author))["id"] for _ in range(SIZE)]


async def the_board(api: Api) -> Listed:
    author, made = await projects(api)
    return Listed("/projects", None, CARD, made[::-1], {"author": author.id})


async def the_most_viewed(api: Api) -> Listed:
    author, made = await projects(api)
    for views, project in enumerate(made[:3]):
        for _ in range(views):
            await api.get(PROJECT, f"/projects/{project}")
    order = [made[2], made[1], made[4], made[3], made[0]]
    return Listed("/projects", None, CARD, order, {"author": author.id, "sort": "views"})


async def the_popular(api: Api) -> Listed:
    author, made = await projects(api)
    await api.bookmark(author, {"id": made[1]})
    order = [made[1], made[4], made[3], made[2], made[0]]
    return Listed("/projects", None, CARD, order, {"author": author.id, "sort": "popular"})


async def a_search(api: Api) -> Listed:
    author, made = await projects(api)
    query: dict[str, Any] = {
        "author": author.id,
        "q": "지도",
        "skill": ["Python", "R"],
        "match": "any",
    }
    return Listed("/projects", None, CARD, made[::-1], query)


async def a_persons_projects(api: Api) -> Listed:
    author, made = await projects(api)
    return Listed(f"/users/{author.id}/projects", None, CARD, made[::-1])


async def a_persons_bookmarks(api: Api) -> Listed:
    author, made = await projects(api)
    order = [made[number] for number in (2, 0, 4, 1, 3)]
    for project in order:
        await api.bookmark(author, {"id": project})
    return Listed(f"/users/{author.id}/bookmarks", await api.sign_up(), CARD, order[::-1])


async def comments(api: Api) -> Listed:
    author = await api.sign_up()
    made = await api.publish(author)
    order = [(await api.comment(author, made))["id"] for _ in range(SIZE)]
    return Listed(f"/projects/{made['id']}/comments", None, COMMENT, order)


async def newest_comments(api: Api) -> Listed:
    there = await comments(api)
    return Listed(there.path, None, COMMENT, there.ids[::-1], {"order": "newest"})


async def found_users(api: Api) -> Listed:
    caller = await api.sign_up()
    prefix = f"{caller.username[-4:].strip('-')}x"
    people = [await api.sign_up(prefix) for _ in range(SIZE)]
    people.sort(key=lambda person: person.username)
    return Listed("/users", caller, USER, [person.id for person in people], {"q": prefix})


async def own_images(api: Api) -> Listed:
    owner = await api.sign_up()
    made = [(await api.image(owner, PNG))["id"] for _ in range(SIZE)]
    return Listed("/images", owner, OWN_IMAGE, made[::-1])


async def rooms(api: Api) -> Listed:
    person = await api.sign_up()
    made = [await api.room(person, await api.sign_up()) for _ in range(SIZE)]
    await api.send_message(person, made[1])
    order = [made[number]["id"] for number in (1, 4, 3, 2, 0)]
    return Listed("/rooms", person, ROOM, order)


async def sessions(api: Api) -> Listed:
    """The first session logged in last: signing up logs in once."""
    person = await api.sign_up()
    body = {"email": person.email, "password": PASSWORD}
    for _ in range(SIZE - 1):
        await api.ok(TOKENS, "POST", "/sessions", body, status=201)
    listed = await api.get(page_schema(SESSION), "/sessions", by=person)
    order = [session["id"] for session in listed["items"]]
    assert order == sorted(order, reverse=True)
    return Listed("/sessions", person, SESSION, order)


LIST_CASES = [
    the_board,
    the_most_viewed,
    the_popular,
    a_search,
    a_persons_projects,
    a_persons_bookmarks,
    comments,
    newest_comments,
    found_users,
    own_images,
    rooms,
    sessions,
]


@pytest.fixture(scope="module", params=LIST_CASES, ids=lambda make: make.__name__)
async def there(api: Api, request: pytest.FixtureRequest) -> Listed:
    """Each list. No test changes it."""
    made: Listed = await request.param(api)
    return made


async def test_a_list_on_one_page_is_ordered_and_has_no_neighbours(
    api: Api, there: Listed
) -> None:
    page = await there.page(api)

    assert [item["id"] for item in page["items"]] == there.ids
    assert (page["next"], page["previous"]) == (None, None)


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_paging_forward_and_back_returns_each_item_once(
    api: Api, there: Listed, limit: int
) -> None:
    pages = [await there.page(api, limit=limit)]
    while pages[-1]["next"] and len(pages) <= SIZE:
        pages.append(await there.page(api, limit=limit, cursor=pages[-1]["next"]))
    back = [pages[-1]]
    while back[-1]["previous"] and len(back) <= SIZE:
        back.append(await there.page(api, limit=limit, cursor=back[-1]["previous"]))

    assert [item["id"] for page in pages for item in page["items"]] == there.ids
    assert pages[0]["previous"] is None
    assert all(page["previous"] for page in pages[1:])
    whole = SIZE - len(pages[-1]["items"])
    assert [item["id"] for page in back[:0:-1] for item in page["items"]] == there.ids[:whole]


async def test_links_and_cursors_give_the_same_pages(api: Api, there: Listed) -> None:
    first = await there.page(api, limit=2)
    query = {**there.query, "limit": 2, "cursor": first["next"]}

    middle = await api.send("GET", there.path, by=there.by, query=query)

    page = answer(middle, page_schema(there.shape))
    for relation, member in (("next", "next"), ("prev", "previous")):
        target = urlsplit(middle.links[relation]["url"])
        assert target.path == PREFIX + there.path
        asked = parse_qs(target.query)
        assert asked.pop("cursor") == [page[member]]
        expected = {name: value for name, value in query.items() if name != "cursor"}
        assert asked == {
            name: value if isinstance(value, list) else [str(value)]
            for name, value in expected.items()
        }


async def test_there_is_no_link_without_a_page(api: Api, there: Listed) -> None:
    whole = await api.send("GET", there.path, by=there.by, query=there.query)
    first = await api.send("GET", there.path, by=there.by, query={**there.query, "limit": 2})

    assert "Link" not in whole.headers
    assert set(first.links) == {"next"}


async def test_the_total_counts_the_whole_list_on_every_page(api: Api, there: Listed) -> None:
    first = await there.page(api, limit=2, total=True)
    second = await there.page(api, limit=2, total=True, cursor=first["next"])

    assert (first["total"], second["total"]) == (SIZE, SIZE)


async def test_the_total_is_absent_by_default(api: Api, there: Listed) -> None:
    response = await api.send(
        "GET", there.path, by=there.by, query={**there.query, "total": "false"}
    )

    answer(response, page_schema(there.shape))


async def test_a_cursor_is_valid_with_another_limit(api: Api, there: Listed) -> None:
    first = await there.page(api, limit=1)

    rest = await there.page(api, limit=3, cursor=first["next"])

    assert [item["id"] for item in rest["items"]] == there.ids[1:4]


async def test_a_forged_cursor_is_refused(api: Api, there: Listed) -> None:
    cursor = (await there.page(api, limit=1))["next"]
    for not_ours in (
        "",
        "nonsense",
        f"{cursor}x",
        f"{cursor}=",
        f"A{cursor}",
        "x" * 2_000,
        "é",
        "AAAA",
        "null",
    ):
        query = {**there.query, "cursor": not_ours}
        await api.refused(400, "bad-cursor", "GET", there.path, by=there.by, query=query)


@no_sql
async def test_a_changed_cursor_is_refused(api: Api, there: Listed) -> None:
    cursor = (await there.page(api, limit=1))["next"]
    for place in (0, 10, 21, len(cursor) // 2, len(cursor) - 3):
        other = "A" if cursor[place] != "A" else "B"
        query = {**there.query, "cursor": cursor[:place] + other + cursor[place + 1 :]}
        await api.refused(400, "bad-cursor", "GET", there.path, by=there.by, query=query)


@no_sql
async def test_a_cursor_of_another_list_is_refused(api: Api) -> None:
    lists = [await make(api) for make in [*LIST_CASES, comments, a_persons_projects]]
    cursors = [(await there.page(api, limit=1))["next"] for there in lists]

    for number, there in enumerate(lists):
        for cursor in (*cursors[:number], *cursors[number + 1 :]):
            query = {**there.query, "cursor": cursor}
            await api.refused(400, "bad-cursor", "GET", there.path, by=there.by, query=query)


@pytest.fixture(scope="module")
async def searched(api: Api) -> Listed:
    """A search. No test changes what it finds."""
    return await a_search(api)


@no_sql
@pytest.mark.parametrize(
    "over",
    [
        {"sort": "views"},
        {"sort": "popular"},
        {"q": "지"},
        {"q": None},
        {"skill": ["Python"]},
        {"skill": None},
        {"match": "all"},
        {"author": None},
    ],
)
async def test_a_cursor_of_the_board_with_other_filters_is_refused(
    api: Api, searched: Listed, over: dict[str, Any]
) -> None:
    cursor = (await searched.page(api, limit=1))["next"]
    changed = {**searched.query, **over, "cursor": cursor}
    query = {name: value for name, value in changed.items() if value is not None}

    await api.refused(400, "bad-cursor", "GET", "/projects", query=query)


async def test_a_cursor_is_valid_with_equivalent_filters(api: Api) -> None:
    author, made = await projects(api)
    query: dict[str, Any] = {"author": author.id, "q": "ＰＹ", "skill": ["R", "Python"]}
    mine = [await api.publish(author, title=f"Py {number}") for number in range(2)]
    cursor = (await api.page(CARD, "/projects", **query, limit=1))["next"]

    again: dict[str, Any] = {
        "author": author.id.upper(),
        "q": "py",
        "skill": ["Python", "R"],
        "sort": "newest",
    }
    assert await api.ids(CARD, "/projects", **again, cursor=cursor) == [mine[0]["id"]]
    assert len(made) == SIZE


@no_sql
async def test_a_page_has_twenty_items_by_default_and_at_most_a_hundred(api: Api) -> None:
    author = await api.sign_up()
    made = await api.publish(author)
    for number in range(101):
        await api.comment(author, made, str(number))
    path = f"/projects/{made['id']}/comments"

    assert len(await api.ids(COMMENT, path)) == 20
    assert len(await api.ids(COMMENT, path, limit=100)) == 100


async def test_paging_continues_from_a_deleted_item(api: Api) -> None:
    there = await comments(api)
    first = await there.page(api, limit=2)
    author = await api.administrator()
    await api.send("DELETE", f"{there.path}/{there.ids[1]}", by=author)

    rest = await there.page(api, limit=2, cursor=first["next"])

    assert [item["id"] for item in rest["items"]] == there.ids[2:4]


async def test_items_added_while_paging_repeat_or_hide_none(api: Api) -> None:
    author, made = await projects(api)
    query: dict[str, Any] = {"author": author.id, "limit": 2}
    first = await api.page(CARD, "/projects", **query)
    new = (await api.publish(author))["id"]

    second = await api.page(CARD, "/projects", **query, cursor=first["next"])
    back = await api.page(CARD, "/projects", **query, cursor=second["previous"])
    before = await api.page(CARD, "/projects", **query, cursor=back["previous"])

    assert [card["id"] for card in second["items"]] == [made[2], made[1]]
    assert [card["id"] for card in back["items"]] == [made[4], made[3]]
    assert [card["id"] for card in before["items"]] == [new]


async def test_paging_by_views_skips_no_project_with_unchanged_views(api: Api) -> None:
    author, made = await projects(api)
    query: dict[str, Any] = {"author": author.id, "limit": 2, "sort": "views"}
    first = await api.page(CARD, "/projects", **query)
    await api.get(PROJECT, f"/projects/{made[0]}")

    second = await api.page(CARD, "/projects", **query, cursor=first["next"])

    assert [card["id"] for card in second["items"]] == [made[2], made[1]]
    assert second["next"] is None


async def test_a_list_with_its_total_takes_two_statements(there: Listed, api: Api) -> None:
    await there.page(api, total=True)  # what is kept for a while is there then
    with statements(api.container.database) as asked:
        await there.page(api, total=True)
    assert len(asked) == 2, asked


async def test_an_empty_list_of_comments_takes_two_statements(api: Api) -> None:
    author = await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}/comments"
    with statements(api.container.database) as asked:
        assert (await api.page(COMMENT, path))["items"] == []
        assert (await api.page(COMMENT, path, total=True))["items"] == []
    assert len(asked) == 4, asked
