"""Port of the catalogue."""

from collections.abc import Mapping
from typing import Protocol

from sidepro.domain.catalogue.catalogue import Catalogue


class CatalogueReader(Protocol):
    """Reads the catalogue, usually from memory."""

    async def current(self) -> Catalogue:
        """The catalogue. Entries added by a migration MUST appear within a minute."""
        ...

    async def skill_counts(self) -> Mapping[str, int]:
        """How many projects use each skill of the catalogue, in its order.

        MUST be at most a few seconds old. The load on the store MUST NOT grow with the number of
        calls.
        """
        ...
