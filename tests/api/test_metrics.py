"""`/metrics`, for Prometheus."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parsed_as_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parsed

from sidepro.bootstrap import build
from sidepro.domain.errors import Unavailable
from sidepro.domain.mail.ports import Backlog
from sidepro.domain.projects.ports import TrendingRun
from sidepro.domain.recommendations.ports import SimilarityRun
from sidepro.http.monitoring import metrics as in_api
from sidepro.http.monitoring.metrics import Metrics
from sidepro.settings import Settings
from tests.api.client import Api, problem
from tests.api.fixtures import serving
from tests.databases import Databases

pytestmark = pytest.mark.anyio

Labels = tuple[tuple[str, str], ...]
Figures = dict[tuple[str, Labels], float]


def figures(page: str) -> Figures:
    """Values by name and sorted labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parsed(page)
        for sample in family.samples
    }


async def read(api: Api) -> Figures:
    response = await api.send("GET", "//metrics")
    assert response.status_code == 200
    return figures(response.text)


def requests(found: Figures, method: str, route: str, status: int) -> float:
    labels = (("method", method), ("route", route), ("status", str(status)))
    return found.get(("sidepro_requests_total", labels), 0)


def facts_of(job: str, found: Figures) -> dict[str, float]:
    prefix = f"sidepro_{job}_"
    return {
        name.removeprefix(prefix): value
        for (name, _), value in found.items()
        if name.startswith(prefix)
    }


async def test_metrics_have_the_prometheus_format(api: Api) -> None:
    response = await api.send("GET", "//metrics")
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = figures(response.text)
    assert found["process_resident_memory_bytes", ()] > 1e6
    for kind in ("room", "person"):
        assert found["sidepro_open_sockets", (("kind", kind),)] == 0


async def test_metrics_tell_what_waits_and_how_many_connections_a_pool_may_have(api: Api) -> None:
    found = await read(api)
    assert found["sidepro_message_queue_length", ()] == 0
    assert found["sidepro_message_queue_oldest_seconds", ()] == 0
    pool = (("kind", "database"), ("pool", "transactions"))
    assert found["sidepro_connections_limit", pool] == 10
    assert found["sidepro_connections_in_use", pool] == 0


async def test_metrics_have_the_openmetrics_format_on_request(api: Api) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    response = await api.send("GET", "//metrics", headers={"Accept": accept})
    assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1")
    parse: Callable[[str], Iterable[object]] = parsed_as_openmetrics
    assert list(parse(response.text))


async def test_requests_are_counted_by_route_and_status(api: Api) -> None:
    person = await api.sign_up()
    project = await api.publish(person)
    route = "/api/v1/projects/{project_id}"
    before = await read(api)
    for _ in range(3):
        await api.send("GET", f"/projects/{project['id']}")
    await api.send("GET", "/projects/00000000-0000-7000-8000-000000000000")
    after = await read(api)
    assert requests(after, "GET", route, 200) - requests(before, "GET", route, 200) == 3
    assert requests(after, "GET", route, 404) - requests(before, "GET", route, 404) == 1
    key = ("sidepro_request_seconds_count", (("method", "GET"), ("route", route)))
    assert after[key] - before.get(key, 0) == 4
    assert project["id"] not in str(after), "series would be as many as projects"


async def test_clients_cannot_create_time_series(api: Api) -> None:
    for number in range(5):
        await api.send(f"MADEUP{number}", "/catalogue")
        await api.send("GET", f"/nothing-{number}")
    found = await read(api)
    assert requests(found, "other", "other", 405) == 5
    assert requests(found, "GET", "other", 404) >= 5
    assert "MADEUP" not in str(found)
    assert "nothing-" not in str(found)


async def test_metrics_contain_the_last_similarity_run(fresh_api: Api) -> None:
    assert facts_of("similarity", await read(fresh_api)) == {}
    for _ in range(2):
        await fresh_api.profile(await fresh_api.sign_up(), "Python")
    before = datetime.now(UTC).timestamp()
    run = await fresh_api.container.similarity.run()
    assert run is not None
    found = facts_of("similarity", await read(fresh_api))
    assert found.pop("computed_timestamp_seconds") == pytest.approx(run.computed_at.timestamp())
    assert 0 <= found.pop("age_seconds") <= datetime.now(UTC).timestamp() - before
    assert found == {
        "duration_seconds": pytest.approx(run.seconds, abs=1e-3),
        "users": 2,
        "changed_users": 2,
    }


