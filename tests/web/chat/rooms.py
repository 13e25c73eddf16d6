"""A room on its page, as a person uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import Locator, Page, expect

if TYPE_CHECKING:
    from tests.browser.windows import Window
    from tests.clients import Client

BUBBLES = "[role=log] [data-seq] [data-body]"
PENDING = "[data-pending] [data-body]"


async def send(client: Client, room: str, body: str) -> None:
    await client.call("POST", f"/rooms/{room}/messages", {"body": body})


async def stored(client: Client, room: str) -> list[str]:
    """The bodies of the room's messages in their order."""
    history = await client.call("GET", f"/rooms/{room}/messages?limit=100&after=0")
    return [message["body"] for message in history["items"]]


def field_of(page: Page) -> Locator:
    return page.get_by_role("textbox", name="메시지")


async def enter(window: Window, room: str) -> Page:
    """The room's page, with its socket open."""
    await window.page.goto(f"/chats/{room}")
    await is_open(window.page)
    return window.page


async def is_open(page: Page) -> None:
    """Waits until the page has its socket."""
    await expect(page.locator("[data-here], [data-away]").locator("visible=true")).to_have_count(1)


async def write(page: Page, body: str) -> None:
    await field_of(page).fill(body)
    await page.keyboard.press("Enter")
