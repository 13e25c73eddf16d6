"""What people learn of decisions, and what hiding takes along."""

import pytest

from tests.api.client import Api, ApiUser, Json
from tests.api.moderation.reporting import (
    decided,
    moderator,
    of_comment,
    of_project,
)
from tests.databases import both_databases

pytestmark = [pytest.mark.anyio, both_databases]


async def notifications(api: Api, person: ApiUser) -> list[Json]:
    return list((await api.send("GET", "/notifications", by=person)).json()["items"])


async def test_reporter_and_author_learn_of_a_decision_and_neither_who(api: Api) -> None:
    author, reporter = [await api.sign_up() for _ in range(2)]
    project = await api.publish(author)
    await decided(api, await moderator(api), of_project(project), reporter, "warn")
    (entry,) = await notifications(api, reporter)
    assert (entry["kind"], entry["actor"], entry["project"]) == ("report-decided", None, None)
    (entry,) = await notifications(api, author)
    assert (entry["kind"], entry["actor"]) == ("moderated", None)


async def test_hidden_content_takes_its_notifications_along(api: Api) -> None:
    author, reader, reporter = [await api.sign_up() for _ in range(3)]
    project, other = [await api.publish(author) for _ in range(2)]
    comment = await api.comment(reader, project)
    await api.comment(reader, other)
    by = await moderator(api)
    assert len(await notifications(api, author)) == 2
    await decided(api, by, of_comment(comment), reporter, "hide")
    (left,) = await notifications(api, author)
    assert left["project"]["id"] == other["id"]
    await decided(api, by, of_project(other), reporter, "hide")
    assert [one["kind"] for one in await notifications(api, author)] == ["moderated"]
