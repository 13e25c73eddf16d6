"""Browser windows of the people in a test."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tests.browser.problems import Problems
from tests.clients import http_client

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

    from tests.browser.relay import Relay

Language = Literal["ko", "en"]
Colours = Literal["light", "dark"]

LOCALES = {"ko": "ko-KR", "en": "en-US"}
HEIGHTS = {320: 640, 390: 844}
SESSION_COOKIE = "sidepro"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
NO_NETWORK = r"net::ERR_(INTERNET|CONNECTION|EMPTY|CONTENT_LENGTH)|WebSocket connection to"
"""What Chromium reports while the network or the server is away or goes away within a response."""

FAILURES = Path(__file__).parents[2] / "build" / "failures"
"""Screenshots and HTML of failed tests. Git ignores it."""

TIMEOUT = 20_000
"""Milliseconds after which an expected element or navigation counts as missing."""


class Account(Protocol):
    """The owner of a window, such as a `tests.clients.Client`."""

    @property
    def email(self) -> str: ...

    @property
    def password(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Look:
    """What the browser asks for. The width is in CSS pixels; 390 is a telephone's."""

    language: Language = "ko"
    colours: Colours = "light"
    width: int = 1280
    script: bool = True
    motion: bool = False

    def __str__(self) -> str:
        return f"{self.language}-{self.colours}-{self.width}{'' if self.script else '-noscript'}"


@dataclass(frozen=True)
class Window:
    """A browser profile of one person with its first tab.

    Tests use Playwright's `page` and `context`. Paths are relative to the server.
    """

    page: Page
    context: BrowserContext
    problems: Problems
    look: Look
    origin: str

    async def tab(self, path: str) -> Page:
        """Opens the path in another tab of the same profile."""
        page = await self.context.new_page()
        await page.goto(path)
        return page

    def expect_status(self, status: int) -> None:
        """Expects an answer with this status, 400 to 599, for the page or for what it loads."""
        self.problems.expect(f"responded with a status of {status} ")

    async def go_offline(self) -> None:
        """Takes the network away from all tabs. What they ask for meanwhile is no problem: how
        often their streams try again depends on the time.
        """
        self.problems.allow(NO_NETWORK)
        await self.context.set_offline(True)

    async def go_online(self) -> None:
        await self.context.set_offline(False)

    def expect_no_network(self) -> None:
        """Expects requests and sockets that fail because the network or the server is away."""
        self.problems.expect(NO_NETWORK)

    async def fill_in(self, *, submit: str, **fields: str) -> None:
        """Fills in the fields with these names, and presses the button with this text.

        It needs no script. A field of a select takes the value of an option.
        """
        form = self.page.locator("form", has=self.page.get_by_role("button", name=submit))
        for name, text in fields.items():
            field = form.locator(f"[name='{name}']")
            if await field.evaluate("field => field.localName") == "select":
                await field.select_option(text)
            else:
                await field.fill(text)
        await form.get_by_role("button", name=submit).click()

    async def log_in(self, account: Account) -> None:
        """Logs in as the form does, and keeps the session's cookie in this profile."""
        cookies = await log_in(self.origin, account)
        await self.context.add_cookies(
            [
                {
                    "name": name,
                    "value": value,
                    "url": self.origin,
                    "httpOnly": True,
                    "sameSite": "Lax",
                }
                for name, value in cookies.items()
            ]
        )


class Windows:
    """Opens windows of one browser on one server. Problems in any of them are reported."""

    def __init__(self, browser: Browser, origin: str, *, traces: bool = False) -> None:
        self._browser = browser
        self._origin = origin
        self._traces = traces
        self._open: list[Window] = []

    async def open(
        self,
        account: Account | None = None,
        look: Look | None = None,
        *,
        relay: Relay | None = None,
        worker: bool = True,
        **changes: Any,
    ) -> Window:
        """A window on an empty page, logged in to the account if there is one.

        `relay` is the network that it uses; `worker` says whether service workers run, which
        Playwright's routes do not see; `changes` are members of `Look`.
        """
        origin = relay.url if relay else self._origin
        look = replace(look or Look(), **changes)
        context = await self._browser.new_context(
            base_url=origin,
            locale=LOCALES[look.language],
            timezone_id="Asia/Seoul",
            color_scheme=look.colours,
            reduced_motion="no-preference" if look.motion else "reduce",
            viewport={"width": look.width, "height": HEIGHTS.get(look.width, 800)},
            java_script_enabled=look.script,
            service_workers="allow" if worker else "block",
        )
        context.set_default_timeout(TIMEOUT)
        if self._traces:
            await context.tracing.start(screenshots=True, snapshots=True)
        problems = Problems(context, origin)
        window = Window(await context.new_page(), context, problems, look, origin)
        self._open.append(window)
        if account:
            await window.log_in(account)
        return window

    async def problems(self) -> list[str]:
        """The problems of all windows so far."""
        for window in self._open:
            for page in window.context.pages:
                await page.title()  # events that happened before have arrived with the answer
        return [problem for window in self._open for problem in window.problems.report()]

    async def keep(self, folder: Path) -> None:
        """Writes a screenshot and the HTML of each tab, and traces, to a new folder."""
        _make_empty(folder)
        pages = [page for window in self._open for page in window.context.pages]
        for number, page in enumerate(pages, 1):
            await page.screenshot(path=folder / f"{number}.png", full_page=True)
            (folder / f"{number}.html").write_text(await page.content(), "utf-8")
        if self._traces:
            for number, window in enumerate(self._open, 1):
                await window.context.tracing.stop(path=folder / f"trace-{number}.zip")

    async def close(self) -> None:
        while self._open:
            await self._open.pop().context.close()


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


async def log_in(origin: str, account: Account) -> dict[str, str]:
    """The session cookie that the log-in form sets, by its name."""
    async with http_client(origin) as http:
        form = {"email": account.email, "password": account.password}
        response = await http.post("/log-in", data=form, headers=SAME_ORIGIN)
        assert response.status_code == 303, f"log-in: {response.status_code} {response.text}"
        return {SESSION_COOKIE: response.cookies[SESSION_COOKIE]}
