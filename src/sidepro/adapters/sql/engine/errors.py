"""What the drivers' errors mean, by class and SQLSTATE (PostgreSQL, appendix A)."""

import sqlite3
from typing import Any

import psycopg
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DatabaseError, IntegrityError, InterfaceError, OperationalError

from sidepro.domain.errors import EmailTaken, NotFound, SideProError, Unavailable, UsernameTaken

_OTHER_SESSION = frozenset({"0A000", "26000", "42P05"})
"""A prepared statement is of another session (a pooler), or of a table before a migration."""

_STALE = _OTHER_SESSION | {"25006", "25P03", "25P04", "3D000", "42501"}
"""Read-only, ended while idle or after too long, the database or a privilege is gone: a new
connection may reach another server, or one that has recovered.
"""

_MISSING = frozenset({"3F000", "42703", "42P01"})
"""A schema, column or table: another version has migrated the database, or somebody removed it."""

_UNAVAILABLE = _STALE | _MISSING | {"22021", "22P05", "72000", "XX000", "XX001", "XX002"}
"""Besides psycopg's operational errors: a text that the database's encoding lacks, a snapshot that
is too old, a failure inside of the server, and damaged data.
"""

_STALE_CLASSES = ("08", "28", "57P")
"""Connection errors, refused log-ins, and a server that starts or stops."""

_TOO_MANY = ("too many clients", "too many connections", "connection slots are reserved")

_UNIQUE: dict[str, type[SideProError]] = {
    "uq_users_email_key": EmailTaken,
    "uq_users_username_key": UsernameTaken,
}


class NoAnswer(psycopg.OperationalError):
    """The server accepted a statement and did not answer in time."""


class RowLocked(Exception):
    """A statement gave up waiting for a row's lock."""


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the error comes from PostgreSQL's state and not from the statement."""
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) or (
        isinstance(error, psycopg.Error) and error.sqlstate in _UNAVAILABLE
    )


def is_contended(error: BaseException | None) -> bool:
    """Whether a lock timeout, a deadlock or a serialization failure ended the transaction."""
    return isinstance(error, psycopg.Error) and error.sqlstate in ("55P03", "40P01", "40001")


def has_no_connection_left(error: Unavailable) -> bool:
    """Whether PostgreSQL refused a connection because it has too many. The driver gives refused
    connections no SQLSTATE, so the text decides, which is English unless the server translates.
    """
    return any(text in error.reason for text in _TOO_MANY)


def is_busy(error: Unavailable) -> bool:
    """Whether another process has locked SQLite's file."""
    cause = error.__cause__
    if isinstance(cause, DatabaseError):
        cause = cause.orig
    name = cause.sqlite_errorname if isinstance(cause, sqlite3.OperationalError) else ""
    return name.startswith("SQLITE_BUSY")


def is_stale(error: BaseException | None) -> bool:
    """Whether the connection must not be used again: a new one may do better."""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return state is not None and (state in _STALE or state.startswith(_STALE_CLASSES))


def translate(context: ExceptionContext) -> Exception | None:
    """The domain's error for an error of SQLAlchemy's engine; `None` raises the driver's error.

    A handler of the event `handle_error`.
    """
    error = context.sqlalchemy_exception or context.original_exception
    if not isinstance(error, Exception):
        return None  # SQLAlchemy also reports cancellations here, as disconnects
    if isinstance(error, IntegrityError):
        return domain_error(error.orig)
    if is_stale(context.original_exception):
        context.is_disconnect = True  # the pool drops the connection, and those made before
    # SQLite raises the bare DatabaseError for a file that is no database.
    unreachable = (
        isinstance(error, (OperationalError, InterfaceError))
        or type(error) is DatabaseError
        or is_unavailable(context.original_exception)
    )
    if unreachable or context.is_disconnect:
        unavailable = Unavailable()
        unavailable.__cause__ = error
        unavailable.is_contended = is_contended(context.original_exception)
        return unavailable
    return None


def domain_error(error: BaseException | None) -> SideProError | None:
    """The domain's error for a violated constraint, if there is one. A violated foreign key means
    that the referenced row is gone.
    """
    name: Any
    if isinstance(error, sqlite3.IntegrityError):
        # "UNIQUE constraint failed: users.email_key"; SQLite does not name foreign keys.
        text = str(error)
        if error.sqlite_errorname == "SQLITE_CONSTRAINT_FOREIGNKEY":
            return NotFound()
        is_unique = error.sqlite_errorname == "SQLITE_CONSTRAINT_UNIQUE"
        name = "uq_" + text.rpartition(": ")[2].replace(".", "_") if is_unique else ""
    else:
        name = getattr(getattr(error, "diag", None), "constraint_name", None) or ""
        if name.startswith("fk_"):
            return NotFound()
    return _UNIQUE[name]() if name in _UNIQUE else None
