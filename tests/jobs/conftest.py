"""Fixtures of the jobs."""

from __future__ import annotations

import pytest

from sidepro.jobs import runner, scheduler, tasks
from tests.jobs.fakes import RecordingLog


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> RecordingLog:
    recording = RecordingLog()
    for module in (tasks, scheduler, runner):
        monkeypatch.setattr(module, "log", recording)
    return recording
