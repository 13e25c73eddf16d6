"""What is tolerated and what is not: old tokens, query parameters, changed tags, outer blanks."""

import pytest

from tests.api.client import PASSWORD, Api, ApiUser, Json, problem

pytestmark = pytest.mark.anyio

INVALID_TOKENS = ["Bearer nonsense", "Basic dTpw", "Bearer", ""]


@pytest.fixture(scope="module")
async def user(api: Api) -> ApiUser:
    return await api.sign_up()


# ---------------------------------------------------------------------------------------- tokens


@pytest.mark.parametrize("token", INVALID_TOKENS)
async def test_an_invalid_token_is_ignored_where_a_session_is_made(api: Api, token: str) -> None:
    old = {"Authorization": token}
    number = INVALID_TOKENS.index(token)
    account = {
        "email": f"old{number}@example.com",
        "username": f"old-{number}",
        "password": PASSWORD,
    }

    signed_up = await api.send("POST", "/users", account, headers=old)
    logged_in = await api.send(
        "POST", "/sessions", {"email": account["email"], "password": PASSWORD}, headers=old
    )
    body = {"refresh_token": logged_in.json()["refresh_token"]}
    refreshed = await api.send("POST", "/sessions/refresh", body, headers=old)

    assert [r.status_code for r in (signed_up, logged_in, refreshed)] == [201, 201, 200]


async def test_the_token_of_an_ended_session_is_ignored_where_a_session_is_made(
    api: Api,
) -> None:
    user = await api.sign_up()
    await api.send("DELETE", "/sessions", by=user)

    body = {"email": user.email, "password": PASSWORD}
    assert (await api.send("POST", "/sessions", body, by=user)).status_code == 201


@pytest.mark.parametrize(
    "path", ["//health/live", "//health/ready", "//api/openapi.json", "//api/docs"]
)
async def test_an_invalid_token_is_ignored_at_health_and_documents(api: Api, path: str) -> None:
    response = await api.send("GET", path, headers={"Authorization": "Bearer nonsense"})

    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/projects", "/catalogue", "/users/availability?username=ab"])
async def test_an_invalid_token_is_an_error_at_other_public_routes(api: Api, path: str) -> None:
    headers = {"Authorization": "Bearer nonsense"}

    await api.refused(401, "not-authenticated", "GET", path, headers=headers)


# ------------------------------------------------------------------------------ query parameters


@pytest.mark.parametrize(
    ("method", "path", "body", "parameters"),
    [
        ("GET", "/projects?serch=x", None, ["serch"]),
        ("GET", "/projects?limit=5&Limit=5", None, ["Limit"]),
        ("GET", "/projects?limit=5&limit=6", None, ["limit"]),
        ("GET", "/projects?q=a&q=a&sort=views&sort=newest", None, ["q", "sort"]),
        ("GET", "/catalogue?x", None, ["x"]),
        ("GET", "/me?fields=email", None, ["fields"]),
        ("GET", "/rooms?cursor=&cursor=", None, ["cursor"]),
        ("PUT", "/me/profile?dry_run=1", {"bio": "", "skills": ["Python"]}, ["dry_run"]),
        ("POST", "/rooms?user_id=1", {}, ["user_id"]),
        ("HEAD", "/projects?nothing=1", None, None),
    ],
)
async def test_an_unknown_or_repeated_query_parameter_is_invalid(
    api: Api, user: ApiUser, method: str, path: str, body: Json | None, parameters: list[str]
) -> None:
    response = await api.send(method, path, body, by=user)

    assert response.status_code == 422
    if parameters:
        assert problem(response, 422, "invalid") == parameters


async def test_skills_may_be_repeated(api: Api) -> None:
    response = await api.send("GET", "/projects?skill=Python&skill=Docker")

    assert response.status_code == 200


async def test_access_is_checked_before_query_parameters(api: Api, user: ApiUser) -> None:
    await api.refused(401, "not-authenticated", "GET", "/me?x=1")
    other = await api.sign_up()
    path = f"/projects/{(await api.publish(other))['id']}"
    await api.refused(403, "forbidden", "PATCH", f"{path}?x=1", {"title": "x"}, by=user)


