"""The board: filters, sorts and searches, and their combinations."""

import asyncio
import unicodedata
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.client import UNKNOWN_ID, Api, ApiUser, Json
from tests.api.schemas import CARD, PROJECT
from tests.databases import both_databases

pytestmark = [pytest.mark.anyio, both_databases]


@dataclass(frozen=True)
class Board:
    """Three projects of one author, oldest first: with Python; with Python and R; with R."""

    author: ApiUser
    one: str
    two: str
    three: str

    def named(self, *ids: str) -> list[str]:
        names = {self.one: "one", self.two: "two", self.three: "three"}
        return [names.get(each, "another") for each in ids]


async def board(api: Api) -> Board:
    author = await api.sign_up("작가")
    skills = (["Python"], ["Python", "R"], ["R"])
    one, two, three = [(await api.publish(author, skills=each))["id"] for each in skills]
    return Board(author, one, two, three)


async def shown(api: Api, there: Board, **query: Any) -> list[str]:
    """The names of the projects, in the order of the board."""
    return there.named(*await api.ids(CARD, "/projects", author=there.author.id, **query))


async def test_the_board_is_public_and_newest_first(fresh_api: Api) -> None:
    there = await board(fresh_api)
    other = await fresh_api.sign_up()
    last = await fresh_api.publish(other)

    page = await fresh_api.page(CARD, "/projects")

    assert [card["id"] for card in page["items"]] == [
        last["id"],
        there.three,
        there.two,
        there.one,
    ]
    assert page["items"][0] == {
        **{name: last[name] for name in page["items"][0]},
        "bookmarked": None,
    }
    assert (page["next"], page["previous"]) == (None, None)


async def test_an_empty_board_is_an_empty_list(fresh_api: Api) -> None:
    page = await fresh_api.page(CARD, "/projects", total=True)

    assert page == {"items": [], "next": None, "previous": None, "total": 0}


async def test_an_edit_does_not_move_a_project_on_the_board(api: Api) -> None:
    there = await board(api)
    await api.ok(PROJECT, "PATCH", f"/projects/{there.one}", {"title": "neu"}, by=there.author)

    assert await shown(api, there) == ["three", "two", "one"]


@pytest.mark.parametrize(
    ("skills", "match", "expected"),
    [
        (["Python"], None, ["two", "one"]),
        (["R"], "any", ["three", "two"]),
        (["R"], "all", ["three", "two"]),
        (["Python", "R"], None, ["three", "two", "one"]),
        (["Python", "R"], "any", ["three", "two", "one"]),
        (["Python", "R"], "all", ["two"]),
        (["R", "Python", "R"], "all", ["two"]),
        (["AWS"], None, []),
        (["Python", "AWS"], "any", ["two", "one"]),
        (["Python", "AWS"], "all", []),
    ],
)
async def test_the_board_filters_by_any_or_all_of_several_skills(
    api: Api, skills: list[str], match: str | None, expected: list[str]
) -> None:
    there = await board(api)

    assert await shown(api, there, skill=skills, **({"match": match} if match else {})) == expected


async def test_the_board_filters_by_author(api: Api) -> None:
    there, other = await board(api), await board(api)

    assert await shown(api, there) == ["three", "two", "one"]
    assert await shown(api, other) == ["three", "two", "one"]


async def test_the_board_of_an_unknown_author_is_empty(api: Api) -> None:
    await board(api)

    assert await api.ids(CARD, "/projects", author=UNKNOWN_ID) == []


async def test_sort_by_views_lists_the_most_viewed_first(api: Api) -> None:
    there = await board(api)
    for path in (there.one, there.one, there.three):
        await api.get(PROJECT, f"/projects/{path}")

    assert await shown(api, there, sort="views") == ["one", "three", "two"]


