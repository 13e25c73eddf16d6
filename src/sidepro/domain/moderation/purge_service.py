"""Deleting removed content for good."""

from dataclasses import dataclass

from sidepro.domain.clock import Clock
from sidepro.domain.ids import CaseId
from sidepro.domain.moderation.content import delete_content, load_content
from sidepro.domain.moderation.ports import ModerationUnitOfWork
from sidepro.domain.unit_of_work import UnitOfWorkFactory

BATCH_SIZE = 100
"""Cases looked up at once. Each is purged in a transaction of its own."""


@dataclass(frozen=True, slots=True)
class PurgeService:
    """Deletes what was removed `PURGE_AFTER` ago. Safe to repeat, to run concurrently and to stop
    at any time.
    """

    unit_of_work: UnitOfWorkFactory[ModerationUnitOfWork]
    clock: Clock

    async def purge(self) -> int:
        """Delete the content of all cases that are due. Returns how many."""
        purged = 0
        while True:
            async with self.unit_of_work() as work:
                due = await work.moderation.due_for_purge(self.clock(), BATCH_SIZE)
            for case_id in due:
                purged += await self._purge(case_id)
            if len(due) < BATCH_SIZE:
                return purged

    async def _purge(self, case_id: CaseId) -> bool:
        async with self.unit_of_work() as work:
            found = await work.moderation.find(case_id)
            if found is None:
                return False
            content = await load_content(work, found.target)
            case = await work.moderation.get(case_id)
            if case is None or case.purge_at is None or case.purge_at > self.clock():
                return False  # reversed or purged since
            await delete_content(work, content)
            await work.moderation.save(case.purged())
            await work.commit()
        return True
