"""Port of the data export."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeVar

from sidepro.domain.data_export.views import ExportedAccount, Record
from sidepro.domain.ids import UserId

RecordT = TypeVar("RecordT", bound=Record)


class DataExportReader(Protocol):
    """Reads everything stored about a person."""

    async def account(self, user_id: UserId) -> ExportedAccount | None:
        """The account with its profile, or `None` when there is no such user."""
        ...

    def section(self, kind: type[RecordT], user_id: UserId) -> AsyncIterator[Sequence[RecordT]]:
        """All records of a type in `SECTIONS` except `ExportedNeighbour`, in batches.

        The order MUST be by id (messages by room and number, bookmarks by project, addresses by
        address, blocks by the blocked person). A batch MUST NOT be empty, and MUST be small enough
        to hold in memory. A record that exists during the whole read MUST appear exactly once.
        Images that are not stored yet or are being deleted MUST be left out. Chat
        requests MUST be as this person sees them (see `ChatRequest.state_for`).
        """
        ...
