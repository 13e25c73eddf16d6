"""A moderator works the queue by keyboard; a member reports without scripts."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.clients import Client
from tests.web.chat.rooms import BUBBLES, enter, send

if TYPE_CHECKING:
    import httpx

    from tests.browser.windows import Windows
    from tests.servers import SideProServer

pytestmark = pytest.mark.anyio

PASSWORD = "keys of the house 7"


async def new_moderator(server: SideProServer, http: httpx.AsyncClient) -> Client:
    """A moderator whose role comes from the command line."""
    name, email = f"살핌{secrets.token_hex(4)}", f"{secrets.token_hex(4)}@example.com"
    server.run("users", "create-admin", email, name, "--password", PASSWORD)
    server.run("users", "set-role", name, "moderator")
    client = Client(http)
    client.email, client.password = email, PASSWORD
    await client.log_in()
    return client


async def test_reports_are_written_without_scripts_and_decided_by_keyboard(
    server: SideProServer,
    windows: Windows,
    http: httpx.AsyncClient,
    person: Client,
    partner: Client,
) -> None:
    moderator = await new_moderator(server, http)
    members = await windows.open(partner, script=False)
    await members.page.goto(f"/people/{person.username}")
    await members.page.get_by_title("회원 메뉴").click()
    await members.page.get_by_role("link", name="신고", exact=True).click()
    await members.page.get_by_text("괴롭힘").click()
    await members.page.get_by_label("자세한 내용").fill("계속 괴롭혀요")
    await members.page.get_by_role("button", name="신고").click()
    await members.page.get_by_role("status").get_by_text("신고했어요").wait_for()

    window = await windows.open(moderator)
    page, keyboard = window.page, window.page.keyboard
    await page.goto("/moderation?state=all")
    cases = page.locator("[data-queue] a")
    assert await cases.count() >= 1
    await keyboard.press("j")
    assert await cases.first.evaluate("link => link === document.activeElement")
    await keyboard.press("k")
    assert await cases.first.evaluate("link => link === document.activeElement")
    await page.evaluate("document.activeElement.blur()")
    await page.evaluate(  # j on a keyboard that types Hangul
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ㅓ', bubbles: true}))"
    )
    assert await cases.first.evaluate("link => link === document.activeElement")
    newest = page.locator("[data-queue] li", has_text="괴롭힘").last.locator("a")
    await newest.focus()
    await keyboard.press("Enter")
    await page.wait_for_url("**/moderation/cases/*")
    await page.get_by_text("계속 괴롭혀요").wait_for()
    await page.get_by_role("button", name="내가 검토하기").click()
    await page.get_by_text("경고하기").click()
    await page.get_by_label("이유").fill("서로 존중해 주세요")
    await page.get_by_role("button", name="결정하기").click()
    await page.get_by_role("heading", name="결정", exact=True).wait_for()

    await members.page.goto("/me/reports")
    await members.page.get_by_text("처리됨", exact=True).wait_for()


async def test_a_message_that_was_hidden_while_the_page_was_offline_says_so(
    server: SideProServer,
    windows: Windows,
    http: httpx.AsyncClient,
    person: Client,
    partner: Client,
) -> None:
    moderator = await new_moderator(server, http)
    room = await person.open_room_with(partner)
    window = await windows.open(person, worker=False)
    page = await enter(window, room)
    await window.go_offline()
    await expect(page.locator("[data-state=offline]")).to_be_visible()
    await send(partner, room, "나쁜 말")
    await send(partner, room, "좋은 말")
    await hide_first(moderator, person, room)
    await window.go_online()
    await expect(page.locator(BUBBLES)).to_have_text(["숨겨진 메시지예요.", "좋은 말"])
    await expect(page.locator("[data-report]")).to_have_count(1)  # of the good one


async def hide_first(moderator: Client, reader: Client, room: str) -> None:
    """The first message of the room is reported and hidden."""
    report = {"kind": "message", "room_id": room, "seq": 1, "reason": "spam"}
    await reader.call("POST", "/reports", report)
    cases = await moderator.call("GET", "/moderation/cases?limit=100")
    (case,) = [case for case in cases["items"] if case["target_id"] == f"{room}/1"]
    decision = {"version": case["version"], "action": "hide", "reason": "규칙 위반"}
    await moderator.call("POST", f"/moderation/cases/{case['id']}/decisions", decision)
