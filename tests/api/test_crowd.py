"""A crowd on a few projects at once: every count equals its rows, and no edit is lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from sidepro.adapters.sql import database, views
from tests.api.client import Api
from tests.api.fixtures import Databases, serving
from tests.api.shapes import CARD, COMMENT, PROJECT

pytestmark = pytest.mark.anyio

VIEWS, BOOKMARKS, COMMENTS, EDITS = 400, 200, 400, 100
PROJECTS, PEOPLE = 5, 40


@pytest.fixture
async def patient_api(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Api]:
    """A platform that lets requests wait longer than any slow machine needs for all of them."""
    for module in (database, views):
        monkeypatch.setattr(module, "WAIT_FOR_CONNECTION", 90.0)
    with databases.fresh() as address:
        async with serving(address, tmp_path) as api:
            yield api


async def test_a_thousand_at_once_and_a_hundred_edits_are_all_there(patient_api: Api) -> None:
    api = patient_api
    author = await api.sign_up("author")
    people = [await api.sign_up() for _ in range(PEOPLE)]
    projects = [(await api.publish(author))["id"] for _ in range(PROJECTS)]
    paths = [f"/projects/{project}" for project in projects]

    calls = [
        *(api.send("GET", paths[n % PROJECTS]) for n in range(VIEWS)),
        *(
            api.send("PUT", f"{paths[n // PEOPLE]}/bookmark", by=people[n % PEOPLE])
            for n in range(BOOKMARKS)
        ),
        *(
            api.send("POST", f"{paths[n % PROJECTS]}/comments", {"body": f"{n}"}, by=people[n % 7])
            for n in range(COMMENTS)
        ),
        *(
            api.send("PATCH", paths[n % PROJECTS], {"title": f"{n}"}, by=author)
            for n in range(EDITS)
        ),
    ]
    Random(1).shuffle(calls)
    answers = await asyncio.gather(*calls)

    statuses = [answer.status_code for answer in answers]
    assert {status: statuses.count(status) for status in set(statuses)} == {
        200: VIEWS + BOOKMARKS + EDITS,
        201: COMMENTS,
    }
    for number, path in enumerate(paths):
        project = await api.get(PROJECT, path)
        comments = await api.page(COMMENT, f"{path}/comments", limit=100, total=True)
        assert project["view_count"] == VIEWS // PROJECTS + 1
        assert project["bookmark_count"] == BOOKMARKS // PROJECTS
        assert project["comment_count"] == comments["total"] == COMMENTS // PROJECTS
        assert len(comments["items"]) == COMMENTS // PROJECTS
        assert int(project["title"]) % PROJECTS == number
        # Each edit made a revision of its own.
        answer = await api.send("HEAD", path)
        assert answer.headers["ETag"] == f'"{1 + EDITS // PROJECTS}"'
    for person in people[:5]:
        mine = await api.page(CARD, f"/users/{person.id}/bookmarks", by=person, total=True)
        assert mine["total"] == len(mine["items"]) == PROJECTS
