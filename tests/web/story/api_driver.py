"""The story over the API: httpx and a WebSocket."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.clients import Client
from tests.web.story.driver import Reason, ShownPerson, ShownProject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import httpx

    from tests.clients import Json, Socket
    from tests.web.story.driver import Draft, Newcomer


class ApiDriver:
    """See `tests.web.story.driver.Driver`."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._client = Client(http)

    async def sign_up(self, newcomer: Newcomer) -> None:
        client = self._client
        client.username, client.email = newcomer.username, newcomer.email
        client.password = newcomer.password
        await client.register(chat_policy="request")
        image = await client.upload(newcomer.picture)
        await client.write_profile(*newcomer.skills, bio=newcomer.bio, image_id=image["id"])

    async def publish(self, draft: Draft) -> None:
        image = await self._client.upload(draft.picture)
        await self._client.publish(
            title=draft.title,
            summary=draft.summary,
            content=f"{draft.content}\n\n![]({image['url']})",
            skills=draft.skills,
            thumbnail_id=image["id"],
        )

    async def find(self, text: str, skill: str) -> Sequence[str]:
        return [card["title"] for card in await self._cards(q=text, skill=skill)]

    async def read(self, title: str) -> ShownProject:
        project = await self._client.call("GET", await self._path(title))
        comments = await self._client.call("GET", f"{await self._path(title)}/comments")
        html = project["content_html"]
        return ShownProject(
            title=project["title"],
            summary=project["summary"],
            author=project["author"]["username"],
            skills=tuple(project["skills"]),
            headings=tuple(re.findall(r"<h\d[^>]*>([^<]*)", html)),
            pictures=html.count("<img"),
            bookmarked=project["bookmarked"],
            bookmarks=project["bookmark_count"],
            comments=tuple(
                (each["author"]["username"], each["body"]) for each in comments["items"]
            ),
        )

    async def comment(self, title: str, body: str) -> None:
        await self._client.call("POST", f"{await self._path(title)}/comments", {"body": body})

    async def bookmark(self, title: str) -> None:
        await self._client.call("PUT", f"{await self._path(title)}/bookmark")

    async def look_up(self, username: str) -> ShownPerson:
        user = await self._user(username)
        projects = await self._client.call("GET", f"/users/{user['id']}/projects")
        profile = user["profile"]
        return ShownPerson(
            username=user["username"],
            bio=profile["bio"],
            skills=tuple(profile["skills"]),
            has_picture=profile["image_url"] is not None,
            projects=tuple(card["title"] for card in projects["items"]),
        )

    async def ask_for_chat(self, username: str, introduction: str) -> None:
        user = await self._user(username)
        body = {"user_id": user["id"], "introduction": introduction}
        assert (await self._client.call("POST", "/chat-requests", body))["state"] == "pending"

    async def accept_chat(self, username: str) -> str:
        requests = (await self._client.call("GET", "/chat-requests"))["items"]
        (request,) = (each for each in requests if each["from"]["username"] == username)
        await self._client.call("POST", f"/chat-requests/{request['id']}/acceptance")
        return str(request["introduction"])

    @asynccontextmanager
    async def chat_with(self, username: str) -> AsyncIterator[ApiChat]:
        rooms = (await self._client.call("GET", "/rooms"))["items"]
        (room,) = (each for each in rooms if each["participant"]["username"] == username)
        async with self._client.chat(room["id"]) as socket:
            yield ApiChat(self._client, room, socket)

    async def recommendations(self) -> Sequence[Reason]:
        found = await self._client.call("GET", "/recommendations?limit=20")
        return [
            Reason(
                each["project"]["title"],
                each["similar_user"]["username"],
                tuple(each["shared_skills"]),
            )
            for each in found["items"]
            if each["basis"] == "similar-skills"
        ]

    async def _cards(self, **query: str) -> list[Json]:
        response = await self._client.http.get(
            "/api/v1/projects", params=query, headers=self._client.headers
        )
        assert response.is_success, response.text
        return list(response.json()["items"])

    async def _path(self, title: str) -> str:
        (card,) = await self._cards(q=title)
        return f"/projects/{card['id']}"

    async def _user(self, username: str) -> Json:
        found = await self._client.call("GET", f"/users?username={username}")
        user: Json = found["items"][0]
        return user


class ApiChat:
    """See `tests.web.story.driver.Chat`."""

    def __init__(self, client: Client, room: Json, socket: Socket) -> None:
        self._client = client
        self._room = room
        self._socket = socket

    async def send(self, body: str) -> None:
        client_id = await self._socket.send_message(body)
        while (await self._socket.message())["client_id"] != client_id:
            pass

    async def wait_for(self, body: str) -> None:
        while (await self._socket.message())["body"] != body:
            pass

    async def history(self) -> Sequence[tuple[str, str]]:
        path = f"/rooms/{self._room['id']}/messages"
        messages = (await self._client.call("GET", path))["items"]
        partner = self._room["participant"]["username"]
        own = self._client.id
        return [
            (self._client.username if each["sender_id"] == own else partner, each["body"])
            for each in messages
        ]
