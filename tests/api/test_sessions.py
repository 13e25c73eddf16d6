"""Sessions over HTTP: refresh, list, log-out, password change and withdrawal."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import update

from sidepro.adapters.sql.schema.tables import refresh_tokens
from sidepro.domain.accounts.session import MAX_SESSIONS
from sidepro.domain.ids import RoomId
from tests.api.client import PASSWORD, Api, ApiUser, Json, problem
from tests.api.schemas import PROJECT, SESSION, TOKENS, page_schema

pytestmark = pytest.mark.anyio

NEW_PASSWORD = "또 다른 battery horse 8"


async def logged_in(api: Api, person: ApiUser, password: str = PASSWORD) -> Json:
    """The tokens of another session."""
    body = {"email": person.email, "password": password}
    return await api.ok(TOKENS, "POST", "/sessions", body, status=201)


async def refreshed(api: Api, token: str) -> Json:
    return await api.ok(TOKENS, "POST", "/sessions/refresh", {"refresh_token": token})


async def not_refreshed(api: Api, token: str) -> None:
    body = {"refresh_token": token}
    await api.refused(401, "session-ended", "POST", "/sessions/refresh", body)


async def works(api: Api, access_token: str) -> bool:
    """Whether an access token is accepted."""
    headers = {"Authorization": f"Bearer {access_token}"}
    response = await api.send("GET", "/me", headers=headers)
    if response.status_code == 200:
        return True
    problem(response, 401, "not-authenticated")
    return False


# -------------------------------------------------------------------------------------- refresh


async def test_a_refresh_gives_new_tokens_of_the_same_session(api: Api) -> None:
    person = await api.sign_up()
    first = await logged_in(api, person)
    response = await api.send(
        "POST", "/sessions/refresh", {"refresh_token": first["refresh_token"]}
    )
    assert response.headers["Cache-Control"] == "no-store"
    second = response.json()
    assert second["session_id"] == first["session_id"]
    assert second["refresh_token"] != first["refresh_token"]
    assert second["refresh_expires_in"] == first["refresh_expires_in"]
    assert await works(api, second["access_token"])
    assert await works(api, first["access_token"])
    third = await refreshed(api, second["refresh_token"])
    assert await works(api, third["access_token"])


async def test_two_concurrent_refreshes_get_tokens_of_one_session(api: Api) -> None:
    first = await logged_in(api, await api.sign_up())
    one = await refreshed(api, first["refresh_token"])
    other = await refreshed(api, first["refresh_token"])
    assert one["refresh_token"] != other["refresh_token"]
    assert one["session_id"] == other["session_id"]
    for tab in (one, other):
        assert await works(api, (await refreshed(api, tab["refresh_token"]))["access_token"])


async def test_a_fourth_use_is_a_replay_however_soon(api: Api) -> None:
    first = await logged_in(api, await api.sign_up())
    successors = [await refreshed(api, first["refresh_token"]) for _ in range(3)]
    await not_refreshed(api, first["refresh_token"])
    for tokens in successors:
        await not_refreshed(api, tokens["refresh_token"])
        assert not await works(api, tokens["access_token"])


async def test_the_fifty_first_log_in_ends_the_oldest_session_at_once(api: Api) -> None:
    person = await api.sign_up()
    second = await logged_in(api, person)
    for _ in range(MAX_SESSIONS - 2):
        await logged_in(api, person)
    assert await works(api, person.token)
    await logged_in(api, person)
    assert not await works(api, person.token)
    assert await works(api, second["access_token"])


async def test_a_replay_ends_the_session_and_its_access_tokens(api: Api) -> None:
    person = await api.sign_up()
    first = await logged_in(api, person)
    second = await refreshed(api, first["refresh_token"])
    third = await refreshed(api, second["refresh_token"])
    assert await works(api, third["access_token"])
    await not_refreshed(api, first["refresh_token"])
    for tokens in (first, second, third):
        assert not await works(api, tokens["access_token"])
        await not_refreshed(api, tokens["refresh_token"])
    assert await works(api, person.token), "another session of theirs"


async def test_a_second_use_after_a_minute_is_a_replay(api: Api) -> None:
    first = await logged_in(api, await api.sign_up())
    second = await refreshed(api, first["refresh_token"])
    async with api.container.database.writing() as connection:
        await connection.execute(
            update(refresh_tokens)
            .where(refresh_tokens.c.session_id == UUID(first["session_id"]))
            .where(refresh_tokens.c.used_at.is_not(None))
            .values(used_at=datetime(2020, 1, 1, tzinfo=UTC))
        )
        await connection.commit()
    await not_refreshed(api, first["refresh_token"])
    await not_refreshed(api, second["refresh_token"])
    assert not await works(api, second["access_token"])


@pytest.mark.parametrize("token", ["", "unknown", "\x00", "비밀", "x" * 5_000])
async def test_an_invalid_refresh_token_is_refused(api: Api, token: str) -> None:
    await not_refreshed(api, token)


async def test_an_access_token_is_no_refresh_token(api: Api) -> None:
    tokens = await logged_in(api, await api.sign_up())
    await not_refreshed(api, tokens["access_token"])
    assert not await works(api, tokens["refresh_token"])


# ------------------------------------------------------------------------- listing and ending


async def test_a_user_lists_their_sessions(api: Api) -> None:
    person = await api.sign_up()
    await api.sign_up()
    other = await logged_in(api, person)
    await refreshed(api, (await logged_in(api, person))["refresh_token"])
    listed = (await api.get(page_schema(SESSION), "/sessions", by=person))["items"]
    assert len(listed) == 3
    assert [session["current"] for session in listed] == [False, False, True]
    assert listed[1]["id"] == other["session_id"]
    assert {session["user_agent"] for session in listed} == {"tests"}
    assert listed[0]["last_used_at"] > listed[0]["created_at"]


async def test_only_the_owner_ends_a_session(api: Api) -> None:
    person, stranger = await api.sign_up(), await api.sign_up()
    other = await logged_in(api, person)
    assert await works(api, other["access_token"])
    path = f"/sessions/{other['session_id']}"
    await api.refused(404, "not-found", "DELETE", path, by=stranger)
    assert await works(api, other["access_token"])
    assert (await api.send("DELETE", path, by=person)).status_code == 204
    assert not await works(api, other["access_token"])
    await not_refreshed(api, other["refresh_token"])
    await api.refused(404, "not-found", "DELETE", path, by=person)
    assert await works(api, person.token)


async def test_logging_out_ends_the_current_session(api: Api) -> None:
    person = await api.sign_up()
    other = await logged_in(api, person)
    assert (await api.send("DELETE", "/sessions/current", by=person)).status_code == 204
    assert not await works(api, person.token)
    assert await works(api, other["access_token"])


async def test_logging_out_everywhere_ends_all(api: Api) -> None:
    person, stranger = await api.sign_up(), await api.sign_up()
    other = await logged_in(api, person)
    assert (await api.send("DELETE", "/sessions", by=person)).status_code == 204
    assert not await works(api, person.token)
    assert not await works(api, other["access_token"])
    await not_refreshed(api, other["refresh_token"])
    assert await works(api, stranger.token)


async def test_an_ended_session_is_refused_on_public_routes_too(api: Api) -> None:
    person = await api.sign_up()
    await api.send("DELETE", "/sessions/current", by=person)
    await api.refused(401, "not-authenticated", "GET", "/projects", by=person)


# ------------------------------------------------------------------------------------- password


async def test_a_changed_password_ends_all_other_sessions(api: Api) -> None:
    person = await api.sign_up()
    other = await logged_in(api, person)
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await api.send("PUT", "/me/password", body, by=person)).status_code == 204
    assert await works(api, person.token)
    assert not await works(api, other["access_token"])
    await not_refreshed(api, other["refresh_token"])
    old = {"email": person.email, "password": PASSWORD}
    await api.refused(401, "wrong-credentials", "POST", "/sessions", old)
    await logged_in(api, person, NEW_PASSWORD)


@pytest.mark.parametrize("new", ["short", "password123"])
async def test_a_wrong_password_and_a_bad_new_one_are_told_together(api: Api, new: str) -> None:
    person = await api.sign_up()
    body = {"current_password": "wrong", "new_password": new}
    pointers = await api.refused(422, "wrong-password", "PUT", "/me/password", body, by=person)
    assert pointers == ["/current_password", "/new_password"]


@pytest.mark.parametrize(
    ("current", "new", "code", "pointer"),
    [
        ("wrong", NEW_PASSWORD, "wrong-password", "/current_password"),
        (PASSWORD, "short", "invalid", "/new_password"),
        (PASSWORD, "x" * 129, "invalid", "/new_password"),
        (PASSWORD, "password123", "weak-password", "/new_password"),
    ],
)
async def test_a_refused_password_change_changes_nothing(
    api: Api, current: str, new: str, code: str, pointer: str
) -> None:
    person = await api.sign_up()
    other = await logged_in(api, person)
    body = {"current_password": current, "new_password": new}
    assert await api.refused(422, code, "PUT", "/me/password", body, by=person) == [pointer]
    assert await works(api, other["access_token"])
    await logged_in(api, person)


# ----------------------------------------------------------------------------------- withdrawal


async def test_a_withdrawal_needs_the_password(api: Api) -> None:
    person = await api.sign_up()
    body = {"password": "wrong"}
    pointers = await api.refused(422, "wrong-password", "DELETE", "/me", body, by=person)
    assert pointers == ["/password"]
    assert await works(api, person.token)


async def test_a_withdrawal_deletes_the_users_data(api: Api) -> None:
    person, other = await api.sign_up(), await api.sign_up()
    await api.profile(person)
    own, others = await api.publish(person), await api.publish(other)
    for project in (own, others):
        for somebody in (person, other):
            await api.comment(somebody, project)
            await api.bookmark(somebody, project)
    await api.comment(person, others)
    room = await api.room(person, other)
    await api.send_message(person, room, "남는 말")
    await api.send_message(other, room)
    elsewhere = await logged_in(api, person)

    answered = await api.send("DELETE", "/me", {"password": PASSWORD}, by=person)

    assert answered.status_code == 204
    assert not await works(api, person.token)
    assert not await works(api, elsewhere["access_token"])
    await not_refreshed(api, elsewhere["refresh_token"])
    old = {"email": person.email, "password": PASSWORD}
    await api.refused(401, "wrong-credentials", "POST", "/sessions", old)
    await api.refused(404, "not-found", "GET", f"/projects/{own['id']}")
    await api.refused(404, "not-found", "GET", f"/users/{person.id}")
    left = await api.get(PROJECT, f"/projects/{others['id']}", by=other)
    assert (left["bookmark_count"], left["comment_count"]) == (1, 1)
    comments = (await api.send("GET", f"/projects/{others['id']}/comments")).json()["items"]
    assert [comment["author"]["id"] for comment in comments] == [other.id]
    rooms = (await api.send("GET", "/rooms", by=other)).json()["items"]
    (mine,) = [one for one in rooms if one["id"] == room["id"]]
    assert (mine["status"], mine["participant"]) == ("pending", None)
    messages = (await api.send("GET", f"/rooms/{room['id']}/messages", by=other)).json()
    assert [message["sender_id"] for message in messages["items"]] == [None, other.id]
    assert messages["items"][0]["body"] == "남는 말"
    await api.refused(
        409, "room-pending", "POST", f"/rooms/{room['id']}/messages", {"body": "?"}, by=other
    )
    free = {"email": person.email, "username": person.username}
    found = (await api.send("GET", "/users/availability", query=free)).json()
    assert found == {"email": True, "username": True}


async def test_a_room_without_participants_is_deleted(api: Api) -> None:
    person, other = await api.sign_up(), await api.sign_up()
    room = await api.room(person, other)
    for somebody in (person, other):
        answered = await api.send("DELETE", "/me", {"password": PASSWORD}, by=somebody)
        assert answered.status_code == 204
    async with api.container.api.services.withdrawal.unit_of_work() as work:
        assert await work.rooms.get(RoomId(UUID(room["id"]))) is None


# --------------------------------------------------------------------------------- deactivation


async def test_a_deactivated_user_is_refused_at_once_and_returns_by_log_in(api: Api) -> None:
    person = await api.sign_up()
    made = await api.publish(person)
    tokens = await logged_in(api, person)
    assert await works(api, tokens["access_token"])
    await api.container.administration.set_active(person.email, active=False)
    assert not await works(api, tokens["access_token"])
    await not_refreshed(api, tokens["refresh_token"])
    body = {"email": person.email, "password": PASSWORD}
    await api.refused(403, "account-deactivated", "POST", "/sessions", body)
    await api.get(PROJECT, f"/projects/{made['id']}")
    await api.container.administration.set_active(person.username, active=True)
    await not_refreshed(api, tokens["refresh_token"])
    assert await works(api, (await logged_in(api, person))["access_token"])
