"""Redis over TLS, with a certificate of an authority that only the URL names."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.pubsub import RedisPubSub
from sidepro.domain.rooms.events import ReadPositionChanged
from tests.clients import eventually
from tests.contracts.builders import nobody
from tests.contracts.pubsub_data import Recorder, new_channel
from tests.servers import HOST, RedisServer, free_port
from tests.servers.redis_server import find_redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.anyio, pytest.mark.servers]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The address without the authority."""
    certificate, key, port = tmp_path / "tls.crt", tmp_path / "tls.key", free_port()
    options = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=redis"
    subprocess.run(
        [
            *("openssl", "req", *options.split(), "-addext", f"subjectAltName=IP:{HOST}"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    server = RedisServer(find_redis())
    server.options = [
        *("--tls-port", str(port), "--tls-cert-file", str(certificate)),
        *("--tls-key-file", str(key), "--tls-auth-clients", "no"),
    ]
    with server:
        server.resume()
        yield f"rediss://{HOST}:{port}/0"


async def test_events_pass_over_tls(url: str, tmp_path: Path) -> None:
    clients = [RedisClient(f"{url}?ssl_ca_certs={tmp_path / 'tls.crt'}") for _ in range(2)]
    here, there = map(RedisPubSub, clients)
    try:
        await clients[0].ensure_access()
        channel, listener = new_channel(), Recorder()
        await there.subscribe(channel, listener)
        event = ReadPositionChanged(channel, nobody(), 1)
        await here.publish(event)
        await eventually(lambda: event in listener.received)
    finally:
        for pubsub in (here, there):
            await pubsub.close()
        for client in clients:
            await client.close()


async def test_a_certificate_of_an_unknown_authority_is_refused(url: str) -> None:
    client = RedisClient(url)
    try:
        with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
            await client.ensure_access()
    finally:
        await client.close()
