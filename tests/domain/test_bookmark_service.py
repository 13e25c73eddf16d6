"""Bookmarks over a store in memory: exact counters, and repetition is safe."""

from dataclasses import replace
from functools import partial

import pytest

from sidepro.domain.errors import Unavailable
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.ports import Counters
from sidepro.domain.projects.views import BookmarkState
from tests.domain.services import Services, awaited
from tests.factories import at_once


@awaited
async def test_concurrent_bookmarks_are_all_counted(services: Services) -> None:
    _, project = await services.published()
    fans = await services.people(50)
    states = await at_once([partial(services.bookmarks.add, fan, project.card.id) for fan in fans])
    assert sorted(state.bookmark_count for state in states) == list(range(1, 51))
    assert await services.reader.counters(project.card.id, None) == Counters(0, 50, 0)


@awaited
async def test_adding_and_removing_a_bookmark_is_repeatable(services: Services) -> None:
    _, project = await services.published()
    fan, other = await services.people(2)
    await services.bookmarks.add(other, project.card.id)
    on, off = services.bookmarks.add, services.bookmarks.remove
    for act, state in (
        (off, BookmarkState(False, 1)),
        (on, BookmarkState(True, 2)),
        (on, BookmarkState(True, 2)),
        (off, BookmarkState(False, 1)),
        (off, BookmarkState(False, 1)),
    ):
        assert await act(fan, project.card.id) == state
        assert (await services.projects.get(project.card.id, fan.id)).card.bookmarked == (
            state.bookmarked
        )


@awaited
async def test_concurrent_bookmarks_of_one_user_count_once(services: Services) -> None:
    _, project = await services.published()
    fan = await services.person()
    states = await at_once([partial(services.bookmarks.add, fan, project.card.id)] * 10)
    assert set(states) == {BookmarkState(True, 1)}


@awaited
async def test_a_failed_commit_adds_no_bookmark(services: Services) -> None:
    author, project = await services.published()
    bookmarks = replace(services.bookmarks, unit_of_work=services.broken_unit_of_work)
    with pytest.raises(Unavailable):
        await bookmarks.add(author, project.card.id)
    assert await services.projects.get(project.card.id, author.id) == project


@awaited
async def test_bookmarks_are_listed_latest_first(services: Services) -> None:
    author, fan = await services.people(2)
    one, other, _ = [await services.project(author) for _ in range(3)]
    for project in (other, one):
        services.clock.forward(1)
        await services.bookmarks.add(fan, project.id)
    page = await services.bookmarks.of_user(fan.id, PageRequest(), author.id)
    assert [card.id for card in page.items] == [one.id, other.id]
    assert [card.bookmarked for card in page.items] == [False, False]
    assert await services.bookmarks.count(fan.id, None) == 2
