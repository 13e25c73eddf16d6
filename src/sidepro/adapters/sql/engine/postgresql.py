"""Connections to PostgreSQL: their settings and their bounds.

Every wait has a bound, so that one row, one stopped process or one silent server holds nobody for
longer than about ten seconds. docs/operations.md has the figures.
"""

import asyncio
import select
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, Self, TypeVar

import psycopg
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError

from sidepro.adapters.sql.engine.errors import NoAnswer
from sidepro.domain.waiting import counted_wait, current_waits, wait_limit

Result = TypeVar("Result")

SESSION_OPTIONS = (
    "-c timezone=UTC -c datestyle=ISO -c bytea_output=hex"
    " -c default_transaction_isolation=read\\ committed"
)
"""Settings that statements rely on. They override those of server, database and role."""

ENCODING = "UTF8"
"""Of sessions, whatever the URL and `PGCLIENTENCODING` say, which would override an option."""

PLANNER_OPTIONS = "-c random_page_cost=1.1 -c jit=off"
"""Random pages cost about as much as sequential ones on today's disks, and statements of a
millisecond are not worth compiling.
"""

READ_OPTIONS = (
    f"{PLANNER_OPTIONS} -c plan_cache_mode=force_generic_plan -c enable_seqscan=off"
    " -c work_mem=16MB"
)
"""For `Database.fetch`: one plan for all values, since planning takes longer than reading a page;
index scans, also to count half of a table; and enough memory for a bitmap of a hundred thousand
hits.
"""

NETWORK_OPTIONS = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 8_000,
}
"""A dead network is noticed in ten seconds, by idle connections too. In seconds, the last one in
milliseconds. The URL may choose others.
"""

SERVER_NETWORK_OPTIONS = (
    "-c tcp_keepalives_idle=3 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=2"
    " -c tcp_user_timeout=5000"
)
"""PostgreSQL ends the sessions of a machine that vanished after five seconds, and so their locks.
By itself it would keep them for two hours.
"""

CERTAIN_FOR = 2.0
"""Seconds for which an idle connection counts as usable. Later it may have ended without a sign:
the server's machine was not reachable, or lost its power and came back.
"""

PING_TIMEOUT = 3.0
"""Seconds for an answer to a question that needs no lock."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a kind of work may wait.

    `lock`, `statement` and `idle` (in a transaction) are PostgreSQL's timeouts, in milliseconds.
    `answer` is the time in seconds after which a server that does not answer counts as down.
    """

    lock: int
    statement: int
    idle: int
    answer: float

    @property
    def options(self) -> str:
        return (
            f"-c lock_timeout={self.lock} -c statement_timeout={self.statement}"
            f" -c idle_in_transaction_session_timeout={self.idle}"
        )


REQUEST = Bounds(lock=5_000, statement=5_500, idle=10_000, answer=6.0)
VIEW = Bounds(lock=100, statement=2_000, idle=2_000, answer=3.0)
JOB = Bounds(lock=60_000, statement=3_600_000, idle=600_000, answer=3_660.0)
"""Of requests, of counting views (a reader waits for it), and of jobs and commands."""


CONNECT_ALL = 8.0
"""Seconds that a request waits for a new connection, whatever number of addresses the URL has. Two
that are silent may come before one that answers.
"""

ANSWER_MARGIN = REQUEST.answer - REQUEST.statement / 1000
"""Seconds that an answer may take longer than its statement: the server must end the statement
itself. A connection that is closed meanwhile counts there until then.
"""


def statement_limit() -> int | None:
    """Milliseconds that the next statement may take, if the request has waited for so long that
    this is less than usual.
    """
    usual = REQUEST.statement / 1000
    limit = wait_limit(usual)
    return None if limit == usual else int(limit * 1000)


