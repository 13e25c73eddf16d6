"""Hosts, origins, methods and media types; a public address with a path."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidepro.http.middleware.accept import accepts_json
from sidepro.http.middleware.hosts import HostPolicy
from sidepro.settings import load
from tests.api.client import ADDRESS, PREFIX, UNKNOWN_ID, Api, ApiUser, problem, project
from tests.api.fixtures import serving
from tests.databases import Databases
from tests.image_files import picture, saved

pytestmark = pytest.mark.anyio

BASE = "/sidepro"


@pytest.fixture(scope="module")
async def user(api: Api) -> ApiUser:
    return await api.sign_up()


# ----------------------------------------------------------------------------------------- hosts


@pytest.mark.parametrize(
    "host", ["sidepro.test", "sidepro.test:81", "SIDEPRO.test", "sidepro.test."]
)
async def test_the_public_host_is_accepted(api: Api, host: str) -> None:
    response = await api.send("GET", "/catalogue", headers={"Host": host})

    assert response.status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "a:b", "", "sidepro.test.evil.example", "localhost", "127.0.0.1", "[::1]:80",
     "sidepro.test@evil.example", "sidepro.test, evil.example", "xn--", "[sidepro.test]"],
)  # fmt: skip
@pytest.mark.parametrize(
    "path", ["/catalogue", "/projects?limit=1", "//api/docs", "//api/nowhere"]
)
async def test_another_host_is_refused(api: Api, host: str, path: str) -> None:
    response = await api.send("GET", path, headers={"Host": host})

    problem(response, 400, "bad-host")


@pytest.mark.parametrize("path", ["//health/live", "//health/ready", "//metrics"])
async def test_probes_may_use_any_host(api: Api, path: str) -> None:
    response = await api.send("GET", path, headers={"Host": "10.0.3.7:8000"})

    assert response.status_code in (200, 404)


async def test_a_socket_of_another_host_is_refused(api: Api) -> None:
    path = f"/rooms/{UNKNOWN_ID}/socket"

    assert await api.try_socket(path, headers={"Host": "evil.example"}) == 400


@pytest.mark.parametrize(
    ("names", "host", "allowed"),
    [
        (["127.0.0.1"], b"localhost:8000", True),
        (["localhost"], b"[::1]:8000", True),
        (["::1"], b"127.9.9.9", True),
        (["localhost"], b"app.localhost", True),
        (["localhost"], b"10.0.0.1", False),
        (["example.com"], b"localhost", False),
        (["example.com", "localhost"], b"127.0.0.1", True),
        (["사이드.example"], b"xn--oy2b270bba.example", False),
        (["b\u00fccher.example"], b"xn--bcher-kva.example", True),
        (["B\u00dcCHER.example"], b"xn--bcher-kva.example:443", True),
        (["xn--bcher-kva.example"], b"xn--bcher-kva.EXAMPLE", True),
        (["2001:db8::1"], b"[2001:db8::1]:80", True),
        (["2001:db8::1"], b"2001:db8::1", False),
        (["example.com"], None, False),
        (["example.com"], b"example.com:99999999", False),
        (["example.com"], b"example.com/x", False),
        (["example.com"], b"\xff\xfe", False),
    ],
)
def test_host_policy(names: list[str], host: bytes | None, allowed: bool) -> None:
    assert HostPolicy.of(names).allows(host) is allowed


def test_allowed_hosts_are_a_setting() -> None:
    settings = load({"SIDEPRO_ALLOWED_HOSTS": "api.example.com, b\u00fccher.example,[::1]"})

    assert settings.allowed_hosts == ("api.example.com", "xn--bcher-kva.example", "::1")


# ----------------------------------------------------------------------------------------- CORS


def test_origins_are_compared_in_their_ascii_form() -> None:
    settings = load(
        {"SIDEPRO_ALLOWED_ORIGINS": "https://B\u00fccher.example,https://m\u00fcnchen.de:8443"}
    )

    assert settings.allowed_origins == (
        "https://xn--bcher-kva.example",
        "https://xn--mnchen-3ya.de:8443",
    )


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/catalogue", {"Accept": "text/html"}, 406),
        ("/catalogue?" + "x" * 9000, {}, 413),
        ("/catalogue", {"Host": "evil.example"}, 400),
        ("/nothing", {}, 404),
    ],
)
async def test_early_rejections_have_cors_headers(
    api: Api, path: str, headers: dict[str, str], status: int
) -> None:
    response = await api.send("GET", path, headers={"Origin": ADDRESS, **headers})

    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == ADDRESS
    assert "Origin" in response.headers.get_list("Vary", split_commas=True)


@pytest.mark.parametrize("origin", [None, ADDRESS, "https://evil.example"])
@pytest.mark.parametrize("path", ["/catalogue", "/me", "//health/live", "//api/openapi.json"])
async def test_every_response_varies_by_origin(api: Api, path: str, origin: str | None) -> None:
    response = await api.send("GET", path, headers={"Origin": origin} if origin else None)

    assert "Origin" in response.headers["Vary"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{ADDRESS}:81"])
async def test_a_refused_preflight_is_a_problem(api: Api, origin: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}

    response = await api.send("OPTIONS", "/projects", headers=headers)

    problem(response, 403, "origin-not-allowed")


async def test_a_preflight_of_an_unknown_address_is_not_found(api: Api) -> None:
    headers = {"Origin": ADDRESS, "Access-Control-Request-Method": "POST"}

    problem(await api.send("OPTIONS", "/nothing", headers=headers), 404, "not-found")


async def test_a_preflight_may_have_a_query(api: Api) -> None:
    headers = {"Origin": ADDRESS, "Access-Control-Request-Method": "GET"}

    response = await api.send("OPTIONS", "/projects?q=x", headers=headers)

    assert response.status_code == 204


# --------------------------------------------------------------------------------------- methods


@pytest.mark.parametrize(
    "path",
    ["/projects", "/catalogue", "/me", "/me/export", "/rooms", "/sessions", "//health/live",
     "//api/openapi.json", "//api/asyncapi.json", "//api/docs", "//api/docs/start.js"],
)  # fmt: skip
async def test_head_is_get_without_content(api: Api, user: ApiUser, path: str) -> None:
    got = await api.send("GET", path, by=user)
    head = await api.send("HEAD", path, by=user)

    assert head.status_code == got.status_code == 200
    assert head.content == b""
    for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control", "Link"):
        assert head.headers.get(name) == got.headers.get(name)


async def test_head_has_the_problems_of_get(api: Api, user: ApiUser) -> None:
    for path, status in (("/me", 401), ("/nothing", 404), ("/sessions/refresh", 405)):
        response = await api.send("HEAD", path)
        assert (response.status_code, response.content) == (status, b"")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/projects", {"GET", "HEAD", "POST"}),
        (f"/projects/{UNKNOWN_ID}", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("/me", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("/me/profile", {"PUT", "PATCH"}),
        ("/rooms", {"GET", "HEAD", "POST"}),
        ("//health/live", {"GET", "HEAD"}),
    ],
)
async def test_options_says_all_methods(api: Api, path: str, methods: set[str]) -> None:
    response = await api.send("OPTIONS", path)

    assert (response.status_code, response.content) == (204, b"")
    assert set(response.headers["Allow"].split(", ")) == methods | {"OPTIONS"}


# ---------------------------------------------------------------------------------- media types


@pytest.mark.parametrize(
    ("accept", "accepted"),
    [
        ("*/*", True),
        ("*/*;q=0.1", True),
        ("text/html, */*;q=0.8", True),
        ("application/*", True),
        ("application/*;q=0.5, text/html", True),
        ("application/json", True),
        ("APPLICATION/JSON ; Q=0.3", True),
        ("application/json;charset=utf-8", True),
        ("application/problem+json", True),
        ("", True),
        (" , ", True),
        ("text/html", False),
        ("text/*, image/*;q=0.5", False),
        ("*/*;q=0", False),
        ("application/*;q=0.0, text/html", False),
        ("application/json;q=0, */*", False),
        ("application/*;q=0, */*", False),
        ("application/json;q=0.001, */*;q=0", True),
        ("text/html, image/gif, *; q=.2, */*; q=.2", True),
        ("application/json;q=high, text/html", False),
        ("json", False),
    ],
)
def test_accept(accept: str, accepted: bool) -> None:
    assert accepts_json([accept]) is accepted


async def test_several_accept_headers_form_one_list(api: Api) -> None:
    headers = [("Accept", "text/html"), ("Accept", "application/*;q=0.2")]

    response = await api.http.get(f"{PREFIX}/catalogue", headers=headers)

    assert response.status_code == 200


# ------------------------------------------------------------------- a public address with a path


@pytest.fixture
async def below(databases: Databases, tmp_path: Path) -> AsyncIterator[Api]:
    """A platform whose public address has a path."""
    with databases.fresh() as address:
        async with serving(address, tmp_path, public_url=ADDRESS + BASE) as api:
            yield api


async def test_a_public_address_with_a_path_is_honoured(below: Api) -> None:
    user = await below.sign_up()
    projects = [
        await below.http.post(BASE + PREFIX + "/projects", json=project(), headers=user.headers)
        for _ in range(2)
    ]
    location = projects[0].headers["Location"]
    assert location.startswith(f"{BASE}{PREFIX}/projects/")
    assert (await below.http.get(location)).status_code == 200

    page = await below.send("GET", "/projects?limit=1")
    header = page.headers["Link"]
    assert header.startswith(f"<{BASE}{PREFIX}/projects?")
    assert (await below.http.get(header[1 : header.index(">")])).status_code == 200

    image = await below.image(user, saved(picture(), "PNG"))
    assert image["url"].startswith(f"{BASE}/media/")
    assert (await below.http.get(image["url"])).status_code == 200
    written = await below.publish(user, content=f"![x]({image['url']})")
    assert f'<img src="{image["url"]}"' in written["content_html"]

    room = await below.room(user, await below.sign_up())
    ticket = await below.send("POST", f"/rooms/{room['id']}/socket-tickets", by=user)
    assert ticket.json()["path"] == f"{BASE}{PREFIX}/rooms/{room['id']}/socket"

    document = (await below.http.get(f"{BASE}/api/openapi.json")).json()
    assert document["servers"][0]["url"].endswith(BASE)
    (missing,) = document["components"]["responses"]["NotFound"]["content"].values()
    assert missing["examples"]["not-found"]["value"]["type"] == f"{BASE}/problems/not-found"
    sockets = (await below.http.get(f"{BASE}/api/asyncapi.json")).json()
    assert {server["pathname"] for server in sockets["servers"].values()} == {BASE}
    page = await below.http.get(f"{BASE}/api/docs")
    assert f'src="{BASE}/api/docs/start.js"' in page.text
    start = await below.http.get(f"{BASE}/api/docs/start.js")
    assert f'"{BASE}/api/openapi.json"' in start.text


# ---------------------------------------------------------------------------- unknown addresses


@pytest.mark.parametrize(
    "path",
    ["//api/openapi.json/x", "//api/openapi.json/x.json", "//api", "//api/docs/x",
     "//api/docs/files/x.js", "//api/v1", "//api/v2/projects"],
)  # fmt: skip
async def test_an_unknown_address_below_api_is_a_problem(api: Api, path: str) -> None:
    problem(await api.send("GET", path), 404, "not-found")
