"""The `Idempotency-Key` header: a request that is sent again is not done again."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Response
from litestar.params import HeaderParameter

from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.domain.errors import FieldError, InvalidInput
from sidepro.domain.idempotency import (
    IdempotencyKey,
    IdempotentRequest,
    ReplayResponse,
)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST = 64

IdempotencyKeyHeader = Annotated[
    str | None,
    HeaderParameter(
        name=HEADER,
        description=(
            "Any name for this request, new for each thing that is to be done. Sent again with "
            f"it within a day, it gets the first answer again, with `{REPLAYED}: true`."
        ),
        schema_extra={"min_length": 1, "max_length": LONGEST, "pattern": r"^[\x21-\x7e]+$"},
    ),
]
"""How a handler takes the header."""

View = TypeVar("View")


class _SavedResponse(msgspec.Struct, array_like=True):
    """An answer as it is kept."""

    status: int
    headers: dict[str, str]
    body: msgspec.Raw


async def run_idempotent(
    request: ApiRequest,
    key: str | None,
    content: Callable[[], bytes],
    answer: Callable[[View], Response[Any]],
    act: Callable[[IdempotentRequest[View] | None], Awaitable[View]],
) -> Response[Any]:
    """Act and answer; with a key at most once for the caller, the method, the path and the key.

    `content` tells requests apart that have the same key: it is asked for when there is one.

    Raises:
        InvalidInput: nothing can be called that.
        IdempotencyKeyReused: the key was sent with other content.
        IdempotencyKeyInUse: the first request has not ended.
    """
    if key is None:
        return answer(await act(None))
    if not 1 <= len(key) <= LONGEST or not all("\x21" <= letter <= "\x7e" for letter in key):
        raise InvalidInput(
            FieldError(f"must be 1 to {LONGEST} visible characters", parameter=HEADER)
        )
    operation = f"{request.method} {request.url.path}"
    attempt: IdempotentRequest[View] = IdempotentRequest(
        IdempotencyKey(caller_of(request).id, operation, key),
        hashlib.sha256(content()).digest(),
        lambda view: _serialize(answer(view)),
    )
    try:
        return answer(await act(attempt))
    except ReplayResponse as replay:
        kept = msgspec.json.decode(replay.response, type=_SavedResponse)
        return Response(
            bytes(kept.body),
            status_code=kept.status,
            headers={**kept.headers, REPLAYED: "true"},
            media_type="application/json",
        )


def _serialize(response: Response[Any]) -> bytes:
    body = msgspec.Raw(msgspec.json.encode(response.content))
    return msgspec.json.encode(
        _SavedResponse(response.status_code or 200, dict(response.headers), body)
    )
