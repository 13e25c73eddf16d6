"""The `Idempotency-Key` header: a repeated request gets the first response."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import HeaderParameter

from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.domain.errors import FieldError, InvalidInput, ensure_found
from sidepro.domain.idempotency import IdempotentRequest, ReplayResponse
from sidepro.domain.violations import FieldCode, Violation
from sidepro.http.headers.idempotency import MAX_LENGTH, idempotent_request, is_key

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"

_BAD_KEY = Violation(
    FieldCode.BAD_FORMAT,
    f"must be 1 to {MAX_LENGTH} visible ASCII characters",
    {"max": MAX_LENGTH},
)

IdempotencyKeyHeader = Annotated[
    str | None,
    HeaderParameter(
        name=HEADER,
        description=(
            "A name for this request, chosen by the client and unique for each effect. "
            "A repeated request with the same key within a day gets the first response again, "
            f"with `{REPLAYED}: true`."
        ),
        schema_extra={"min_length": 1, "max_length": MAX_LENGTH, "pattern": r"^[\x21-\x7e]+$"},
    ),
]
"""The type of a handler's parameter for the header."""

View = TypeVar("View")


class _SavedResponse(msgspec.Struct, array_like=True):
    """The stored form of a response."""

    status: int
    headers: dict[str, str]
    body: msgspec.Raw


class _Identified(msgspec.Struct):
    """The id in a saved response. Messages have none."""

    id: UUID | None = None


async def idempotent_response(
    request: ApiRequest,
    key: str | None,
    content: msgspec.Struct | bytes,
    build_response: Callable[[View], Response[Any]],
    act: Callable[[IdempotentRequest[View] | None], Awaitable[View]],
    check_visible: Callable[[UUID | None], Awaitable[object]],
) -> Response[Any]:
    """The response to a request. With a key, `act` takes effect at most once.

    A key belongs to its caller, method and path. `content` must not differ between requests with
    the same key. Before a saved response is repeated, `check_visible` gets the id in
    it and raises if the caller may no longer see the resource.

    Raises:
        NotFound: `check_visible` raises it.
        InvalidInput: the key is malformed.
        IdempotencyKeyReused: the key was used with other content.
        IdempotencyKeyInUse: the first request with this key is still running.
    """
    try:
        view = await act(_idempotent_request(request, key, content, build_response))
    except ReplayResponse as replay:
        saved = msgspec.json.decode(replay.response, type=_SavedResponse)
        await check_visible(msgspec.json.decode(saved.body, type=_Identified).id)
        return Response(
            bytes(saved.body),
            status_code=saved.status,
            headers={**saved.headers, REPLAYED: "true"},
            media_type="application/json",
        )
    return build_response(view)


def existing(resource_id: UUID | None) -> UUID:
    """The id of a saved response.

    Raises:
        NotFound: the response has no id.
    """
    return ensure_found(resource_id)


def _idempotent_request(
    request: ApiRequest,
    key: str | None,
    content: msgspec.Struct | bytes,
    build_response: Callable[[View], Response[Any]],
) -> IdempotentRequest[View] | None:
    if key is None:
        return None
    if not is_key(key):
        raise InvalidInput(FieldError(_BAD_KEY, parameter=HEADER))
    if isinstance(content, msgspec.Struct):
        content = msgspec.json.encode(content)
    return idempotent_request(
        caller_of(request).id,
        f"{request.method} {request.url.path}",
        key,
        content,
        lambda view: _serialize(build_response(view)),
    )


def _serialize(response: Response[Any]) -> bytes:
    body = msgspec.Raw(msgspec.json.encode(response.content))
    return msgspec.json.encode(
        _SavedResponse(response.status_code or 200, dict(response.headers), body)
    )
