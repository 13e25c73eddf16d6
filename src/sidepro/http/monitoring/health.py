"""Health checks: whether the process responds, and whether it can serve."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import msgspec
import structlog
from litestar import Response, Router, get
from litestar.openapi.datastructures import ResponseSpec

from sidepro.domain.errors import Unavailable, reason_of
from sidepro.http.problems.retries import UNAVAILABLE_FOR

log = structlog.get_logger(__name__)

TIMEOUT = 3.0
"""Seconds for all checks. Their results are for probes, which do not wait long."""

HealthCheck = Callable[[], Coroutine[Any, Any, None]]
"""Raises `Degraded`, or another exception if the component is unavailable: best `Down`."""


class Degraded(Exception):
    """The component does only part of its work. The text is for everybody, that of its cause for
    the log.
    """


class Down(Exception):
    """The component does none of its work. Texts as those of `Degraded`."""


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

    _running: dict[str, "asyncio.Task[None]"] = field(default_factory=dict, init=False)
    """Concurrent callers share a check, and one that hangs is not started again."""

    async def run(self) -> Health:
        """Check every component at the same time, for up to `TIMEOUT`."""
        checks = {**self.required, **self.optional}
        found = await asyncio.gather(*(self._part(name, check) for name, check in checks.items()))
        parts = dict(zip(checks, found, strict=True))
        if any(parts[name].state == "unavailable" for name in self.required):
            return Health("unavailable", parts)
        is_ok = all(part.state == "ok" for part in parts.values())
        return Health("ok" if is_ok else "degraded", parts)

    async def _part(self, name: str, check: HealthCheck) -> Part:
        state: State = "ok"
        detail = None
        started = time.perf_counter()
        running = self._running.get(name)
        if running is None:
            running = self._running[name] = asyncio.ensure_future(check())
            running.add_done_callback(partial(self._end, name))
        try:
            done, _ = await asyncio.wait([running], timeout=TIMEOUT)
            if not done:
                raise TimeoutError
            running.result()
        except (Degraded, Down) as error:
            state = "degraded" if isinstance(error, Degraded) else "unavailable"
            detail = str(error)
            reason = _reason(error.__cause__) if error.__cause__ else detail
            event = "component_degraded" if state == "degraded" else "component_unavailable"
            log.warning(event, component=name, reason=reason)
        except Exception as error:  # drivers' errors have no common base
            state = "unavailable"
            detail = "does not respond" if isinstance(error, TimeoutError) else "cannot be used"
            log.warning("component_unavailable", component=name, reason=_reason(error))
        return Part(state, round((time.perf_counter() - started) * 1000, 1), detail)

    def _end(self, name: str, running: "asyncio.Future[None]") -> None:
        self._running.pop(name, None)
        if not running.cancelled():
            running.exception()  # nobody may be waiting for it any more


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


def _reason(error: BaseException) -> str:
    """What the component said, for the log."""
    if isinstance(error, Unavailable):
        return error.reason
    return f"{type(error).__name__}: {reason_of(error)}"
