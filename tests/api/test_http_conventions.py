"""Health, request ids, caching, CORS, methods and unknown paths."""

import pytest

from tests.api.client import ADDRESS, UNKNOWN_ID, Api, ApiUser, answer, problem
from tests.api.schemas import HEALTH

pytestmark = pytest.mark.anyio

EXPOSED = {
    "etag",
    "link",
    "location",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "x-request-id",
    "idempotent-replayed",
}


@pytest.fixture(scope="module")
async def person(api: Api) -> ApiUser:
    return await api.sign_up()


# ----------------------------------------------------------------------------------------- health


async def test_liveness(api: Api) -> None:
    found = answer(await api.send("GET", "//health/live"), HEALTH)

    assert found["status"] == "ok"


async def test_readiness_lists_the_components(api: Api) -> None:
    found = answer(await api.send("GET", "//health/ready"), HEALTH)

    latencies = [part.pop("latency_ms") for part in found["parts"].values()]
    assert all(0 <= latency < 10_000 for latency in latencies)
    well = {"state": "ok", "detail": None}
    assert found == {"status": "ok", "parts": {"database": well, "images": well}}


# ------------------------------------------------------------------------------------ request ids


@pytest.mark.parametrize("path", ["/catalogue", "/nothing", "/me", "//health/live", "//nowhere"])
async def test_every_response_has_a_new_request_id(api: Api, path: str) -> None:
    first, second = await api.send("GET", path), await api.send("GET", path)

    assert first.headers["X-Request-ID"]
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/catalogue", "/nothing", "/me", "/projects?limit=0"])
async def test_the_clients_request_id_is_echoed(api: Api, path: str) -> None:
    response = await api.send("GET", path, headers={"X-Request-ID": "client-7/한".encode().hex()})

    assert response.headers["X-Request-ID"] == "client-7/한".encode().hex()


@pytest.mark.parametrize("sent", ["", "two words", "x" * 129, "tab\tin it", "\x7f"])
async def test_an_invalid_request_id_is_replaced(api: Api, sent: str) -> None:
    response = await api.send("GET", "/catalogue", headers={"X-Request-ID": sent})

    assert response.headers["X-Request-ID"] not in ("", sent)


# ------------------------------------------------------------------------------ headers for all


@pytest.mark.parametrize(
    "path", ["/catalogue", "/projects", "/me", "/nothing", "/projects?limit=0", "//health/live"]
)
async def test_responses_to_a_token_must_not_be_cached(
    api: Api, person: ApiUser, path: str
) -> None:
    response = await api.send("GET", path, by=person)

    assert response.headers.get_list("Cache-Control") == ["no-store"]


async def test_a_304_to_a_token_must_not_be_cached(api: Api, person: ApiUser) -> None:
    tag = (await api.send("GET", "/catalogue")).headers["ETag"]

    response = await api.send("GET", "/catalogue", by=person, headers={"If-None-Match": tag})

    assert response.status_code == 304
    assert response.headers["Cache-Control"] == "no-store"


async def test_the_catalogue_may_be_cached(api: Api) -> None:
    response = await api.send("GET", "/catalogue")

    assert response.headers["Cache-Control"] == "public, max-age=60"


@pytest.mark.parametrize(
    "path", ["/catalogue", "/nothing", "//health/live", "//api/docs", "//api/x"]
)
async def test_responses_have_security_headers(api: Api, path: str) -> None:
    response = await api.send("GET", path)

    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"


# ------------------------------------------------------------------------------------------- CORS


async def test_the_public_origin_may_read_responses_and_their_headers(api: Api) -> None:
    response = await api.send("GET", "/catalogue", headers={"Origin": ADDRESS})

    assert response.headers["Access-Control-Allow-Origin"] == ADDRESS
    exposed = response.headers["Access-Control-Expose-Headers"].lower()
    assert {name.strip() for name in exposed.split(",")} == EXPOSED
    assert "Origin" in response.headers["Vary"]


@pytest.mark.parametrize(
    "path", ["/me", "/nothing", "/projects?limit=0", f"/projects/{UNKNOWN_ID}"]
)
async def test_problems_have_cors_headers(api: Api, path: str) -> None:
    response = await api.send("GET", path, headers={"Origin": ADDRESS})

    assert response.status_code >= 400
    assert response.headers["Access-Control-Allow-Origin"] == ADDRESS


@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"{ADDRESS}.evil.example", "null", f"{ADDRESS}:81"]
)
async def test_another_origin_has_no_cors_headers(api: Api, origin: str) -> None:
    response = await api.send("GET", "/catalogue", headers={"Origin": origin})

    assert "Access-Control-Allow-Origin" not in response.headers
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
async def test_a_preflight_needs_no_token_and_allows_every_method(api: Api, method: str) -> None:
    headers = {
        "Origin": ADDRESS,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type, if-match",
    }

    response = await api.send("OPTIONS", f"/projects/{UNKNOWN_ID}", headers=headers)

    assert response.status_code in (200, 204)
    assert response.headers["Access-Control-Allow-Origin"] == ADDRESS
    allowed = response.headers["Access-Control-Allow-Methods"]
    assert allowed == "*" or method in allowed
    names = {name.strip() for name in response.headers["Access-Control-Allow-Headers"].split(",")}
    assert {
        "authorization",
        "content-type",
        "if-match",
        "if-none-match",
        "idempotency-key",
        "x-request-id",
    } <= {name.lower() for name in names}


async def test_a_preflight_of_another_origin_is_rejected(api: Api) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    response = await api.send("OPTIONS", "/projects", headers=headers)

    assert "Access-Control-Allow-Origin" not in response.headers


# --------------------------------------------------------------------------- methods and paths


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/projects", {"GET", "HEAD", "POST"}),
        ("PUT", "/catalogue", {"GET", "HEAD"}),
        ("GET", "/sessions/refresh", {"POST"}),
        ("POST", "/me/profile", {"PUT", "PATCH"}),
        ("POST", "//health/live", {"GET", "HEAD"}),
    ],
)
async def test_an_unsupported_method_is_405_with_allow(
    api: Api, person: ApiUser, method: str, path: str, allowed: set[str]
) -> None:
    response = await api.send(method, path, by=person)

    problem(response, 405, "method-not-allowed")
    methods = {name.strip() for name in response.headers["Allow"].split(",")}
    assert methods - {"OPTIONS"} == allowed


@pytest.mark.parametrize(
    "path", ["/nothing", "/", "//api", "//api/v2/projects", "/projects/x/y/z", "//api/%00", "/%ff"]
)
async def test_an_unknown_path_is_not_found(api: Api, person: ApiUser, path: str) -> None:
    await api.refused(404, "not-found", "GET", path, by=person)


# ---------------------------------------------------------------------------------- the documents


async def test_the_documentation_page_needs_no_other_host(api: Api) -> None:
    page = await api.send("GET", "//api/docs")

    assert page.status_code == 200
    assert "://" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
