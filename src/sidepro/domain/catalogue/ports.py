"""Port of the catalogue."""

from typing import Protocol

from sidepro.domain.catalogue.catalogue import Catalogue


class CatalogueReader(Protocol):
    """Reads the catalogue, usually from memory."""

    async def current(self) -> Catalogue:
        """The catalogue. MUST show what a migration added within a minute."""
        ...
