"""The trending job: renews the stored scores, and deletes the daily counts of past weeks."""

from dataclasses import dataclass

from sidepro.domain.clock import Clock
from sidepro.domain.ids import ProjectId
from sidepro.domain.projects.ports import TrendingRun, TrendingStore
from sidepro.domain.projects.trending import day_of, first_day

BATCH_SIZE = 500
"""Projects, or daily counts, changed in one transaction, to keep locks short."""


@dataclass(frozen=True, slots=True)
class TrendingService:
    """Renews the trending scores. Safe to repeat, to run concurrently and to stop at any time.

    It reads only projects that have daily counts or a score, and writes only scores that changed.
    """

    store: TrendingStore
    clock: Clock

    async def renew(self) -> TrendingRun:
        """Bring all scores up to date.

        Raises:
            Unavailable: the database cannot be reached. Scores renewed before stay renewed.
        """
        started = self.clock()
        today = day_of(started)
        changed = 0
        after: ProjectId | None = None
        while scores := await self.store.scores(today, after, BATCH_SIZE):
            after = scores[-1].project_id
            outdated = [one.project_id for one in scores if one.is_outdated]
            if outdated:
                changed += await self.store.renew(outdated, today)
        while faded := await self.store.faded(today, BATCH_SIZE):
            renewed = await self.store.renew(faded, today)
            changed += renewed
            if not renewed:  # another run, or new views, changed them meanwhile
                break
        while await self.store.delete_days(first_day(today), BATCH_SIZE) == BATCH_SIZE:
            pass
        seconds = max(0.0, (self.clock() - started).total_seconds())
        run = TrendingRun(started, seconds, changed)
        await self.store.save_run(run)
        return run
