"""The `Idempotency-Key` header: a request that is sent again is not done again."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Response
from litestar.params import HeaderParameter

from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.domain.errors import Fault, InvalidInput
from sidepro.domain.idempotency import (
    Attempt,
    AttemptName,
    Replayed,
)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST = 64

IdempotencyKey = Annotated[
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


class _Kept(msgspec.Struct, array_like=True):
    """An answer as it is kept."""

    status: int
    headers: dict[str, str]
    body: msgspec.Raw


async def once(
    request: ApiRequest,
    key: str | None,
    content: Callable[[], bytes],
    answer: Callable[[View], Response[Any]],
    act: Callable[[Attempt[View] | None], Awaitable[View]],
) -> Response[Any]:
    """Act and answer; with a key at most once for the caller, the method, the path and the key.

    `content` tells requests apart that have the same key: it is asked for when there is one.

    Raises:
        InvalidInput: nothing can be called that.
        KeyReused: the key was sent with other content.
        KeyInUse: the first request has not ended.
    """
    if key is None:
        return answer(await act(None))
    if not 1 <= len(key) <= LONGEST or not all("\x21" <= letter <= "\x7e" for letter in key):
        raise InvalidInput(Fault(f"must be 1 to {LONGEST} visible characters", parameter=HEADER))
    operation = f"{request.method} {request.url.path}"
    attempt: Attempt[View] = Attempt(
        AttemptName(caller_of(request).id, operation, key),
        hashlib.sha256(content()).digest(),
        lambda view: _kept(answer(view)),
    )
    try:
        return answer(await act(attempt))
    except Replayed as replay:
        kept = msgspec.json.decode(replay.answer, type=_Kept)
        return Response(
            bytes(kept.body),
            status_code=kept.status,
            headers={**kept.headers, REPLAYED: "true"},
            media_type="application/json",
        )


def _kept(response: Response[Any]) -> bytes:
    body = msgspec.Raw(msgspec.json.encode(response.content))
    return msgspec.json.encode(_Kept(response.status_code or 200, dict(response.headers), body))
