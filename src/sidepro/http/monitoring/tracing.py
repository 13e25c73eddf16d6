"""What the middleware needs of traces. `sidepro.adapters.tracing` implements it."""

from contextlib import AbstractContextManager
from typing import Protocol


class RequestSpan(Protocol):
    """The span of one request, the root of its trace."""

    @property
    def trace_id(self) -> str:
        """In hexadecimal digits, as other tools show it."""
        ...

    def set_response(self, route: str | None, status: int) -> None:
        """Name the span by the path template, which is `None` for an unknown path."""
        ...


class RequestTracer(Protocol):
    """Traces requests."""

    def request(self, method: str | None) -> AbstractContextManager[RequestSpan]:
        """Begin a trace that ends with the block. `method` is `None` if it is unknown.

        Clients neither choose the trace's id nor whether it is sampled.
        """
        ...
