"""`GET /me/export`: everything stored about the caller, as one streamed JSON document."""

from collections.abc import AsyncIterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, cast

import msgspec
from litestar import Response, Router, get
from litestar.datastructures import ResponseHeader
from litestar.response import Stream

from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.api.schemas import moment
from sidepro.domain.data_export.data_export_service import DataExportService
from sidepro.domain.data_export.views import Export, ExportedAccount
from sidepro.domain.identity import Caller
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
        _stream(account, services.data_export, caller),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="sidepro-export.json"'},
    )
    return cast("Response[Export]", stream)  # the OpenAPI document shows what is streamed


async def _stream(
    account: ExportedAccount, service: DataExportService, caller: Caller
) -> AsyncIterator[bytes]:
    """The document in pieces.

    After a failure the closing brace is never sent and the server aborts the connection, so a
    client cannot mistake a part for the whole.
    """
    yield b'{"account":' + _encode(account)
    async for name, batches in service.sections(caller):
        yield b',"' + name.encode() + b'":['
        separator = b""
        async for batch in batches:
            yield separator + b",".join(map(_encode, batch))
            separator = b","
        yield b"]"
    yield b"}"


def _encode(record: Any) -> bytes:
    return msgspec.json.encode(_with_moments(record))


def _with_moments(value: Any) -> Any:
    """A record as a dict. msgspec omits the fraction of a whole second; `moment` keeps it."""
    if isinstance(value, datetime):
        return moment(value)
    if is_dataclass(value):
        return {field.name: _with_moments(getattr(value, field.name)) for field in fields(value)}
    return value


router = Router("/", route_handlers=[export_my_data], tags=["Accounts"])
