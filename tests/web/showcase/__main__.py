"""Writes pictures of the showcase to `build/showcase`, or to the folder of the argument."""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from sidepro.domain.language import Language
from tests.browser.chromium import chromium
from tests.web.showcase import PAGES, ShownPage
from tests.web.showcase.shooting import show

WIDTHS = (320, 390, 768, 1280)
COLOURS = ("light", "dark")


async def take_pictures(folder: Path) -> None:
    """A picture of each page, width, colour scheme and language."""
    async with chromium() as browser:
        for width, colours, language in itertools.product(WIDTHS, COLOURS, Language):
            context = await browser.new_context(viewport={"width": width, "height": 900})
            for name in PAGES:
                window = await context.new_page()
                await show(window, name, ShownPage(language, colours))
                path = folder / f"{name}-{width}-{colours}-{language}.png"
                await window.screenshot(path=path, full_page=True)
            await context.close()


folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/showcase")
folder.mkdir(parents=True, exist_ok=True)
asyncio.run(take_pictures(folder))
