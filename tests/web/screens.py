"""The list of all screens.

A line here gives a screen its screenshots (`./just screens`), its checks by axe, its headers and
its budgets (`test_screens.py`, `./just web-budget`).
"""

from __future__ import annotations

import itertools
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from tests.browser.windows import Colours, Language, Look

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Page

    from tests.web.cast import Cast, Role

Script = Literal["reading", "writing"]

SCRIPT_BUDGET: dict[Script, int] = {"reading": 15_000, "writing": 25_000}
HTML_BUDGET = 15_000
STYLE_BUDGET = 12_000
REQUEST_BUDGET = 8
"""Bytes as compressed on the wire, and requests without people's images."""


@dataclass(frozen=True)
class Screen:
    """A screen.

    `address` makes its path. `viewer` sees it; None is an anonymous reader. `status` is that of
    its response. `prepare` brings the loaded page into the state to look at, and may cause answers
    with the statuses of `causes`. `interact` does what people do most there and returns when the
    page has answered. `script` selects the budget: editor and chat are for writing. `has_token`:
    its address has a secret.
    """

    name: str
    address: Callable[[Cast], str]
    viewer: Role | None = None
    status: int = 200
    script: Script = "reading"
    prepare: Callable[[Page], Awaitable[None]] | None = None
    interact: Callable[[Page], Awaitable[None]] | None = None
    causes: tuple[int, ...] = ()
    has_token: bool = False

    def __str__(self) -> str:
        return self.name


async def room_is_open(page: Page) -> None:
    """Waits until the socket of the room is open."""
    await page.locator("[data-here]:visible, [data-away]:visible").wait_for()


async def write_a_message(page: Page) -> None:
    """Sends a message and waits until the room shows it."""
    messages = page.locator("[role=log] [data-seq]")
    count = await messages.count()
    await page.locator("[data-composer] textarea").fill("커피?")
    await page.keyboard.press("Enter")
    await messages.nth(count).wait_for()


async def open_picker(page: Page) -> None:
    await page.locator("[data-picker] > summary").click()


async def write_in_the_editor(page: Page) -> None:
    """Types, and waits until the counter has counted."""
    await page.locator("#content").press_sequentially("글")
    await page.locator("[data-counter=content]:not(:text-matches('^0 '))").wait_for()


async def send_with_errors(page: Page) -> None:
    await page.locator("#title").fill("가" * 51)
    await page.locator("#repository_url").fill("https://a b")
    await page.locator("[data-form]").evaluate("form => { form.noValidate = true }")
    await page.locator("[data-form] .button-primary").click()
    await page.locator("[data-errors]").wait_for()


async def open_preview(page: Page) -> None:
    await page.locator("[data-preview]").click()
    await page.locator("[data-previewed]:visible").wait_for()


SAVE_ELSEWHERE = """async () => {
    const form = document.querySelector("[data-form]")
    const body = new FormData(form)
    body.set("summary", `다른 창에서 고친 소개 ${Date.now()}`)
    await fetch(form.action, {method: "POST", body, headers: {Accept: "application/json"}})
}"""


async def save_after_another_tab(page: Page) -> None:
    await page.evaluate(SAVE_ELSEWHERE)
    await page.locator("#title").fill("이 창에서 고친 제목")
    await page.locator("[data-form] .button-primary").click()
    await page.locator("main .panel").wait_for()


async def find_a_skill(page: Page) -> None:
    await page.locator("[data-filter]").fill("java")


def of_project(rest: str = "") -> Callable[[Cast], str]:
    return lambda cast: f"/projects/{cast.project['id']}{rest}"


def of_own_project(rest: str = "") -> Callable[[Cast], str]:
    return lambda cast: f"/projects/{cast.own_project['id']}{rest}"


def of_person(role: Role, rest: str = "") -> Callable[[Cast], str]:
    return lambda cast: f"/people/{quote(cast.people[role].username)}{rest}"


def of_own_comment(rest: str) -> Callable[[Cast], str]:
    return lambda cast: f"/projects/{cast.project['id']}/comments/{cast.own_comment['id']}{rest}"


