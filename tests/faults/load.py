"""Clients that write and read continuously, and record the server's answers.

An acknowledged write must be stored once. An unacknowledged one may be stored, at most once.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections import Counter
from typing import TYPE_CHECKING

import httpx

from tests.clients import TIMEOUT, Client, Json, eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WRITERS = 6

KINDS = ("projects", "comments", "views", "bookmarks", "messages")


class Load:
    """Several clients at work on one platform; they can be started and checked repeatedly."""

    def __init__(self, clients: list[Client], project: Json, room_id: str) -> None:
        self.people, self.project, self.room_id = clients, project, room_id
        self.projects: dict[str, Json] = {}
        self.comments: dict[str, Json] = {}
        self.bookmarks: set[tuple[str, str]] = set()
        self.messages: dict[str, Json] = {}
        self.told: Counter[str] = Counter()
        self.untold: Counter[str] = Counter()
        self.shown_views = 0
        self.statuses: Counter[int] = Counter()
        self.pause = 0.0
        """Seconds between an acknowledgement and the next call of a client."""
        self.goes_on = False
        """Whether clients go on after a broken connection, instead of ending their work."""
        self.longest_wait = 0.0
        """Seconds until an answer."""
        self.passed_on = 0
        """Acknowledged posts that a proxy may have passed to two processes, of which the first was
        killed: each may be stored twice.
        """
        self.unsure_messages: list[tuple[Client, str]] = []
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Future[None]] = []

    @classmethod
    async def begin(cls, http: httpx.AsyncClient) -> Load:
        """Sign clients up, and give them a project and a room to work on."""
        clients = await asyncio.gather(*(Client.sign_up(http) for _ in range(WRITERS)))
        project = await clients[0].call("POST", "/projects", new_project(0))
        room_id = await clients[0].open_room_with(clients[1])
        return cls(clients, project, room_id)

    def start(self) -> None:
        """Start all clients; they run until the server stops or `stop` is called."""
        self._stopping.clear()
        one, other, *rest = self.people
        work: list[Awaitable[None]] = [
            *(self._again("projects", self._publish, person) for person in (one, other)),
            *(self._again("comments", self._comment, person) for person in rest[:2]),
            *(self._again("views", self._view, person) for person in (rest[2], rest[3])),
            *(self._again("bookmarks", self._bookmark, person) for person in rest[1:3]),
            *(self._again("messages", self._write, person) for person in (one, other)),
        ]
        self._tasks = [asyncio.ensure_future(job) for job in work]

    async def until_each_was_told(self, number: int) -> None:
        """Wait until the server has acknowledged so many more writes of each kind."""
        before = self.told.copy()
        await eventually(
            lambda: all(self.told[kind] - before[kind] >= number for kind in KINDS), 3 * TIMEOUT
        )

    async def wait_stopped(self) -> None:
        """Wait until all clients have stopped."""
        async with asyncio.timeout(3 * TIMEOUT):
            await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Let all clients finish their current request."""
        self._stopping.set()
        await self.wait_stopped()

    def cancel(self) -> None:
        """End the work of all clients at once, after a failure."""
        for task in self._tasks:
            task.cancel()

    # ------------------------------------------------------------------------------ the work

    async def _again(
        self, kind: str, work: Callable[[Client, int], Awaitable[bool]], person: Client
    ) -> None:
        for number in itertools.count():
            if self._stopping.is_set():
                return
            try:
                well = await work(person, number)
            except httpx.TransportError:
                if not self.goes_on:
                    self.untold[kind] += 1
                    return
                well = False
            self.told[kind] += well
            self.untold[kind] += not well
            if pause := self.pause if well else 0.05:
                await asyncio.sleep(pause)

    async def _call(self, person: Client, method: str, path: str, body: Json | None) -> Json:
        asked = time.monotonic()
        response = await person.request(method, path, body)
        self.longest_wait = max(self.longest_wait, time.monotonic() - asked)
        self.statuses[response.status_code] += 1
        return dict(response.json()) if response.is_success else {}

    async def _publish(self, person: Client, number: int) -> bool:
        project = await self._call(person, "POST", "/projects", new_project(number))
        if project:
            self.projects[project["id"]] = project
        return bool(project)

    async def _comment(self, person: Client, number: int) -> bool:
        path = f"/projects/{self.project['id']}/comments"
        comment = await self._call(person, "POST", path, {"body": f"댓글 {number}"})
        if comment:
            self.comments[comment["id"]] = comment
        return bool(comment)

    async def _view(self, person: Client, number: int) -> bool:
        project = await self._call(person, "GET", f"/projects/{self.project['id']}", None)
        self.shown_views = max(self.shown_views, project.get("view_count", 0))
        return bool(project)

    async def _bookmark(self, person: Client, number: int) -> bool:
        fresh = [key for key in self.projects if (person.id, key) not in self.bookmarks]
        project_id = fresh[0] if fresh else self.project["id"]
        came = await self._call(person, "PUT", f"/projects/{project_id}/bookmark", None)
        if came:
            self.bookmarks.add((person.id, project_id))
        return bool(came)

    async def _write(self, person: Client, number: int) -> bool:
        client_id = secrets.token_hex(8)
        body = {"body": f"메시지 {number}", "client_id": client_id}
        self.unsure_messages.append((person, client_id))
        message = await self._call(person, "POST", f"/rooms/{self.room_id}/messages", body)
        if message:
            self.unsure_messages.remove((person, client_id))
            self.messages[client_id] = message
        return bool(message)

    # ------------------------------------------------------------------------- the comparison

    async def check(self) -> None:
        """Compare the acknowledged writes with what the API returns."""
        await self._check_projects_and_bookmarks()
        await self._check_comments_and_views()
        await self._check_messages()

    async def _check_projects_and_bookmarks(self) -> None:
        cards: dict[str, Json] = {}
        for author in self.people[:2]:
            listed = await everything(author, f"/users/{author.id}/projects")
            assert not {card["id"] for card in listed} & cards.keys()
            cards |= {card["id"]: card for card in listed}
        assert self.project["id"] in cards
        lost = self.projects.keys() - cards.keys()
        assert not lost, f"{len(lost)} projects were lost"
        unknown = len(cards) - 1 - len(self.projects)
        assert unknown <= self.untold["projects"] + self.passed_on
        for project in self.projects.values():
            card = cards[project["id"]]
            for member in ("title", "summary", "skills", "author", "created_at"):
                assert card[member] == project[member]

        marked: set[tuple[str, str]] = set()
        for person in self.people:
            listed = await everything(person, f"/users/{person.id}/bookmarks")
            marked |= {(person.id, card["id"]) for card in listed}
        assert self.bookmarks <= marked
        rows = Counter(project_id for _, project_id in marked)
        counted = {key: card["bookmark_count"] for key, card in cards.items()}
        assert counted == {key: rows[key] for key in cards}

    async def _check_comments_and_views(self) -> None:
        one, path = self.people[0], f"/projects/{self.project['id']}"
        listed = await everything(one, f"{path}/comments")
        stored = {comment["id"]: comment for comment in listed}
        assert len(stored) == len(listed)
        for key, comment in self.comments.items():
            assert agree(stored[key], comment)
        unknown = len(stored) - len(self.comments)
        assert unknown <= self.untold["comments"] + self.passed_on

        cards = await everything(one, f"/users/{one.id}/projects")
        card = next(card for card in cards if card["id"] == self.project["id"])
        assert card["comment_count"] == len(stored)
        views = card["view_count"]
        # A page is shown without its view counted while the database cannot be written.
        told_and_untold = self.told["views"] + self.untold["views"]
        assert self.shown_views <= views <= told_and_untold + self.passed_on

    async def _check_messages(self) -> None:
        for person, client_id in self.unsure_messages:
            body = {"body": "repeated", "client_id": client_id}
            path = f"/rooms/{self.room_id}/messages"
            self.messages[client_id] = await person.call("POST", path, body)
        self.unsure_messages.clear()

        history: list[Json] = []
        last_seq = None
        while last_seq is None or len(history) < last_seq:
            path = f"/rooms/{self.room_id}/messages?after={len(history)}&limit=100"
            page = await self.people[0].call("GET", path)
            assert page["items"], f"{last_seq} messages, but none after {len(history)}"
            history += page["items"]
            last_seq = page["last_seq"]
        assert [message["seq"] for message in history] == list(range(1, len(history) + 1))
        stored = {message["client_id"]: message for message in history}
        assert len(stored) == len(history)
        assert stored.keys() == self.messages.keys()
        for key, message in self.messages.items():
            assert agree(stored[key], message)


def new_project(number: int) -> Json:
    return {
        "title": f"프로젝트 {number}",
        "summary": "Written under load",
        "content": "# 안녕하세요\n\n" + "글 " * 500,
        "skills": ["Python", "Django"],
    }


def agree(one: Json, other: Json) -> bool:
    """Whether two answers tell the same. One of another version may have further members."""
    common = one.keys() & other.keys()
    return len(common) > 1 and all(one[name] == other[name] for name in common)


async def everything(person: Client, path: str) -> list[Json]:
    """All items of a list, read page by page."""
    items: list[Json] = []
    cursor = None
    while True:
        query = f"?limit=100{f'&cursor={cursor}' if cursor else ''}"
        page = await person.call("GET", path + query)
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items
