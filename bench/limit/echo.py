"""The lower bound of the chat: a bare WebSocket echo on the same server.

Each frame goes to all sockets of its path unchanged, without authentication, decoding or storage.

    python -m bench.limit.echo PORT
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send


class Echo:
    """The application."""

    def __init__(self) -> None:
        self._rooms: defaultdict[str, list[Send]] = defaultdict(list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        room = self._rooms[scope["path"]]
        room.append(send)
        while (event := await receive())["type"] == "websocket.receive":
            for each in room:
                await each({"type": "websocket.send", "text": event["text"], "bytes": None})
        room.remove(send)


async def serve(port: int) -> None:
    """Serve as `sidepro serve` does."""
    app: Any = Echo()
    config = uvicorn.Config(
        app,
        port=port,
        http="httptools",
        ws="websockets-sansio",
        ws_ping_interval=15.0,
        ws_ping_timeout=10.0,
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
