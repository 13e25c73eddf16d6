"""The rig of the browser tests: what fails a test, and what its helpers see and type."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from tests.browser.axe import findings
from tests.browser.keyboard import KoreanKeyboard, focused, tab_stops, tab_to
from tests.browser.measuring import observe_paints, paints, weigh
from tests.web.screens import Screen, looks, rotated_looks

if TYPE_CHECKING:
    import httpx
    from playwright.async_api import Page, Route

    from tests.browser.relay import Relay
    from tests.browser.windows import Look, Window, Windows
    from tests.clients import Client

pytestmark = pytest.mark.anyio

POLICY = "default-src 'none'; script-src 'self'; img-src 'self' http://other.invalid"


async def show(window: Window, body: str, status: int = 200, policy: str = POLICY) -> Page:
    """The window's page with this body, as if the server had sent it."""

    async def fulfill(route: Route) -> None:
        html = f"<!doctype html><html lang=en><title>Test</title><main><h1>Test</h1>{body}</main>"
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
        await route.fulfill(status=status, headers=headers, body=html)

    await window.context.route(f"{window.origin}/made", fulfill)
    await window.page.goto("/made")
    return window.page


async def problems_of(windows: Windows, window: Window) -> str:
    """The problems so far, which then no longer fail this test."""
    found = "\n".join(await windows.problems())
    window.problems.forget()
    return found


@pytest.mark.parametrize("script", [True, False])
async def test_an_inline_style_is_a_problem_with_and_without_script(
    windows: Windows, script: bool
) -> None:
    window = await windows.open(script=script)
    await show(window, "<p style='color: red'>red</p>")
    assert "Content Security Policy" in await problems_of(windows, window)


async def test_a_refused_page_is_a_problem_unless_expected(windows: Windows) -> None:
    window = await windows.open()
    await show(window, "", status=422)
    assert "a status of 422" in await problems_of(windows, window)
    window.expect_status(422)
    await show(window, "", status=422)
    assert await problems_of(windows, window) == ""


async def test_an_expected_problem_that_does_not_occur_is_a_problem(windows: Windows) -> None:
    window = await windows.open()
    window.expect_status(404)
    await show(window, "")
    assert "expected, and did not occur" in await problems_of(windows, window)


async def test_an_exception_of_a_script_is_a_problem(windows: Windows) -> None:
    window = await windows.open()
    page = await show(window, "")
    await page.evaluate("setTimeout(() => { throw new Error('broken') })")
    await page.wait_for_timeout(0)
    assert "uncaught exception: broken" in await problems_of(windows, window)


async def test_a_request_to_another_host_is_a_problem(windows: Windows) -> None:
    window = await windows.open()
    await show(window, "<img src='http://other.invalid/a.png' alt=''>")
    assert "another host: http://other.invalid/a.png" in await problems_of(windows, window)


async def test_axe_finds_levels_a_and_aa_up_to_wcag_2_2(windows: Windows) -> None:
    window = await windows.open()
    styles = "<style>a { color: #bbb; font-size: 8px; display: block; height: 9px }</style>"
    body = f"{styles}<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='><a href='/a'>one</a>"
    page = await show(window, f"{body}<a href='/b'>two</a>", policy="img-src data:")
    rules = {finding.partition(" ")[0] for finding in await findings(page)}
    assert rules == {"image-alt", "color-contrast", "target-size"}


async def test_tab_stops_are_the_elements_that_take_the_focus(windows: Windows) -> None:
    window = await windows.open()
    body = "<a href='/a'>one</a><label>Name<input></label><button disabled>off</button>"
    page = await show(window, f"{body}<button>go</button>")
    stops = await tab_stops(page)
    assert [(stop.tag, stop.name) for stop in stops] == [
        ("a", "one"),
        ("input", "Name"),
        ("button", "go"),
    ]
    assert all(stop.visible and stop.inside for stop in stops)
    assert (await tab_to(page, "Name")).tag == "input"


