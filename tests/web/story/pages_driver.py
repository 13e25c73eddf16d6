"""The story over the pages, in Chromium."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from playwright.async_api import expect

from tests.web.story.driver import Reason, ShownPerson, ShownProject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from playwright.async_api import FilePayload, Locator, Page

    from tests.browser.windows import Window
    from tests.web.story.driver import Draft, Newcomer
    from tests.web.story.input_devices import InputDevice

NAME = ".person > span:last-child"
"""The name beside an avatar."""


class PagesChat:
    """See `tests.web.story.driver.Chat`. A room's page with its socket open."""

    def __init__(self, page: Page, device: InputDevice, own: str, partner: str) -> None:
        self._page = page
        self._device = device
        self._own = own
        self._partner = partner

    async def enter(self) -> None:
        """Waits until the socket is open."""
        shown = self._page.locator("[data-here], [data-away]").locator("visible=true")
        await expect(shown).to_have_count(1)

    async def send(self, body: str) -> None:
        field = self._page.locator("[data-composer] [name=body]")
        first, *others = body.split("\n")
        await self._device.fill(field, first)
        for line in others:
            await self._page.keyboard.press("Shift+Enter")
            await self._page.keyboard.insert_text(line)
        await self._page.keyboard.press("Enter")
        await self.wait_for(body)

    async def wait_for(self, body: str) -> None:
        last = self._page.locator("[role=log] [data-seq] [data-body]").last
        await expect(last).to_have_text(body)

    async def history(self) -> Sequence[tuple[str, str]]:
        messages = await self._page.locator("[role=log] [data-seq]").all()
        return [await self._message(each) for each in messages]

    async def _message(self, message: Locator) -> tuple[str, str]:
        classes = await message.get_attribute("class") or ""
        sender = self._own if "message-mine" in classes else self._partner
        return sender, await message.locator("[data-body]").inner_text()


class PlainPagesChat(PagesChat):
    """A room's page without a socket: sends by a form, and reads by loading the page again."""

    async def enter(self) -> None:
        await expect(self._page.locator("[data-composer]")).to_be_visible()

    async def send(self, body: str) -> None:
        form = self._page.locator("[data-composer]")
        await self._device.fill(form.locator("[name=body]"), body)
        async with self._page.expect_navigation():
            await self._device.press(form.locator("button").last)
        await self.wait_for(body)

    async def wait_for(self, body: str) -> None:
        await self._page.reload()
        await super().wait_for(body)


