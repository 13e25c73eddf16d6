"""The order of checks: authentication, existence, authorisation, validation."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from litestar.routes import HTTPRoute

from tests import image_files
from tests.api.client import PREFIX, UNKNOWN_ID, Api, ApiUser, Json
from tests.api.schemas import SESSION, page_schema

PNG = image_files.saved(image_files.picture((30, 20)))

pytestmark = pytest.mark.anyio

BAD_LIST: list[dict[str, Any]] = [{"limit": 0}, {"limit": "x"}, {"total": "x"}, {"cursor": "x"}]
BAD_TEXTS: list[Any] = [{"title": 7}, {"unknown": 1}, {"title": ""}, [], None]
BAD_BODY: list[Any] = [{"body": 7}, {"unknown": 1}, {"body": ""}, [], None]


@dataclass(frozen=True)
class Route:
    """A route with an id, and the invalid calls of it.

    `changed_by_others` is what those get who may see the thing and not change it.
    """

    method: str
    path: str
    public: bool = False
    bodies: list[Any] = field(default_factory=lambda: [None])
    queries: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    headers: dict[str, str] = field(default_factory=dict)
    changed_by_others: int | None = None

    @property
    def id(self) -> str:
        return f"{self.method} {self.path}"


ROUTES = [
    Route("DELETE", "/sessions/{session_id}", changed_by_others=404),
    Route("GET", "/users/{user_id}", public=True),
    Route("GET", "/users/{user_id}/projects", public=True, queries=BAD_LIST),
    Route("GET", "/users/{user_id}/bookmarks", queries=BAD_LIST),
    Route("GET", "/projects/{project_id}", public=True),
    Route("HEAD", "/projects/{project_id}", public=True),
    Route(
        "PATCH",
        "/projects/{project_id}",
        bodies=BAD_TEXTS,
        headers={"If-Match": '"99"'},
        changed_by_others=403,
    ),
    Route("DELETE", "/projects/{project_id}", changed_by_others=403),
    Route("PUT", "/projects/{project_id}/bookmark"),
    Route("DELETE", "/projects/{project_id}/bookmark"),
    Route("GET", "/projects/{project_id}/comments", public=True, queries=BAD_LIST),
    Route("POST", "/projects/{project_id}/comments", bodies=BAD_BODY),
    Route("GET", "/projects/{project_id}/comments/{comment_id}", public=True),
    Route(
        "PATCH",
        "/projects/{project_id}/comments/{comment_id}",
        bodies=BAD_BODY,
        changed_by_others=403,
    ),
    Route("DELETE", "/projects/{project_id}/comments/{comment_id}", changed_by_others=403),
    Route("DELETE", "/images/{image_id}", changed_by_others=404),
    Route("GET", "/rooms/{room_id}", changed_by_others=404),
    Route("DELETE", "/rooms/{room_id}", changed_by_others=404),
    Route(
        "GET",
        "/rooms/{room_id}/messages",
        queries=[{"limit": 0}, {"before": 1, "after": 1}, {"after": "x"}, {"before": -1}],
        changed_by_others=404,
    ),
    Route(
        "POST",
        "/rooms/{room_id}/messages",
        bodies=[*BAD_BODY, {"body": "x", "client_id": ""}],
        changed_by_others=404,
    ),
    Route(
        "PUT",
        "/rooms/{room_id}/read",
        bodies=[{"seq": "1"}, {"seq": -1}, {}, {"seq": 1, "x": 1}, None],
        changed_by_others=404,
    ),
    Route("POST", "/rooms/{room_id}/socket-tickets", changed_by_others=404),
    Route("POST", "/chat-requests/{request_id}/acceptance", changed_by_others=404),
    Route("POST", "/chat-requests/{request_id}/decline", changed_by_others=404),
    Route("DELETE", "/chat-requests/{request_id}", changed_by_others=404),
    Route("PUT", "/me/blocks/{user_id}"),
    Route("DELETE", "/me/blocks/{user_id}"),
]
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
MALFORMED: list[tuple[bytes, str]] = [(b"{", "application/json"), (b"{}", "text/plain")]


@dataclass(frozen=True)
class Resources:
    """The resources, their owner, and a stranger."""

    owner: ApiUser
    other: ApiUser
    ids: dict[str, str]


@pytest.fixture(scope="module")
async def resources(api: Api) -> Resources:
    owner, other, friend = [await api.sign_up() for _ in range(3)]
    made = await api.publish(owner)
    sessions = await api.get(page_schema(SESSION), "/sessions", by=owner)
    request = {"user_id": friend.id, "introduction": "지도 이야기를 듣고 싶어요."}
    ids = {
        "session_id": sessions["items"][0]["id"],
        "user_id": owner.id,
        "project_id": made["id"],
        "comment_id": (await api.comment(owner, made))["id"],
        "image_id": (await api.image(owner, PNG))["id"],
        "room_id": (await api.room(owner, friend))["id"],
        "request_id": (await api.send("POST", "/chat-requests", request, by=owner)).json()["id"],
    }
    return Resources(owner, other, ids)


async def statuses(
    api: Api, route: Route, ids: dict[str, str], by: ApiUser | None
) -> dict[str, int]:
    """The responses to all invalid calls of the route."""
    path = route.path.format(**ids)
    found = {}
    for body in route.bodies:
        for query in route.queries:
            response = await api.send(
                route.method, path, body, by=by, query=query, headers=route.headers
            )
            found[f"{body} {query}"] = response.status_code
    if route.bodies != [None]:
        for content, kind in MALFORMED:
            headers = {**route.headers, "Content-Type": kind}
            response = await api.send(route.method, path, content=content, by=by, headers=headers)
            found[f"{content!r} as {kind}"] = response.status_code
    return found


async def test_every_route_with_an_id_is_listed(api: Api) -> None:
    there = {
        f"{method} {route.path_format.removeprefix(PREFIX)}"
        for route in api.app.routes
        if isinstance(route, HTTPRoute)
        and route.path_format.startswith(PREFIX)
        and re.search(r"\{\w+_id\}", route.path_format)
        and not route.path_format.endswith("/socket")  # which is 426 for everybody
        and "/moderation/" not in route.path_format  # which are 403 for members, whatever the id
        for method in route.methods - {"OPTIONS"}
    }

    assert there == {route.id for route in ROUTES}


@every_route
async def test_an_anonymous_call_is_refused_before_anything_else(
    api: Api, resources: Resources, route: Route
) -> None:
    if route.public:
        ids = resources.ids
        bad = {"Authorization": "Bearer nonsense"}
        response = await api.send(route.method, route.path.format(**ids), headers=bad)
        assert response.status_code == 401
        return
    for ids in (resources.ids, dict.fromkeys(resources.ids, UNKNOWN_ID)):
        found = await statuses(api, route, ids, None)
        assert found == dict.fromkeys(found, 401)


@every_route
async def test_a_missing_resource_is_reported_before_invalid_input(
    api: Api, resources: Resources, route: Route
) -> None:
    for missing in (UNKNOWN_ID, "nonsense"):
        found = await statuses(api, route, dict.fromkeys(resources.ids, missing), resources.other)
        assert found == dict.fromkeys(found, 404)


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.changed_by_others],
    ids=lambda route: route.id,
)
async def test_a_forbidden_resource_is_reported_before_invalid_input(
    api: Api, resources: Resources, route: Route
) -> None:
    found = await statuses(api, route, resources.ids, resources.other)

    assert found == dict.fromkeys(found, route.changed_by_others)


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.bodies != [None] or route.queries != [{}]],
    ids=lambda route: route.id,
)
async def test_an_authorised_caller_gets_the_validation_errors(
    api: Api, resources: Resources, route: Route
) -> None:
    found = await statuses(api, route, resources.ids, resources.owner)

    assert set(found.values()) <= {400, 415, 422}


async def test_invalid_input_is_reported_before_a_stale_revision(
    api: Api, resources: Resources
) -> None:
    path = f"/projects/{resources.ids['project_id']}"
    stale = {"If-Match": '"99"'}

    bad: Json = {"title": ""}
    await api.refused(422, "invalid", "PATCH", path, bad, by=resources.owner, headers=stale)
    good = {"title": "x"}
    await api.refused(
        412, "precondition-failed", "PATCH", path, good, by=resources.owner, headers=stale
    )
