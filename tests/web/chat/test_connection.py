"""A room on its page while the network, the server or the browser fails it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from tests.web.chat.rooms import BUBBLES, PENDING, enter, field_of, is_open, send, stored, write

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page, Route, WebSocketRoute

    from tests.browser.relay import Relay
    from tests.browser.windows import Windows
    from tests.clients import Client
    from tests.servers import SideProServer

pytestmark = pytest.mark.anyio

TICKETS = "**/socket-tickets"
HOUR = 3_600_000
MINUTE = 60_000
HIDE = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true})"
NO_STORAGE = """Object.defineProperty(window, "localStorage", {
    get() { throw new DOMException("off", "SecurityError") },
})"""


async def refuse(route: Route) -> None:
    await route.fulfill(status=503, headers={"Retry-After": "1"})


async def test_a_restarted_server_loses_and_repeats_nothing(
    windows: Windows, server: SideProServer, person: Client, partner: Client, room: str
) -> None:
    window = await windows.open(person)
    page = await enter(window, room)
    theirs = await windows.open(partner)
    await enter(theirs, room)
    await write(page, "하나")
    await expect(theirs.page.locator(BUBBLES)).to_have_text(["하나"])
    for each in (window, theirs):
        each.expect_no_network()
    await asyncio.to_thread(server.terminate)
    try:
        await write(page, "둘")
        await write(page, "셋")
        await expect(page.locator(PENDING)).to_have_text(["둘", "셋"])
        await expect(page.locator('[data-state="waiting connecting"]')).to_be_visible()
    finally:
        await asyncio.to_thread(server.start)
    for each in (window, theirs):
        await expect(each.page.locator(BUBBLES)).to_have_text(["하나", "둘", "셋"], timeout=30_000)
    await expect(page.locator(PENDING)).to_have_count(0)
    await expect(page.locator("[data-state]:visible")).to_have_count(0)
    assert await stored(partner, room) == ["하나", "둘", "셋"]


async def test_after_a_sleep_the_page_leaves_its_dead_socket(
    windows: Windows, relay: Relay, person: Client, partner: Client, room: str
) -> None:
    window = await windows.open(person, relay=relay)
    await window.page.clock.install()
    page = await enter(window, room)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    stream = f"{window.origin}/me/socket-tickets"  # of the badges, which every page has
    # The stream of the badges may be connecting.
    window.problems.allow("WebSocket connection to .*/me/socket.* failed")
    relay.lose()
    await send(partner, room, "자는 동안")
    await page.evaluate(HIDE % "true")
    await page.clock.fast_forward(MINUTE)  # so slow are the clocks of hidden pages
    await page.evaluate(HIDE % "false")
    assert set(requests) <= {stream}
    await page.clock.fast_forward(HOUR)
    await expect(page.locator(BUBBLES)).to_have_text(["자는 동안"])
    await write(page, "깼어요")
    await expect(page.locator(BUBBLES)).to_have_text(["자는 동안", "깼어요"])
    await page.clock.fast_forward(MINUTE)
    current = page.locator(".rooms [aria-current]")
    await expect(current).to_contain_text("깼어요")
    await expect(current).to_contain_text("방금")
    assert await stored(partner, room) == ["자는 동안", "깼어요"]


async def test_after_a_restored_backup_the_page_shows_what_the_server_has(
    windows: Windows,
    relay: Relay,
    server: SideProServer,
    person: Client,
    partner: Client,
    room: str,
    tmp_path: Path,
) -> None:
    window = await windows.open(person, relay=relay)
    page = await enter(window, room)
    await write(page, "백업 전")
    await expect(page.locator(BUBBLES)).to_have_text(["백업 전"])
    backup = str(tmp_path / "backup.tar")
    await asyncio.to_thread(server.run, "backup", backup)
    await write(page, "사라질 것")
    await expect(page.locator(BUBBLES)).to_have_text(["백업 전", "사라질 것"])
    window.expect_no_network()
    await relay.cut()
    await asyncio.to_thread(server.terminate)
    try:
        await asyncio.to_thread(server.run, "restore", backup)
    finally:
        await asyncio.to_thread(server.start)
    for body in ("둘", "셋"):  # as many as the page has, and more
        await send(partner, room, body)
    await relay.restore()
    await expect(page.locator(BUBBLES)).to_have_text(["백업 전", "둘", "셋"], timeout=30_000)
    await write(page, "넷")
    await expect(page.locator(BUBBLES)).to_have_text(["백업 전", "둘", "셋", "넷"])
    assert await stored(partner, room) == ["백업 전", "둘", "셋", "넷"]


async def test_a_reload_keeps_what_is_being_sent_and_its_order(
    windows: Windows, person: Client, room: str
) -> None:
    window = await windows.open(person)
    await window.context.route(TICKETS, refuse)
    window.expect_status(503)
    page = window.page
    await page.goto(f"/chats/{room}")
    await write(page, "하나")
    await write(page, "둘")
    await expect(page.locator(PENDING)).to_have_text(["하나", "둘"])
    await window.context.unroute(TICKETS)
    await page.reload()
    await write(page, "셋")
    await expect(page.locator(BUBBLES)).to_have_text(["하나", "둘", "셋"])
    await expect(page.locator(PENDING)).to_have_count(0)
    assert await stored(person, room) == ["하나", "둘", "셋"]


async def test_tabs_that_write_at_once_keep_each_others_messages(
    windows: Windows, person: Client, room: str
) -> None:
    window = await windows.open(person)
    await window.context.route(TICKETS, refuse)
    window.expect_status(503)
    page = window.page
    await page.goto(f"/chats/{room}")
    second = await window.tab(f"/chats/{room}")
    # A tab of another process sees what this one writes some milliseconds later.
    await second.evaluate(
        """() => {
            const stale = {}
            for (const key of Object.keys(localStorage)) stale[key] = localStorage[key]
            const real = Storage.prototype.getItem
            Storage.prototype.getItem = function (key) { return stale[key] ?? null }
            window.wake = () => { Storage.prototype.getItem = real }
        }"""
    )
    await write(page, "첫째 탭")
    await write(second, "둘째 탭")
    await second.evaluate("wake()")
    await second.close()
    await window.context.unroute(TICKETS)
    await page.reload()
    await expect(page.locator(BUBBLES)).to_have_text(["첫째 탭", "둘째 탭"])
    assert await stored(person, room) == ["첫째 탭", "둘째 탭"]


async def test_a_text_that_fits_no_frame_is_refused_and_stops_no_other(
    windows: Windows, person: Client, room: str
) -> None:
    window = await windows.open(person)
    page = await enter(window, room)
    await write(page, "가" * 100_000)
    await expect(page.locator(".message-failed")).to_have_count(1)
    await page.reload()
    await is_open(page)
    await write(page, "그래도")
    await expect(page.locator(BUBBLES)).to_have_text(["그래도"])
    await page.locator("[data-discard]").click()
    await expect(field_of(page)).to_have_value("가" * 100_000)
    await field_of(page).fill("")


async def test_without_storage_messages_are_sent(
    windows: Windows, person: Client, room: str
) -> None:
    window = await windows.open(person)
    await window.page.add_init_script(NO_STORAGE)
    page = await enter(window, room)
    await field_of(page).fill("안녕하세요")
    await page.get_by_role("button", name="보내기").click()
    await expect(page.locator(BUBBLES)).to_have_text(["안녕하세요"])
    await expect(page.locator(PENDING)).to_have_count(0)
    await expect(field_of(page)).to_be_focused()


async def test_another_person_in_this_browser_does_not_send_what_one_has_written(
    windows: Windows, person: Client, partner: Client, room: str
) -> None:
    window = await windows.open(person, worker=False)
    page = await enter(window, room)
    await window.go_offline()
    await write(page, "내가 쓴 말")
    await window.log_in(partner)
    await window.go_online()
    await expect(page.locator("[data-state=ended]")).to_be_visible()
    assert await stored(person, room) == []
    await expect(page.locator(PENDING)).to_have_text(["내가 쓴 말"])


async def test_messages_that_no_replay_brings_are_read_and_leave_no_gap(
    windows: Windows, person: Client, partner: Client, room: str
) -> None:
    await send(partner, room, "메시지 1")
    window = await windows.open(person, worker=False)
    page = window.page
    await route_without_replay(page)
    await enter(window, room)
    await window.go_offline()
    await expect(page.locator("[data-state=offline]")).to_be_visible()
    for number in range(2, 61):
        await send(partner, room, f"메시지 {number}")
    attempts = 0

    async def fail_first(route: Route) -> None:
        nonlocal attempts
        attempts += 1
        if attempts > 1:
            await route.continue_()
            return
        await send(partner, room, "메시지 61")
        await refuse(route)

    await window.context.route(f"**/chats/{room}", fail_first)
    window.expect_status(503)
    await window.go_online()
    await expect(page.locator(BUBBLES)).to_have_text([f"메시지 {n}" for n in range(12, 62)])
    older = page.locator("[data-older]")
    await older.focus()
    await older.evaluate("link => { link.click(); link.click() }")
    await expect(page.locator(BUBBLES)).to_have_text([f"메시지 {n}" for n in range(1, 62)])
    await expect(page.locator(".day")).to_have_count(1)
    await expect(page.locator("[data-scroller]")).to_be_focused()


async def route_without_replay(page: Page) -> None:
    """Sockets after the first one replay nothing, as after more than 1,000 missed messages."""
    sockets = 0

    def connect(socket: WebSocketRoute) -> None:
        nonlocal sockets
        sockets += 1
        server = socket.connect_to_server()
        if sockets == 1:
            return
        replays = True

        def forward(text: str | bytes) -> None:
            nonlocal replays
            frame: dict[str, Any] = json.loads(text)
            if frame["type"] == "hello":
                socket.send(json.dumps({**frame, "recovered": False}))
                return
            replays = replays and frame["type"] == "message"
            if not replays:
                socket.send(text)

        server.on_message(forward)

    await page.route_web_socket("**/socket?*", connect)
