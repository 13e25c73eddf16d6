"""The generated demo data are plausible in their numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, replace
from statistics import mean

import pytest

from sidepro.demo.generator import Sizes
from tests.adapters.demo_data import (
    LARGE,
    NOTHING,
    default,
    generated,
    is_korean,
    large,
)


def test_sizes_are_exact() -> None:
    for data, sizes in ((default(), Sizes()), (large(), LARGE)):
        things = (data.users, data.projects, data.comments, data.bookmarks, data.rooms)
        assert [*map(len, things)] == [*astuple(sizes)[:5]]
        assert len(data.pictures) == sizes.pictures
        lengths = Counter(message.room_id for message in data.messages)
        assert set(lengths.values()) == {sizes.messages_per_room}


def test_texts_have_plausible_lengths() -> None:
    data = large()
    assert 27 <= mean(len(project.title) for project in data.projects) <= 33
    assert 42 <= mean(len(project.summary) for project in data.projects) <= 50
    assert 1_350 <= mean(len(project.content) for project in data.projects) <= 1_700
    assert 70 <= mean(len(comment.body) for comment in data.comments) <= 90


def test_six_in_ten_texts_are_korean() -> None:
    projects = large().projects
    assert 0.5 <= mean(is_korean(project.title) for project in projects) <= 0.7
    bodies = [comment.body for comment in large().comments]
    assert 0.5 <= mean(is_korean(body) for body in bodies) <= 0.7


def test_texts_are_varied() -> None:
    projects = large().projects
    assert len({project.title for project in projects}) >= 0.95 * len(projects)
    assert len({project.content for project in projects}) == len(projects)
    bodies = {comment.body for comment in large().comments}
    assert len(bodies) >= 0.6 * len(large().comments)


def test_people_and_projects_have_plausible_numbers_of_skills() -> None:
    data = large()
    counts = [len(profile.skills) for profile in data.profiles]
    assert min(counts) >= 3
    assert max(counts) <= 12
    assert 7.0 <= mean(counts) <= 7.8
    assert {len(project.skills) for project in data.projects} == set(range(1, 7))


def test_project_texts_name_their_skills() -> None:
    for project in default().projects:
        for skill in project.skills:
            assert f"**{skill}**" in project.content


def test_some_people_have_no_profile_and_some_no_project() -> None:
    data = large()
    assert 0.02 <= 1 - len(data.profiles) / len(data.users) <= 0.15
    authors = {project.author_id for project in data.projects}
    assert 0.1 <= 1 - len(authors) / len(data.users) <= 0.4


def test_a_few_projects_are_popular() -> None:
    data = large()
    bookmarks = Counter(bookmark.project_id for bookmark in data.bookmarks)
    top = sum(count for _, count in bookmarks.most_common(len(data.projects) // 10))
    assert top >= 0.3 * len(data.bookmarks)
    comments = Counter(comment.project_id for comment in data.comments)
    assert data.views.keys() == {project.id for project in data.projects}
    for project_id, views in data.views.items():
        assert views >= max(bookmarks[project_id], comments[project_id])


def test_nobody_bookmarks_their_own_project() -> None:
    authors = {project.id: project.author_id for project in default().projects}
    assert all(mark.user_id != authors[mark.project_id] for mark in default().bookmarks)


# --------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [
        (NOTHING, (0, 0, 0, 0, 0)),
        (Sizes(users=0), (0, 0, 0, 0, 0)),
        (Sizes(users=1, projects=3, comments=4), (1, 3, 4, 0, 0)),
        (Sizes(users=2, projects=3, comments=4), (2, 3, 4, 3, 1)),
        (Sizes(users=3, projects=2, rooms=100), (3, 2, 500, 4, 3)),
        (Sizes(users=5, projects=0), (5, 0, 0, 0, 10)),
        (Sizes(users=30, projects=1, comments=0, rooms=1_000), (30, 1, 0, 29, 20 + 29 * 28 // 2)),
    ],
)
def test_impossible_sizes_are_reduced(sizes: Sizes, counts: tuple[int, ...]) -> None:
    data = generated(sizes)
    things = (data.users, data.projects, data.comments, data.bookmarks, data.rooms)
    assert tuple(map(len, things)) == counts
    pairs = {
        tuple(participant.user_id for participant in room.participants) for room in data.rooms
    }
    assert len(pairs) == len(data.rooms)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 5, 70])
def test_chats_have_the_requested_length(length: int) -> None:
    data = generated(replace(NOTHING, users=3, rooms=3, messages_per_room=length))
    assert {room.last_seq for room in data.rooms} == {length}
    assert len(data.messages) == 3 * length


def test_negative_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Sizes(users=-1)
