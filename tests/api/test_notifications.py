"""Notifications over the API: the list, marks, settings, and what takes entries along."""

import pytest

from tests.api.client import PASSWORD, UNKNOWN_ID, Api, ApiUser, Json
from tests.databases import both_databases

pytestmark = [pytest.mark.anyio, both_databases]

DEFAULTS = {
    "request": "mail",
    "accepted": "mail",
    "comment": "web",
    "bookmarks": "web",
    "report-decided": "mail",
    "moderated": "mail",
    "messages": "mail",
}


async def listed(api: Api, person: ApiUser) -> list[Json]:
    """The list, whose number of unread entries must be right."""
    response = await api.send("GET", "/notifications", by=person)
    assert response.status_code == 200, response.text
    page: Json = response.json()
    assert page["unread_count"] == sum(not entry["read"] for entry in page["items"])
    return list(page["items"])


async def read(api: Api, person: ApiUser, entry: Json) -> int:
    body = {"up_to": entry["id"]}
    return (await api.send("POST", "/notifications/read", body, by=person)).status_code


async def test_comments_and_bookmarks_are_grouped_by_project(api: Api) -> None:
    author, first, second = [await api.sign_up() for _ in range(3)]
    project = await api.publish(author)
    await api.comment(first, project)
    last = await api.comment(second, project)
    await api.send("PUT", f"/projects/{project['id']}/bookmark", by=first)
    bookmarks, comments = await listed(api, author)
    assert comments == {
        "id": comments["id"],
        "kind": "comment",
        "actor": {"id": second.id, "username": second.username, "image_url": None},
        "count": 2,
        "project": {"id": project["id"], "title": project["title"]},
        "room_id": None,
        "request_id": None,
        "created_at": last["created_at"],
        "read": False,
    }
    assert (bookmarks["kind"], bookmarks["count"]) == ("bookmarks", 1)
    assert await listed(api, first) == []


async def test_nobody_is_told_of_what_they_did_themselves(api: Api) -> None:
    author = await api.sign_up()
    project = await api.publish(author)
    await api.comment(author, project)
    await api.send("PUT", f"/projects/{project['id']}/bookmark", by=author)
    assert await listed(api, author) == []


async def test_a_later_event_starts_a_new_unread_entry(api: Api) -> None:
    author, reader = [await api.sign_up() for _ in range(2)]
    project = await api.publish(author)
    await api.comment(reader, project)
    (entry,) = await listed(api, author)
    assert await read(api, author, entry) == 204
    assert await read(api, author, entry) == 204
    await api.comment(reader, project)
    new, old = await listed(api, author)
    assert (new["read"], new["count"]) == (False, 1)
    assert old == {**entry, "read": True}


async def test_only_own_entries_are_marked(api: Api) -> None:
    author, reader = [await api.sign_up() for _ in range(2)]
    await api.comment(reader, await api.publish(author))
    (entry,) = await listed(api, author)
    assert await read(api, reader, entry) == 404
    assert await read(api, author, {"id": UNKNOWN_ID}) == 404
    path = "/notifications/read"
    assert await api.refused(422, "invalid", "POST", path, {"up_to": "x"}, by=author)
    assert not (await listed(api, author))[0]["read"]


async def test_deletions_take_entries_along(api: Api) -> None:
    author, first, second = [await api.sign_up() for _ in range(3)]
    project = await api.publish(author)
    path = f"/projects/{project['id']}"
    comments = [await api.comment(person, project) for person in (first, second)]
    await api.send("PUT", f"{path}/bookmark", by=first)
    await api.send("DELETE", f"{path}/comments/{comments[1]['id']}", by=author)
    _, entry = await listed(api, author)
    assert (entry["count"], entry["actor"]["id"]) == (1, first.id)
    await api.send("DELETE", f"{path}/bookmark", by=first)
    assert [one["kind"] for one in await listed(api, author)] == ["comment"]
    await api.send("DELETE", f"{path}/comments/{comments[0]['id']}", by=first)
    assert await listed(api, author) == []
    await api.comment(second, project)
    await api.send("DELETE", path, by=author)
    assert await listed(api, author) == []


async def test_a_withdrawal_takes_entries_along(api: Api) -> None:
    author, leaver, reader = [await api.sign_up() for _ in range(3)]
    project = await api.publish(author)
    for person in (reader, leaver):
        await api.comment(person, project)
    assert (await api.send("DELETE", "/me", {"password": PASSWORD}, by=leaver)).status_code == 204
    (entry,) = await listed(api, author)
    assert (entry["count"], entry["actor"]["id"]) == (1, reader.id)


async def test_settings_have_defaults_and_take_any_subset(api: Api) -> None:
    author, reader = [await api.sign_up() for _ in range(2)]
    path = "/me/notification-settings"

    async def put(**settings: str) -> Json:
        body = {name.replace("_", "-"): value for name, value in settings.items()}
        response = await api.send("PUT", path, body, by=author)
        assert response.status_code == 200, response.text
        return dict(response.json())

    assert (await api.send("GET", path, by=author)).json() == DEFAULTS
    assert await put() == DEFAULTS
    changed = await put(comment="off", report_decided="web", messages="off")
    assert changed == {**DEFAULTS, "comment": "off", "report-decided": "web", "messages": "off"}
    assert (await api.send("GET", path, by=author)).json() == changed
    assert (await api.send("GET", path, by=reader)).json() == DEFAULTS
    for body in ({"messages": "web"}, {"comment": "x"}, {"nonsense": "off"}, {"comment": None}):
        assert await api.refused(422, "invalid", "PUT", path, body, by=author)

    project = await api.publish(author)
    await api.comment(reader, project)
    await api.send("PUT", f"/projects/{project['id']}/bookmark", by=reader)
    assert [entry["kind"] for entry in await listed(api, author)] == ["bookmarks"]


async def test_the_list_has_pages_and_a_total(api: Api) -> None:
    author, reader = [await api.sign_up() for _ in range(2)]
    for _ in range(3):
        await api.comment(reader, await api.publish(author))
    everything = await listed(api, author)
    query = {"limit": 2, "total": True}
    first = (await api.send("GET", "/notifications", by=author, query=query)).json()
    assert (first["items"], first["total"], first["previous"]) == (everything[:2], 3, None)
    query = {"limit": 2, "cursor": first["next"]}
    second = (await api.send("GET", "/notifications", by=author, query=query)).json()
    assert (second["items"], second["next"]) == (everything[2:], None)
    assert "total" not in second
    await api.refused(400, "bad-cursor", "GET", "/notifications", by=reader, query=query)


async def test_the_export_has_notifications_and_settings(api: Api) -> None:
    author, reader = [await api.sign_up() for _ in range(2)]
    project = await api.publish(author)
    await api.comment(reader, project)
    body = {"bookmarks": "off"}
    await api.send("PUT", "/me/notification-settings", body, by=author)
    export = (await api.send("GET", "/me/export", by=author)).json()
    (entry,) = await listed(api, author)
    (exported,) = export["notifications"]
    assert (exported["id"], exported["project_id"]) == (entry["id"], project["id"])
    assert export["notification_settings"] == [{"kind": "bookmarks", "delivery": "off"}]
