"""What people learn of decisions, and what hiding takes along."""

from uuid import UUID

import pytest

from sidepro.domain.channels import Channel, Event, ItemChanged, ItemKind
from sidepro.domain.ids import UserId
from tests.api.client import Api, ApiUser, Json
from tests.api.moderation.reporting import (
    case_of,
    decide,
    decided,
    moderator,
    of_comment,
    of_message,
    of_project,
    report,
    reverse,
    trusted,
)

pytestmark = pytest.mark.anyio


async def notifications(api: Api, person: ApiUser) -> list[Json]:
    return list((await api.send("GET", "/notifications", by=person)).json()["items"])


@pytest.mark.parametrize("action", ["warn", "hide", "remove", "dismiss"])
async def test_reporter_and_author_learn_of_a_decision_and_neither_who(
    api: Api, action: str
) -> None:
    author, reporter = [await api.sign_up() for _ in range(2)]
    project = await api.publish(author)
    await decided(api, await moderator(api), of_project(project), reporter, action)
    (entry,) = await notifications(api, reporter)
    assert (entry["kind"], entry["actor"], entry["project"]) == ("report-decided", None, None)
    kinds = [(one["kind"], one["actor"]) for one in await notifications(api, author)]
    assert kinds == ([] if action == "dismiss" else [("moderated", None)])


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


async def test_three_reports_move_the_badges_of_those_who_had_notifications(api: Api) -> None:
    author, reader = [await api.sign_up() for _ in range(2)]
    comment = await api.comment(reader, await api.publish(author))
    channel = Channel.person(UserId(UUID(author.id)))
    events: list[Event] = []
    pubsub = api.container.api.services.notifications.events
    await pubsub.subscribe(channel, events.append)
    for number in range(3):
        assert events == [], f"after {number} reports"
        await report(api, await trusted(api), of_comment(comment))
    await pubsub.unsubscribe(channel, events.append)
    assert [event.channel for event in events] == [channel]
    assert await notifications(api, author) == []


async def test_both_people_of_a_room_learn_at_once_that_a_message_is_hidden_or_shown_again(
    api: Api,
) -> None:
    sender, reader = [await api.sign_up() for _ in range(2)]
    room = await api.room(sender, reader)
    target = of_message(await api.send_message(sender, room))
    by = await moderator(api)
    changed: list[Event] = []
    pubsub = api.container.api.services.notifications.events
    channels = [Channel.person(UserId(UUID(person.id))) for person in (sender, reader)]

    def listen(event: Event) -> None:
        if isinstance(event, ItemChanged) and event.kind is ItemKind.ROOM:
            changed.append(event)

    for channel in channels:
        await pubsub.subscribe(channel, listen)
    await report(api, reader, target)
    assert changed == [], "a report shows nothing"
    case = await decide(api, by, await case_of(api, by, target), "hide")
    assert sorted(event.channel for event in changed) == sorted(channels)
    await reverse(api, by, case)
    assert len(changed) == 4
    for channel in channels:
        await pubsub.unsubscribe(channel, listen)
