"""Writes a picture of each screen: two widths, light and dark, Korean and English.

python -m tests.web.screenshots [FOLDER] [--only TEXT] [--part 1/2] [--language ko] …

`--readme` writes the two small pictures of the README instead.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from tests.browser.chromium import chromium
from tests.browser.windows import Look, Windows
from tests.web.cast import cast_of, demo_server
from tests.web.screens import COLOURS, LANGUAGES, SCREENS, looks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.web.cast import Cast
    from tests.web.screens import Screen

FOLDER = Path(__file__).parents[2] / "build" / "screens"
WIDTHS = (390, 1280)

README_FOLDER = Path(__file__).parents[2] / "docs" / "images"
README_SCREENS = {"board-member": "board", "chat": "chat"}
README_WIDTH = 960
"""Pixels. The window is 1280 pixels wide and 800 high."""

LOAD_ALL = """async () => {
    for (const image of document.images) image.loading = "eager"
    await Promise.allSettled([...document.images].map(image => image.decode()))
}"""
"""Pictures below the window load when somebody scrolls there."""


async def main(options: argparse.Namespace) -> None:
    if options.readme:
        await take_for_readme()
        return
    screens = [screen for screen in part_of(SCREENS, options.part) if options.only in screen.name]
    chosen = [
        look
        for look in looks(*(options.width or WIDTHS))
        if look.language in (options.language or LANGUAGES)
        and look.colours in (options.colours or COLOURS)
    ]
    options.folder.mkdir(parents=True, exist_ok=True)
    with demo_server() as server:
        cast = await cast_of(server)
        async with chromium() as browser:
            windows = Windows(browser, server.url)
            for look in chosen:
                await take(windows, cast, screens, look, options.folder)
                await windows.close()
    print(f"{len(screens) * len(chosen)} pictures in {options.folder}")


def part_of(screens: Sequence[Screen], part: tuple[int, int]) -> Sequence[Screen]:
    """The nth of several parts of about the same length."""
    number, count = part
    return screens[len(screens) * (number - 1) // count : len(screens) * number // count]


async def take(
    windows: Windows, cast: Cast, screens: Sequence[Screen], look: Look, folder: Path
) -> None:
    """One window for each viewer takes all their screens in turn."""
    for viewer in dict.fromkeys(screen.viewer for screen in screens):
        window = await windows.open(cast.people[viewer] if viewer else None, look)
        for screen in screens:
            if screen.viewer == viewer:
                await window.page.goto(screen.address(cast))
                if screen.prepare:
                    await screen.prepare(window.page)
                await window.page.evaluate(LOAD_ALL)
                path = folder / f"{screen.name}-{look}.png"
                await window.page.screenshot(path=path, full_page=True)
                print(path.name, file=sys.stderr)


async def take_for_readme() -> None:
    """Writes the pictures of the README."""
    README_FOLDER.mkdir(exist_ok=True)
    with demo_server() as server:
        cast = await cast_of(server)
        async with chromium() as browser:
            windows = Windows(browser, server.url)
            window = await windows.open(cast.people["member"], Look())
            for screen in SCREENS:
                if screen.name in README_SCREENS:
                    await window.page.goto(screen.address(cast))
                    if screen.prepare:
                        await screen.prepare(window.page)
                    await window.page.evaluate(LOAD_ALL)
                    picture = Image.open(io.BytesIO(await window.page.screenshot()))
                    picture.thumbnail((README_WIDTH, README_WIDTH), Image.Resampling.LANCZOS)
                    picture.convert("RGB").save(
                        README_FOLDER / f"{README_SCREENS[screen.name]}.webp", quality=80, method=6
                    )
            await windows.close()


def part(text: str) -> tuple[int, int]:
    """A part such as 1/2."""
    number, count = map(int, text.split("/"))
    if not 1 <= number <= count:
        raise ValueError
    return number, count


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--readme", action="store_true", help="the pictures of the README")
    parser.add_argument("--only", default="", help="screens whose names contain this text")
    parser.add_argument(
        "--part", type=part, default=(1, 1), help="a part of the list: 1/2 is its first half"
    )
    parser.add_argument("--language", action="append", choices=LANGUAGES)
    parser.add_argument("--colours", action="append", choices=COLOURS)
    parser.add_argument("--width", action="append", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(parse()))
