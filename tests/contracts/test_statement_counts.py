"""The number of statements of a reader does not grow with its list."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from sidepro.domain.accounts.views import UserQuery
from sidepro.domain.pagination import (
    Cursor,
    Page,
    PageRequest,
)
from sidepro.domain.projects.search_key import search_term
from sidepro.domain.projects.views import BoardQuery, CommentOrder, Sort
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, nobody
from tests.factories import NOW
from tests.statement_log import statements

pytestmark = [
    pytest.mark.anyio,
    # Memory has no statements.
    pytest.mark.parametrize(
        "backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True
    ),
]

Read = Callable[[Adapters, "Scene", PageRequest], Awaitable[Page[Any]]]
Look = Callable[[Adapters, "Scene"], Awaitable[object]]


class Scene:
    """Lists with as many items as one likes."""

    def __init__(self) -> None:
        self.author, self.reader = factories.user(), factories.user()
        self.busy = factories.project(self.author.id, created_at=after(-1))

    async def fill(self, adapters: Adapters, number: int) -> None:
        projects = [
            factories.project(self.author.id, created_at=after(place)) for place in range(number)
        ]
        others = [factories.user() for _ in range(number)]
        rooms = [factories.room(self.reader.id, other.id) for other in others]
        await adapters.add(self.author, self.reader, *others)
        pictures = [factories.image(user.id) for user in (self.author, *others)]
        spare = [factories.image(self.author.id) for _ in range(number)]
        async with adapters.unit_of_work() as work:
            for picture in (*pictures, *spare):
                await work.images.add(picture)
                await work.images.mark_stored(picture.id)
            await work.commit()
        shown = pictures[0].id
        projects = [replace(project, thumbnail_id=shown) for project in projects]
        await adapters.add(self.busy, *projects, *rooms)
        comments = [factories.comment(self.busy.id, other.id) for other in others]
        self.comment = comments[0]
        await adapters.add(
            *comments,
            *(factories.message(room.id, 1, self.reader.id) for room in rooms),
            factories.profile(self.author.id, image_id=shown),
            *(
                factories.profile(other.id, image_id=picture.id)
                for other, picture in zip(others, pictures[1:], strict=True)
            ),
        )
        async with adapters.unit_of_work() as work:
            for project in projects:
                await work.bookmarks.add(self.reader.id, project.id, project.created_at)
            await work.commit()
        self.projects, self.people = projects, others
        # Both are looked at once, and kept for a while.
        await adapters.catalogue.current()
        await adapters.board.board(BoardQuery(text=search_term("카페")), PageRequest(1), None)


def board(query: BoardQuery) -> Read:
    return lambda adapters, scene, page: adapters.board.board(query, page, scene.reader.id)


LIST_CASES: list[Any] = [
    pytest.param(board(BoardQuery()), id="newest"),
    pytest.param(board(BoardQuery(sort=Sort.VIEWS)), id="views"),
    pytest.param(board(BoardQuery(sort=Sort.POPULAR)), id="popular"),
    pytest.param(board(BoardQuery(sort=Sort.TRENDING)), id="trending"),
    pytest.param(
        board(BoardQuery(text=search_term("카페"), skills=("Django", "Python"), all_skills=True)),
        id="filtered",
    ),
    pytest.param(
        lambda adapters, scene, page: adapters.board.bookmarked_by(scene.reader.id, page, None),
        id="bookmarks",
    ),
    pytest.param(
        lambda adapters, scene, page: adapters.board.comments(scene.busy.id, page, None),
        id="comments",
    ),
    pytest.param(
        lambda adapters, scene, page: adapters.board.comments(
            scene.busy.id, page, None, CommentOrder.NEWEST
        ),
        id="newest-comments",
    ),
    pytest.param(
        lambda adapters, scene, page: adapters.accounts.search(
            UserQuery("사람", is_prefix=True), page, scene.reader.id, NOW
        ),
        id="users",
    ),
    pytest.param(
        lambda adapters, scene, page: adapters.images.images(scene.author.id, page), id="images"
    ),
    pytest.param(
        lambda adapters, scene, page: adapters.rooms.rooms(scene.reader.id, page), id="rooms"
    ),
]


@pytest.mark.parametrize("read", LIST_CASES)
async def test_a_list_takes_at_most_two_statements(adapters: Adapters, read: Read) -> None:
    scene = Scene()
    await scene.fill(adapters, 14)
    cursor: Cursor | None = Cursor()
    seen: list[Page[Any]] = []
    while cursor is not None:
        with statements(adapters.database) as used:
            page = await read(adapters, scene, PageRequest(6, cursor))
        assert 1 <= len(used) <= 2, used
        seen.append(page)
        cursor = page.next
    assert sum(len(page.items) for page in seen) >= 14
    with statements(adapters.database) as used:
        await read(adapters, scene, PageRequest(100))
        await read(adapters, scene, PageRequest(1))
    assert len(used) <= 4, used
    # Past the end, where nothing is found.
    with statements(adapters.database) as used:
        page = await read(adapters, scene, PageRequest(5, Cursor(_past(seen[-1]))))
    assert page.items == ()
    assert page.previous is not None
    assert len(used) <= 2, used


def _past(page: Page[Any]) -> Any:
    """The place of the last item: the page before it would go on from there."""
    assert page.previous is not None
    assert page.previous.after is not None
    last = page.items[-1]
    match page.previous.after:
        case (str(),):
            return (last.username,)
        case (int(), _) if hasattr(last, "view_count"):
            return (-1, last.id)
        case (_, _) if hasattr(last, "body"):
            return (last.created_at, last.id)
        case _:
            return (after(-1_000_000_000), last.id)


async def test_a_log_in_writes_in_as_few_statements_as_its_database_has(
    adapters: Adapters,
) -> None:
    user = factories.user()
    await adapters.add(user)
    with statements(adapters.database) as used:
        await adapters.add(factories.session(user.id))
    assert adapters.database is not None
    writing = [statement for statement in used if not statement.startswith("BEGIN")]
    # SQLite: what is over goes, the session, its token.
    assert len(writing) == (3 if adapters.database.is_sqlite else 1), used


async def test_a_view_is_one_statement_where_each_costs_a_round_trip(adapters: Adapters) -> None:
    scene = Scene()
    await scene.fill(adapters, 1)
    assert adapters.database is not None
    with statements(adapters.database) as used:
        assert await adapters.views.add(scene.busy.id)
    assert len(used) == (2 if adapters.database.is_sqlite else 1), used


ONE: list[Look] = [
    lambda adapters, scene: adapters.accounts.account(scene.people[0].id),
    lambda adapters, scene: adapters.accounts.log_in_candidate(scene.author.email, "203.0.113.7"),
    lambda adapters, scene: adapters.board.project(scene.busy.id, scene.reader.id),
    lambda adapters, scene: adapters.board.comment(scene.busy.id, scene.comment.id, None),
    lambda adapters, scene: adapters.board.texts(None, 100),
    lambda adapters, scene: adapters.board.addresses(None, 100, None),
    lambda adapters, scene: adapters.board.part_ends(5, None),
    lambda adapters, scene: adapters.images.usage(scene.author.id),
    lambda adapters, scene: adapters.rooms.unread(scene.reader.id),
    lambda adapters, scene: adapters.recommendable.projects_by_author(
        [scene.author.id, nobody()], scene.reader.id, most=9, first=3
    ),
    lambda adapters, scene: adapters.recommendable.popular(scene.reader.id, 10),
]


async def test_one_statement_is_enough(adapters: Adapters) -> None:
    scene = Scene()
    await scene.fill(adapters, 14)
    for look in ONE:
        with statements(adapters.database) as used:
            assert await look(adapters, scene)
        assert len(used) == 1, used


async def test_the_expiry_of_requests_writes_nothing_when_none_has_expired(
    adapters: Adapters,
) -> None:
    with statements(adapters.database) as used:
        async with adapters.unit_of_work() as work:
            assert list(await work.notifications.mark_expired_requests_read(NOW, 100)) == []
            await work.commit()
    words = [statement.split()[0] for statement in used]
    assert [word for word in words if word != "BEGIN"] == ["SELECT"]
