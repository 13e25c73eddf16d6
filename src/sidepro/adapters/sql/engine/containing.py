"""Whether a value of bytes has others within it: there is no operator that both databases have."""

from collections.abc import Callable, Mapping

from sqlalchemy import ColumnElement, LargeBinary, bindparam, func

SOUGHT = bindparam("sought", type_=LargeBinary())
"""The bytes that are looked for."""

CONTAINING: Mapping[str, Callable[[ColumnElement[bytes]], ColumnElement[bool]]] = {
    "postgresql": lambda column: func.position(SOUGHT.op("IN")(column)) > 0,
    "sqlite": lambda column: func.instr(column, SOUGHT) > 0,
}
"""By the name of the dialect."""
