"""The badges in the header move in every tab, and lists of rooms follow, in Chromium."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page, Route, WebSocket

    from tests.browser.windows import Windows
    from tests.clients import Client

pytestmark = pytest.mark.anyio


def badge(page: Page, name: str) -> Locator:
    return page.locator(f"[data-badge={name}]")


async def is_connected(page: Page) -> None:
    """Waits until the page has used the first frame of the stream, which `SPY` marks.

    A locator waits: the pages' policy forbids Playwright to poll a function.
    """
    await page.locator("html[data-hello]").wait_for(state="attached")


SPY = """
const Native = WebSocket;
window.WebSocket = class extends Native {
  constructor(...options) {
    super(...options);
    this.addEventListener("message", ({ data }) => {
      if (JSON.parse(data).type === "hello") {
        setTimeout(() => (document.documentElement.dataset.hello = ""));
      }
    });
  }
};
"""


async def test_badges_move_in_every_tab_and_the_list_follows(
    windows: Windows, person: Client, partner: Client
) -> None:
    project = await person.publish(title="동네 지도")
    room_id = await partner.open_room_with(person)
    mine = await windows.open(person)
    await mine.page.context.add_init_script(SPY)
    await mine.page.goto("/")
    chats = await mine.tab("/chats")
    for page in (mine.page, chats):
        await is_connected(page)
        await expect(badge(page, "unread_messages")).to_be_hidden()

    await partner.call("POST", f"/rooms/{room_id}/messages", {"body": "커피 어때요?"})
    for page in (mine.page, chats):
        await expect(badge(page, "unread_messages")).to_have_text(
            re.compile(r"^\s*1"), timeout=2_000
        )
    await expect(chats.locator(".rooms")).to_contain_text("커피 어때요?", timeout=3_000)

    await partner.call("POST", f"/projects/{project['id']}/comments", {"body": "멋져요"})
    for page in (mine.page, chats):
        shown = badge(page, "unread_notifications")
        await expect(shown).to_have_text(
            re.compile("1.*안 읽은 알림 1개", re.DOTALL), timeout=2_000
        )

    await mine.page.get_by_role("link", name=re.compile("^알림")).click()
    await expect(mine.page.get_by_role("main")).to_contain_text("‘동네 지도’에 댓글을 남겼어요")
    await mine.page.get_by_role("button", name="모두 읽음").click()
    await expect(badge(mine.page, "unread_notifications")).to_be_hidden()
    await expect(badge(chats, "unread_notifications")).to_be_hidden(timeout=2_000)

    await chats.locator(".rooms a").click()
    await expect(badge(mine.page, "unread_messages")).to_be_hidden(timeout=3_000)


async def test_the_list_of_rooms_keeps_the_focus_when_it_follows(
    windows: Windows, person: Client, partner: Client
) -> None:
    room_id = await partner.open_room_with(person)
    page = (await windows.open(person)).page
    await page.context.add_init_script(SPY)
    await page.goto("/chats")
    await is_connected(page)
    entry = page.locator(f"main a[href='/chats/{room_id}']")
    await entry.focus()

    await partner.call("POST", f"/rooms/{room_id}/messages", {"body": "커피 어때요?"})

    await expect(entry).to_contain_text("커피 어때요?")
    await expect(entry).to_be_focused()


async def test_a_page_that_comes_online_while_it_waits_for_a_ticket_opens_one_socket(
    windows: Windows, person: Client
) -> None:
    window = await windows.open(person)
    tickets: asyncio.Queue[Route] = asyncio.Queue()
    sockets: list[WebSocket] = []

    def add(socket: WebSocket) -> None:  # Playwright marks a listener: it takes no built-in
        sockets.append(socket)

    await window.context.add_init_script(SPY)
    await window.context.route("**/me/socket-tickets", tickets.put)
    window.page.on("websocket", add)
    await window.page.goto("/")
    first = await tickets.get()
    await window.page.evaluate("dispatchEvent(new Event('online'))")
    await (await tickets.get()).continue_()
    await is_connected(window.page)
    async with window.page.expect_response("**/me/socket-tickets"):
        await first.continue_()
    await window.page.evaluate("fetch('/health/live')")  # afterwards the page has used the answer
    assert len(sockets) == 1


async def test_without_scripts_badges_are_those_of_the_page(
    windows: Windows, person: Client, partner: Client
) -> None:
    project = await person.publish()
    await partner.call("POST", f"/projects/{project['id']}/comments", {"body": "멋져요"})
    page = (await windows.open(person, language="en", width=390, script=False)).page
    await page.goto("/")
    await expect(badge(page, "unread_notifications")).to_contain_text("1 unread notification")
    await page.goto("/notifications")
    await page.get_by_role("button", name="Mark all as read").click()
    await expect(badge(page, "unread_notifications")).to_be_hidden()
