"""What people wrote, in print and in scripts that run from right to left."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

if TYPE_CHECKING:
    from tests.browser.windows import Windows
    from tests.clients import Client

pytestmark = pytest.mark.anyio

PLACES = """(words) => words.map(word => {
    const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT)
    while (!texts.nextNode().data.includes(word)) continue
    const range = document.createRange()
    const at = texts.currentNode.data.indexOf(word)
    const places = [at, at + word.length - 1].map(place => {
        range.setStart(texts.currentNode, place)
        range.setEnd(texts.currentNode, place + 1)
        return range.getBoundingClientRect().left
    })
    return places[0] < places[1] ? "left to right" : "right to left"
})"""
"""How each word runs: its first character and the mark at its end."""


async def test_what_people_write_begins_at_its_own_side(windows: Windows, person: Client) -> None:
    written = {"title": "כותרת!", "summary": "סיכום.", "content": "# פרק!\n\nפסקה.\n\n- פריט."}
    project = await person.publish(**written)
    path = f"/projects/{project['id']}"
    await person.call("POST", f"{path}/comments", {"body": "תגובה.\n한국어."})
    window = await windows.open(person)

    await window.page.goto(path)
    words = ["כותרת!", "סיכום.", "פרק!", "פסקה.", "פריט.", "תגובה."]
    assert await window.page.evaluate(PLACES, words) == ["right to left"] * len(words)
    assert await window.page.evaluate(PLACES, ["한국어."]) == ["left to right"]

    await window.page.goto(f"/?author={person.id}")
    assert await window.page.evaluate(PLACES, words[:2]) == ["right to left"] * 2


async def test_a_room_and_code_are_printed_whole_and_dark_on_light(
    windows: Windows, person: Client, partner: Client
) -> None:
    room = await person.open_room_with(partner)
    for number in range(30):
        await partner.call("POST", f"/rooms/{room}/messages", {"body": f"{number}번 소식"})
    project = await person.publish(content=f"```\n{'긴줄 ' * 200}\n```")
    window = await windows.open(person)
    await window.context.add_cookies(
        [{"name": "sidepro-colours", "value": "dark", "url": window.origin}]
    )
    page = window.page

    for path, block in ((f"/chats/{room}", ".scroller"), (f"/projects/{project['id']}", "pre")):
        await page.goto(path)
        scrolls = (
            "each => each.scrollHeight > each.clientHeight || each.scrollWidth > each.clientWidth"
        )
        assert await page.eval_on_selector(block, scrolls)
        await page.emulate_media(media="print")
        assert not await page.eval_on_selector(block, scrolls)
        scheme = "getComputedStyle(document.documentElement).colorScheme"
        assert await page.evaluate(scheme) == "light"
        await page.emulate_media(media="screen")
        assert await page.evaluate(scheme) == "dark"


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_a_decomposed_syllable_counts_as_one_character(
    windows: Windows, person: Client, script: bool
) -> None:
    window = await windows.open(person, script=script)
    window.expect_status(422)
    await window.page.goto("/me/profile")

    # macOS decomposes the names of files, which people paste.
    await window.fill_in(submit="저장하기", bio=unicodedata.normalize("NFD", "한글"))

    await expect(window.page.locator("[data-counter=bio]")).to_have_text("2 / 500")
