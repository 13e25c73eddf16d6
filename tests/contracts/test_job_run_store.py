"""`JobRunStore`: the last run of each job, for every process."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sidepro.domain.operations.views import Job, JobRun
from tests.contracts.adapters import Adapters
from tests.factories import NOW

pytestmark = pytest.mark.anyio


async def test_the_last_run_of_each_job_is_stored(adapters: Adapters) -> None:
    assert await adapters.job_runs.last_runs() == {}
    first = JobRun(Job.RETENTION, NOW, 0.125, 3)
    later = JobRun(Job.RETENTION, NOW + timedelta(hours=1), 2.0, 0)
    other = JobRun(Job.IMAGE_REMOVAL, NOW, 0.0, 2**40)
    for run in (first, other, later):
        await adapters.job_runs.save(run)
    another = await adapters.another()
    assert await another.job_runs.last_runs() == {Job.RETENTION: later, Job.IMAGE_REMOVAL: other}
