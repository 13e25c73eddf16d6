"""The epoch of the data: made with the database, and another one after each restored backup."""

import secrets
import time

from sqlalchemy import select, update

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema.tables import installation
from sidepro.adapters.sql.shared_read import SharedRead

TTL = 1.0
"""Seconds for which a process trusts the epoch that it has read. Handshakes need no statement."""

_EPOCH = select(installation.c.epoch)


class SqlEpoch:
    """See `sidepro.domain.rooms.ports.EpochReader`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._epoch = ""
        self._read_at = float("-inf")
        self._shared_read = SharedRead(self._read)

    async def current(self) -> str:
        if time.monotonic() - self._read_at > TTL:
            return await self._shared_read.result()
        return self._epoch

    async def _read(self) -> str:
        (row,) = await self._database.fetch(_EPOCH)
        self._epoch, self._read_at = row.epoch, time.monotonic()
        return self._epoch

    async def renew(self) -> str:
        """Replace the epoch. Returns the new one.

        Raises:
            Unavailable: the database cannot be reached.
        """
        epoch = secrets.token_hex(8)
        async with self._database.writing() as connection:
            await connection.execute(update(installation).values(epoch=epoch))
            await self._database.commit(connection)
        return epoch
