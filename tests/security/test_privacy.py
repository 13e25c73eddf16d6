"""Nobody gets the email, the password or a hash of another person."""

import pytest

from tests.api.client import PASSWORD, Api, ApiUser
from tests.api.schemas import TOKENS

pytestmark = pytest.mark.anyio

PUBLIC = [
    "/users/{user}",
    "/users/{user}/projects?total=true",
    "/projects?total=true",
    "/projects?author={user}",
    "/projects?q=mail.of",
    "/projects/{project}",
    "/projects/{project}/comments",
    "/catalogue",
    "//health/ready",
    "//api/openapi.json",
]
SIGNED_IN = [
    *PUBLIC,
    "/users/{user}/bookmarks",
    "/rooms",
    "/rooms/{room}",
    "/rooms/{room}/messages",
    "/recommendations?limit=20",
    "/me",
]


async def two_active_people(api: Api) -> tuple[ApiUser, ApiUser, dict[str, str]]:
    """Two people with data everywhere, and the ids of the first person's data."""
    one, two = await api.sign_up("하나"), await api.sign_up("둘")
    for person in (one, two):
        await api.profile(person, "Python", github_url="https://github.com/example")
    made = await api.publish(one)
    await api.comment(one, made)
    await api.comment(two, made)
    await api.bookmark(one, made)
    room = await api.room(one, two)
    await api.send_message(one, room)
    await api.container.similarity.run()
    return one, two, {"user": one.id, "project": made["id"], "room": room["id"]}


async def test_responses_to_others_contain_no_email_and_no_hash(fresh_api: Api) -> None:
    one, two, ids = await two_active_people(fresh_api)

    for viewer, paths in ((None, PUBLIC), (two, SIGNED_IN)):
        for path in paths:
            response = await fresh_api.send("GET", path.format(**ids), by=viewer)
            assert response.status_code == 200, path
            text = response.text + str(response.headers)
            assert one.email not in text, path
            assert "mail.of.하나" not in text, path
            assert "argon2" not in text, path
            if "openapi" not in path:
                for member in ("password", "refresh", "is_active", "_key", "hash"):
                    assert member not in text, path


async def test_responses_about_the_caller_contain_no_hash(fresh_api: Api) -> None:
    one, _, ids = await two_active_people(fresh_api)

    for path in SIGNED_IN:
        text = (await fresh_api.send("GET", path.format(**ids), by=one)).text
        assert "argon2" not in text, path


async def test_the_search_does_not_cover_emails(fresh_api: Api) -> None:
    one, _, _ = await two_active_people(fresh_api)

    for q in (one.email, one.email.partition("@")[0], "example.com"):
        found = (await fresh_api.send("GET", "/projects", query={"q": q})).json()
        assert found["items"] == [], q


async def test_an_error_does_not_repeat_the_password(api: Api) -> None:
    secret = "shows 7"
    body = {"email": "x", "username": "!", "password": secret}

    assert secret not in (await api.send("POST", "/users", body)).text
    assert secret not in (await api.send("POST", "/sessions", {**body, "email": "x"})).text


async def test_the_database_has_only_hashes_of_secrets(fresh_api: Api) -> None:
    person = await fresh_api.sign_up()
    body = {"email": person.email, "password": PASSWORD}
    tokens = await fresh_api.ok(TOKENS, "POST", "/sessions", body, status=201)

    stored = ""
    async with fresh_api.container.database.reading() as connection:
        for table in ("users", "sessions", "refresh_tokens"):
            rows = await connection.exec_driver_sql(f"SELECT * FROM {table}")
            stored += str(rows.all())

    assert "$argon2id$" in stored
    assert PASSWORD not in stored
    assert tokens["refresh_token"] not in stored
    assert tokens["access_token"] not in stored