class PagesDriver:
    """See `tests.web.story.driver.Driver`. Finds its way by addresses, fields and landmarks, so it
    works in every language.
    """

    CHAT: type[PagesChat] = PagesChat

    def __init__(self, window: Window, device: InputDevice) -> None:
        self._page = window.page
        self._device = device
        self._username = ""
        self._skills: tuple[str, ...] = ()

    async def sign_up(self, newcomer: Newcomer) -> None:
        page = self._page
        self._username, self._skills = newcomer.username, newcomer.skills
        await page.goto("/")
        await self._device.press(page.locator("a[href='/sign-up']").first)
        form = page.locator("form[action='/sign-up']")
        for name in ("email", "username", "password"):
            await self._device.fill(form.locator(f"[name={name}]"), getattr(newcomer, name))
        await self._submit(form)

        # the board leads newcomers there
        await self._device.press(page.locator("main a[href='/me/profile']"))
        form = page.locator("form[action='/me/profile']")
        await self._device.choose(form.locator("input[type=file]"), png(newcomer.picture))
        await self._device.fill(form.locator("[name=bio]"), newcomer.bio)
        await self._pick_skills(form, newcomer.skills)
        await self._submit(form)
        await expect(page.locator("main .bio")).to_have_text(newcomer.bio)

    async def publish(self, draft: Draft) -> None:
        page = self._page
        await page.goto("/projects/new")
        form = page.locator("form[data-form]")
        await self._device.fill(form.locator("[name=title]"), draft.title)
        await self._device.fill(form.locator("[name=summary]"), draft.summary)
        await self._pick_skills(form, draft.skills)
        await self._device.choose(form.locator("input[name=thumbnail]"), png(draft.picture))
        await self._write_content(form, draft)
        await self._submit(form)
        await expect(page.locator("main h1")).to_have_text(draft.title)
        await page.wait_for_url(re.compile(r"/projects/[0-9a-f-]{36}"))

    async def _write_content(self, form: Locator, draft: Draft) -> None:
        """With a picture at its end, by the toolbar."""
        content = form.locator("[name=content]")
        await self._device.fill(content, f"{draft.content}\n\n")
        await self._device.choose(form.locator("[data-tool=image]"), png(draft.picture))
        await expect(content).to_have_value(re.compile(r"!\[.*\]\(.*/media/"))

    async def find(self, text: str, skill: str) -> Sequence[str]:
        page = self._page
        await page.goto("/")
        search = page.locator("form[role=search] [name=q]")
        await self._device.fill(search, text)
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile("[?&]q="))
        picker = page.locator("details[data-picker]")
        await self._device.press(picker.locator("summary"))
        await self._pick_skills(picker, [skill], name="skill")
        await self._submit(picker)
        await page.wait_for_url(re.compile("[?&]skill="))
        found = page.locator("section[aria-labelledby=found]")
        return await found.locator(".card h3").all_inner_texts()

    async def read(self, title: str) -> ShownProject:
        page = await self._open_project(title)
        article = page.locator("main article").first
        bookmark = article.locator("header [data-bookmark]")
        comments = page.locator("[data-comments] article")
        return ShownProject(
            title=await article.locator("h1").inner_text(),
            summary=await article.locator("header p").first.inner_text(),
            author=await article.locator(f"header {NAME}").inner_text(),
            skills=tuple(await page.locator(".page-head .tag").all_inner_texts()),
            headings=tuple(await page.locator(".prose :is(h1, h2, h3)").all_inner_texts()),
            pictures=await page.locator(".prose img").count(),
            bookmarked=await bookmark.get_attribute("aria-pressed") == "true",
            bookmarks=int(await bookmark.locator(".number").inner_text()),
            comments=tuple([await comment_in(each) for each in await comments.all()]),
        )

    async def comment(self, title: str, body: str) -> None:
        page = await self._open_project(title)
        form = page.locator("#comments form", has=page.locator("[name=body]"))
        await self._device.fill(form.locator("[name=body]"), body)
        await self._submit(form)
        await expect(page.locator("[data-comments]")).to_contain_text(body)

    async def bookmark(self, title: str) -> None:
        page = await self._open_project(title)
        button = page.locator("header [data-bookmark]")
        await self._device.press(button)
        await expect(button).to_have_attribute("aria-pressed", "true")

    async def look_up(self, username: str) -> ShownPerson:
        page = self._page
        await page.goto(f"/people/{quote(username)}")
        head = page.locator("main header")
        return ShownPerson(
            username=await head.locator("h1").inner_text(),
            bio=await head.locator(".bio").inner_text(),
            skills=tuple(await head.locator(".tag").all_inner_texts()),
            has_picture=await head.locator("img.avatar").count() == 1,
            projects=tuple(await page.locator("main .card h3").all_inner_texts()),
        )

    async def ask_for_chat(self, username: str, introduction: str) -> None:
        page = self._page
        await page.goto(f"/people/{quote(username)}")
        await self._submit(page.locator("form[action='/chats']"))
        await page.wait_for_url(re.compile(r"/ask$"))
        await self._device.fill(page.locator("[name=introduction]"), introduction)
        await self._submit(page.locator("form", has=page.locator("[name=introduction]")))
        await page.wait_for_url(re.compile(r"/chats/requests"))

    async def accept_chat(self, username: str) -> str:
        page = self._page
        await page.goto("/chats/requests")
        request = page.locator(".requests li", has_text=username)
        introduction = await request.locator(".bio").inner_text()
        await self._submit(request.locator("form[action$='/accept']"))
        await page.wait_for_url(re.compile(r"/chats/[0-9a-f]"))
        return introduction

    @asynccontextmanager
    async def chat_with(self, username: str) -> AsyncIterator[PagesChat]:
        page = self._page
        await page.goto("/chats")
        await self._device.press(page.locator("main a.room", has_text=username))
        await page.wait_for_url(re.compile(r"/chats/."))
        chat = self.CHAT(page, self._device, self._username, username)
        await chat.enter()
        yield chat

    async def recommendations(self) -> Sequence[Reason]:
        page = self._page
        await page.goto("/")
        recommended = page.locator("section[aria-labelledby=recommended]")
        await self._device.press(recommended.locator(".section-head a"))  # shows others
        await page.wait_for_url(re.compile("[?&]seed="))
        cards = await recommended.locator("article").all()
        found = [await self._reason(card) for card in cards]
        return [reason for reason in found if reason.shared_skills]

    async def _reason(self, card: Locator) -> Reason:
        """The reason is a sentence with the person's name and the skills in common."""
        sentence = await card.locator(".reason").inner_text()
        person = await card.locator(f"footer {NAME}").inner_text()
        shared = [skill for skill in self._skills if skill in sentence and person in sentence]
        return Reason(await card.locator("h3").inner_text(), person, tuple(shared))

    async def _open_project(self, title: str) -> Page:
        page = self._page
        await page.goto(f"/?q={quote(title)}")
        found = page.locator("section[aria-labelledby=found]")
        await self._device.press(found.get_by_role("link", name=title, exact=True))
        await page.wait_for_url(re.compile("/projects/"))
        return page

    async def _submit(self, form: Locator) -> None:
        """Presses the button that sends the form."""
        await self._device.press(form.locator("button:not([type=button])").last)

    async def _pick_skills(
        self, form: Locator, skills: Sequence[str], name: str = "skills"
    ) -> None:
        for skill in skills:
            await self._device.tick(form.locator(f"[name={name}][value='{skill}']"))


class PlainPagesDriver(PagesDriver):
    """The same pages without scripts."""

    CHAT: type[PagesChat] = PlainPagesChat

    async def _write_content(self, form: Locator, draft: Draft) -> None:
        """Pictures of other pages are shown by their addresses: here the own face."""
        images = await self._page.context.new_page()
        await images.goto("/me/images")
        address = await images.locator("ul.images img").first.get_attribute("src")
        await images.close()
        content = form.locator("[name=content]")
        await self._device.fill(content, f"{draft.content}\n\n![]({address})")


async def comment_in(article: Locator) -> tuple[str, str]:
    """The author and the text of a comment."""
    author = await article.locator(NAME).inner_text()
    return author, await article.locator("p").last.inner_text()


def png(picture: bytes) -> FilePayload:
    """A file for an upload."""
    return {"name": "picture.png", "mimeType": "image/png", "buffer": picture}