async def test_metrics_contain_the_last_trending_run(fresh_api: Api) -> None:
    assert facts_of("trending", await read(fresh_api)) == {}
    project = await fresh_api.publish(await fresh_api.sign_up())
    await fresh_api.send("GET", f"/projects/{project['id']}")
    before = datetime.now(UTC).timestamp()
    run = await fresh_api.container.trending.renew()
    found = facts_of("trending", await read(fresh_api))
    assert found.pop("computed_timestamp_seconds") == pytest.approx(run.computed_at.timestamp())
    assert 0 <= found.pop("age_seconds") <= datetime.now(UTC).timestamp() - before
    assert found == {
        "duration_seconds": pytest.approx(run.seconds, abs=1e-3),
        "changed_scores": 1,
    }


@pytest.mark.parametrize(
    "settings",
    [{"metrics": "off"}, {"metrics": None}, {"metrics_bind": ("127.0.0.1", 9_090)}],
    ids=["off", "the default of a public address", "an address of their own"],
)
async def test_the_public_address_may_have_no_metrics(
    databases: Databases, tmp_path: Path, settings: dict[str, Any]
) -> None:
    with databases.fresh() as address:
        async with serving(address, tmp_path, **settings) as api:
            assert (await api.send("GET", "//metrics")).status_code == 404


@pytest.mark.parametrize(
    ("public_url", "bind", "is_on"),
    [
        ("http://localhost:8000", None, True),
        ("http://127.0.0.2", None, True),
        ("http://[::1]:8000", None, True),
        ("https://sidepro.example", None, False),
        ("http://10.0.0.1", None, False),
        ("https://sidepro.example", ("127.0.0.1", 9_090), True),
    ],
)
async def test_metrics_are_on_by_default_where_only_this_machine_reads_them(
    tmp_path: Path, public_url: str, bind: tuple[str, int] | None, is_on: bool
) -> None:
    container = build(Settings(data_dir=tmp_path, metrics_bind=bind), public_url)
    try:
        assert (container.metrics is not None) is is_on
    finally:
        await container.close()


async def test_a_token_protects_the_metrics(databases: Databases, tmp_path: Path) -> None:
    with databases.fresh() as address:
        async with serving(address, tmp_path, metrics="s3cret-token") as api:
            for sent in ("", "Bearer s3cret-toke", "Basic s3cret-token", "s3cret-token"):
                headers = {"Authorization": sent} if sent else {}
                refused = await api.send("GET", "//metrics", headers=headers)
                problem(refused, 401, "not-authenticated")
            right = {"Authorization": "Bearer s3cret-token"}
            response = await api.send("GET", "//metrics", headers=right)
            assert response.status_code == 200


# ------------------------------------------------------------------------------- without a server


async def away() -> SimilarityRun | None:
    raise Unavailable


async def silent() -> SimilarityRun | None:
    await asyncio.Event().wait()
    return None


async def trending_run() -> TrendingRun:
    return TrendingRun(datetime(2026, 1, 1, tzinfo=UTC), 1.5, 4)


async def backlog(now: datetime) -> Backlog:
    return Backlog(waiting=3, failed=2, oldest_due_at=now - timedelta(seconds=90))


async def test_metrics_tell_the_backlog_of_mails() -> None:
    metrics = Metrics({}, away, away, lambda: datetime.now(UTC))
    metrics.set_mail_backlog(backlog)
    found = figures((await metrics.render(""))[0].decode())
    assert found["sidepro_mails_waiting", ()] == 3
    assert found["sidepro_mails_failed", ()] == 2
    assert found["sidepro_mails_oldest_age_seconds", ()] == 90


async def test_metrics_omit_an_unavailable_outbox() -> None:
    async def unavailable(_now: datetime) -> Backlog:
        raise Unavailable

    metrics = Metrics({}, away, away, lambda: datetime.now(UTC))
    metrics.set_mail_backlog(unavailable)
    assert "sidepro_mails" not in (await metrics.render(""))[0].decode()


@pytest.mark.parametrize("last_run", [away, silent])
async def test_metrics_omit_an_unavailable_store(
    last_run: in_api.LastRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_api, "STORE_TIMEOUT", 0.1)
    metrics = Metrics({"room": lambda: 7}, last_run, trending_run, lambda: datetime.now(UTC))
    text, _ = await metrics.render("")
    found = figures(text.decode())
    assert found["sidepro_open_sockets", (("kind", "room"),)] == 7
    assert facts_of("similarity", found) == {}
    assert facts_of("trending", found)["changed_scores"] == 4


async def test_the_age_of_a_run_is_never_negative() -> None:
    """The clock may go backwards."""
    now = datetime(2026, 1, 1, tzinfo=UTC)

    async def ahead() -> SimilarityRun:
        return SimilarityRun(now + timedelta(hours=1), 1.5, 3, 2)

    text, _ = await Metrics({}, ahead, trending_run, lambda: now).render("")
    assert facts_of("similarity", figures(text.decode()))["age_seconds"] == 0
