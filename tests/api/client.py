"""A client of the application that needs no network."""

import asyncio
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from litestar import Litestar
from sqlalchemy import text

from sidepro.bootstrap import Container
from sidepro.domain.violations import FieldCode
from sidepro.http.middleware.middleware import Middleware
from tests.api.schemas import (
    ACCOUNT,
    CHAT_REQUEST,
    COMMENT,
    IMAGE,
    MESSAGE,
    PROJECT,
    ROOM,
    TOKENS,
    Shape,
    fits,
    moment,
    page_schema,
)

Json = dict[str, Any]
Query = Mapping[str, str | int | bool | Sequence[str]]

ADDRESS = "http://sidepro.test"
PREFIX = "/api/v1"
PASSWORD = "정확한 horse battery 9"
UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"
"""A valid id of nothing."""


@dataclass(frozen=True)
class ApiUser:
    """A signed-up user with an access token."""

    id: str
    email: str
    username: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Api:
    """Calls the API. Paths are below `/api/v1`; one that begins with `//` is below `/`."""

    def __init__(self, container: Container, app: Litestar) -> None:
        self.container = container
        self.app = app
        self.http = self.http_from("127.0.0.1")
        self._numbers = itertools.count(1)

    def http_from(self, address: str) -> httpx.AsyncClient:
        """A plain HTTP client with this address."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(
                app=Middleware(  # type: ignore[arg-type]  # httpx types ASGI its own way
                    self.app,
                    self.container.metrics,
                    self.container.service_address,
                    self.container.rejection_page,
                ),
                client=(address, 50_000),
            ),
            base_url=ADDRESS,
            headers={"User-Agent": "tests"},
        )

    # ---------------------------------------------------------------------------------- calls

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: ApiUser | None = None,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """The response to a call, of whatever status. `content` is a raw body sent as JSON."""
        sent = {**(by.headers if by else {})}
        if content is not None:
            sent["Content-Type"] = "application/json"
        return await self.http.request(
            method,
            path[1:] if path.startswith("//") else PREFIX + path,
            json=body,
            content=content,
            params=query,
            headers={**sent, **(headers or {})},
        )

    async def try_socket(self, path: str, *, headers: Mapping[str, str] | None = None) -> int:
        """Opens a socket and closes it: 101 if a frame came, else the status of the refusal or
        the close code.
        """
        events: asyncio.Queue[Json] = asyncio.Queue()
        events.put_nowait({"type": "websocket.connect"})
        outcomes = []

        async def send(event: Json) -> None:
            if event["type"] == "websocket.http.response.start":
                outcomes.append(event["status"])
            elif event["type"] == "websocket.close":
                outcomes.append(event["code"])
            elif event["type"] == "websocket.send":
                assert json.loads(event["text"])["type"] in ("hello", "status")
                outcomes.append(101)
                events.put_nowait({"type": "websocket.disconnect", "code": 1000})

        scope = {
            "type": "websocket",
            "path": PREFIX + path,
            "query_string": b"",
            "headers": [
                (k.lower().encode(), v.encode())
                for k, v in {"Host": "sidepro.test", **(headers or {})}.items()
            ],
            "client": ("127.0.0.1", 50_000),
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        app: Any = Middleware(
            self.app, address=self.container.service_address
        )  # Litestar types each kind of event its own way
        async with asyncio.timeout(10):
            await app(scope, events.get, send)
        return int(outcomes[0])

    async def ok(
        self,
        shape: Shape,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: ApiUser | None = None,
        status: int = 200,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """The body of a successful response, which matches the shape."""
        response = await self.send(method, path, body, by=by, query=query, headers=headers)
        assert response.status_code == status, f"{method} {path}: {response.text}"
        return answer(response, shape)

    async def get(
        self, shape: Shape, path: str, *, by: ApiUser | None = None, **query: Any
    ) -> Json:
        """The body of a successful GET."""
        return await self.ok(shape, "GET", path, by=by, query=query)

    async def refused(
        self,
        status: int,
        code: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: ApiUser | None = None,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> list[str]:
        """Makes a call that fails; returns the pointers and parameters of its errors."""
        response = await self.send(
            method, path, body, by=by, query=query, headers=headers, content=content
        )
        return problem(response, status, code)

    async def page(
        self, item: Shape, path: str, *, by: ApiUser | None = None, **query: Any
    ) -> Json:
        """A page of a list."""
        return await self.get(page_schema(item, total="total" in query), path, by=by, **query)

    async def ids(
        self, item: Shape, path: str, *, by: ApiUser | None = None, **q: Any
    ) -> list[str]:
        """The ids on a page of a list."""
        return [each["id"] for each in (await self.page(item, path, by=by, **q))["items"]]

    # ----------------------------------------------------------------------- people and things

    async def sign_up(self, name: str = "person", *, chat_policy: str = "open") -> ApiUser:
        """A new user, logged in. Email and username have nothing else in common."""
        number = next(self._numbers)
        email, username = f"mail.of.{name}.{number}@example.com", f"{name}-{number}"
        account = {"email": email, "username": username, "password": PASSWORD}
        made = await self.ok(ACCOUNT, "POST", "/users", account, status=201)
        person = ApiUser(made["id"], email, username, await self.log_in(email))
        # Not by a call, which would count towards limits.
        policy = f"UPDATE users SET chat_policy = '{chat_policy}' WHERE email = :email"
        await self.execute(policy, person)
        return person

    async def log_in(self, email: str, password: str = PASSWORD) -> str:
        """A fresh access token."""
        body = {"email": email, "password": password}
        token: str = (await self.ok(TOKENS, "POST", "/sessions", body, status=201))["access_token"]
        return token

    async def administrator(self) -> ApiUser:
        """A new administrator. `admin-5` would be a reserved name: it reads like `admins`."""
        person = await self.sign_up("boss")
        await self.execute("UPDATE users SET is_admin = true WHERE email = :email", person)
        return ApiUser(person.id, person.email, person.username, await self.log_in(person.email))

    async def deactivate(self, person: ApiUser) -> None:
        """Deactivates a user, as an operator does."""
        await self.execute("UPDATE users SET is_active = false WHERE email = :email", person)

    async def execute(self, statement: str, person: ApiUser) -> None:
        """Changes a user's row directly."""
        async with self.container.database.writing() as connection:
            changed = await connection.execute(text(statement), {"email": person.email})
            assert changed.rowcount == 1
            await connection.commit()

    async def profile(self, person: ApiUser, *skills: str, **over: Any) -> Json:
        """Writes a user's profile."""
        body = {"bio": "안녕하세요", "skills": list(skills or ("Python",)), **over}
        return await self.ok(ACCOUNT, "PUT", "/me/profile", body, by=person)

    async def publish(self, author: ApiUser, **over: Any) -> Json:
        """A new project."""
        return await self.ok(PROJECT, "POST", "/projects", project(**over), by=author, status=201)

    async def upload(
        self,
        by: ApiUser | None,
        data: bytes,
        name: str = "picture.png",
        media_type: str = "image/png",
    ) -> httpx.Response:
        """Uploads a file as browsers do; a response of whatever status."""
        return await self.http.post(
            f"{PREFIX}/images",
            files={"file": (name, data, media_type)},
            headers=by.headers if by else None,
        )

    async def image(self, owner: ApiUser, data: bytes) -> Json:
        """A new image."""
        response = await self.upload(owner, data)
        assert response.status_code == 201, response.text
        return answer(response, IMAGE)

    async def comment(self, author: ApiUser, on: Json, body: str = "멋져요") -> Json:
        """A new comment on a project."""
        path = f"/projects/{on['id']}/comments"
        return await self.ok(COMMENT, "POST", path, {"body": body}, by=author, status=201)

    async def bookmark(self, person: ApiUser, on: Json) -> None:
        """Bookmark a project."""
        response = await self.send("PUT", f"/projects/{on['id']}/bookmark", by=person)
        assert response.status_code == 200

    async def room(self, asking: ApiUser, asked: ApiUser) -> Json:
        """The open room of two users."""
        response = await self.send("POST", "/rooms", {"user_id": asked.id}, by=asking)
        assert response.status_code in (200, 201)
        return answer(response, ROOM)

    async def chat_request(self, asker: ApiUser, recipient: ApiUser, status: int = 201) -> Json:
        """A request for a coffee chat."""
        body = {"user_id": recipient.id, "introduction": "지도 이야기를 듣고 싶어요."}
        return await self.ok(CHAT_REQUEST, "POST", "/chat-requests", body, by=asker, status=status)

    async def send_message(
        self, sender: ApiUser, room: Json, body: str = "안녕하세요", **over: Any
    ) -> Json:
        """A new message."""
        path = f"/rooms/{room['id']}/messages"
        return await self.ok(MESSAGE, "POST", path, {"body": body, **over}, by=sender, status=201)


