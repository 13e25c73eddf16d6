"""A collector of OpenTelemetry's traces, over OTLP/HTTP."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.servers.watched_server import HOST

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue


@dataclass(frozen=True)
class CollectedSpan:
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    links: list[str]
    """Trace ids."""
    attributes: dict[str, Any]
    resource: dict[str, Any]
    is_error: bool
    events: int


class OtlpCollector:
    """Receives and decodes spans in a thread."""

    def __init__(self) -> None:
        self.spans: list[CollectedSpan] = []
        self.received: list[bytes] = []
        """The decompressed bodies."""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/v1/traces"
                collector.receive(body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.end_headers()
                self.wfile.write(ExportTraceServiceResponse().SerializeToString())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a process that exports to this collector, a tenth of a second late."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{self._server.server_port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def named(self, name: str) -> list[CollectedSpan]:
        return [span for span in self.spans if span.name == name]

    def children(self, parent: CollectedSpan) -> list[CollectedSpan]:
        return [span for span in self.spans if span.parent_id == parent.span_id]

    def receive(self, body: bytes) -> None:
        self.received.append(body)
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += [
                    CollectedSpan(
                        name=span.name,
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent_id=span.parent_span_id.hex(),
                        links=[linked.trace_id.hex() for linked in span.links],
                        attributes=_values(span.attributes),
                        resource=_values(resource.resource.attributes),
                        is_error=span.status.code == 2,
                        events=len(span.events),
                    )
                    for span in scope.spans
                ]


def _values(attributes: Any) -> dict[str, Any]:
    def value(pair: KeyValue) -> Any:
        kind = pair.value.WhichOneof("value")
        return getattr(pair.value, kind) if kind else None

    return {pair.key: value(pair) for pair in attributes}
