"""A server that is away: a line or a page, and no text is lost."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.browser.windows import NO_NETWORK

if TYPE_CHECKING:
    from tests.browser.relay import Relay
    from tests.browser.windows import Window, Windows
    from tests.clients import Client

pytestmark = pytest.mark.anyio

by_a_proxy_or_by_nobody = pytest.mark.parametrize("answered", [True, False])


async def take_away(relay: Relay, window: Window, *, answered: bool) -> None:
    """Takes the server away; a proxy answers in its place, or nobody does."""
    # the browser reports what the page asks for, and not what the worker does
    window.problems.allow(NO_NETWORK)
    window.problems.allow("responded with a status of 502 ")
    if answered:
        relay.answer(HTTPStatus.BAD_GATEWAY)
    else:
        await relay.cut()


@by_a_proxy_or_by_nobody
async def test_a_form_stays_with_its_text_and_a_line_and_is_sent_later(
    windows: Windows, relay: Relay, person: Client, partner: Client, answered: bool
) -> None:
    project = await partner.publish()
    window = await windows.open(person, relay=relay, worker=False)
    page = window.page
    await page.goto(f"/projects/{project['id']}")
    comment = page.locator("textarea[name=body]")
    await comment.fill("그대로 있는 글")
    await take_away(relay, window, answered=answered)
    button = page.get_by_role("button", name="남기기")

    await button.click()

    line = page.get_by_role("alert")
    await expect(line).to_contain_text("서버에 연결할 수 없어요")
    await expect(comment).to_have_value("그대로 있는 글")
    await relay.restore()
    await button.click()
    await expect(page.locator(".comment p")).to_have_text(["그대로 있는 글"])
    await expect(line).to_have_count(0)


@by_a_proxy_or_by_nobody
async def test_a_link_leads_to_a_page_that_says_so_and_back(
    windows: Windows, relay: Relay, person: Client, answered: bool
) -> None:
    window = await windows.open(person, relay=relay)
    page = window.page
    await page.goto("/")
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    await page.reload()
    await take_away(relay, window, answered=answered)

    await page.locator(".site-nav a[href='/chats']").click()

    await expect(page.get_by_role("heading")).to_have_text("서버에 연결할 수 없어요")
    await relay.restore()
    await page.get_by_role("link", name="다시 시도하기").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("커피챗")


async def test_a_form_is_sent_where_a_proxy_hides_the_address_that_is_asked_before(
    windows: Windows, person: Client, partner: Client
) -> None:
    project = await partner.publish()
    window = await windows.open(person, worker=False)
    page = window.page
    await window.context.route("**/health/live", lambda route: route.fulfill(status=404))
    window.expect_status(404)
    await page.goto(f"/projects/{project['id']}")
    await page.locator("textarea[name=body]").fill("멋져요")

    await page.get_by_role("button", name="남기기").click()

    await expect(page.locator(".comment p")).to_have_text(["멋져요"])


HASTE = """() => {
    const timeout = AbortSignal.timeout
    AbortSignal.timeout = milliseconds => timeout.call(AbortSignal, milliseconds / 40)
}"""
"""Makes scripts wait a fortieth of the time."""


async def test_a_form_on_a_dead_network_stays_with_a_line_and_is_sent_later(
    windows: Windows, relay: Relay, person: Client, partner: Client
) -> None:
    project = await partner.publish()
    window = await windows.open(person, relay=relay, worker=False)
    window.problems.allow(NO_NETWORK)
    page = window.page
    await page.goto(f"/projects/{project['id']}")
    await page.evaluate(HASTE)
    comment = page.locator("textarea[name=body]")
    await comment.fill("그대로 있는 글")
    relay.freeze()
    button = page.get_by_role("button", name="남기기")

    await button.click()

    await expect(page.get_by_role("alert")).to_contain_text("서버에 연결할 수 없어요")
    await expect(comment).to_have_value("그대로 있는 글")
    relay.thaw()
    await button.click()
    await expect(page.locator(".comment p")).to_have_text(["그대로 있는 글"])


@by_a_proxy_or_by_nobody
async def test_a_bookmark_that_is_not_set_stays_on_the_page_with_a_line(
    windows: Windows, relay: Relay, person: Client, partner: Client, answered: bool
) -> None:
    project = await partner.publish()
    window = await windows.open(person, relay=relay, worker=False)
    page = window.page
    await page.goto(f"/projects/{project['id']}")
    await page.locator("textarea[name=body]").fill("그대로 있는 글")
    await take_away(relay, window, answered=answered)
    bookmark = page.get_by_role("button", name="북마크")

    await bookmark.click()

    await expect(page.get_by_role("alert")).to_contain_text("서버에 연결할 수 없어요")
    await expect(bookmark).to_have_attribute("aria-pressed", "false")
    await expect(page.locator("textarea[name=body]")).to_have_value("그대로 있는 글")
