"""`SIDEPRO_METRICS_BIND`: metrics on an address of their own."""

import httpx
import pytest

from tests.servers.sidepro_server import SideProServer
from tests.servers.watched_server import free_port

pytestmark = pytest.mark.servers


def test_metrics_have_an_address_of_their_own() -> None:
    port = free_port()
    environment = {"SIDEPRO_METRICS_BIND": f"127.0.0.1:{port}", "SIDEPRO_METRICS": "s3cret-token"}
    with SideProServer(environment) as server:
        assert httpx.get(f"{server.url}/metrics").status_code == 404
        assert httpx.get(f"{server.url}/api/v1/catalogue").status_code == 200
        url = f"http://127.0.0.1:{port}/metrics"
        refused = httpx.get(url)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        page = httpx.get(url, headers={"Authorization": "bearer s3cret-token"})
        assert page.status_code == 200
        assert 'route="/api/v1/catalogue"' in page.text
        assert httpx.get(f"http://127.0.0.1:{port}/api/v1/catalogue").status_code == 404
        assert server.terminate() == 0
        assert "Traceback" not in server.log_file.read_text("utf-8")
