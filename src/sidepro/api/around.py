"""Around the API: health, and the documentation page with its own copy of its scripts."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
import structlog
import swagger_ui_bundle
from litestar import MediaType, Response, Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response import File

from sidepro.api.auth import PUBLIC
from sidepro.domain.errors import NotFound

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[None]]

DOCS = "/api/docs"
# Swagger UI draws with inline styles and pictures in data: addresses.
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; font-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>SidePro API</title>
<link rel="icon" href="{DOCS}/files/favicon-32x32.png">
<link rel="stylesheet" href="{DOCS}/files/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="{DOCS}/files/swagger-ui-bundle.js"></script>
<script src="{DOCS}/start.js"></script>
</body>
</html>
"""

_START = """SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
"""

# Of the package's files those that the page asks for; its other pages ask other hosts.
_FILES = {
    "favicon-32x32.png": "image/png",
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
}


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


def docs_router() -> Router:
    """The page that shows the OpenAPI document. Loads nothing from another host."""

    @get("/", media_type=MediaType.HTML, opt=PUBLIC, include_in_schema=False)
    async def page() -> Response[str]:
        return Response(_PAGE, headers={"Content-Security-Policy": POLICY})

    @get("/start.js", media_type="text/javascript", opt=PUBLIC, include_in_schema=False)
    async def start() -> str:
        return _START

    @get("/files/{name:str}", opt=PUBLIC, include_in_schema=False)
    async def file(name: FromPath[str]) -> File:
        if name not in _FILES:
            raise NotFound
        return File(
            Path(swagger_ui_bundle.swagger_ui_path, name),
            media_type=_FILES[name],
            content_disposition_type="inline",
        )

    return Router(DOCS, route_handlers=[page, start, file])