async def test_sort_by_popularity_lists_the_most_bookmarked_first(api: Api) -> None:
    there = await board(api)
    readers = [await api.sign_up() for _ in range(2)]
    for reader, made in (
        (readers[0], there.two),
        (readers[1], there.two),
        (readers[0], there.one),
    ):
        await api.bookmark(reader, {"id": made})

    assert await shown(api, there, sort="popular") == ["two", "one", "three"]


async def test_sort_by_trend_lists_what_the_last_run_of_the_job_stored(api: Api) -> None:
    there = await board(api)
    reader = await api.sign_up()
    await api.send("PUT", f"/projects/{there.one}/bookmark", by=reader)
    for _ in range(2):
        await api.send("GET", f"/projects/{there.two}")
    assert await shown(api, there, sort="trending") == ["three", "two", "one"]
    await api.container.trending.renew()
    assert await shown(api, there, sort="trending") == ["one", "two", "three"]
    await api.send("DELETE", f"/projects/{there.one}/bookmark", by=reader)
    await api.container.trending.renew()
    assert await shown(api, there, sort="trending") == ["two", "three", "one"]


@pytest.mark.parametrize("sort", ["newest", "views", "popular", "trending"])
async def test_ties_are_listed_newest_first(api: Api, sort: str) -> None:
    there = await board(api)

    assert await shown(api, there, sort=sort) == ["three", "two", "one"]


# -------------------------------------------------------------------------------------- search

TITLE, SUMMARY = "우리동네 Straße 지도", "100%_snake\\case ＡＢＣ 한글"


@pytest.mark.parametrize(
    "q",
    [
        "우리동네",
        "동네",
        "네 S",
        "도",
        "STRASSE",
        "straße",
        "지도",
        "%_s",
        "100%",
        "snake\\case",
        "\\",
        "_",
        "abc",
        "ＡＢＣ",
        "abc 한",
        unicodedata.normalize("NFD", "한글"),
        unicodedata.normalize("NFD", "동네").upper(),
        TITLE,
        SUMMARY,
    ],
)
async def test_a_search_matches_part_of_the_title_or_summary(api: Api, q: str) -> None:
    author = await api.sign_up()
    made = await api.publish(author, title=TITLE, summary=SUMMARY, content="elsewhere")

    assert await api.ids(CARD, "/projects", author=author.id, q=q) == [made["id"]]


@pytest.mark.parametrize(
    "q",
    [
        "우리_네",
        "우리%지도",
        "동네지도",
        "%%",
        "__",
        "10_%",
        "elsewhere",
        "지도100",
        "지도 100",
        "Python",
        "' OR 1=1 --",
        "null",
        "한\u11a8",
    ],
)
async def test_a_search_matches_no_other_text(api: Api, q: str) -> None:
    author = await api.sign_up()
    await api.publish(author, title=TITLE, summary=SUMMARY, content="elsewhere")

    assert await api.ids(CARD, "/projects", author=author.id, q=q) == []


@pytest.mark.parametrize(
    "q",
    [
        *(
            "ㅋㅋ",
            "ㅠㅠ",
            "요ㅋㅋㅠ",
            "프로젝ㅌ",
            "프로제",
            "프롲",
            "커피지도",
            "커피 지도",
            "피 지도프",
        ),
        *(
            "커피\N{ZERO WIDTH SPACE}지도",
            "커\N{SOFT HYPHEN}피",
            "❤",
            "❤\N{VARIATION SELECTOR-16}",
            "❤“ok",
        ),
        *("it's", "it’s", "it‘s", '"ok"', "“ok”", "  재밌어요\N{IDEOGRAPHIC SPACE}\t"),
        " " * 100 + "커피지도" + " " * 100,
    ],
)
async def test_a_search_matches_what_a_reader_compares(api: Api, q: str) -> None:
    author = await api.sign_up()
    summary = "재밌어요ㅋㅋㅠㅠ it’s ❤\N{VARIATION SELECTOR-16} “ok”"
    made = await api.publish(author, title="커피 지도 프로젝트", summary=summary)

    assert await api.ids(CARD, "/projects", author=author.id, q=q) == [made["id"]]