def project(**over: Any) -> Json:
    """The body of a valid project."""
    return {
        "title": "동네 지도",
        "summary": "모임을 지도에서 찾습니다",
        "content": "# 소개\n\n여러 **모임**",
        "skills": ["Python"],
        **over,
    }


def answer(response: httpx.Response, shape: Shape) -> Json:
    """The body of a response, which matches the shape."""
    assert response.headers["Content-Type"] == "application/json"
    body: Json = response.json()
    fits(body, shape, f"{response.request.method} {response.request.url.path}")
    return body


def problem(response: httpx.Response, status: int, code: str) -> list[str]:
    """Asserts that a response is this problem; returns the pointers and parameters."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    faults = body.pop("errors", [])
    if code == "account-suspended":
        assert moment(body.pop("until"))
    assert set(body) == {"type", "title", "status", "detail", "code"}
    assert (body["type"], body["status"], body["code"]) == (f"/problems/{code}", status, code)
    assert body["title"]
    assert body["detail"]
    for fault in faults:
        assert set(fault) - {"pointer", "parameter"} == {"code", "detail", "params"}
        assert len(fault) == 4
        assert fault["code"] in set(FieldCode)
        assert fault["detail"]
    if status == 401:
        assert response.headers["WWW-Authenticate"] == "Bearer"
    if code == "invalid":
        assert faults, "input is invalid, and nothing says where"
    return [fault.get("pointer", fault.get("parameter")) for fault in faults]
