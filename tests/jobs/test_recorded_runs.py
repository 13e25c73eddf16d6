"""The runs of jobs that leave no result are stored for administrators."""

from __future__ import annotations

import pytest

from sidepro.adapters.in_process.job_claims import InProcessJobClaims
from sidepro.domain.deletion.retention import Deleted
from sidepro.domain.errors import Unavailable
from sidepro.domain.mail.mail_sender import MailRun
from sidepro.domain.operations.views import Job
from sidepro.jobs import runner
from tests.clients import eventually
from tests.jobs.fakes import Images, Mails, Retention, Runs, Similarity, jobs_with

pytestmark = pytest.mark.anyio


async def test_completed_runs_of_jobs_without_a_result_are_stored() -> None:
    runs, retention, images = Runs(), Retention(), Images()
    retention.deleted = Deleted(sessions=2, refresh_tokens=3, idempotency_keys=0, chat_requests=0)
    images.removed = 7
    mails = Mails()
    mails.result = MailRun(sent=5)
    jobs = jobs_with(
        InProcessJobClaims(), Similarity(), images, retention=retention, runs=runs, mail=mails
    )

    async with runner.embedded(jobs):
        await eventually(lambda: len(runs.stored) == 3)

    assert {run.job: run.changed for run in runs.stored} == {
        Job.RETENTION: 5,
        Job.IMAGE_REMOVAL: 7,
        Job.MAIL: 5,
    }
    assert all(run.seconds >= 0 for run in runs.stored)


async def test_runs_without_the_database_are_not_stored() -> None:
    runs, retention, images, mails = Runs(), Retention(), Images(), Mails()
    retention.is_away, images.failures, mails.is_away = True, [Unavailable()], True
    jobs = jobs_with(
        InProcessJobClaims(), Similarity(), images, retention=retention, runs=runs, mail=mails
    )

    async with runner.embedded(jobs):
        await eventually(lambda: retention.runs == 1 and images.runs == 1)

    assert runs.stored == []