async def test_a_focus_that_comes_after_the_page_is_waited_for(windows: Windows) -> None:
    window = await windows.open()
    script = "<script>setTimeout(() => document.querySelector('a').focus(), 200)</script>"
    page = await show(window, f"<a href='/a'>one</a>{script}", policy="")
    assert (await focused(page)).name == "one"


async def test_a_page_weighs_what_the_server_sends(
    windows: Windows, http: httpx.AsyncClient
) -> None:
    window = await windows.open()
    weight = await weigh(window.page, "/")
    response = await http.get("/")
    assert weight.html == int(response.headers["Content-Length"])
    assert "/" in weight.requests
    assert weight.styles > 0


async def test_a_relay_cuts_sockets_and_brings_the_network_back(
    windows: Windows, relay: Relay, person: Client, partner: Client
) -> None:
    room_id = await person.open_room_with(partner)
    window = await windows.open(relay=relay, worker=False)
    await window.page.goto("/")
    ticket = await person.ticket(room_id)
    address = f"{relay.url}/api/v1/rooms/{room_id}/socket?ticket={ticket}"
    await window.page.evaluate(OPEN_SOCKET, address.replace("http", "ws"))
    window.expect_no_network()

    await relay.cut()

    assert await window.page.evaluate("lost") == 1006
    assert await window.page.evaluate("fetch('/').catch(() => 'away')") == "away"
    await relay.restore()
    assert await window.page.evaluate("fetch('/').then(response => response.status)") == 200


OPEN_SOCKET = """address => new Promise(open => {
    const socket = new WebSocket(address)
    socket.onmessage = open
    window.lost = new Promise(close => { socket.onclose = event => close(event.code) })
})"""


async def test_a_form_is_filled_in_without_script(windows: Windows) -> None:
    window = await windows.open(script=False)
    options = "<option>a<option value=b>B"
    fields = f"<input name=one><textarea name=two></textarea><select name=three>{options}</select>"
    await show(window, f"<form action=/health/live>{fields}<button>Go</button></form>", policy="")
    await window.fill_in(submit="Go", one="1", two="둘", three="b")
    assert unquote(window.page.url).endswith("/health/live?one=1&two=둘&three=b")


async def test_shifts_of_the_layout_are_observed(windows: Windows) -> None:
    window = await windows.open()
    await observe_paints(window.page)
    page = await show(window, "<p>moved</p>")
    await paints(page)
    await page.evaluate("document.querySelector('h1').style.marginTop = '300px'")
    painted = await paints(page)
    assert painted.shift > 0.02
    assert painted.what == "h1"


def test_looks_rotate_so_that_each_screen_gets_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screens = tuple(Screen(name, lambda _: "/") for name in "abcde")
    seen: dict[Screen, set[Look]] = {screen: set() for screen in screens}
    for commit in range(8):
        monkeypatch.setenv("TEST_LOOKS", str(commit))
        for screen, look in rotated_looks(screens):
            seen[screen].add(look)
    monkeypatch.setenv("TEST_LOOKS", "all")
    assert all(each == set(looks(320, 1280)) for each in seen.values())
    assert len(rotated_looks(screens)) == 5 * 8


@pytest.mark.parametrize("repeated", [True, False])
async def test_the_korean_keyboard_composes_and_enter_ends_the_composition(
    windows: Windows, repeated: bool
) -> None:
    window = await windows.open()
    page = await show(window, "<textarea autofocus aria-label='Text'></textarea>")
    await page.evaluate(
        """() => {
            window.seen = []
            const area = document.querySelector("textarea")
            area.addEventListener("keydown", event => {
                if (event.key === "Enter") seen.push([event.keyCode, event.isComposing])
            })
            area.addEventListener("compositionend", event => seen.push(event.data))
        }"""
    )
    keyboard = await KoreanKeyboard.of(page)
    await keyboard.compose("ㅎ", "하", "한")
    await keyboard.commit()
    await keyboard.compose("ㄱ", "그", "글")
    await keyboard.enter(repeated=repeated)
    again = [[13, False]] if repeated else []
    assert await page.evaluate("seen") == ["한", [229, True], "글", *again]
    text = await page.locator("textarea").input_value()
    assert text == ("한글\n" if repeated else "한글")
