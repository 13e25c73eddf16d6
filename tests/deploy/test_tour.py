"""The tour of the API through nginx, with all processes of a large installation."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster import shared_settings
from tests.servers import SideProJobs, SideProServer, free_port
from tests.servers.nginx import Nginx
from tests.servers.s3 import CREDENTIALS

if TYPE_CHECKING:
    from tests.databases import Databases
    from tests.servers import RedisServer
    from tests.servers.s3 import S3

pytestmark = [pytest.mark.servers, pytest.mark.slow]

TOUR = Path(__file__).parents[2] / "docs" / "tour.py"


def test_the_tour_passes_behind_nginx_with_two_servers_and_separate_jobs(
    postgresql_databases: Databases, redis_server: RedisServer, s3: S3, tmp_path: Path
) -> None:
    ports = [free_port(), free_port()]
    with (
        shared_settings(postgresql_databases, redis_server, tmp_path) as shared,
        Nginx(ports) as nginx,
        ExitStack() as stack,
    ):
        settings = {
            **shared,
            **CREDENTIALS,
            "SIDEPRO_IMAGES_URL": f"s3://{s3.fresh_bucket()}",
            "SIDEPRO_S3_ENDPOINT": s3.url,
            "SIDEPRO_PUBLIC_URL": nginx.url,
            "SIDEPRO_TRUSTED_PROXIES": "127.0.0.1",
        }
        servers = [
            stack.enter_context(SideProServer(settings, "--no-jobs", port=port)) for port in ports
        ]
        stack.enter_context(SideProJobs("worker", settings))
        stack.enter_context(SideProJobs("scheduler", settings))
        done = subprocess.run(
            [sys.executable, TOUR, nginx.url, "--wait", "90"],
            env={**os.environ, "SSL_CERT_FILE": str(nginx.certificate)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Everything matches the contract." in done.stdout
        for server in servers:  # nginx used both
            assert server.log().count("request ") > 5
            assert "Traceback" not in server.log()
