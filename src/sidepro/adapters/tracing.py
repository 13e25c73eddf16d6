"""Traces by OpenTelemetry, exported over OTLP/HTTP. Imported only if they are on.

The standard variables `OTEL_…` configure the SDK. A trace begins with a request, a job, a chat
message of a socket, or a batch of messages. Statements and commands outside of those have no span.

Attributes are chosen here one by one, so none has personal data or secrets: no paths, queries,
headers, addresses, parameters of statements, keys or texts of errors.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode

MAX_STATEMENT = 2_000
"""Characters of a statement in its span."""

CLOSE_TIMEOUT = 3.0
"""Seconds for exporting the last spans when the process stops."""

OTHER_METHOD = "HTTP"
"""The name of an unknown method in a span's name (semantic conventions for HTTP)."""

EndSpan = Callable[[BaseException | None], None]
"""Ends a span, with the error of its work."""


class HttpSpan:
    """See `sidepro.http.monitoring.tracing.RequestSpan`."""

    def __init__(self, span: Span, method: str) -> None:
        self._span = span
        self._method = method

    @property
    def trace_id(self) -> str:
        return trace.format_trace_id(self._span.get_span_context().trace_id)

    def set_response(self, route: str | None, status: int) -> None:
        if not self._span.is_recording():
            return
        if route:
            self._span.update_name(f"{self._method} {route}")
            self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)


class Tracing:
    """Makes the spans of this process and exports them from a thread."""

    def __init__(self, command: str, database: str, service_name: str | None) -> None:
        """`command` names the process, such as `sidepro worker`, and `database` the kind of
        database. `service_name` is `None` if a variable names the service.
        """
        attributes = {"service.version": version("sidepro"), "process.command": command}
        if service_name:
            attributes["service.name"] = service_name
        self._provider = TracerProvider(
            resource=Resource.create(attributes), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("sidepro")
        self._database = database

    @contextmanager
    def request(self, method: str | None) -> Iterator[HttpSpan]:
        """See `sidepro.http.monitoring.tracing.RequestTracer`."""
        name = method or OTHER_METHOD
        attributes = {"http.request.method": method or "_OTHER"}
        with self._root(name, SpanKind.SERVER, attributes) as span:
            yield HttpSpan(span, name)

    @contextmanager
    def job(self, name: str) -> Iterator[None]:
        """A trace of a run of a job."""
        with self._root(f"job {name}", SpanKind.CONSUMER, {"sidepro.job": name}):
            yield

    @contextmanager
    def message(self) -> Iterator[None]:
        """A span of a chat message until it is stored: in the trace of its request, or in a trace
        of its own if it came over a socket.
        """
        with self._current("chat message"):
            yield

    @contextmanager
    def message_batch(self, causes: Sequence[object]) -> Iterator[None]:
        """A span of messages that are stored together, and of those that `current` was called in:
        inside of the only one, or in a trace of its own with links to several.
        """
        spans = [cause for cause in causes if isinstance(cause, Span)]
        attributes = {"sidepro.messages": len(causes)}
        if len(causes) == len(spans) == 1:
            context = trace.set_span_in_context(spans[0], Context())
            with self._current("chat message batch", context, attributes=attributes):
                yield
            return
        with self._root("chat message batch", SpanKind.INTERNAL, attributes) as batch:
            for span in spans:
                batch.add_link(span.get_span_context())
            yield

    def current(self) -> object:
        """The current span, for `message_batch`."""
        return trace.get_current_span()

    def start_statement(self, text: str) -> EndSpan:
        """Begin a span of a statement of the database. Parameters are not in its text."""
        words = text.split(None, 1)
        attributes = {
            "db.system.name": self._database,
            "db.query.text": text[:MAX_STATEMENT],
        }
        return self._start(words[0].upper() if words else "SQL", attributes)

    def start_redis(self, command: Callable[..., Any]) -> EndSpan:
        """Begin a span of commands to Redis, named by the method that sends them."""
        function = command.func if isinstance(command, partial) else command
        name = getattr(function, "__qualname__", "").partition(".<locals>")[0]
        return self._start(f"redis {name}", {"db.system.name": "redis"})

    async def close(self) -> None:
        """Export the last spans. Gives up after `CLOSE_TIMEOUT`: the collector may be away."""
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def shut_down() -> None:
            self._provider.shutdown()
            loop.call_soon_threadsafe(done.set)

        # Not in the loop's executor, for which the process would wait.
        threading.Thread(target=shut_down, daemon=True).start()
        try:
            await asyncio.wait_for(done.wait(), CLOSE_TIMEOUT)
        except TimeoutError:
            return

    def _start(self, name: str, attributes: dict[str, str]) -> EndSpan:
        # Background loops inherit the context of an ended request.
        if not trace.get_current_span().is_recording():
            return _end_nothing
        return partial(
            _end, self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
        )

    @contextmanager
    def _root(
        self,
        name: str,
        kind: SpanKind,
        attributes: dict[str, Any],
    ) -> Iterator[Span]:
        with self._current(name, Context(), kind, attributes) as span:
            yield span

    @contextmanager
    def _current(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: dict[str, Any] | None = None,
    ) -> Iterator[Span]:
        """A span that is the parent of those in the block."""
        with self._tracer.start_as_current_span(
            name,
            context,
            kind,
            attributes,
            # The texts of errors may quote data.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                _set_error(span, error)
                raise


def _end(span: Span, error: BaseException | None) -> None:
    if error is not None:
        _set_error(span, error)
    span.end()


def _end_nothing(_error: BaseException | None) -> None:
    pass


def _set_error(span: Span, error: BaseException) -> None:
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(StatusCode.ERROR)
