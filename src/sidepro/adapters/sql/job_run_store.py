"""The last runs of jobs, in SQL."""

from collections.abc import Mapping

from sqlalchemy import select

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.schema.tables import job_runs
from sidepro.domain.operations.views import Job, JobRun

_LAST_RUNS = select(job_runs)


class SqlJobRunStore:
    """See `sidepro.domain.operations.ports.JobRunStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, run: JobRun) -> None:
        facts = {
            "started_at": run.started_at,
            "milliseconds": round(run.seconds * 1_000),
            "changed": run.changed,
        }
        async with self._database.writing(job=True) as connection:
            first = upsert(connection, job_runs).values(job=run.job.value, **facts)
            await connection.execute(
                first.on_conflict_do_update(index_elements=[job_runs.c.job], set_=facts)
            )
            await self._database.commit(connection)

    async def last_runs(self) -> Mapping[Job, JobRun]:
        known = set(Job)
        return {
            Job(row.job): JobRun(
                Job(row.job), row.started_at, row.milliseconds / 1_000, row.changed
            )
            for row in await self._database.fetch(_LAST_RUNS)
            if row.job in known
        }
