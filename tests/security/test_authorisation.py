"""The authorisation matrix: every route for every kind of caller."""

import itertools
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from uuid import uuid4

import pytest
from litestar.routes import HTTPRoute, WebSocketRoute

from sidepro.web.errors import is_page
from tests import image_files
from tests.api.client import PASSWORD, PREFIX, UNKNOWN_ID, Api, ApiUser, Json, project
from tests.api.moderation.reporting import case_of, of_project, report
from tests.api.schemas import ACCOUNT, TOKENS
from tests.databases import both_databases

PNG = image_files.saved(image_files.picture((30, 20)))

pytestmark = pytest.mark.anyio

numbers = itertools.count(1)


@dataclass(frozen=True)
class Things:
    """The ids in the path or body of a call."""

    user_id: str
    project_id: str
    comment_id: str
    room_id: str
    session_id: str
    somebody_id: str
    image_id: str
    case_id: str
    request_id: str


Body = Callable[[Things], Json | None]


@dataclass(frozen=True)
class Row:
    """The status, or the close code of a socket, for each kind of caller with a valid body.

    The owner wrote the project and the comment and is in the room; the member is the other person
    in the room.
    """

    anonymous: int
    stranger: int
    owner: int
    member: int
    administrator: int
    body: Body = lambda _: None


def everybody(status: int, body: Body = lambda _: None) -> Row:
    return Row(status, status, status, status, status, body)


def signed_in(status: int, body: Body = lambda _: None) -> Row:
    return Row(401, status, status, status, status, body)


def authors(status: int, body: Body = lambda _: None) -> Row:
    """Only for the author and administrators."""
    return Row(401, 403, status, 403, status, body)


def members(status: int, body: Body = lambda _: None) -> Row:
    """Only for the two in the room; a 404 for all others."""
    return Row(401, 404, status, status, 404, body)


def moderators(status: int, body: Body = lambda _: None) -> Row:
    """Only for moderators and administrators."""
    return Row(401, 403, 403, 403, status, body)


def new_account(_: Things) -> Json:
    number = next(numbers)
    email = f"matrix{number}@example.com"
    return {"email": email, "username": f"matrix-{number}", "password": PASSWORD}


