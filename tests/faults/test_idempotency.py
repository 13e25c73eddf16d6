"""`Idempotency-Key` with two processes: one effect, even if one of them is killed."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.clients import Client
from tests.cluster import http_clients, on_server
from tests.image_files import picture, saved

if TYPE_CHECKING:
    from tests.clients import Json
    from tests.servers import SideProServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

KEYS = 20
PROJECT: Json = {"title": "지도", "summary": "커피", "content": "내용", "skills": ["Python"]}


async def posted(person: Client, path: str, key: str, **content: Any) -> httpx.Response:
    headers = {**person.headers, "Idempotency-Key": key}
    return await person.http.request("POST", f"/api/v1{path}", headers=headers, **content)


async def number_of_projects(person: Client) -> int:
    mine = await person.call("GET", f"/users/{person.id}/projects?total=true&limit=1")
    return int(mine["total"])


async def test_a_request_sent_to_two_processes_takes_effect_once(
    servers: list[SideProServer],
) -> None:
    async with http_clients(servers) as (first, second):
        one = await Client.sign_up(first)
        both = (one, on_server(one, second))
        other = await Client.sign_up(first)
        project = (await other.call("POST", "/projects", PROJECT))["id"]
        room = await one.open_room_with(other)
        file = {"file": ("a.png", saved(picture()))}
        for path, content in (
            ("/projects", {"json": PROJECT}),
            (f"/projects/{project}/comments", {"json": {"body": "멋져요"}}),
            ("/rooms", {"json": {"user_id": other.id}}),
            (f"/rooms/{room}/messages", {"json": {"body": "안녕"}}),
            ("/images", {"files": file}),
        ):
            answers = await asyncio.gather(
                *(posted(who, path, f"key-{n}", **content) for n in range(KEYS) for who in both)
            )
            assert {answer.status_code for answer in answers} <= {200, 201}, path
            for pair in zip(answers[::2], answers[1::2], strict=True):
                replayed = sorted(answer.headers.get("Idempotent-Replayed", "") for answer in pair)
                assert replayed == ["", "true"], path
                assert pair[0].content == pair[1].content, path
            distinct = {answer.content for answer in answers}
            assert len(distinct) == (1 if path == "/rooms" else KEYS), path
        assert await number_of_projects(one) == KEYS
        comments = await one.call("GET", f"/projects/{project}/comments?total=true")
        assert comments["total"] == KEYS
        said = await one.call("GET", f"/rooms/{room}/messages")
        assert said["last_seq"] == KEYS
        assert len((await one.call("GET", "/me/export"))["images"]) == KEYS


async def test_another_process_completes_what_a_killed_one_left(
    servers: list[SideProServer],
) -> None:
    async with http_clients(servers) as (first, second):
        one = await Client.sign_up(first)
        there = on_server(one, second)

        async def sent(number: int) -> httpx.Response | None:
            with suppress(httpx.TransportError):
                return await posted(one, "/projects", f"key-{number}", json=PROJECT)
            return None

        begun = [asyncio.create_task(sent(number)) for number in range(3 * KEYS)]
        await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(servers[0].kill)
        told = await asyncio.gather(*begun)
        again = [
            await posted(there, "/projects", f"key-{number}", json=PROJECT)
            for number in range(3 * KEYS)
        ]
        statuses = Counter(answer.status_code for answer in again)
        assert statuses == {201: 3 * KEYS}
        for before, after in zip(told, again, strict=True):
            assert before is None or before.content == after.content
        assert await number_of_projects(there) == 3 * KEYS
