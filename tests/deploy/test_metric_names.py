"""Alerts and the dashboard use metrics that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.clients import Client, eventually, http_client
from tests.cluster import shared_settings
from tests.servers import HOST, SideProJobs, SideProServer, free_port

if TYPE_CHECKING:
    from tests.databases import Databases
    from tests.servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = re.compile(r"\b(?:sidepro|process)_[a-z_]+")


def names_in(expressions: list[str]) -> set[str]:
    return {name for expression in expressions for name in NAME.findall(expression)}


def alerts() -> list[str]:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "sidepro.rules.yml").read_text("utf-8"))
    return [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def panels() -> list[str]:
    dashboard = json.loads((DEPLOY / "grafana" / "sidepro.json").read_text("utf-8"))
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


async def test_alerts_and_dashboard_use_metrics_that_exist(
    postgresql_databases: Databases, redis_server: RedisServer, tmp_path: Path
) -> None:
    web, worker = free_port(), free_port()
    with (
        shared_settings(postgresql_databases, redis_server, tmp_path) as settings,
        SideProServer({**settings, "SIDEPRO_METRICS_BIND": f"{HOST}:{web}"}) as server,
        SideProJobs("worker", {**settings, "SIDEPRO_METRICS_BIND": f"{HOST}:{worker}"}),
    ):
        async with http_client(server.url) as http:
            person, other = await Client.sign_up(http), await Client.sign_up(http)
            room_id = await person.open_room_with(other)
            message = {"body": "안녕하세요", "client_id": "1"}
            for _ in range(2):
                await person.call("POST", f"/rooms/{room_id}/messages", message)

            async def samples() -> dict[str, float]:
                pages = [
                    (await http.get(f"http://{HOST}:{port}/metrics")).text
                    for port in (web, worker)
                ]
                return {
                    f"{sample.name} {sample.labels.get('outcome', '')}".strip(): sample.value
                    for page in pages
                    for family in text_string_to_metric_families(page)
                    for sample in family.samples
                }

            async def all_exist() -> bool:
                found = {name.partition(" ")[0] for name in await samples()}
                return names_in(alerts() + panels()) <= found

            await eventually(all_exist, 30)  # after the first run of each job
            found = await samples()
            assert found["sidepro_messages_total stored"] == 1
            assert found["sidepro_messages_total duplicate"] == 1
            # a worker says that it is alive
            live = await http.get(f"http://{HOST}:{worker}/health/live")
            assert live.json()["status"] == "ok"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_accepts_its_files() -> None:
    for what, name in (("rules", "sidepro.rules.yml"), ("config", "prometheus.yml")):
        file = DEPLOY / "prometheus" / name
        command = ["promtool", "check", what, str(file)]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
