"""Health checks: whether the process responds, and whether it can serve."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
import structlog
from litestar import Response, Router, get
from litestar.openapi.datastructures import ResponseSpec

from sidepro.http.problems.retries import UNAVAILABLE_FOR

log = structlog.get_logger(__name__)

HealthCheck = Callable[[], Awaitable[None]]
"""Raises `Degraded`, or another exception if the component is unavailable."""


class Degraded(Exception):
    """The component does only part of its work."""


State = Literal["ok", "degraded", "unavailable"]


class Part(msgspec.Struct):
    """The result of a component's check. `detail` says what does not work."""

    state: State
    latency_ms: float
    detail: str | None


class Health(msgspec.Struct):
    """The state of the process, and of its components."""

    status: State
    parts: dict[str, Part]


@get("/health/live", summary="Liveness")
async def get_liveness() -> Health:
    """Responds whenever the process runs. Checks no other component."""
    return Health("ok", {})


@dataclass(frozen=True, slots=True)
class HealthChecks:
    """The checks of all components by name.

    If a required component fails, the process is unavailable. If an optional one fails, it is
    degraded.
    """

    required: Mapping[str, HealthCheck]
    optional: Mapping[str, HealthCheck]

    async def run(self) -> Health:
        """Check every component."""
        required = {name: await _part(name, check) for name, check in self.required.items()}
        optional = {name: await _part(name, check) for name, check in self.optional.items()}
        parts = required | optional
        if any(part.state == "unavailable" for part in required.values()):
            return Health("unavailable", parts)
        is_ok = all(part.state == "ok" for part in parts.values())
        return Health("ok" if is_ok else "degraded", parts)


def health_router(checks: HealthChecks) -> Router:
    """The health routes."""

    @get(
        "/health/ready",
        responses={503: ResponseSpec(Health, description="A required component is unavailable.")},
        summary="Readiness",
    )
    async def get_readiness() -> Response[Health]:
        """Checks every component."""
        health = await checks.run()
        if health.status == "unavailable":
            return Response(health, status_code=503, headers={"Retry-After": str(UNAVAILABLE_FOR)})
        return Response(health)

    return Router("/", route_handlers=[get_liveness, get_readiness], tags=["Health"])


async def _part(name: str, check: HealthCheck) -> Part:
    state: State = "ok"
    detail = None
    started = time.perf_counter()
    try:
        await check()
    except Degraded as error:
        log.warning("component_degraded", component=name, reason=str(error))
        state, detail = "degraded", str(error)
    except Exception as error:  # drivers' errors have no common base
        log.warning("component_unavailable", component=name, reason=type(error).__name__)
        state, detail = "unavailable", "does not respond"
    return Part(state, round((time.perf_counter() - started) * 1000, 1), detail)