SCREENS = (
    Screen("board", lambda _: "/"),
    Screen("board-member", lambda _: "/", "member"),
    Screen("board-newcomer", lambda _: "/", "newcomer"),
    Screen("board-filtered", lambda _: "/?skill=Python&skill=React&sort=popular&q=a"),
    Screen("board-picker", lambda _: "/?skill=Python&skill=React", prepare=open_picker),
    Screen("board-nothing", lambda _: "/?q=zzzzzzzz&skill=Python"),
    Screen("board-error", lambda _: "/?skill=Nothing&sort=other", status=422),
    Screen("project", of_project()),
    Screen("project-member", of_project(), "member"),
    Screen("project-own", of_own_project(), "member"),
    Screen("project-delete", of_own_project("/delete"), "member"),
    Screen("comment-edit", of_own_comment("/edit"), "member"),
    Screen("comment-delete", of_own_comment("/delete"), "member"),
    Screen(
        "editor-new",
        lambda _: "/projects/new",
        viewer="member",
        script="writing",
        interact=write_in_the_editor,
    ),
    Screen(
        "editor-errors",
        lambda _: "/projects/new",
        viewer="member",
        script="writing",
        prepare=send_with_errors,
        causes=(422,),
    ),
    Screen(
        "editor-preview",
        of_own_project("/edit"),
        viewer="member",
        script="writing",
        prepare=open_preview,
    ),
    Screen(
        "editor-conflict",
        of_own_project("/edit"),
        viewer="member",
        script="writing",
        prepare=save_after_another_tab,
        causes=(412,),
    ),
    Screen("sign-up", lambda _: "/sign-up"),
    Screen("log-in", lambda _: "/log-in"),
    Screen("forgotten-password", lambda _: "/password-reset", has_token=True),
    Screen("new-password", lambda _: "/password-reset?token=x", has_token=True),
    Screen("verification", lambda _: "/email-verification?token=x", has_token=True),
    Screen("unsubscribe", lambda _: "/unsubscribe?token=x", has_token=True),
    Screen("chats", lambda _: "/chats", viewer="member"),
    Screen("notifications", lambda _: "/notifications", viewer="member"),
    Screen("notifications-none", lambda _: "/notifications", viewer="newcomer"),
    Screen("notification-settings", lambda _: "/me/notifications", viewer="member"),
    Screen("chats-none", lambda _: "/chats", viewer="newcomer"),
    Screen("requests", lambda _: "/chats/requests", viewer="member"),
    Screen("requests-sent", lambda _: "/chats/requests?box=sent", viewer="newcomer"),
    Screen("ask", of_person("member", "/ask"), viewer="newcomer"),
    Screen("block", of_person("partner", "/block"), viewer="member"),
    Screen("chat-settings", lambda _: "/me/chat", viewer="member"),
    Screen(
        "chat",
        lambda cast: f"/chats/{cast.room_id}",
        viewer="member",
        script="writing",
        prepare=room_is_open,
        interact=write_a_message,
    ),
    Screen("operator", lambda _: "/operator", viewer="administrator"),
    Screen(
        "moderation-report",
        lambda cast: f"/report?kind=project&target={cast.project['id']}",
        viewer="newcomer",
    ),
    Screen("moderation-own-reports", lambda _: "/me/reports", "member"),
    Screen("moderation", lambda _: "/moderation", viewer="administrator"),
    Screen(
        "moderation-case",
        lambda cast: f"/moderation/cases/{cast.case_id}",
        viewer="administrator",
    ),
    Screen("moderation-log", lambda _: "/moderation/log", viewer="administrator"),
    Screen("operator-people", lambda _: "/operator/people", viewer="administrator"),
    Screen(
        "operator-deactivate",
        lambda cast: f"/operator/people/{cast.people['partner'].id}/deactivate",
        viewer="administrator",
    ),
    Screen("operator-projects", lambda _: "/operator/projects", viewer="administrator"),
    Screen(
        "operator-remove-project",
        lambda cast: f"/operator/projects/{cast.project['id']}/remove",
        viewer="administrator",
    ),
    Screen("operator-comments", lambda _: "/operator/comments", viewer="administrator"),
    Screen("operator-comments-none", lambda _: "/operator/comments?q=zzz", viewer="administrator"),
    Screen("operator-counters", lambda _: "/operator/counters", viewer="administrator"),
    Screen("operator-jobs", lambda _: "/operator/jobs", viewer="administrator"),
    Screen("operator-health", lambda _: "/operator/health", viewer="administrator"),
    Screen("person", of_person("partner")),
    Screen("person-member", of_person("partner"), "member"),
    Screen("person-own", of_person("member"), "member"),
    Screen("person-bookmarks", of_person("partner", "/bookmarks"), "member"),
    Screen("person-newcomer", of_person("newcomer"), "member"),
    Screen("me", lambda _: "/me", "member"),
    Screen("me-newcomer", lambda _: "/me", "newcomer"),
    Screen("me-bookmarks", lambda _: "/me/bookmarks", "member"),
    Screen("me-settings", lambda _: "/me/settings", "member"),
    Screen("profile", lambda _: "/me/profile", "member", prepare=find_a_skill),
    Screen("profile-newcomer", lambda _: "/me/profile", "newcomer"),
    Screen("images", lambda _: "/me/images", "member"),
    Screen("images-none", lambda _: "/me/images", "newcomer"),
    Screen("sessions", lambda _: "/me/sessions", "member"),
    Screen("account", lambda _: "/me/account", "member"),
    Screen("password", lambda _: "/me/password", "member"),
    Screen("withdraw", lambda _: "/me/withdraw", "member"),
    Screen("offline", lambda _: "/offline"),
    Screen("person-not-found", lambda _: "/people/nobody-here", status=404),
    Screen("not-found", lambda _: "/nothing/here", status=404),
    Screen("not-found-member", lambda _: "/nothing/here", viewer="member", status=404),
)

LANGUAGES: tuple[Language, ...] = ("ko", "en")
COLOURS: tuple[Colours, ...] = ("light", "dark")


def looks(*widths: int) -> list[Look]:
    """All combinations of language, colours and these widths."""
    return [Look(*look) for look in itertools.product(LANGUAGES, COLOURS, widths)]


def rotated_looks(screens: tuple[Screen, ...] = SCREENS) -> list[tuple[Screen, Look]]:
    """Each screen with one look, which changes from commit to commit.

    `TEST_LOOKS=all` gives each screen all looks, another number than the commit's chooses others.
    """
    every = looks(320, 1280)
    wish = os.environ.get("TEST_LOOKS", "")
    if wish == "all":
        return list(itertools.product(screens, every))
    start = int(wish) if wish.isdecimal() else _commit_number()
    return [
        (screen, every[(start + number) % len(every)]) for number, screen in enumerate(screens)
    ]


def _commit_number() -> int:
    """The current commit as a number; 0 outside of a repository."""
    done = subprocess.run(
        ["git", "rev-parse", "--short=8", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return int(done.stdout, 16) if done.returncode == 0 else 0
