"""Debian's nginx with the configuration of `deploy/nginx`, in front of servers of the tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers.watched_server import ServerError, WatchedServer, free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.servers.network import Machine

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx"

MAIN = """
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/responses;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/sidepro-upstream.conf;
    include {folder}/sidepro.conf;
}}
"""
"""What a distribution's nginx.conf says, in the folder of a test."""


def find_nginx() -> str:
    """The path of the program; raises ServerError where there is none."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/opt/homebrew/bin:/usr/local/bin")
    if program is None:
        raise ServerError("nginx was not found; tests/install-servers.sh installs it")
    return program


class Nginx(WatchedServer):
    """nginx with TLS in front of some ports of this machine, or addresses of others.

    Runs the files of `deploy/nginx`. Only addresses of listeners, processes, certificates and the
    log differ, and lines of sidepro.conf that a test changes, such as waits.
    """

    NAME = "nginx"
    STOP = signal.SIGTERM

    def __init__(
        self,
        ports: Iterable[int | str],
        changes: Mapping[str, str] | None = None,
        machine: Machine | None = None,
    ) -> None:
        super().__init__(machine=machine)
        self._program = find_nginx()
        self.plain_port = free_port()
        self.certificate = self.folder / "tls.crt"
        self._write(list(ports), changes or {})
        self.resume()

    @property
    def url(self) -> str:
        """The address that clients use."""
        return f"https://{self.host}:{self.port}"

    @property
    def plain_url(self) -> str:
        """The address without TLS, which redirects."""
        return f"http://{self.host}:{self.plain_port}"

    @property
    def trust(self) -> ssl.SSLContext:
        """Trusts this nginx."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def errors(self) -> str:
        """nginx's error log."""
        path = self.folder / "error.log"
        return path.read_text("utf-8") if path.exists() else ""

    def requests(self) -> str:
        """nginx's log of requests."""
        return (self.folder / "requests.log").read_text("utf-8")

    def failed(self) -> list[dict[str, Any]]:
        """The requests that were answered with an error of the server."""
        lines = map(json.loads, self.requests().splitlines())
        return [line for line in lines if line["status"] >= 500]

    def _write(self, ports: list[int | str], changes: Mapping[str, str]) -> None:
        key = self.folder / "tls.key"
        options = (
            "-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=sidepro"
        )
        subprocess.run(
            [
                *("openssl", "req", *options.split(), "-addext", f"subjectAltName=IP:{self.host}"),
                *("-keyout", str(key), "-out", str(self.certificate)),
            ],
            check=True,
            capture_output=True,
        )
        # root's workers would be another user, who cannot write to this folder
        user = "user root;" if os.geteuid() == 0 else ""
        main = MAIN.format(folder=self.folder, user=user)
        (self.folder / "nginx.conf").write_text(main, "utf-8")
        upstream, servers = "sidepro-upstream.conf", "sidepro.conf"
        first, second = (f"    server 127.0.0.1:{port} max_fails=0;\n" for port in (8001, 8002))
        all_servers = [
            first.replace("127.0.0.1:8001", f"127.0.0.1:{port}" if isinstance(port, int) else port)
            for port in ports
        ]
        self._adapt(upstream, {first: "".join(all_servers), second: ""})
        self._adapt(
            servers,
            {
                "    listen 80;\n": f"    listen {self.host}:{self.plain_port};\n",
                "    listen [::]:80;\n": "",
                "    listen 443 ssl http2;\n": f"    listen {self.host}:{self.port} ssl http2;\n",
                "    listen [::]:443 ssl http2;\n": "",
                "/etc/nginx/tls/sidepro.crt": str(self.certificate),
                "/etc/nginx/tls/sidepro.key": str(key),
                "/var/log/nginx/sidepro.log": str(self.folder / "requests.log"),
                "/var/www/acme": str(self.folder / "acme"),
                **changes,
            },
        )

    def _adapt(self, name: str, changes: dict[str, str]) -> None:
        """Copy a file of `deploy/nginx` with other addresses. Each must occur in it."""
        text = (CONFIGURATION / name).read_text("utf-8")
        for old, new in changes.items():
            if old not in text:
                raise ServerError(f"deploy/nginx/{name} lacks {old.strip()!r}")
            text = text.replace(old, new)
        (self.folder / name).write_text(text, "utf-8")

    def _command(self) -> list[str]:
        main = self.folder / "nginx.conf"
        return [self._program, "-p", str(self.folder), "-c", str(main), "-g", "daemon off;"]

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=5):
                return True
        except OSError:
            return False
