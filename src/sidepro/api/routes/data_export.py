"""`GET /me/export`: everything stored about the caller, as one streamed JSON document."""

from typing import cast

from litestar import Response, Router, get
from litestar.datastructures import ResponseHeader
from litestar.response import Stream

from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.domain.data_export.views import Export
from sidepro.http.data_export import ATTACHMENT, MEDIA_TYPE, export_stream
from sidepro.http.services import InjectedServices


@get(
    "/me/export",
    response_headers=[
        ResponseHeader("Content-Disposition", documentation_only=True, description="A file name.")
    ],
    summary="Export everything stored about the caller",
)
async def export_my_data(request: ApiRequest, services: InjectedServices) -> Response[Export]:
    """One JSON document, streamed without `Content-Length`."""
    caller = caller_of(request)
    account = await services.data_export.account(caller)
    stream = Stream(
        export_stream(account, services.data_export, caller),
        media_type=MEDIA_TYPE,
        headers=ATTACHMENT,
    )
    return cast("Response[Export]", stream)  # the OpenAPI document shows what is streamed


router = Router("/", route_handlers=[export_my_data], tags=["Accounts"])
