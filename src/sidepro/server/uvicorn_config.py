"""The configuration of uvicorn."""

import gc
from typing import Any, cast
from urllib.parse import urlsplit

from litestar.types import ASGIApp

from sidepro.server.http_protocol import ServerConfig
from sidepro.server.proxy_headers import ProxyHeaders
from sidepro.server.websocket_protocol import TimeoutWebSocketProtocol
from sidepro.settings import Settings

PING_INTERVAL = 15.0
PONG_TIMEOUT = 10.0
"""Seconds. A dead peer is detected within half a minute."""

SHUTDOWN_TIMEOUT = 10
"""Seconds for requests in progress to finish when the server stops."""

GC_THRESHOLD = 20_000
"""Net allocations between two collections of the youngest generation. Python's default is 700."""


def uvicorn_config(settings: Settings, app: ASGIApp) -> ServerConfig:
    trusted = [str(network) for network in settings.trusted_proxies]
    return ServerConfig(
        cast("ASGIApp", ProxyHeaders(cast("Any", app), trusted)),
        base_path=urlsplit(settings.public_url or "").path.rstrip("/"),
        timeout_keep_alive=settings.keep_alive,
        ws=TimeoutWebSocketProtocol,
        ws_ping_interval=PING_INTERVAL,
        ws_ping_timeout=PONG_TIMEOUT,
        ws_max_size=settings.socket_frame_max_bytes,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        lifespan="on",
    )


def tune_gc() -> None:
    """Call when everything is imported and built.

    Existing objects are frozen, so collections skip them. Requests create few reference cycles, so
    the threshold is high: messages in flight must not trigger collections.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, *gc.get_threshold()[1:])