TABLE: dict[str, Row] = {
    # accounts
    "POST /api/v1/users": everybody(201, new_account),
    "GET /api/v1/users": signed_in(422),
    "GET /api/v1/users/availability": everybody(422),
    "GET /api/v1/users/{user_id}": everybody(200),
    "GET /api/v1/users/{user_id}/projects": everybody(200),
    "GET /api/v1/users/{user_id}/bookmarks": signed_in(200),
    "POST /api/v1/sessions": everybody(401, lambda _: {"email": "no@x.org", "password": "wrong"}),
    "POST /api/v1/sessions/refresh": everybody(401, lambda _: {"refresh_token": "unknown"}),
    "GET /api/v1/sessions": signed_in(200),
    "DELETE /api/v1/sessions": signed_in(204),
    "DELETE /api/v1/sessions/current": signed_in(204),
    # a 404 for all but its owner
    "DELETE /api/v1/sessions/{session_id}": Row(401, 404, 204, 404, 404),
    "PUT /api/v1/me/password": signed_in(
        422, lambda _: {"current_password": "wrong", "new_password": PASSWORD}
    ),
    "PUT /api/v1/me/email": signed_in(
        422, lambda _: {"email": "new@example.com", "password": "wrong"}
    ),
    "POST /api/v1/me/email-verification": signed_in(202),
    "POST /api/v1/email-verifications": everybody(422, lambda _: {"token": "unknown"}),
    "POST /api/v1/password-resets": everybody(202, lambda _: {"email": "nobody@example.com"}),
    "POST /api/v1/password-resets/redemptions": everybody(
        422, lambda _: {"token": "unknown", "new_password": PASSWORD}
    ),
    "DELETE /api/v1/me": signed_in(422, lambda _: {"password": "wrong"}),
    "GET /api/v1/me": signed_in(200),
    "GET /api/v1/me/unread": signed_in(200),
    "POST /api/v1/me/socket-tickets": signed_in(201),
    "GET /api/v1/me/socket": everybody(426),
    "SOCKET /api/v1/me/socket": Row(4401, 101, 101, 101, 101),
    "GET /api/v1/me/export": signed_in(200),
    "PATCH /api/v1/me": signed_in(200, lambda _: {"language": "en"}),
    "PUT /api/v1/me/profile": signed_in(200, lambda _: {"bio": "", "skills": ["R"]}),
    "PATCH /api/v1/me/profile": signed_in(200, lambda _: {"bio": "neu"}),
    "GET /api/v1/me/blocks": signed_in(200),
    # nobody blocks themselves
    "PUT /api/v1/me/blocks/{user_id}": Row(401, 204, 422, 204, 204),
    "DELETE /api/v1/me/blocks/{user_id}": signed_in(204),
    "GET /api/v1/catalogue": everybody(200),
    # the board
    "GET /api/v1/projects": everybody(200),
    "POST /api/v1/projects": signed_in(201, lambda _: project()),
    "GET /api/v1/projects/{project_id}": everybody(200),
    "HEAD /api/v1/projects/{project_id}": everybody(200),
    "PATCH /api/v1/projects/{project_id}": authors(200, lambda _: {"title": "neu"}),
    "DELETE /api/v1/projects/{project_id}": authors(204),
    "PUT /api/v1/projects/{project_id}/bookmark": signed_in(200),
    "DELETE /api/v1/projects/{project_id}/bookmark": signed_in(200),
    "POST /api/v1/markdown": signed_in(200, lambda _: {"content": "x"}),
    "GET /api/v1/projects/{project_id}/comments": everybody(200),
    "POST /api/v1/projects/{project_id}/comments": signed_in(201, lambda _: {"body": "x"}),
    "GET /api/v1/projects/{project_id}/comments/{comment_id}": everybody(200),
    "PATCH /api/v1/projects/{project_id}/comments/{comment_id}": Row(
        401, 403, 200, 403, 403, lambda _: {"body": "neu"}
    ),
    "DELETE /api/v1/projects/{project_id}/comments/{comment_id}": authors(204),
    # images take no JSON
    "GET /api/v1/images": signed_in(200),
    # a 404 for all but its owner
    "DELETE /api/v1/images/{image_id}": Row(401, 404, 204, 404, 404),
    "POST /api/v1/images": signed_in(415, lambda _: {}),
    # consent: the stranger has asked the owner
    "POST /api/v1/chat-requests": signed_in(
        200, lambda things: {"user_id": things.somebody_id, "introduction": "x"}
    ),
    "GET /api/v1/chat-requests": signed_in(200),
    "POST /api/v1/chat-requests/{request_id}/acceptance": Row(401, 403, 200, 404, 404),
    "POST /api/v1/chat-requests/{request_id}/decline": Row(401, 403, 204, 404, 404),
    "DELETE /api/v1/chat-requests/{request_id}": Row(401, 204, 403, 404, 404),
    # coffee chat
    "POST /api/v1/rooms": signed_in(201, lambda things: {"user_id": things.somebody_id}),
    "GET /api/v1/rooms": signed_in(200),
    "GET /api/v1/rooms/{room_id}": members(200),
    "DELETE /api/v1/rooms/{room_id}": members(204),
    "GET /api/v1/rooms/{room_id}/messages": members(200),
    "POST /api/v1/rooms/{room_id}/messages": members(201, lambda _: {"body": "x"}),
    "PUT /api/v1/rooms/{room_id}/read": members(204, lambda _: {"seq": 0}),
    "POST /api/v1/rooms/{room_id}/socket-tickets": members(201),
    "GET /api/v1/rooms/{room_id}/socket": everybody(426),
    "SOCKET /api/v1/rooms/{room_id}/socket": Row(4401, 4404, 101, 101, 4404),
    # notifications
    "GET /api/v1/notifications": signed_in(200),
    "POST /api/v1/notifications/read": signed_in(404, lambda _: {"up_to": UNKNOWN_ID}),
    "GET /api/v1/me/notification-settings": signed_in(200),
    "PUT /api/v1/me/notification-settings": signed_in(200, lambda _: {"comment": "off"}),
    # recommendations
    "GET /api/v1/recommendations": signed_in(200),
    # moderation
    "GET /api/v1/reports": signed_in(200),
    "POST /api/v1/reports": signed_in(
        201, lambda things: {"kind": "user", "id": things.somebody_id, "reason": "spam"}
    ),
    "GET /api/v1/moderation/cases": moderators(200),
    "GET /api/v1/moderation/cases/{case_id}": moderators(200),
    "POST /api/v1/moderation/cases/{case_id}/claim": moderators(200, lambda _: {"version": 1}),
    "POST /api/v1/moderation/cases/{case_id}/decisions": moderators(
        200, lambda _: {"version": 1, "action": "dismiss", "reason": "x"}
    ),
    # nothing is decided yet
    "POST /api/v1/moderation/cases/{case_id}/reversals": moderators(
        409, lambda _: {"version": 1, "reason": "x"}
    ),
    "GET /api/v1/moderation/log": moderators(200),
    "PUT /api/v1/moderation/users/{user_id}/role": moderators(200, lambda _: {"role": "member"}),
    # operation and documents
    "GET /health/live": everybody(200),
    "GET /health/ready": everybody(200),
    "GET /metrics": everybody(200),
    "GET /media/{key}": everybody(404),
    "HEAD /media/{key}": everybody(404),
    "GET /api/openapi.json": everybody(200),
    # added by the framework
    "GET /api/openapi.json/openapi.json": everybody(200),
    "GET /problems/{code}": everybody(404),
    "GET /api/asyncapi.json": everybody(200),
    "GET /api/docs": everybody(200),
    "GET /api/docs/start.js": everybody(200),
    "GET /api/docs/files/{name}": everybody(404),
}


