"""Internal errors: a plain response, a log line, and an honest health check."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from anyio import to_thread
from sqlalchemy import text, update
from structlog.testing import capture_logs

from sidepro.adapters.sql.schema.tables import schema_compatibility
from sidepro.domain.accounts.session import RefreshToken, Session
from sidepro.domain.accounts.session_service import SessionService
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId
from sidepro.domain.projects.comment_service import CommentService
from sidepro.domain.projects.project_service import ProjectService
from tests.api.client import PASSWORD, UNKNOWN_ID, Api, ApiUser, problem
from tests.api.fixtures import serving
from tests.databases import both_databases, migrate
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


# ------------------------------------------------------------------------- a schema that is wrong


@both_databases
async def test_while_a_table_is_missing_calls_that_need_it_are_503(fresh_api: Api) -> None:
    person = await fresh_api.sign_up()
    path = f"/projects/{(await fresh_api.publish(person))['id']}/comments"
    async with fresh_api.container.database.restructuring() as connection:
        await connection.execute(text("ALTER TABLE comments RENAME TO removed"))
        await connection.commit()

    with capture_logs() as logs:
        for method, body in (("GET", None), ("POST", {"body": "x"})):
            response = await fresh_api.send(method, path, body, by=person)
            problem(response, 503, "unavailable")
            assert int(response.headers["Retry-After"]) > 0

    reasons = [line["reason"] for line in logs if line["event"] == "unavailable"]
    assert ["comments" in reason for reason in reasons] == [True, True]


@both_databases
@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "too new, at revision 9999"),
        ("UPDATE alembic_version SET version_num = '0001'", "behind, at revision 0001"),
        ("DROP TABLE alembic_version", "behind, at revision none"),
    ],
)
async def test_a_schema_that_does_not_fit_is_told_by_health(
    fresh_api: Api, statement: str, found: str
) -> None:
    async with fresh_api.container.database.writing() as connection:
        await connection.execute(update(schema_compatibility).values(oldest_code="9998"))
        await connection.execute(text(statement))
        await connection.commit()

    with capture_logs() as logs:
        ready = await fresh_api.send("GET", "//health/ready")

    assert ready.status_code == 503
    told = ready.json()["parts"]["database"]["detail"]
    assert told == "has a schema that this version cannot serve"
    assert [line["reason"] for line in logs if line["event"] == "component_unavailable"] == [
        f"the schema is {found}"
    ]


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
