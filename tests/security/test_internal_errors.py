"""Internal errors: a plain response, a log line, and an honest health check."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from anyio import to_thread
from structlog.testing import capture_logs

from sidepro.domain.accounts.session import RefreshToken, Session
from sidepro.domain.accounts.session_service import SessionService
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId
from sidepro.domain.projects.comment_service import CommentService
from sidepro.domain.projects.project_service import ProjectService
from tests.api.client import PASSWORD, UNKNOWN_ID, Api, ApiUser, problem
from tests.api.fixtures import serving
from tests.databases import migrate
from tests.servers import HOST, Postgres, free_port

pytestmark = pytest.mark.anyio

SECRET = "what nobody outside should read: /var/lib/secret"


# -------------------------------------------------------------------------------- internal errors


async def fails(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError(SECRET)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A use case of each kind raises an unexpected error."""
    monkeypatch.setattr(ProjectService, "board", fails)
    monkeypatch.setattr(ProjectService, "publish", fails)
    monkeypatch.setattr(CommentService, "authorize_writing", fails)
    monkeypatch.setattr(SessionService, "log_in", fails)


BREAKING: list[tuple[str, str, Any]] = [
    ("GET", "/projects", None),
    ("POST", "/projects", {"title": "T", "summary": "S", "content": "C", "skills": ["R"]}),
    ("POST", "/sessions", {"email": "a@example.com", "password": "x"}),
    # the access check that follows bad input
    ("POST", f"/projects/{UNKNOWN_ID}/comments", {"body": ""}),
]


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(("method", "path", "body"), BREAKING)
async def test_an_internal_error_reveals_no_internals(
    api: Api, method: str, path: str, body: Any
) -> None:
    person = await signed_up(api)

    response = await api.send(method, path, body, by=person, headers={"X-Request-ID": "r-7"})

    problem(response, 500, "internal")
    text = response.text + str(response.headers)
    for inside in (SECRET, "RuntimeError", "Traceback", ".py", "sidepro."):
        assert inside not in text
    assert response.headers["X-Request-ID"] == "r-7"


async def signed_up(api: Api) -> ApiUser:
    """A new person; works while log-ins are broken."""
    name = uuid4().hex
    accounts = api.container.api.services.accounts
    sessions = api.container.api.services.sessions
    made = await accounts.sign_up(f"{name}@example.com", name[:20], PASSWORD)
    session_id, now = SessionId(uuid4()), accounts.clock()
    session = Session.start(session_id, made.id, None, now, sessions.session_ttl)
    async with accounts.unit_of_work() as work:
        await work.sessions.add(session, RefreshToken.issue(name, session_id, None, now))
        await work.commit()
    token = sessions.access_tokens.issue(Caller(made.id, session_id))
    return ApiUser(str(made.id), made.email, made.username, token)


@pytest.mark.usefixtures("broken")
async def test_an_internal_error_is_logged_with_its_cause(api: Api) -> None:
    with capture_logs() as logs:
        await api.send("GET", "/projects")

    (entry,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert entry["event"] == "unhandled_error"
    assert str(entry["exc_info"]) == SECRET


@pytest.mark.usefixtures("broken")
async def test_other_routes_work_after_an_internal_error(api: Api) -> None:
    await api.send("GET", "/projects")

    assert (await api.send("GET", "/catalogue")).status_code == 200


# ---------------------------------------------------------------------------------- database down


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """A server that only this module stops."""
    with Postgres.start() as server:
        yield server


@pytest.fixture
async def stoppable(own_postgres: Postgres, tmp_path: Path) -> AsyncIterator[Api]:
    with own_postgres.database() as address:
        await to_thread.run_sync(migrate, address)
        async with serving(address, tmp_path) as api:
            yield api


CALLS: list[tuple[str, str, Any]] = [
    ("GET", "/projects", None),
    ("GET", f"/users/{UNKNOWN_ID}", None),
    ("GET", f"/projects/{UNKNOWN_ID}", None),
    ("POST", "/users", {"email": "a@x.org", "username": "ab", "password": "horse battery 9"}),
    ("POST", "/sessions", {"email": "a@x.org", "password": "horse battery 9"}),
]
SIGNED_IN: list[tuple[str, str, Any]] = [
    ("GET", "/me", None),
    ("PUT", "/me/profile", {"bio": "", "skills": ["R"]}),
    ("POST", "/projects", {"title": "T", "summary": "S", "content": "C", "skills": ["R"]}),
    ("PUT", f"/projects/{UNKNOWN_ID}/bookmark", None),
    ("POST", f"/projects/{UNKNOWN_ID}/comments", {"body": "x"}),
    ("POST", f"/projects/{UNKNOWN_ID}/comments", {"body": ""}),
    ("POST", "/rooms", {"user_id": UNKNOWN_ID}),
    ("GET", "/rooms", None),
    ("POST", f"/rooms/{UNKNOWN_ID}/messages", {"body": "x"}),
    ("GET", "/recommendations", None),
]


@pytest.mark.servers
async def test_without_its_database_every_call_is_503_until_it_returns(
    own_postgres: Postgres, stoppable: Api
) -> None:
    api = stoppable
    person = await api.sign_up()
    await api.profile(person)

    own_postgres.stop()
    try:
        for caller, calls in ((None, CALLS), (person, [*CALLS, *SIGNED_IN])):
            for method, path, body in calls:
                response = await api.send(method, path, body, by=caller)
                problem(response, 503, "unavailable")
                assert int(response.headers["Retry-After"]) > 0
                for inside in ("psycopg", "127.0.0.1", str(own_postgres.port), "SELECT"):
                    assert inside not in response.text
        ready = await api.send("GET", "//health/ready")
        live = await api.send("GET", "//health/live")
        # cached for a minute
        catalogue = await api.send("GET", "/catalogue")
    finally:
        own_postgres.resume()

    assert (ready.status_code, live.status_code, catalogue.status_code) == (503, 200, 200)
    assert ready.json()["status"] == "unavailable"
    assert ready.json()["parts"]["database"]["state"] == "unavailable"
    assert int(ready.headers["Retry-After"]) > 0
    assert (await api.send("GET", "//health/ready")).status_code == 200
    for method, path, body in (*CALLS, *SIGNED_IN):
        response = await api.send(method, path, body, by=person)
        assert response.status_code < 500, f"{method} {path}"


@pytest.mark.servers
async def test_after_a_restart_of_the_database_one_retry_is_enough(
    own_postgres: Postgres, stoppable: Api
) -> None:
    api = stoppable
    await api.send("GET", "/projects")

    own_postgres.stop()
    own_postgres.resume()

    first = await api.send("GET", "/projects")
    assert first.status_code in (200, 503)
    assert (await api.send("GET", "/projects")).status_code == 200


async def test_a_missing_database_is_503(tmp_path: Path) -> None:
    address = f"postgresql://nobody:nothing@{HOST}:{free_port()}/nowhere"
    async with serving(address, tmp_path) as api:
        problem(await api.send("GET", "/projects"), 503, "unavailable")
        assert (await api.send("GET", "//health/ready")).status_code == 503
        assert (await api.send("GET", "//health/live")).status_code == 200


async def test_the_password_of_the_database_is_in_no_response_and_no_log(tmp_path: Path) -> None:
    address = f"postgresql://nobody:hidden-word@{HOST}:{free_port()}/nowhere"
    async with serving(address, tmp_path) as api:
        with capture_logs() as logs:
            answers = [await api.send("GET", path) for path in ("/projects", "//health/ready")]

    assert "hidden-word" not in str(logs)
    assert all("hidden-word" not in answer.text for answer in answers)
