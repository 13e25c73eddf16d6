"""The board and projects in Chromium: what scripts add, and that nothing needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.browser.keyboard import tab_to

if TYPE_CHECKING:
    from tests.browser.relay import Relay
    from tests.browser.windows import Language, Windows
    from tests.clients import Client

pytestmark = pytest.mark.anyio


async def test_a_bookmark_is_set_in_place_by_the_keyboard(
    windows: Windows, person: Client, partner: Client
) -> None:
    project = await partner.publish(title="새벽에 만든 것")
    window = await windows.open(person)
    page = window.page
    await page.goto(f"/?author={partner.id}")
    button = page.get_by_role("button", name="북마크")
    await button.focus()

    for pressed, count in (("true", "1"), ("false", "0")):
        await page.keyboard.press("Enter")
        await expect(button).to_have_attribute("aria-pressed", pressed)
        await expect(button).to_be_focused()
        await expect(button.locator(".number")).to_have_text(count)
    await page.keyboard.press("Enter")
    await expect(button.locator(".number")).to_have_text("1")
    found = await person.call("GET", f"/projects/{project['id']}")
    assert found["bookmarked"] is True


async def test_a_bookmark_after_the_session_ended_leads_to_log_in(
    windows: Windows, person: Client, partner: Client
) -> None:
    await partner.publish()
    window = await windows.open(person)
    await window.page.goto(f"/?author={partner.id}")
    await window.context.clear_cookies()
    window.expect_status(401)

    await window.page.get_by_role("button", name="북마크").click()

    await expect(window.page.get_by_role("heading", level=1)).to_have_text("로그인이 풀렸어요")
    await window.fill_in(submit="로그인", email=person.email, password=person.password)
    await expect(window.page.locator("[name=bookmarked]")).to_have_value("true")


async def test_what_cannot_be_sent_stays_on_the_page_with_a_line(
    windows: Windows, relay: Relay, person: Client, partner: Client
) -> None:
    project = await partner.publish()
    window = await windows.open(person, relay=relay, worker=False)
    page = window.page
    await page.goto(f"/projects/{project['id']}")
    line = page.get_by_role("alert")
    bookmark = page.get_by_role("button", name="북마크")
    window.expect_no_network()

    await relay.cut()
    await bookmark.click()
    await expect(line).to_contain_text("서버에 연결할 수 없어요")
    await expect(bookmark).to_have_attribute("aria-pressed", "false")
    await relay.restore()
    await bookmark.click()
    await expect(bookmark.locator(".number")).to_have_text("1")
    await expect(line).to_have_count(0)

    comment = page.locator("textarea[name=body]")
    await comment.fill("그대로 있는 글")
    await window.go_offline()
    await page.get_by_role("button", name="남기기").click()
    await expect(line).to_contain_text("서버에 연결할 수 없어요")
    await expect(comment).to_have_value("그대로 있는 글")
    await window.go_online()
    await expect(line).to_have_count(0)
    await page.get_by_role("button", name="남기기").click()
    await expect(page.locator(".comment")).to_contain_text("그대로 있는 글")


async def test_skills_are_picked_by_typing(windows: Windows, person: Client) -> None:
    await person.publish(title="파이썬 것", skills=["Python"])
    window = await windows.open()
    page = window.page
    await page.goto(f"/?author={person.id}")
    await tab_to(page, "기술 스택")

    await page.keyboard.press("Enter")
    await expect(page.locator("[data-filter]")).to_be_focused()
    await page.keyboard.type("pyth")
    await expect(page.locator("[data-picker] label.tag:visible")).to_have_text(["Python"])
    await page.keyboard.press("Enter")
    await tab_to(page, "적용하기")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("link", name="Python 빼기")).to_be_visible()
    await expect(page.locator(".card h3")).to_have_text(["파이썬 것"])
    assert f"author={person.id}" in page.url


async def test_new_comments_are_offered_and_come_in_place(
    windows: Windows, person: Client, partner: Client
) -> None:
    project = await person.publish()
    path = f"/projects/{project['id']}"
    window = await windows.open(person)
    page = window.page
    await page.clock.install()
    await page.goto(path)
    await page.clock.run_for(21_000)
    comments = page.locator("[data-comments] .comment")
    await expect(comments).to_have_count(0)

    for body in ("첫째", "둘째"):
        await partner.call("POST", f"{path}/comments", {"body": body})
    await page.clock.run_for(60_000)
    button = page.get_by_role("status").get_by_role("button")
    await expect(button).to_have_text("새 댓글 2개 보기")
    await expect(comments).to_have_count(0)
    await button.click()

    await expect(comments.locator("p")).to_have_text(["첫째", "둘째"])
    await expect(comments.first).to_be_focused()
    await expect(page.get_by_role("heading", name="댓글")).to_have_text("댓글 2")
    await expect(page.locator(".page-head .counts li").last).to_have_text("댓글 2")
    await partner.call("POST", f"{path}/comments", {"body": "셋째"})
    await page.clock.run_for(60_000)
    await expect(button).to_have_text("새 댓글 1개 보기")


async def test_a_project_is_found_read_and_talked_about_without_scripts(
    windows: Windows, person: Client, partner: Client
) -> None:
    await partner.publish(title="달빛 서점 찾기")
    window = await windows.open(person, script=False)
    page = window.page
    await page.goto("/")

    search = page.get_by_role("search").get_by_role("searchbox")
    await search.fill("달빛 서점")
    await search.press("Enter")
    await page.get_by_role("link", name="달빛 서점 찾기").click()
    await page.get_by_role("button", name="북마크").click()
    await expect(page.get_by_role("button", name="북마크")).to_have_attribute(
        "aria-pressed", "true"
    )
    await window.fill_in(submit="남기기", body="잘 봤어요")
    await expect(page.locator(".comment p")).to_have_text("잘 봤어요")

    await page.locator(".comment summary").click()
    await page.get_by_role("link", name="수정하기").click()
    await window.fill_in(submit="저장하기", body="정말 잘 봤어요")
    await expect(page.locator(".comment p")).to_have_text("정말 잘 봤어요")
    await page.locator(".comment summary").click()
    await page.get_by_role("link", name="삭제하기").click()
    await page.get_by_role("button", name="삭제하기").click()
    await expect(page.locator(".comment")).to_have_count(0)
    await expect(page.get_by_role("status").first).to_have_text("댓글을 삭제했어요.")


async def test_without_a_network_a_page_of_its_own_is_shown_and_nothing_private(
    windows: Windows, person: Client, partner: Client
) -> None:
    project = await partner.publish(title="비밀이 아닌 것")
    window = await windows.open(person)
    page = window.page
    await page.goto("/")
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    await page.reload()
    await page.goto(f"/projects/{project['id']}")

    await window.go_offline()
    await page.goto("/")
    await expect(page.get_by_role("heading")).to_have_text("서버에 연결할 수 없어요")
    stored = await page.evaluate(
        """async () => {
            const names = await caches.keys()
            const requests = await Promise.all(
                names.map(async name => (await caches.open(name)).keys())
            )
            return requests.flat().map(request => new URL(request.url).pathname)
        }"""
    )
    assert sorted(path for path in stored if not path.startswith("/static/")) == ["/offline"]

    await window.go_online()
    await page.get_by_role("link", name="다시 시도하기").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "오늘은 누구와 커피 한잔할까요?"
    )
    await page.locator("summary", has_text="내 메뉴").click()
    await page.get_by_role("button", name="로그아웃").click()
    await expect(page.get_by_role("link", name="회원가입")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("link", name="회원가입")).to_be_visible()


async def test_menus_close_by_a_click_elsewhere_and_by_escape(
    windows: Windows, person: Client
) -> None:
    window = await windows.open(person, width=320)
    page = window.page
    await page.goto("/")
    account = page.locator(".menu summary", has_text="내 메뉴")
    panel = page.get_by_role("link", name="내 페이지")
    await account.click()
    await expect(panel).to_be_visible()

    await page.locator(".site-footer").click()
    await expect(panel).to_be_hidden()
    await page.locator("[data-picker] > summary").click()
    await expect(page.locator("[data-filter]")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("[data-filter]")).to_be_hidden()
    await expect(page.locator("[data-picker] > summary")).to_be_focused()


async def test_the_header_of_the_narrowest_telephones_has_one_row_above_the_search(
    windows: Windows, person: Client
) -> None:
    window = await windows.open(person, width=320)
    await window.page.goto("/")

    search = await window.page.get_by_role("search").bounding_box()
    assert search
    tops = []
    for name in (".brand", ".site-nav", ".menu >> nth=0", ".menu >> nth=1"):
        box = await window.page.locator(f".site-header {name}").bounding_box()
        assert box, name
        assert box["y"] + box["height"] <= search["y"], name
        tops.append(box["y"])
    assert max(tops) - min(tops) < 20  # the blocks of one row are centred


CROWDED = """() => {
    const parts = [...document.querySelectorAll(".site-header .wrap > :not(nav), .site-nav > *")]
    const boxes = parts.map(each => each.getBoundingClientRect())
    const overlaps = (one, other) => one.left < other.right && other.left < one.right &&
        one.top < other.bottom && other.top < one.bottom
    const texts = parts.filter(each => each.scrollWidth > each.clientWidth + 1)
    const rows = parts.filter((_, at) => boxes[at].height > 48)
    const pairs = parts.filter((_, at) => boxes.slice(0, at).some(box => overlaps(box, boxes[at])))
    return [...texts, ...rows, ...pairs].map(each => each.outerHTML.slice(0, 80))
}"""
"""What in the header is cut off, has two lines, or lies on something else."""


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_nothing_in_the_header_is_crowded_on_a_tablet(
    windows: Windows, person: Client, partner: Client, language: Language
) -> None:
    room = await person.open_room_with(partner)
    await partner.call("POST", f"/rooms/{room}/messages", {"body": "안녕하세요"})
    page = (await windows.open(person, language=language)).page
    await page.goto("/")
    number = page.locator("[data-badge=unread_messages] > [aria-hidden]")
    await expect(number).to_be_visible()
    await number.evaluate("each => { each.textContent = '99+' }")

    for width in (600, 768, 834, 928, 1024):
        await page.set_viewport_size({"width": width, "height": 600})
        assert await page.evaluate(CROWDED) == [], width
