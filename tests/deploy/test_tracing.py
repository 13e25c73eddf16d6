"""Traces by OpenTelemetry, as a collector receives them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest

from tests.clients import Client, eventually, http_client
from tests.cluster import shared_settings
from tests.servers import HOST, SideProJobs, SideProServer, free_port, settings
from tests.servers.otlp_collector import OtlpCollector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

    from tests.clients import Json
    from tests.databases import Databases
    from tests.servers import RedisServer
    from tests.servers.otlp_collector import CollectedSpan

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

ATTRIBUTES = {
    *("http.request.method", "http.route", "http.response.status_code", "error.type"),
    *("db.system.name", "db.query.text", "sidepro.job", "sidepro.messages"),
}


@pytest.fixture(scope="module")
def collector() -> Iterator[OtlpCollector]:
    with OtlpCollector() as running:
        yield running


@pytest.fixture(scope="module")
def shared(
    postgresql_databases: Databases,
    redis_server: RedisServer,
    collector: OtlpCollector,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Json]:
    folder = tmp_path_factory.mktemp("traced")
    with shared_settings(postgresql_databases, redis_server, folder) as found:
        yield {
            **found,
            **collector.environment,
            "SIDEPRO_LOG_FORMAT": "json",
            "SIDEPRO_RATE_LIMITS": "on",
            "SIDEPRO_TRUSTED_PROXIES": HOST,
        }


@pytest.fixture(scope="module")
def server(shared: Json) -> Iterator[SideProServer]:
    with SideProServer(shared, "--no-jobs") as running:
        yield running


@pytest.fixture
async def http(server: SideProServer) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(server.url) as client:
        yield client


async def root(collector: OtlpCollector, name: str) -> CollectedSpan:
    """The span of this name. It ends, and is exported, after those below it."""
    await eventually(lambda: bool(collector.named(name)))
    return collector.named(name)[-1]


async def test_a_request_is_a_trace_named_by_its_route(
    http: httpx.AsyncClient, server: SideProServer, collector: OtlpCollector
) -> None:
    person = await Client.sign_up(http)
    project = await person.publish()
    headers = {**person.headers, "X-Request-ID": "traced", "traceparent": f"00-{'a' * 32}-"}
    await http.get(f"/api/v1/projects/{project['id']}", headers=headers)

    span = await root(collector, "GET /api/v1/projects/{project_id}")

    assert span.parent_id == ""
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/api/v1/projects/{project_id}",
        "http.response.status_code": 200,
    }
    assert span.resource["service.name"] == "sidepro"
    assert span.resource["process.command"] == "sidepro serve"
    lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line.get("request_id") == "traced"]
    assert line["trace_id"] == span.trace_id


async def test_statements_and_redis_are_spans_of_their_request(
    http: httpx.AsyncClient, collector: OtlpCollector
) -> None:
    person = await Client.sign_up(http)
    await person.publish(title="한 번만 쓰는 제목")

    children = collector.children(await root(collector, "POST /api/v1/projects"))

    names = {child.name for child in children}
    assert {"SELECT", "INSERT", "COMMIT"} <= names
    assert any(name.startswith("redis RedisRateLimiter.") for name in names)
    (insert,) = [one for one in children if "INSERT INTO projects" in str(one.attributes)]
    assert insert.attributes["db.system.name"] == "postgresql"
    assert "VALUES (%(" in insert.attributes["db.query.text"]
    assert "제목" not in insert.attributes["db.query.text"]


async def test_a_message_of_a_socket_is_a_trace_with_its_batch(
    http: httpx.AsyncClient, collector: OtlpCollector
) -> None:
    one, other = await Client.sign_up(http), await Client.sign_up(http)
    room_id = await one.open_room_with(other)
    async with one.chat(room_id) as socket:
        await socket.send_message()
        await socket.message()

    message = await root(collector, "chat message")

    assert message.parent_id == ""
    (batch,) = collector.children(message)
    assert (batch.name, batch.attributes) == ("chat message batch", {"sidepro.messages": 1})
    assert "COMMIT" in {child.name for child in collector.children(batch)}


async def test_messages_stored_together_are_linked_to_their_batch(
    http: httpx.AsyncClient, shared: Json, collector: OtlpCollector
) -> None:
    def shared_batches() -> list[CollectedSpan]:
        batches = collector.named("chat message batch")
        return [batch for batch in batches if batch.attributes["sidepro.messages"] == 2]

    async def both_wait() -> bool:
        return "sidepro_message_queue_length 2.0" in (await http.get("/metrics")).text

    one, other = await Client.sign_up(http), await Client.sign_up(http)
    room_id = await one.open_room_with(other)
    connecting = psycopg.AsyncConnection.connect(shared["SIDEPRO_DATABASE_URL"])
    async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
        async with await connecting as holder:
            await holder.execute("SELECT FROM rooms WHERE id = %s FOR UPDATE", [room_id])
            await socket.send_message()
            await theirs.send_message()
            await eventually(both_wait)
        await socket.messages(2)

    await eventually(lambda: bool(shared_batches()))
    batch = shared_batches()[-1]
    assert batch.parent_id == ""
    assert len(batch.links) == 2
    await eventually(
        lambda: set(batch.links) <= {span.trace_id for span in collector.named("chat message")}
    )


async def test_a_run_of_a_job_is_a_trace(shared: Json, collector: OtlpCollector) -> None:
    with (
        SideProJobs("worker", shared),
        SideProJobs("scheduler", shared, every=1),
    ):
        job = await root(collector, "job similarity_tick")
        assert job.attributes == {"sidepro.job": "similarity_tick"}
        assert job.resource["process.command"] == "sidepro worker"
        assert "SELECT" in {child.name for child in collector.children(job)}


async def test_spans_have_no_personal_data(
    http: httpx.AsyncClient, server: SideProServer, collector: OtlpCollector
) -> None:
    one, other = await Client.sign_up(http), await Client.sign_up(http)
    private = ["도자기를 굽습니다", "할머니의 요리법", "망원동", "아무도-모르는-검색어"]
    await one.write_profile(bio=private[0])
    project = await one.publish(title=private[1])
    room_id = await one.open_room_with(other)
    await one.call("POST", f"/rooms/{room_id}/messages", {"body": private[2], "client_id": "1"})
    ticket = await one.ticket(room_id)
    async with one.socket(room_id, ticket=ticket) as socket:
        await socket.start()
        await socket.send_message(private[2])
        await socket.message()
    for path in (
        f"/people/{one.username}",
        f"/api/v1/users/availability?email={one.email}",
        f"/api/v1/projects?q={private[3]}",
        f"/nowhere/{one.email}",
    ):
        await http.get(path, headers={**one.headers, "User-Agent": "private-agent"})
    await http.request("PROPFIND", "/api/v1/catalogue")

    await root(collector, "HTTP")  # the last one
    words = [*private, ticket, project["id"], room_id, "private-agent", HOST]
    for person in (one, other):
        words += [person.email, person.username, person.password, person.token, person.id]
    for span in collector.spans:
        assert span.attributes.keys() <= ATTRIBUTES
        assert span.events == 0
    everything = b"".join(collector.received)
    for word in words:
        assert word.encode() not in everything
        assert quote(word).encode() not in everything


# ------------------------------------------------------------------------------------------- off

BUILD = """
import json, os, sys
{before}
from pathlib import Path
from sidepro.adapters import logs
from sidepro.bootstrap import build
from sidepro.settings import Settings
logs.set_up("json")
for environment in json.loads(sys.argv[2]):
    os.environ.update(environment)
    container = build(Settings(data_dir=Path(sys.argv[1])), "http://127.0.0.1")
    print(container.tracing is not None, any(m.startswith("opentelemetry.") for m in sys.modules))
    for name in environment:
        del os.environ[name]
