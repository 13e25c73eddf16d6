"""How somebody uses a page: with a pointer, or by keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from playwright.async_api import FilePayload, Locator

MOST_STOPS = 20

DISTANCE = """element => {
    const at = document.activeElement
    if (at === element) return 0
    if (at.closest("[role=toolbar]")?.contains(element)) return "in the toolbar"
    const goal = element.closest("[role=toolbar]")?.querySelector("[tabindex='0']") ?? element
    const focusable = "a[href], button, input, select, textarea, summary, [tabindex]"
    const stops = [...document.querySelectorAll(focusable)].filter(each =>
        each.tabIndex >= 0 && !each.disabled && each.checkVisibility({visibilityProperty: true})
        && (each.type !== "radio" || each.checked))
    return stops.indexOf(goal) - stops.indexOf(at)
}"""
"""How many times to press Tab, about; less than 0 is backwards."""


class InputDevice(Protocol):
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
    """See `InputDevice`."""

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


class Keyboard:
    """See `InputDevice`. Reaches everything by Tab, and by arrows in a toolbar."""

    async def press(self, target: Locator) -> None:
        await self._reach(target)
        await target.page.keyboard.press("Enter")

    async def tick(self, box: Locator) -> None:
        """Finds it by typing, where there is a field for that."""
        find = box.locator("xpath=ancestor::fieldset").locator("[data-filter]:visible")
        if await find.count():
            await self._reach(find)
            await box.page.keyboard.press("Control+a")
            await box.page.keyboard.insert_text(await box.get_attribute("value") or "")
        await self._reach(box)
        await box.page.keyboard.press("Space")

    async def fill(self, field: Locator, text: str) -> None:
        await self._reach(field)
        await field.page.keyboard.insert_text(text)

    async def choose(self, field: Locator, file: FilePayload) -> None:
        async with field.page.expect_file_chooser() as chooser:
            await self._reach(field)
            await field.page.keyboard.press("Enter")
        await (await chooser.value).set_files(file)

    async def _reach(self, target: Locator) -> None:
        keyboard = target.page.keyboard
        for _ in range(MOST_STOPS):
            distance = await target.evaluate(DISTANCE)
            if distance == 0:
                return
            if isinstance(distance, str):
                await keyboard.press("ArrowRight")
            else:
                for _ in range(abs(distance)):
                    await keyboard.press("Tab" if distance > 0 else "Shift+Tab")
        raise AssertionError(f"the keyboard does not reach {target}")
