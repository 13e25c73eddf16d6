"""How somebody uses a page: with a pointer, or by keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from playwright.async_api import FilePayload, Locator

MOST_STOPS = 400

IS_FOCUSED = """element => {
    const at = document.activeElement
    if (at === element) return "here"
    return at?.closest("[role=toolbar]")?.contains(element) ? "in its toolbar" : "elsewhere"
}"""


class Hand(Protocol):
    """Presses, ticks and fills in what a locator finds."""

    async def press(self, target: Locator) -> None:
        """Presses a link, a button or a summary."""
        ...

    async def tick(self, box: Locator) -> None: ...

    async def fill(self, field: Locator, text: str) -> None:
        """Fills in an empty field."""
        ...

    async def choose(self, field: Locator, file: FilePayload) -> None:
        """Chooses a file in a field, or by a button that asks for one."""
        ...


class Pointer:
    """See `Hand`."""

    async def press(self, target: Locator) -> None:
        await target.click()

    async def tick(self, box: Locator) -> None:
        await box.check()

    async def fill(self, field: Locator, text: str) -> None:
        await field.fill(text)

    async def choose(self, field: Locator, file: FilePayload) -> None:
        async with field.page.expect_file_chooser() as chooser:
            await field.click()
        await (await chooser.value).set_files(file)


class Keys:
    """See `Hand`. Reaches everything by Tab, and by arrows in a toolbar."""

    async def press(self, target: Locator) -> None:
        await self._reach(target)
        await target.page.keyboard.press("Enter")

    async def tick(self, box: Locator) -> None:
        await self._reach(box)
        await box.page.keyboard.press("Space")

    async def fill(self, field: Locator, text: str) -> None:
        await self._reach(field)
        await field.page.keyboard.insert_text(text)

    async def choose(self, field: Locator, file: FilePayload) -> None:
        await self._reach(field)
        async with field.page.expect_file_chooser() as chooser:
            await field.page.keyboard.press("Enter")
        await (await chooser.value).set_files(file)

    async def _reach(self, target: Locator) -> None:
        for _ in range(MOST_STOPS):
            where = await target.evaluate(IS_FOCUSED)
            if where == "here":
                return
            await target.page.keyboard.press("Tab" if where == "elsewhere" else "ArrowRight")
        raise AssertionError(f"the keyboard does not reach {target}")