IGNORING = (
    *("POST /api/v1/users", "POST /api/v1/sessions", "POST /api/v1/sessions/refresh"),
    "GET /api/v1/rooms/{room_id}/socket",
    "GET /api/v1/me/socket",
)
"""These ignore an `Authorization` header."""

ENDING = {"DELETE /api/v1/sessions", "DELETE /api/v1/sessions/current"}
"""These end the sessions of the callers."""


WITH_NEW_PEOPLE = "{request_id}"
"""Part of the routes after which a caller changes what the next may do."""


@dataclass(frozen=True)
class People:
    stranger: ApiUser
    owner: ApiUser
    member: ApiUser
    administrator: ApiUser


@pytest.fixture(scope="module")
async def people(api: Api) -> People:
    return await new_people(api)


async def new_people(api: Api) -> People:
    found = People(
        stranger=await api.sign_up("stranger"),
        owner=await api.sign_up("owner"),
        member=await api.sign_up("member"),
        administrator=await api.administrator(),
    )
    for person in (found.stranger, found.owner, found.member, found.administrator):
        await api.profile(person)
    return found


@pytest.fixture(scope="module")
async def stable_things(api: Api, people: People) -> Things:
    """Shared by calls that delete nothing: they need no session, image, case or request."""
    return await things(api, people, {"comment_id", "room_id", "somebody_id"})


@pytest.fixture(scope="module")
async def invalid(api: Api, people: People) -> dict[str, str]:
    """Invalid tokens by their defect: of the owner, or of a deactivated user."""
    owner, deactivated = people.owner, await api.sign_up("deactivated")
    ended_token = await api.log_in(owner.email)
    headers = {"Authorization": f"Bearer {ended_token}"}
    assert (await api.send("DELETE", "/sessions/current", headers=headers)).status_code == 204
    await api.container.administration.set_active(deactivated.email, active=False)
    return {
        "forged": f"{owner.token}x",
        "of an ended session": ended_token,
        "of somebody deactivated": deactivated.token,
    }


async def things(api: Api, people: People, names: Collection[str]) -> Things:
    """New data of these names, and ids of nothing for the others. Making all takes a while, and
    the oldest session of a user is ended when there are too many.
    """

    async def made_for(name: str, make: Callable[[], Awaitable[str]]) -> str:
        return await make() if name in names else str(uuid4())

    of_a_project = {"project_id", "comment_id", "case_id"}.intersection(names)
    project = await api.publish(people.owner) if of_a_project else {"id": str(uuid4())}
    return Things(
        user_id=people.owner.id,
        project_id=project["id"],
        comment_id=await made_for("comment_id", lambda: comment_on(api, people, project)),
        room_id=await made_for("room_id", lambda: room_of(api, people)),
        session_id=await made_for("session_id", lambda: another_session(api, people.owner)),
        somebody_id=await made_for("somebody_id", lambda: somebody(api)),
        image_id=await made_for("image_id", lambda: image_of(api, people.owner)),
        case_id=await made_for("case_id", lambda: case_about(api, people, project)),
        request_id=await made_for(
            "request_id", lambda: request_of(api, people.stranger, people.owner)
        ),
    )


def names_in(route: str) -> set[str]:
    """What a route names, and what the body of the call that opens a room takes."""
    names = set(re.findall(r"{(\w+)}", route))
    return names | {"somebody_id"} if route == "POST /api/v1/rooms" else names


