"""Fails on migrations that would break the version before, or hold locks while it serves.

python -m tests.lint_migrations

Runs the migrations from 0016 on in SQLite and looks at their operations. `docs/upgrading.md` has
the rules. An operation is accepted on a line that ends in `# safe: <reason>`.
"""

from __future__ import annotations

import ast
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

from alembic import command
from alembic.migration import MigrationContext
from alembic.operations import AbstractOperations, ops
from alembic.script import Script, ScriptDirectory
from sqlalchemy import create_engine

from sidepro.adapters.sql.schema import alembic_commands, migrate, online

FIRST = "0016"
"""The migrations before are older than the rules."""

BREAKING_SQL = re.compile(
    r"\b(DROP|RENAME|TRUNCATE|DELETE\s+FROM|SET\s+NOT\s+NULL|ALTER\s+COLUMN|ADD\s+CONSTRAINT"
    r"|CREATE\s+(UNIQUE\s+)?INDEX|LOCK\s+TABLE)\b",
    re.IGNORECASE,
)
SAFE = re.compile(r"# safe: \S")

STEPS = ("add_column", "set_not_null", "create_index", "drop_index", "backfill", "in_batches")
"""Functions of `online` that commit on their own."""

REMOVALS = (ops.DropColumnOp, ops.DropTableOp, ops.DropConstraintOp, ops.DropIndexOp)


@dataclass
class Migration:
    """What a migration did, and what is wrong with it."""

    script: Script
    created: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    has_plain: bool = False

    @property
    def lines(self) -> list[str]:
        return Path(self.script.path).read_text("utf-8").splitlines()

    @property
    def is_contract(self) -> bool:
        return bool(getattr(self.script.module, "contract", False))

    def refuse(self, problem: str) -> None:
        line = _current_line(self.script.path)
        if line is None or not SAFE.search(self.lines[line - 1]):
            self.problems.append(f"{self.script.revision}: {problem}")

    def check_statement(self) -> None:
        """What the module states about itself."""
        oldest = getattr(self.script.module, "oldest_code", None)
        before = self.script.down_revision
        if not isinstance(oldest, str):
            self.problems.append(f"{self.script.revision}: `oldest_code` is missing")
        elif oldest > str(before) and not self.is_contract:
            problem = "`oldest_code` is newer than the version before: that breaks it"
            self.problems.append(f"{self.script.revision}: {problem}")

    def check_sql(self) -> None:
        """Statements as text, also those for PostgreSQL alone."""
        if self.is_contract:
            return
        for function in ast.parse("\n".join(self.lines)).body:
            if isinstance(function, ast.FunctionDef) and function.name == "downgrade":
                continue
            if isinstance(function, ast.Expr):  # a docstring
                continue
            for node in ast.walk(function):
                if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                    continue
                found = BREAKING_SQL.search(node.value)
                if found and not SAFE.search(self.lines[(node.end_lineno or node.lineno) - 1]):
                    self.problems.append(f"{self.script.revision}: SQL with {found[0]}")

    def check(self, operation: ops.MigrateOperation, *, is_step: bool) -> None:
        """One operation; `is_step` says that a step of `online` made it."""
        table = getattr(operation, "table_name", None) or getattr(operation, "source_table", None)
        if isinstance(operation, ops.CreateTableOp):
            self.created.add(operation.table_name)
        elif table in self.created or self.is_contract:
            pass
        elif isinstance(operation, ops.AddColumnOp):
            self._check_column(operation, is_step=is_step)
        elif is_step:
            pass
        elif isinstance(operation, ops.CreateIndexOp):
            self.refuse(f"an index on {table} without online.create_index locks the table")
        elif isinstance(operation, (*REMOVALS, ops.RenameTableOp)):
            self.refuse(f"{type(operation).__name__} on {table} breaks the version before")
        elif isinstance(operation, ops.AlterColumnOp):
            self._check_alteration(operation)
        elif isinstance(operation, ops.AddConstraintOp):
            self.refuse(f"a constraint on {table} narrows it, and locks it while it is checked")

    def _check_column(self, operation: ops.AddColumnOp, *, is_step: bool) -> None:
        column, table = operation.column, operation.table_name
        if not column.nullable and column.server_default is None:
            self.refuse(f"{table}.{column.name} is NOT NULL without a default of the server")
        if column.index or column.unique:
            self.refuse(f"{table}.{column.name} has an index without online.create_index")

    def _check_alteration(self, operation: ops.AlterColumnOp) -> None:
        name = f"{operation.table_name}.{operation.column_name}"
        if operation.modify_name:
            self.refuse(f"{name} is renamed")
        if operation.modify_type is not None:
            self.refuse(f"{name} changes its type")
        if operation.modify_nullable is False:
            self.refuse(f"{name} becomes NOT NULL without online.set_not_null")


def _current_line(path: str) -> int | None:
    """The line of this file that is being run."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename == path:
            return frame.f_lineno
        frame = frame.f_back
    return None


@contextmanager
def _watched(migration: Migration) -> Iterator[None]:
    """Check each operation while the migration runs."""
    depth = 0
    invoke = AbstractOperations.invoke

    def watch(self: AbstractOperations, operation: ops.MigrateOperation) -> Any:
        migration.check(operation, is_step=depth > 0)
        if depth == 0 and not isinstance(operation, ops.ExecuteSQLOp):
            migration.has_plain = True
        return invoke(self, operation)

    def step(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            nonlocal depth
            if depth == 0 and migration.has_plain:
                migration.refuse("a step of `online` commits the plain operations before it")
            depth += 1
            try:
                return function(*args, **options)
            finally:
                depth -= 1

        return run

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(AbstractOperations, "invoke", watch))
        for name in STEPS:
            stack.enter_context(mock.patch.object(online, name, step(getattr(online, name))))
        yield


def check(folder: Path, database: str | None = None) -> list[str]:
    """The problems of the migrations in this folder that the database, empty by default, lacks."""
    problems = []
    with tempfile.TemporaryDirectory() as temporary:
        engine = create_engine(database or f"sqlite:///{temporary}/lint.sqlite3")
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision() or "base"
            connection.rollback()
            config = alembic_commands.config_for(connection, folder)
            scripts = ScriptDirectory(str(folder)).iterate_revisions("head", current)
            for script in list(scripts)[::-1]:
                migration = Migration(script)
                with _watched(migration):
                    command.upgrade(config, script.revision)
                if script.revision >= FIRST:
                    migration.check_statement()
                    migration.check_sql()
                    problems += migration.problems
        engine.dispose()
    return problems


def main() -> None:
    problems = check(migrate._FOLDER)
    if problems:
        sys.exit("\n".join([*problems, "docs/upgrading.md has the rules for migrations."]))


if __name__ == "__main__":
    main()
