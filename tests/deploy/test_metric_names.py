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
    from prometheus_client.samples import Sample

    from tests.databases import Databases
    from tests.servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

DEPLOY = Path(__file__).parents[2] / "deploy"
SERIES = re.compile(r"\b((?:sidepro|process)_[a-z_]+)(?:{([^}]*)})?")
LABEL = re.compile(r'([a-z_]+)(=~?|!=)"([^"]*)"')
OF_PROMETHEUS = {"job", "role", "instance", "le"}
"""Labels that no process has itself, and the one of buckets."""


def series_in(expressions: list[str]) -> set[tuple[str, frozenset[tuple[str, str, str]]]]:
    """The selectors of our metrics: name, and label, operator and value."""
    return {
        (name, frozenset(LABEL.findall(labels)))
        for expression in expressions
        for name, labels in SERIES.findall(expression)
    }


def grouped_labels(expressions: list[str]) -> set[str]:
    """The labels that results are grouped by."""
    groups = [group for each in expressions for group in re.findall(r"by \(([^)]*)\)", each)]
    return {label.strip() for group in groups for label in group.split(",")} - OF_PROMETHEUS


def has(samples: list[Sample], name: str, labels: frozenset[tuple[str, str, str]]) -> bool:
    """Whether some sample has the name and, of our own labels, those values."""
    found = [sample for sample in samples if sample.name == name]
    for label, operator, value in labels:
        if label in OF_PROMETHEUS:
            continue
        if any(label not in sample.labels for sample in found):
            return False
        if operator == "=":
            found = [sample for sample in found if sample.labels[label] == value]
    return bool(found)


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
        SideProJobs("scheduler", settings, every=1),
    ):
        async with http_client(server.url) as http:
            person, other = await Client.sign_up(http), await Client.sign_up(http)
            room_id = await person.open_room_with(other)
            message = {"body": "안녕하세요", "client_id": "1"}
            for _ in range(2):
                await person.call("POST", f"/rooms/{room_id}/messages", message)

            async def samples() -> list[Sample]:
                pages = [
                    (await http.get(f"http://{HOST}:{port}/metrics")).text
                    for port in (web, worker)
                ]
                return [
                    sample
                    for page in pages
                    for family in text_string_to_metric_families(page)
                    for sample in family.samples
                ]

            async def missing() -> set[tuple[str, frozenset[tuple[str, str, str]]]]:
                found = await samples()
                return {
                    (name, labels)
                    for name, labels in series_in(alerts() + panels())
                    if not has(found, name, labels)
                }

            async def all_exist() -> bool:
                return not await missing()

            await eventually(all_exist, 70)  # after the first run of each job
            found = await samples()
            labels = {label for sample in found for label in sample.labels}
            assert grouped_labels(alerts() + panels()) <= labels
            messages = {
                sample.labels["outcome"]: sample.value
                for sample in found
                if sample.name == "sidepro_messages_total"
            }
            # the first message that is not stored is an increase: its series begins at 0
            assert messages == {"stored": 1, "duplicate": 1, "unavailable": 0}
            # a worker says that it is alive
            live = await http.get(f"http://{HOST}:{worker}/health/live")
            assert live.json()["status"] == "ok"


ALERT_TESTS = """
rule_files: [RULES]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: 'up{job="sidepro",instance="web"}'
        values: '1x60'
      - series: 'sidepro_mails_waiting{instance="web"}'
        values: '0x60'
      - series: 'sidepro_job_queue_length{instance="web"}'
        values: '0x9 _x50'
      # mail is only skipped from the fifth minute on, trending once
      - series: 'sidepro_job_seconds_count{task="mail",outcome="skipped"}'
        values: '0x4 0+1x55'
      - series: 'sidepro_job_seconds_count{task="mail",outcome="completed"}'
        values: '0+1x5 5x55'
      - series: 'sidepro_job_seconds_count{task="trending",outcome="skipped"}'
        values: '0x10 1x50'
      - series: 'sidepro_job_seconds_count{task="trending",outcome="completed"}'
        values: '0+1x60'
    alert_rule_test:
      - {eval_time: 9m, alertname: SideProRedisAway}
      - {eval_time: 20m, alertname: SideProJobsSkipped}
      - {eval_time: 45m, alertname: SideProDatabaseAway}
      - eval_time: 20m
        alertname: SideProRedisAway
        exp_alerts:
          - exp_labels: {severity: critical}
            exp_annotations: {summary: "No process reaches Redis"}
      - eval_time: 45m
        alertname: SideProJobsSkipped
        exp_alerts:
          - exp_labels: {severity: warning, task: mail}
            exp_annotations:
              summary: "The job mail does not run: a store that it needs is away"
"""


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_alerts_fire_while_a_store_is_away(tmp_path: Path) -> None:
    file = tmp_path / "tests.yml"
    rules = str(DEPLOY / "prometheus" / "sidepro.rules.yml")
    file.write_text(ALERT_TESTS.replace("RULES", rules), "utf-8")
    command = ["promtool", "test", "rules", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_runbook_names_each_alert() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "sidepro.rules.yml").read_text("utf-8"))
    names = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    runbook = (DEPLOY.parent / "docs" / "operations.md").read_text("utf-8")
    assert set(re.findall(r"`(SidePro[A-Z]\w+)`", runbook)) == names


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_accepts_its_files() -> None:
    for what, name in (("rules", "sidepro.rules.yml"), ("config", "prometheus.yml")):
        file = DEPLOY / "prometheus" / name
        command = ["promtool", "check", what, str(file)]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