async def comment_on(api: Api, people: People, project: Json) -> str:
    return str((await api.comment(people.owner, project))["id"])


async def room_of(api: Api, people: People) -> str:
    """A room that both are in, also where one had left it."""
    await api.room(people.owner, people.member)
    return str((await api.room(people.member, people.owner))["id"])


async def somebody(api: Api) -> str:
    return (await api.sign_up("somebody")).id


async def image_of(api: Api, person: ApiUser) -> str:
    return str((await api.image(person, PNG))["id"])


async def case_about(api: Api, people: People, project: Json) -> str:
    target = of_project(project)
    await report(api, people.member, target)
    return str((await case_of(api, people.administrator, target))["id"])


async def request_of(api: Api, asker: ApiUser, recipient: ApiUser) -> str:
    policy = {"chat_policy": "request"}
    await api.ok(ACCOUNT, "PATCH", "/me", policy, by=recipient)
    return str((await api.chat_request(asker, recipient))["id"])


async def another_session(api: Api, person: ApiUser) -> str:
    body = {"email": person.email, "password": PASSWORD}
    made = await api.ok(TOKENS, "POST", "/sessions", body, status=201)
    return str(made["session_id"])


def routes(api: Api) -> set[str]:
    calls = {
        f"{method} {route.path_format}"
        for route in api.app.routes
        if isinstance(route, HTTPRoute) and not is_page(route.path)
        for method in route.methods - {"OPTIONS"}
    }
    sockets = {
        f"SOCKET {route.path_format}"
        for route in api.app.routes
        if isinstance(route, WebSocketRoute)
    }
    return calls | sockets


async def called(api: Api, route: str, there: Things, token: str | None) -> int:
    """The status of a call, or the code of opening a socket, with this token."""
    method, _, path = route.partition(" ")
    ids = {**vars(there), "name": "nonsense", "code": "nonsense", "key": "nonsense"}
    address = path.format(**ids)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if method == "SOCKET":
        return await api.try_socket(address.removeprefix(PREFIX), headers=headers)
    body = TABLE[route].body(there)
    return (await api.send(method, f"/{address}", body, headers=headers)).status_code


async def test_the_table_has_exactly_the_routes_of_the_api(api: Api) -> None:
    assert routes(api) == set(TABLE)


@both_databases
@pytest.mark.parametrize("route", TABLE)
async def test_each_caller_gets_the_status_of_the_table(
    api: Api, people: People, stable_things: Things, route: str
) -> None:
    row = TABLE[route]
    names = ("anonymous", "stranger", "member", "administrator", "owner")
    found = {}
    if route in ENDING or "/me/blocks/" in route:
        people = await new_people(api)
    for name in names:
        if WITH_NEW_PEOPLE in route:
            people = await new_people(api)
        caller: ApiUser | None = getattr(people, name, None)
        removes = route.startswith("DELETE") or "/rooms" in route or "{case_id}" in route
        removes = removes or WITH_NEW_PEOPLE in route or "/me/blocks/" in route
        there = await things(api, people, names_in(route)) if removes else stable_things
        token = caller.token if caller else None
        found[name] = await called(api, route, there, token)

    assert found == {name: getattr(row, name) for name in names}


@pytest.mark.parametrize("route", [route for route in TABLE if "{room_id}" in route])
async def test_a_room_is_a_404_for_a_person_who_left_it(
    api: Api, people: People, route: str
) -> None:
    there = await things(api, people, names_in(route))
    left = await api.send("DELETE", f"/rooms/{there.room_id}", by=people.member)
    assert left.status_code == 204

    assert await called(api, route, there, people.member.token) == TABLE[route].stranger


@pytest.mark.parametrize("why", ["forged", "of an ended session", "of somebody deactivated"])
@pytest.mark.parametrize(
    "route", [route for route in TABLE if PREFIX in route and route not in IGNORING]
)
async def test_an_invalid_token_is_refused_everywhere(
    api: Api, stable_things: Things, invalid: dict[str, str], route: str, why: str
) -> None:
    refused = 4401 if route.startswith("SOCKET") else 401

    assert await called(api, route, stable_things, invalid[why]) == refused


@pytest.mark.parametrize("route", IGNORING)
async def test_where_a_session_begins_an_old_token_does_not_matter(
    api: Api, stable_things: Things, invalid: dict[str, str], route: str
) -> None:
    status = await called(api, route, stable_things, invalid["forged"])

    assert status == TABLE[route].anonymous
