"""Walks a page by keyboard alone, and types Korean as an input method does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.clients import eventually

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

FOCUSED = """() => {
    const at = document.activeElement
    if (!at || at === document.body) return null
    const box = at.getBoundingClientRect()
    const style = getComputedStyle(at)
    const labels = [...(at.labels ?? [])].map(label => label.textContent)
    const name = at.getAttribute("aria-label") ?? (labels.join(" ") || at.textContent)
    return {
        tag: at.tagName.toLowerCase(),
        name: name.trim().replace(/\\s+/g, " "),
        href: at.getAttribute("href") ?? "",
        visible: style.outlineStyle !== "none" || style.boxShadow !== "none",
        inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    }
}"""


@dataclass(frozen=True)
class Stop:
    """An element that has the focus.

    `name` is its aria-label, its labels or its text. `visible` says that it has an outline or a
    shadow, `inside` that part of it is in the window.
    """

    tag: str
    name: str
    href: str
    visible: bool
    inside: bool


async def focused(page: Page) -> Stop:
    """Waits until an element has the focus: `autofocus` comes some frames after the page."""
    found: list[Stop] = []

    async def is_found() -> bool:
        stop = await _stop(page)
        if stop is not None:
            found.append(stop)
        return stop is not None

    await eventually(is_found)
    return found[0]


async def _stop(page: Page) -> Stop | None:
    """The element with the focus; None if the focus is on the page itself."""
    found = await page.evaluate(FOCUSED)
    return Stop(**found) if found else None


async def tab_stops(page: Page, limit: int = 200) -> list[Stop]:
    """Presses Tab until the focus leaves the page, and returns where it stopped in this order."""
    stops: list[Stop] = []
    while len(stops) < limit:
        await page.keyboard.press("Tab")
        stop = await _stop(page)
        if stop is None:
            return stops
        stops.append(stop)
    raise AssertionError(f"the focus does not leave the page after {limit} stops")


async def tab_to(page: Page, name: str, limit: int = 200) -> Stop:
    """Presses Tab until an element has the focus whose name contains this text."""
    for _ in range(limit):
        await page.keyboard.press("Tab")
        stop = await _stop(page)
        if stop and name in stop.name:
            return stop
    raise AssertionError(f"Tab does not reach {name!r} within {limit} stops")


class KoreanKeyboard:
    """An input method that composes the last syllable, as 두벌식 does.

    The text goes to the element that has the focus.
    """

    def __init__(self, session: CDPSession) -> None:
        self._session = session
        self._composed = ""

    @classmethod
    async def of(cls, page: Page) -> KoreanKeyboard:
        return cls(await page.context.new_cdp_session(page))

    async def compose(self, *steps: str) -> None:
        """Shows each step in place of the step before, such as "ㅎ", "하", "한".

        The last one stays under composition.
        """
        for text in steps:
            await self._key("rawKeyDown", "Process", 229)
            await self._session.send(
                "Input.imeSetComposition",
                {"text": text, "selectionStart": len(text), "selectionEnd": len(text)},
            )
            await self._key("keyUp", "Process", 229)
            self._composed = text

    async def commit(self) -> None:
        """Ends the composition with the text that it shows, as another key would."""
        text, self._composed = self._composed, ""
        await self._session.send("Input.insertText", {"text": text})

    async def enter(self, *, repeated: bool) -> None:
        """Presses Enter while a syllable is under composition.

        The page sees a keydown of Enter with the code 229 and `isComposing`, then the end of the
        composition. `repeated`: the browser then reports the same press again as an ordinary
        Enter, as Chrome does on macOS and Windows; on other systems it does not.
        """
        await self._key("rawKeyDown", "Enter", 229)
        await self.commit()
        if repeated:
            await self._key("rawKeyDown", "Enter", 13)
            await self._session.send("Input.dispatchKeyEvent", {"type": "char", "text": "\r"})
        await self._key("keyUp", "Enter", 13)

    async def unknown_enter(self) -> None:
        """Presses Enter as some keyboards of telephones do: no key, only a line break."""
        await self._key("rawKeyDown", "Unidentified", 229)
        await self._session.send("Input.dispatchKeyEvent", {"type": "char", "text": "\r"})
        await self._key("keyUp", "Unidentified", 229)

    async def _key(self, kind: str, key: str, code: int) -> None:
        await self._session.send(
            "Input.dispatchKeyEvent",
            {
                "type": kind,
                "key": key,
                "code": "Enter" if key == "Enter" else "",
                "windowsVirtualKeyCode": code,
            },
        )
