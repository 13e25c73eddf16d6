"""Exports everything stored about a person."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sidepro.domain.data_export.ports import DataExportReader
from sidepro.domain.data_export.views import (
    SECTIONS,
    ExportedAccount,
    ExportedNeighbour,
    Record,
)
from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.identity import Caller
from sidepro.domain.recommendations.ports import NeighbourStore


@dataclass(frozen=True, slots=True)
class DataExportService:
    """Reads an export piece by piece, so that it never has to fit into memory."""

    reader: DataExportReader
    neighbours: NeighbourStore

    async def account(self, caller: Caller) -> ExportedAccount:
        """The first member of the export.

        Raises:
            NotAuthenticated: the account behind the token no longer exists.
            Unavailable: one of the stores cannot be reached.
        """
        # An unreachable store must fail here, before the first byte is sent.
        await self.neighbours.last_run()
        account = await self.reader.account(caller.id)
        if account is None:
            raise NotAuthenticated
        return account

    async def sections(
        self, caller: Caller
    ) -> AsyncIterator[tuple[str, AsyncIterator[Sequence[Record]]]]:
        """The other members: name and batches. Read each to its end before the next.

        Raises:
            Unavailable: a store cannot be reached; the export is incomplete.
        """
        for name, kind in SECTIONS.items():
            if kind is ExportedNeighbour:
                yield name, self._neighbours(caller)
            else:
                yield name, self.reader.section(kind, caller.id)

    async def _neighbours(self, caller: Caller) -> AsyncIterator[Sequence[ExportedNeighbour]]:
        neighbours = (await self.neighbours.of(caller.id)).neighbours
        if neighbours:
            yield [
                ExportedNeighbour(one.user_id, one.score, one.shared_skills) for one in neighbours
            ]
