"""Around the API: health, and the documentation page with its own copy of its scripts."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
import structlog
from litestar import Response, Router, get
from litestar.openapi.datastructures import ResponseSpec

from sidepro.api.auth import PUBLIC

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[None]]


class Health(msgspec.Struct):
    """Whether the process can serve (`ok`, `degraded`, `unavailable`), and how its parts are."""

    status: str
    parts: dict[str, str]


@get("/health/live", opt=PUBLIC, summary="Does the process answer?")
async def live() -> Health:
    """Needs nothing but the process itself."""
    return Health("ok", {})


def health_router(checks: Mapping[str, Check], helpful: Mapping[str, Check]) -> Router:
    """Health; each check raises when its part is not there.

    Without a `helpful` part the process serves on, if not as well.
    """

    @get(
        "/health/ready",
        opt=PUBLIC,
        responses={503: ResponseSpec(Health, description="A part is away.")},
        summary="Can the process serve?",
    )
    async def ready() -> Response[Health]:
        """Asks each part that the process needs."""
        needed = {name: await _state(name, check) for name, check in checks.items()}
        parts = needed | {name: await _state(name, check) for name, check in helpful.items()}
        if "unavailable" in needed.values():
            away = Health("unavailable", parts)
            return Response(away, status_code=503, headers={"Retry-After": "5"})
        return Response(Health("degraded" if "unavailable" in parts.values() else "ok", parts))

    return Router("/", route_handlers=[live, ready], tags=["Health"])


async def _state(name: str, check: Check) -> str:
    try:
        await check()
    except Exception as error:
        log.warning("part_unavailable", part=name, reason=type(error).__name__)
        return "unavailable"
    return "ok"
