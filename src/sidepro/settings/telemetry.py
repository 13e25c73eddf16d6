"""OpenTelemetry's own variables that SidePro reads. Its SDK reads the others."""

import os
from collections.abc import Mapping


def exports_traces(environment: Mapping[str, str] | None = None) -> bool:
    """Whether OpenTelemetry's variables ask for traces: an endpoint is set, and nothing disables
    them.
    """
    variables = os.environ if environment is None else environment
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    is_disabled = (
        variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        or variables.get("OTEL_TRACES_EXPORTER", "").strip() == "none"
    )
    return not is_disabled and any(variables.get(name) for name in endpoints)


def names_traced_service(environment: Mapping[str, str] | None = None) -> bool:
    """Whether OpenTelemetry's variables name the service."""
    variables = os.environ if environment is None else environment
    attributes = variables.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return bool(variables.get("OTEL_SERVICE_NAME")) or "service.name=" in attributes