"""


def built(folder: Path, *environments: dict[str, str], before: str = "") -> tuple[list[str], str]:
    """Whether traces are on and OpenTelemetry is imported with each environment, one after the
    other in one process, and the log.
    """
    done = subprocess.run(
        [sys.executable, "-c", BUILD.format(before=before), folder, json.dumps(environments)],
        env=settings({}),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines(), done.stderr


ENDPOINT = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://{HOST}:9/v1/traces"}


def test_nothing_is_imported_while_traces_are_off_and_an_endpoint_turns_them_on(
    tmp_path: Path,
) -> None:
    disabled = {**ENDPOINT, "OTEL_SDK_DISABLED": "true"}
    no_exporter = {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}
    found, _ = built(tmp_path, {}, disabled, no_exporter, ENDPOINT)
    assert found == ["False False", "False False", "False False", "True True"]


def test_an_endpoint_without_the_extra_is_warned_of(tmp_path: Path) -> None:
    before = 'sys.modules["opentelemetry"] = None'
    found, log = built(tmp_path, ENDPOINT, before=before)
    assert found == ["False False"]
    (line,) = log.splitlines()
    assert "sidepro[otel]" in json.loads(line)["reason"]


async def test_a_collector_that_is_away_fails_no_request_and_delays_no_stop() -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{free_port()}"}
    with SideProServer({**endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}, "--no-jobs") as server:
        async with http_client(server.url) as http:
            for _ in range(50):
                assert (await http.get("/api/v1/projects")).status_code == 200
        await eventually(lambda: "opentelemetry" in server.log() or "span" in server.log())
        started = time.monotonic()
        assert server.terminate() == 0
        assert time.monotonic() - started < 6
        assert "Traceback" not in server.log()
