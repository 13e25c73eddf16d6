"""Spans of statements, if traces are on. `sidepro.adapters.tracing` starts them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

EndSpan = Callable[[BaseException | None], None]

StartSpan = Callable[[str], EndSpan]
"""Begins the span of a statement. Returns what ends it, with the error of the statement."""

_END = "sidepro_end_span"
"""The attribute of SQLAlchemy's context of a statement."""


@contextmanager
def traced(start: StartSpan, text: str) -> Iterator[None]:
    """Run the block inside a span."""
    end = start(text)
    try:
        yield
    except BaseException as error:
        end(error)
        raise
    end(None)


def trace_engine(engine: Engine, start: StartSpan) -> None:
    """Run each statement of SQLAlchemy inside a span."""

    @event.listens_for(engine, "before_cursor_execute")
    def begin(
        _connection: Any, _cursor: Any, text: str, _values: Any, context: Any, _many: bool
    ) -> None:
        if context is not None:
            setattr(context, _END, start(text))

    @event.listens_for(engine, "after_cursor_execute")
    def finish(
        _connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, _many: bool
    ) -> None:
        _end(context, None)

    # First: a later listener raises another error.
    @event.listens_for(engine, "handle_error", insert=True)
    def fail(context: Any) -> None:
        _end(context.execution_context, context.original_exception)


def _end(context: Any, error: BaseException | None) -> None:
    end = getattr(context, _END, None)
    if end is not None:
        setattr(context, _END, None)
        end(error)