async def test_a_search_matches_the_authors_name(api: Api) -> None:
    author = await api.sign_up("Zürich-길동")
    made = await api.publish(author)

    for q in (author.username, "zÜRICH-길", unicodedata.normalize("NFD", author.username)):
        assert await api.ids(CARD, "/projects", q=q, author=author.id) == [made["id"]]


async def test_a_search_follows_an_edit(api: Api) -> None:
    author = await api.sign_up()
    made = await api.publish(author, title="before it")
    path = f"/projects/{made['id']}"
    await api.ok(PROJECT, "PATCH", path, {"title": "after it"}, by=author)

    assert await api.ids(CARD, "/projects", author=author.id, q="before") == []
    assert await api.ids(CARD, "/projects", author=author.id, q="after") == [made["id"]]


async def test_a_search_may_have_a_hundred_characters(api: Api) -> None:
    assert await api.ids(CARD, "/projects", q="가" * 100) == []


async def test_all_filters_work_together(api: Api) -> None:
    author, other = await api.sign_up(), await api.sign_up()
    both = ["Python", "R"]
    seen = await api.publish(author, title="needle seen", skills=both)
    expected = await api.publish(author, title="needle", skills=both)
    await api.publish(author, title="needle", skills=["R"])
    await api.publish(author, title="hay", skills=both)
    await api.publish(other, title="needle", skills=both)
    await api.get(PROJECT, f"/projects/{seen['id']}")

    found = await api.page(
        CARD,
        "/projects",
        q="NEEDLE",
        author=author.id,
        skill=both,
        match="all",
        sort="views",
        limit=5,
        total=True,
    )

    assert [card["id"] for card in found["items"]] == [seen["id"], expected["id"]]
    assert found["total"] == 2


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ({"q": ""}, "q"),
        ({"q": "  "}, "q"),
        ({"q": "가" * 101}, "q"),
        ({"q": "a\0b"}, "q"),
        ({"q": "a\nb"}, "q"),
        ({"skill": "Telepathy"}, "skill"),
        ({"skill": ["Python", "python"]}, "skill"),
        ({"skill": ""}, "skill"),
        ({"match": "some"}, "match"),
        ({"sort": "oldest"}, "sort"),
        ({"sort": "NEWEST"}, "sort"),
        ({"sort": "created_at; DROP TABLE projects"}, "sort"),
        ({"author": "nonsense"}, "author"),
        ({"author": ""}, "author"),
        ({"author": "null"}, "author"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"limit": "9" * 5_000}, "limit"),
        ({"total": "maybe"}, "total"),
    ],
)
async def test_an_invalid_parameter_is_refused_and_named(
    api: Api, query: dict[str, str], fault: str
) -> None:
    found = await api.refused(422, "invalid", "GET", "/projects", query=query)

    assert set(found) == {fault}


@pytest.mark.parametrize("raw", ["q=%ff", "q=%ed%a0%80", "skill=%00", "author=%ff", "cursor=%ff"])
async def test_malformed_text_in_a_url_is_no_internal_error(api: Api, raw: str) -> None:
    response = await api.send("GET", f"/projects?{raw}")

    assert response.status_code < 500


async def test_concurrent_searches_succeed(api: Api) -> None:
    there = await board(api)

    async def search(skill: str) -> list[str]:
        return await shown(api, there, skill=skill)

    found = await asyncio.gather(*(search(skill) for skill in ["Python", "R"] * 15))

    assert found == [["two", "one"], ["three", "two"]] * 15


async def test_projects_of_a_deactivated_user_stay_visible(api: Api) -> None:
    there = await board(api)
    await api.deactivate(there.author)

    assert await shown(api, there) == ["three", "two", "one"]
    page: Json = await api.get(PROJECT, f"/projects/{there.one}")
    assert page["author"]["id"] == there.author.id