# ------------------------------------------------------------------------------------------ tags

TAGS = ['"{}"', 'W/"{}"', '"{}-gzip"', 'W/"{}-gzip"', '"{}--gzip"', '"{};br"', '"x", W/"{}-zstd"']


@pytest.mark.parametrize("spelling", TAGS)
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_tag_that_a_proxy_changed_matches(
    api: Api, user: ApiUser, method: str, spelling: str
) -> None:
    path = f"/projects/{(await api.publish(user))['id']}"
    body = {"title": "neu"} if method == "PATCH" else None

    response = await api.send(
        method, path, body, by=user, headers={"If-Match": spelling.format(1)}
    )

    assert response.status_code == (200 if method == "PATCH" else 204)


@pytest.mark.parametrize("spelling", TAGS)
async def test_a_changed_tag_of_the_catalogue_matches(api: Api, spelling: str) -> None:
    tag = (await api.send("GET", "/catalogue")).headers["ETag"].strip('"')

    response = await api.send("GET", "/catalogue", headers={"If-None-Match": spelling.format(tag)})

    assert response.status_code == 304


@pytest.mark.parametrize("tag", ['"2"', 'W/"2-gzip"', '"11"', '"1x"', "1", '""'])
async def test_deleting_another_revision_is_refused(api: Api, user: ApiUser, tag: str) -> None:
    path = f"/projects/{(await api.publish(user))['id']}"

    await api.refused(
        412, "precondition-failed", "DELETE", path, by=user, headers={"If-Match": tag}
    )
    assert (await api.send("GET", path)).status_code == 200


# ---------------------------------------------------------------------- edits that change nothing


@pytest.mark.parametrize("members", [(), ("title",), ("skills", "summary"), ("content",)])
async def test_a_patch_that_changes_nothing_is_no_revision(
    api: Api, user: ApiUser, members: tuple[str, ...]
) -> None:
    project = await api.publish(user, repository_url="https://example.com")
    path = f"/projects/{project['id']}"

    response = await api.send("PATCH", path, {each: project[each] for each in members}, by=user)

    assert response.status_code == 200
    assert response.headers["ETag"] == '"1"'
    assert response.json()["updated_at"] == project["updated_at"]


async def test_a_comment_that_is_edited_to_the_same_text_stays_as_it_is(
    api: Api, user: ApiUser
) -> None:
    project = await api.publish(user)
    comment = await api.comment(user, project, "안녕")
    path = f"/projects/{project['id']}/comments/{comment['id']}"

    response = await api.send("PATCH", path, {"body": "안녕"}, by=user)

    assert response.json() == comment


# ---------------------------------------------------------------------------------- outer blanks


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
async def test_a_blank_url_is_null(api: Api, user: ApiUser, text: str) -> None:
    project = await api.publish(user, repository_url=text)
    account = await api.profile(user, github_url=text)

    assert project["repository_url"] is None
    assert account["profile"]["github_url"] is None


@pytest.mark.parametrize("spelling", [" {}", "{}\n", "\t{}  ", "\u00a0{}\u3000"])
async def test_outer_blanks_of_urls_are_ignored(api: Api, user: ApiUser, spelling: str) -> None:
    url = "https://example.com/x"

    project = await api.publish(user, repository_url=spelling.format(url))
    account = await api.profile(user, github_url=spelling.format(url))

    assert project["repository_url"] == url
    assert account["profile"]["github_url"] == url


@pytest.mark.parametrize("spelling", [" {}", "{}\n", "\t{} "])
async def test_outer_blanks_of_emails_are_ignored(api: Api, user: ApiUser, spelling: str) -> None:
    email = spelling.format(user.email)
    body = {"email": email, "password": PASSWORD}

    free = await api.send("GET", "/users/availability", query={"email": email})

    assert free.json() == {"email": False}
    assert (await api.send("POST", "/sessions", body)).status_code == 201
