"""`OperatorReader`: people and comments of everybody, as administrators find them."""

from __future__ import annotations

import pytest

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import CommentId
from sidepro.domain.operations.views import (
    CommentQuery,
    ManagedComment,
    ManagedUser,
    PeopleQuery,
    Totals,
)
from sidepro.domain.pagination import PageRequest
from sidepro.domain.text import casefold_key
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import nobody
from tests.contracts.paging import read_all_pages
from tests.statement_log import statements

pytestmark = pytest.mark.anyio

NAMES = ["Mina", "mina2", "min", "미나", "민아", "Élan", "zoe"]


async def names(adapters: Adapters, query: PeopleQuery, limit: int = 2) -> list[str]:
    people = await read_all_pages(lambda page: adapters.operator.people(query, page), limit)
    return [person.username for person in people]


async def bodies(adapters: Adapters, query: CommentQuery, limit: int = 2) -> list[str]:
    comments = await read_all_pages(lambda page: adapters.operator.comments(query, page), limit)
    return [comment.body for comment in comments]


async def test_a_person_is_shown_with_what_they_wrote(adapters: Adapters) -> None:
    author, other = factories.user(is_admin=True), factories.user(is_active=False)
    one, two = factories.project(author.id), factories.project(author.id)
    comments = [factories.comment(one.id, each.id) for each in (author, other, other)]
    await adapters.add(author, other, one, two, *comments)
    shown = ManagedUser(
        id=author.id,
        username=author.username,
        email=author.email,
        is_admin=True,
        is_active=True,
        created_at=author.created_at,
        projects=2,
        comments=1,
    )
    assert await adapters.operator.person(author.id) == shown
    silent = await adapters.operator.person(other.id)
    assert silent is not None
    assert (silent.is_active, silent.projects, silent.comments) == (False, 0, 2)
    assert await adapters.operator.person(nobody()) is None
    assert await adapters.operator.totals() == Totals(people=2, projects=2, comments=3)


@pytest.mark.parametrize("limit", [1, 3, 20])
async def test_all_people_are_listed_the_newest_first(adapters: Adapters, limit: int) -> None:
    users = [factories.user(username=name) for name in NAMES]
    await adapters.add(*users)
    newest = sorted(users, key=lambda user: user.id, reverse=True)
    assert await names(adapters, PeopleQuery(), limit) == [user.username for user in newest]


@pytest.mark.parametrize(
    ("prefix", "found"),
    [("min", ["min", "Mina", "mina2"]), ("mina2", ["mina2"]), ("미", ["미나"]), ("x", [])],
)
async def test_people_are_found_by_a_prefix_in_the_order_of_their_names(
    adapters: Adapters, prefix: str, found: list[str]
) -> None:
    await adapters.add(*(factories.user(username=name) for name in NAMES))
    assert await names(adapters, PeopleQuery(casefold_key(prefix))) == found


async def test_a_person_is_found_by_the_whole_email_alone(adapters: Adapters) -> None:
    one, other = factories.user(email="Mina@example.com"), factories.user(email="a@example.com")
    await adapters.add(one, other)
    query = PeopleQuery("mina@example.com", is_email=True)
    assert await names(adapters, query) == [one.username]
    assert await names(adapters, PeopleQuery("ina@example.com", is_email=True)) == []


async def test_comments_of_all_projects_are_listed_the_newest_first(adapters: Adapters) -> None:
    author, other = factories.user(), factories.user()
    one, two = factories.project(author.id), factories.project(other.id)
    comments = [
        factories.comment(
            (one, two)[place % 2].id, (author, other)[place // 3].id, body=f"{place}"
        )
        for place in range(5)
    ]
    await adapters.add(author, other, one, two, *comments)
    assert await bodies(adapters, CommentQuery()) == ["4", "3", "2", "1", "0"]
    assert await bodies(adapters, CommentQuery(author=author.id)) == ["2", "1", "0"]
    assert await bodies(adapters, CommentQuery(text="3", author=other.id)) == ["3"]
    assert await adapters.operator.comment(comments[1].id) == ManagedComment(
        id=comments[1].id,
        project_id=two.id,
        project_title=two.title,
        author=UserSummary(author.id, author.username, None),
        body="1",
        created_at=comments[1].created_at,
    )
    assert await adapters.operator.comment(CommentId(factories.new_id())) is None


BODIES = ["100% 할인", "1000 할인", r"a\b", "a_b", "axb", "Buy NOW", "비타민 Äpfel"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("할인", ["1000 할인", "100% 할인"]),
        ("0%", ["100% 할인"]),
        ("a_b", ["a_b"]),
        ("\\", [r"a\b"]),
        ("buy now", ["Buy NOW"]),
        ("Äpfel", ["비타민 Äpfel"]),
        ("없는 말", []),
    ],
)
async def test_comments_are_found_by_a_part_of_their_text(
    adapters: Adapters, text: str, found: list[str]
) -> None:
    author = factories.user()
    project = factories.project(author.id)
    comments = [factories.comment(project.id, author.id, body=body) for body in BODIES]
    await adapters.add(author, project, *comments)
    assert await bodies(adapters, CommentQuery(text)) == found


async def test_each_read_takes_one_statement(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    comments = [factories.comment(project.id, author.id) for _ in range(3)]
    await adapters.add(author, project, *comments)
    if adapters.database is None:
        return
    page = PageRequest(2)
    reader = adapters.operator
    for read in (
        lambda: reader.people(PeopleQuery(), page),
        lambda: reader.people(PeopleQuery(author.username_key), page),
        lambda: reader.comments(CommentQuery(author=author.id), page),
        reader.totals,
    ):
        with statements(adapters.database) as log:
            await read()
        assert len(log) == 1
