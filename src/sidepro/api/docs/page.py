"""The documentation page: Swagger UI, with its files served locally."""

from pathlib import Path

import swagger_ui_bundle
from litestar import MediaType, Response, Router, get
from litestar.params import FromPath
from litestar.response import File

from sidepro.domain.errors import NotFound

DOCS = "/api/docs"


# Swagger UI uses inline styles and images in data: URLs.
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; font-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>SidePro API</title>
<link rel="icon" href="BASE/api/docs/files/favicon-32x32.png">
<link rel="stylesheet" href="BASE/api/docs/files/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="BASE/api/docs/files/swagger-ui-bundle.js"></script>
<script src="BASE/api/docs/start.js"></script>
</body>
</html>
"""


_START = """SwaggerUIBundle({
  url: "BASE/api/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
"""


# The files of the package that the page loads.
_FILES = {
    "favicon-32x32.png": "image/png",
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
}


def docs_router(base_path: str) -> Router:
    """The page that shows the OpenAPI document. Loads nothing from another host.

    `base_path` is the path of the public address, or empty.
    """
    page_text, start_text = (text.replace("BASE", base_path) for text in (_PAGE, _START))

    @get("/", media_type=MediaType.HTML, include_in_schema=False)
    async def page() -> Response[str]:
        return Response(page_text, headers={"Content-Security-Policy": POLICY})

    @get("/start.js", media_type="text/javascript", include_in_schema=False)
    async def start() -> str:
        return start_text

    @get("/files/{name:str}", include_in_schema=False)
    async def file(name: FromPath[str]) -> File:
        if name not in _FILES:
            raise NotFound
        return File(
            Path(swagger_ui_bundle.swagger_ui_path, name),
            media_type=_FILES[name],
            content_disposition_type="inline",
        )

    return Router(DOCS, route_handlers=[page, start, file])
