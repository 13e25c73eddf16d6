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

CLOCKS = {"database": "the database", "redis": "Redis"}
"""Whose clocks are compared with this machine's."""

HealthCheck = Callable[[], Coroutine[Any, Any, None]]
"""Raises `Degraded`, or another exception if the component is unavailable: best `Down`."""

Trouble = Literal[
    "no_connection", "not_writable", "silent", "unusable", "wrong_clock", "wrong_schema"
]
"""What does not work, in terms that are for everybody. The log has the reason."""


class Degraded(Exception):
    """The component does only part of its work. The text of the cause is for the log."""

    def __init__(self, trouble: Trouble, clocks: Mapping[str, float] | None = None) -> None:
        super().__init__(_detail(trouble, clocks or {}))
        self.trouble = trouble
        self.clocks = dict(clocks or {})
        """By how many seconds the clocks of components are ahead."""


class Down(Exception):
    """The component does none of its work. The text of the cause is for the log."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(_detail(trouble, {}))
        self.trouble = trouble


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


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a component's check, for every language."""

    state: State
    latency_ms: float
    trouble: Trouble | None = None
    clocks: Mapping[str, float] = field(default_factory=dict)
    """By how many seconds the clocks of components are ahead of this machine's."""

    @property
    def detail(self) -> str | None:
        return _detail(self.trouble, self.clocks) if self.trouble else None


@dataclass(frozen=True, slots=True)
class Report:
    """The state of the process, and what was found of its components."""

    status: State
    parts: Mapping[str, Finding]

    def as_health(self) -> Health:
        parts = {
            name: Part(found.state, found.latency_ms, found.detail)
            for name, found in self.parts.items()
        }
        return Health(self.status, parts)


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

    async def run(self) -> Report:
        """Check every component at the same time, for up to `TIMEOUT`."""
        checks = {**self.required, **self.optional}
        found = await asyncio.gather(*(self._part(name, check) for name, check in checks.items()))
        parts = dict(zip(checks, found, strict=True))
        if any(parts[name].state == "unavailable" for name in self.required):
            return Report("unavailable", parts)
        is_ok = all(part.state == "ok" for part in parts.values())
        return Report("ok" if is_ok else "degraded", parts)

    async def _part(self, name: str, check: HealthCheck) -> Finding:
        state: State = "ok"
        trouble: Trouble | None = None
        clocks: Mapping[str, float] = {}
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
        except Degraded as error:
            state, trouble, clocks = "degraded", error.trouble, error.clocks
            log.warning("component_degraded", component=name, reason=_reason_of_cause(error))
        except Down as error:
            state, trouble = "unavailable", error.trouble
            log.warning("component_unavailable", component=name, reason=_reason_of_cause(error))
        except Exception as error:  # drivers' errors have no common base
            state = "unavailable"
            trouble = "silent" if isinstance(error, TimeoutError) else "unusable"
            log.warning("component_unavailable", component=name, reason=_reason(error))
        latency = round((time.perf_counter() - started) * 1000, 1)
        return Finding(state, latency, trouble, clocks)

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
        health = (await checks.run()).as_health()
        if health.status == "unavailable":
            return Response(health, status_code=503, headers={"Retry-After": str(UNAVAILABLE_FOR)})
        return Response(health)

    return Router("/", route_handlers=[get_liveness, get_readiness], tags=["Health"])


def _detail(trouble: Trouble, clocks: Mapping[str, float]) -> str:
    """What does not work, of which the component is the subject."""
    match trouble:
        case "no_connection":
            return "has no free connection"
        case "not_writable":
            return "cannot be written"
        case "silent":
            return "does not respond"
        case "unusable":
            return "cannot be used"
        case "wrong_clock":
            differences = (
                f"{abs(seconds):.1f} s {'behind' if seconds > 0 else 'ahead of'} "
                f"that of {CLOCKS[name]}"
                for name, seconds in clocks.items()
            )
            return f"is {' and '.join(differences)}"
        case "wrong_schema":
            return "has a schema that this version cannot serve"


def _reason_of_cause(error: Degraded | Down) -> str:
    return _reason(error.__cause__) if error.__cause__ else str(error)


def _reason(error: BaseException) -> str:
    """What the component said, for the log."""
    if isinstance(error, Unavailable):
        return error.reason
    return f"{type(error).__name__}: {reason_of(error)}"