class BoundedConnection(psycopg.AsyncConnection[Any]):
    """A connection that is closed when the server does not answer."""

    answer_timeout: ClassVar[float] = REQUEST.answer

    used_at = inf
    """When it was last used, by the monotonic clock."""

    @classmethod
    async def connect(cls, conninfo: str = "", **options: Any) -> Self:
        """As psycopg's, which tries all addresses one after the other, as one wait."""
        waits = current_waits()
        if waits is None:
            return await super().connect(conninfo, **options)
        with suppress(TimeoutError), counted_wait():
            async with asyncio.timeout(waits.limit(CONNECT_ALL)):
                return await super().connect(conninfo, **options)
        # Not from the error that ended it, whose traceback keeps half a connection open.
        raise psycopg.errors.ConnectionTimeout("no connection in time")

    async def wait(
        self,
        gen: PQGen[Result],
        interval: float = 0.1,
        timeout: float | None = None,  # noqa: ASYNC109 - psycopg's signature
    ) -> Result:
        seconds = timeout or self.answer_timeout
        waits = current_waits()
        if waits is not None:
            seconds = min(seconds, waits.limit(seconds) + ANSWER_MARGIN)
        began = time.monotonic()
        try:
            return await super().wait(gen, interval, seconds)
        except psycopg.OperationalError as error:
            # After an answer of any kind, or the end of the connection, it is not active.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
                raise NoAnswer(f"no answer in {seconds:.0f} s") from error
            raise
        finally:
            self.used_at = time.monotonic()
            if waits is not None:
                waits.count(self.used_at - began)

    async def has_ended_unnoticed(self) -> bool:
        """Whether it does not work. Asks the server if that is uncertain. No statement may run."""
        if time.monotonic() - self.used_at < CERTAIN_FOR:
            return False
        is_alive = False
        try:
            self.pgconn.send_query(b"")
            results = await self.wait(generators.execute(self.pgconn), timeout=PING_TIMEOUT)
            is_alive = results[-1].status == ExecStatus.EMPTY_QUERY
        except psycopg.OperationalError:
            pass
        finally:
            if not is_alive:
                self.pgconn.finish()
        return not is_alive


class ViewConnection(BoundedConnection):
    """Counts views."""

    answer_timeout = VIEW.answer


class JobConnection(BoundedConnection):
    """Serves jobs and commands."""

    answer_timeout = JOB.answer


def is_cut(connection: psycopg.AsyncConnection[Any]) -> bool:
    """Whether an idle connection has ended, as far as the kernel knows.

    An idle server has nothing to say but its end. Asking the kernel costs a microsecond, a ping of
    the server a round trip.
    """
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def replace_if_cut(connection: Any, _record: object, _proxy: object) -> None:
    """Handles `checkout`: the first statement after a restart of the server must not fail."""
    if is_cut(connection.driver_connection):
        raise DisconnectionError
    if connection.run_async(BoundedConnection.has_ended_unnoticed):
        raise InvalidatePoolError  # the others are of the same server


def limit_statement(_connection: object, cursor: Any, *_: object) -> None:
    """Handles `before_cursor_execute`, in a transaction. See `statement_limit`."""
    limit = statement_limit()
    if limit is not None:
        cursor.execute(f"SET LOCAL statement_timeout = {limit}")


@dataclass(frozen=True, slots=True)
class Address:
    """What connections to one database have in common."""

    url: URL
    arguments: Mapping[str, Any]
    """psycopg's arguments, as SQLAlchemy makes them of the URL."""

    application: str
    """The name by which the server's list of sessions shows this process."""

    def connect_arguments(self, bounds: Bounds, options: str) -> dict[str, Any]:
        """The driver's arguments for one kind of work, with its settings."""
        defaults = {**NETWORK_OPTIONS, "application_name": self.application}
        # The URL may choose another schema, but no other setting that statements rely on.
        texts = [
            SERVER_NETWORK_OPTIONS,
            "-c search_path=public",
            str(self.url.query.get("options", "")),
            SESSION_OPTIONS,
            options,
            bounds.options,
        ]
        return {
            **defaults,
            **self.arguments,
            "client_encoding": ENCODING,
            "options": " ".join(filter(None, texts)),
        }
