"""The jobs of a platform that is one process: when they run, and what they survive."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import pytest
from taskiq import InMemoryBroker
from taskiq.schedule_sources import LabelScheduleSource

from sidepro.domain.errors import Unavailable
from sidepro.domain.images.service import ImageService
from sidepro.domain.recommendations.service import RecommendationService, Run
from sidepro.jobs import in_process, tasks
from tests.live import PATIENCE, until, visiting
from tests.servers import SideProServer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


class Recommendations:
    """Stands in for the service: counts runs, and does at each what the test asks for."""

    def __init__(self) -> None:
        self.begun = 0
        self.finished = 0
        self.faults: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self) -> Run:
        self.begun += 1
        if self.faults:
            raise self.faults.pop()
        await self.gate.wait()
        self.finished += 1
        return Run(people=3, with_neighbours=2, kept=True)

    async def until_begun(self, number: int) -> None:
        await until(lambda: self.begun >= number)

    @property
    def service(self) -> RecommendationService:
        return cast("RecommendationService", self)


class Images:
    """Stands in for the service: counts runs, and meets at each what the test asks for."""

    def __init__(self) -> None:
        self.runs = 0
        self.removed = 0
        self.faults: list[Exception] = []

    async def remove_unused(self) -> int:
        self.runs += 1
        if self.faults:
            raise self.faults.pop()
        return self.removed

    @property
    def service(self) -> ImageService:
        return cast("ImageService", self)


class Log:
    """Notes events by level and name."""

    def __init__(self) -> None:
        self.events: Counter[tuple[str, str]] = Counter()
        self.members: dict[str, Any] = {}

    def info(self, event: str, **members: object) -> None:
        self.events["info", event] += 1
        self.members = members

    def warning(self, event: str, **members: object) -> None:
        self.events["warning", event] += 1


@pytest.fixture
async def recommendations() -> Recommendations:
    return Recommendations()


@pytest.fixture
def images() -> Images:
    return Images()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    noting = Log()
    monkeypatch.setattr(tasks, "log", noting)
    return noting


async def test_the_tick_is_on_a_schedule_of_once_a_minute(
    recommendations: Recommendations,
) -> None:
    broker = InMemoryBroker()
    tick = tasks.register(broker, recommendations.service)
    source = LabelScheduleSource(broker)
    await source.startup()
    schedules = await source.get_schedules()
    assert [schedule.task_name for schedule in schedules] == [tick.task_name]
    assert broker.find_task("similarity_tick") is tick

    assert [schedule.cron for schedule in schedules] == ["* * * * *"]


async def test_the_tick_runs_the_service_and_says_what_it_did(
    recommendations: Recommendations, log: Log
) -> None:
    tick = tasks.register(InMemoryBroker(), recommendations.service)
    await tick.original_func()
    assert recommendations.finished == 1
    assert log.events == {("info", "similarity_computed"): 1}
    assert log.members.pop("ms") >= 0
    assert log.members == {"people": 3, "with_neighbours": 2, "kept": True}


async def test_a_tick_without_its_database_is_logged_and_no_more(
    recommendations: Recommendations, log: Log
) -> None:
    tick = tasks.register(InMemoryBroker(), recommendations.service)
    recommendations.faults = [Unavailable()]
    await tick.original_func()
    assert log.events == {("warning", "similarity_skipped"): 1}


async def test_jobs_run_at_the_start_without_waiting_for_the_minute(
    recommendations: Recommendations, images: Images, log: Log
) -> None:
    async with in_process.running(recommendations.service, images.service):
        await recommendations.until_begun(1)
        await until(lambda: images.runs >= 1)
    assert recommendations.begun == recommendations.finished >= 1


async def test_starting_does_not_wait_for_the_first_run(
    recommendations: Recommendations, images: Images, log: Log
) -> None:
    recommendations.gate.clear()
    async with (
        asyncio.timeout(PATIENCE),
        in_process.running(recommendations.service, images.service),
    ):
        await recommendations.until_begun(1)
        assert recommendations.finished == 0
        recommendations.gate.set()
    assert recommendations.finished >= 1


async def test_what_is_under_way_is_finished_on_leaving(
    recommendations: Recommendations, images: Images, log: Log
) -> None:
    recommendations.gate.clear()
    leaving = asyncio.Event()

    async def serve() -> None:
        async with in_process.running(recommendations.service, images.service):
            await recommendations.until_begun(1)
            leaving.set()

    serving = asyncio.create_task(serve())
    await leaving.wait()
    done, _ = await asyncio.wait([serving], timeout=0.1)
    assert not done
    recommendations.gate.set()
    async with asyncio.timeout(PATIENCE):
        await serving
    assert recommendations.finished >= 1


async def test_the_schedule_goes_on_after_whatever_a_tick_meets(
    recommendations: Recommendations, images: Images, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "EVERY_MINUTE", [{"interval": 1}])  # which a test can wait for
    recommendations.faults = [RuntimeError("not foreseen"), Unavailable()]
    before = asyncio.all_tasks()
    async with in_process.running(recommendations.service, images.service):
        await recommendations.until_begun(3)
    assert recommendations.finished >= 1
    assert log.events == {
        ("warning", "similarity_skipped"): 1,
        ("info", "similarity_computed"): 1,
    }
    assert asyncio.all_tasks() == before, "nothing goes on after leaving"


async def test_the_removal_of_images_is_on_a_schedule(images: Images) -> None:
    broker = InMemoryBroker()
    removal = tasks.register_image_removal(broker, images.service)
    source = LabelScheduleSource(broker)
    await source.startup()
    (schedule,) = await source.get_schedules()
    assert (schedule.task_name, schedule.cron) == (removal.task_name, "*/10 * * * *")


async def test_the_removal_of_images_says_what_it_removed_and_nothing_of_nothing(
    images: Images, log: Log
) -> None:
    removal = tasks.register_image_removal(InMemoryBroker(), images.service)
    await removal.original_func()
    assert not log.events
    images.removed = 3
    await removal.original_func()
    assert log.events == {("info", "images_removed"): 1}
    assert log.members == {"images": 3}


async def test_a_removal_without_its_stores_is_logged_and_no_more(
    images: Images, log: Log
) -> None:
    removal = tasks.register_image_removal(InMemoryBroker(), images.service)
    images.faults = [Unavailable()]
    await removal.original_func()
    assert log.events == {("warning", "image_removal_skipped"): 1}


@pytest.mark.servers
async def test_a_serving_process_computes_at_its_start_unless_told_otherwise(
    tmp_path: Path,
) -> None:
    settings = {"SIDEPRO_DATA_DIR": str(tmp_path), "SIDEPRO_LOG_FORMAT": "json"}

    def logged(server: SideProServer) -> list[dict[str, Any]]:
        lines = [line for line in server.log().splitlines() if line.startswith("{")]
        events = [json.loads(line) for line in lines]
        return [event for event in events if event["event"] == "similarity_computed"]

    with SideProServer(settings) as server:
        await until(lambda: bool(logged(server)))
        event = logged(server)[0]
        assert (event["people"], event["kept"]) == (0, True)

    with SideProServer(settings, "--no-jobs") as server:
        async with visiting(server.url) as http:
            assert (await http.get("/health/ready")).status_code == 200
        assert server.terminate() == 0
        assert logged(server) == []
