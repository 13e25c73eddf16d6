"""The jobs run on the event loop of the test."""

from __future__ import annotations

import pytest

from sidepro.jobs import (
    runner as running,
)
from sidepro.jobs import (
    scheduler as scheduling,
)
from sidepro.jobs import (
    tasks,
)
from tests.jobs.fakes import Log


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    noting = Log()
    for module in (tasks, scheduling, running):
        monkeypatch.setattr(module, "log", noting)
    return noting
