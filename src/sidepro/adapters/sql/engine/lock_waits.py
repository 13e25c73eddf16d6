"""Ends waits for locks of this process, so that others get the connections."""

from typing import Any
from weakref import WeakSet

import structlog
from sqlalchemy import Integer, any_, bindparam, column, event, extract, func, select, table
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncEngine

from sidepro.adapters.sql.engine.fast_reads import FastReader
from sidepro.adapters.sql.engine.postgresql import BoundedConnection

log = structlog.get_logger(__name__)

LONG_WAIT = 0.8
"""Seconds. Shorter waits for locks are not ended."""

_SESSIONS = table("pg_stat_activity", *map(column, ("pid", "wait_event_type", "query_start")))
_END = select(func.pg_cancel_backend(_SESSIONS.c.pid)).where(
    _SESSIONS.c.pid == any_(bindparam("pids", type_=ARRAY(Integer))),
    _SESSIONS.c.wait_event_type == "Lock",
    extract("epoch", func.clock_timestamp() - _SESSIONS.c.query_start) > LONG_WAIT,
)


class LockWaits:
    """Those of an engine's connections to PostgreSQL."""

    def __init__(self, engine: AsyncEngine, reader: FastReader) -> None:
        """`reader` has connections of its own."""
        self._reader = reader
        self._connections = WeakSet[BoundedConnection]()
        event.listen(engine.sync_engine, "connect", self._remember)

    def _remember(self, connection: Any, _record: object) -> None:
        self._connections.add(connection.driver_connection)

    async def end(self) -> None:
        """End all but the shortest waits for locks. Their calls are unavailable.

        Raises:
            Unavailable: the database cannot be reached.
        """
        pids = [each.info.backend_pid for each in self._connections if not each.closed]
        ended = await self._reader.fetch(_END, {"pids": pids})
        if ended:
            log.warning("lock_waits_ended", calls=len(ended))
