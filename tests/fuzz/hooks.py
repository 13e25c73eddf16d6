"""Hooks of schemathesis: a user of its own, signed up again when a call has ended its session.

The user stays otherwise, so that later calls may see what earlier ones created.
"""

import os
import secrets
from typing import Any

import httpx
import schemathesis


@schemathesis.auth(refresh_interval=3600)
class NewUser:
    """Signs a user up, and another one after a 401, unless `FUZZ_ANONYMOUS` is set."""

    def get(self, _case: Any, _context: Any) -> str | None:
        """An access token."""
        if os.environ.get("FUZZ_ANONYMOUS"):
            return None
        account = {
            "email": f"{secrets.token_hex(8)}@example.com",
            "password": secrets.token_urlsafe(16),
        }
        base = f"{os.environ['FUZZ_URL']}/api/v1"
        with httpx.Client(trust_env=False) as http:
            user = {**account, "username": f"user-{secrets.token_hex(6)}"}
            http.post(f"{base}/users", json=user).raise_for_status()
            answer = http.post(f"{base}/sessions", json=account).raise_for_status()
        return str(answer.json()["access_token"])

    def set(self, case: Any, data: str | None, _context: Any) -> None:
        if data:
            case.headers["Authorization"] = f"Bearer {data}"
