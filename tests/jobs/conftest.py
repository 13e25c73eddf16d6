"""The jobs run on the event loop of the test."""

from __future__ import annotations

import pytest

from sidepro.jobs import runner, scheduler, tasks
from tests.jobs.fakes import Log


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    noting = Log()
    for module in (tasks, scheduler, runner):
        monkeypatch.setattr(module, "log", noting)
    return noting
