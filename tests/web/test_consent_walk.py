"""Two people come to a coffee chat and end it, in Chromium and in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.domain.language import Language
from sidepro.web.messages.catalogue import CATALOGUES, Texts
from tests.browser.axe import assert_accessible
from tests.web.chat.rooms import BUBBLES, is_open

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.browser.windows import Windows
    from tests.clients import Client

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Walker:
    """A person at their page, and its texts."""

    page: Page
    texts: Texts

    async def press(self, name: str) -> None:
        """Presses the button, and checks the page that it leads to."""
        async with self.page.expect_event("load"):
            await self.page.get_by_role("button", name=name, exact=True).click()
        await assert_accessible(self.page)

    async def ask(self, person: Client, introduction: str) -> None:
        """Asks on the person's page."""
        texts = self.texts
        await self.page.goto(f"/people/{person.username}")
        await self.press(texts.people.ask)
        await self.page.get_by_label(texts.consent.introduction).fill(introduction)
        await self.press(texts.consent.send)

    async def sees_request(self, state: RequestState, introduction: str) -> None:
        """Expects one request on the page, in this state."""
        request = self.page.locator(".requests > li")
        await expect(request).to_have_count(1)
        await expect(request).to_contain_text(introduction)
        await expect(
            request.get_by_text(self.texts.consent.states[state], exact=True)
        ).to_be_visible()

    async def block(self) -> None:
        """Blocks the other person from the menu of their room."""
        await self.page.locator("summary", has_text=self.texts.chats.leave).click()
        async with self.page.expect_event("load"):
            await self.page.get_by_role("link", name=self.texts.consent.block, exact=True).click()
        await self.press(self.texts.consent.block)

    async def write(self, body: str) -> None:
        await self.page.locator("#body").fill(body)
        await self.page.keyboard.press("Enter")


async def walker(windows: Windows, person: Client, language: Language) -> Walker:
    """A person who takes chats on request, in a window of their own."""
    await person.call("PATCH", "/me", {"chat_policy": "request", "language": language})
    window = await windows.open(person, language=language.value)
    return Walker(window.page, CATALOGUES[language])


@pytest.mark.parametrize("language", Language)
async def test_a_request_is_declined_repeated_accepted_after_all_and_the_chat_ends_in_a_block(
    windows: Windows, person: Client, partner: Client, language: Language
) -> None:
    asker = await walker(windows, person, language)
    asked = await walker(windows, partner, language)
    await asker.ask(partner, "지도 이야기를 듣고 싶어요")
    await asker.sees_request(RequestState.PENDING, "지도 이야기")

    await asked.page.goto("/chats/requests")
    await assert_accessible(asked.page)
    await asked.press(asked.texts.consent.decline)
    await asked.sees_request(RequestState.DECLINED, "지도 이야기")

    await asker.ask(partner, "다시 신청해요")  # changes nothing, and tells nothing
    await asker.sees_request(RequestState.PENDING, "지도 이야기")
    await asked.page.reload()
    await asked.sees_request(RequestState.DECLINED, "지도 이야기")

    await asked.press(asked.texts.consent.accept)
    await is_open(asked.page)
    await asker.page.reload()
    await asker.sees_request(RequestState.ACCEPTED, "지도 이야기")
    await asker.press(asker.texts.consent.open_room)
    await is_open(asker.page)
    await asker.write("안녕하세요")
    await expect(asked.page.locator(BUBBLES)).to_have_text(["안녕하세요"])
    await asked.write("Hello!")
    await expect(asker.page.locator(BUBBLES)).to_have_text(["안녕하세요", "Hello!"])

    await asked.block()
    is_blocked = asked.page.get_by_role("main").get_by_role("button")
    await expect(is_blocked.filter(has_text=asked.texts.consent.unblock)).to_be_visible()
    unwritable = asker.page.get_by_text(asker.texts.consent.unwritable)
    await expect(unwritable).to_be_visible()
    await expect(asker.page.locator("#body")).to_be_hidden()
    await expect(asker.page.locator("[data-here]")).to_be_hidden()
    await assert_accessible(asker.page)

    await asked.press(asked.texts.consent.unblock)
    await expect(unwritable).to_be_hidden()
    await asker.write("다시 만나 반가워요")
    await expect(asker.page.locator(BUBBLES)).to_have_count(3)
