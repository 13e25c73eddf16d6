"""Everything stored about a person as one JSON document, in pieces."""

from collections.abc import AsyncIterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

import msgspec

from sidepro.domain.data_export.data_export_service import DataExportService
from sidepro.domain.data_export.views import ExportedAccount
from sidepro.domain.identity import Caller
from sidepro.http.timestamps import moment

MEDIA_TYPE = "application/json"

ATTACHMENT = {"Content-Disposition": 'attachment; filename="sidepro-export.json"'}
"""Browsers save the document instead of showing it."""


async def export_stream(
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
