"""Writing in the editor, in Chromium: no text is lost, whatever happens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.keyboard import KoreanKeyboard, focused
from tests.image_files import picture, saved

if TYPE_CHECKING:
    from tests.browser.relay import Relay
    from tests.browser.windows import Window, Windows
    from tests.clients import Client, Json

pytestmark = pytest.mark.anyio

NEW = "/projects/new"
PICTURE = saved(picture())
CONTENT = "#content"
OFFER = "[data-offer]"

PUT_FILE = """(field, [kind, bytes, more, type, name]) => {
    const data = new DataTransfer()
    data.items.add(new File([new Uint8Array(bytes), new Uint8Array(more)], name, {type}))
    const options = {bubbles: true, cancelable: true}
    field.dispatchEvent(kind === "paste"
        ? new ClipboardEvent("paste", {...options, clipboardData: data})
        : new DragEvent("drop", {...options, dataTransfer: data}))
}"""


CHOOSE_FILE = """(field, [name, type, size]) => {
    const data = new DataTransfer()
    data.items.add(new File([new Uint8Array(size)], name, {type}))
    field.files = data.files
    field.dispatchEvent(new Event("change", {bubbles: true}))
}"""


async def put_file(
    page: Page,
    kind: str,
    data: bytes,
    media_type: str = "image/png",
    name: str = "그림.png",
    more: int = 0,
) -> None:
    """Pastes or drops a file into the text. `more` zero bytes follow its data."""
    await page.locator(CONTENT).evaluate(PUT_FILE, [kind, list(data), more, media_type, name])


async def fill_in(page: Page, **texts: str) -> None:
    for name, text in {"title": "제목", "summary": "소개", "content": "글", **texts}.items():
        await page.locator(f"#{name}").fill(text)


async def pick(page: Page, skill: str) -> None:
    """Finds a skill by typing, and picks it by Enter."""
    await page.locator("[data-filter]").fill(skill)
    await page.locator("[data-filter]").press("Enter")


def line(page: Page, name: str) -> Any:
    return page.locator(f"[data-line={name}]")


async def send(page: Page) -> None:
    await page.locator("[data-form] .button-primary").click()


async def drafts(page: Page) -> int:
    """How many texts this device keeps."""
    count: int = await page.evaluate(
        "Object.keys(localStorage).filter(key => key.startsWith('sidepro:draft:')).length"
    )
    return count


async def copied(page: Page) -> None:
    """Waits until the device has a copy of the text."""
    await expect(page.locator("[data-saved]")).not_to_be_empty()


async def published(person: Client) -> list[Json]:
    listed = await person.call("GET", f"/users/{person.id}/projects")
    return [await person.call("GET", f"/projects/{each['id']}") for each in listed["items"]]


async def log_in_again(window: Window, person: Client) -> None:
    page = window.page
    await page.get_by_label("이메일").fill(person.email)
    await page.get_by_label("비밀번호").fill(person.password)
    await page.get_by_role("main").get_by_role("button", name="로그인").click()


async def test_a_text_with_pasted_and_dropped_pictures_is_previewed_and_published(
    windows: Windows, person: Client
) -> None:
    page = (await windows.open(person)).page
    await page.goto(NEW)
    await fill_in(page, content="처음\n")
    await put_file(page, "paste", PICTURE)
    await expect(page.locator(CONTENT)).to_have_value(
        re.compile(r"^처음\n!\[그림\]\(/media/\w+\.webp\)$")
    )
    await page.locator(CONTENT).press("Control+End")
    await put_file(page, "drop", PICTURE, name="둘[째].png")
    await expect(page.locator(CONTENT)).to_have_value(re.compile(r"\)!\[둘 째\]\(/media/\S+\)$"))
    await pick(page, "파이")  # no skill: nothing happens
    await pick(page, "python")
    await expect(page.locator("[data-picked]")).to_have_text("고른 기술: Python")
    await page.locator("#thumbnail").set_input_files(
        {"name": "cover.png", "mimeType": "image/png", "buffer": PICTURE}
    )
    await expect(page.locator("[data-cover] img")).to_have_attribute("src", re.compile("^data:"))

    await page.get_by_role("button", name="미리보기").click()
    preview = page.locator("[data-previewed]")
    await expect(preview.locator("img")).to_have_count(2)
    html = await preview.inner_html()
    await page.get_by_role("button", name="쓰기").click()
    await expect(page.locator(CONTENT)).to_be_focused()
    await page.get_by_role("main").get_by_role("button", name="올리기").dblclick()

    await expect(page.get_by_text("프로젝트를 올렸어요.")).to_be_visible()
    assert await page.locator(".prose").inner_html() == html
    [project] = await published(person)
    assert project["thumbnail_url"]
    assert await drafts(page) == 0


async def test_tools_and_shortcuts_change_the_text_and_ctrl_z_takes_it_back(
    windows: Windows, person: Client
) -> None:
    page = (await windows.open(person)).page
    await page.goto(NEW)
    field = page.locator(CONTENT)
    await field.click()
    await page.keyboard.type("coffee")
    await page.keyboard.press("Shift+Home")
    await page.keyboard.press("Control+b")
    await expect(field).to_have_value("**coffee**")
    await page.keyboard.press("Control+b")
    await expect(field).to_have_value("coffee")
    await page.keyboard.press("Control+k")
    await expect(field).to_have_value("[coffee](https://)")
    await page.get_by_role("button", name="인용").click()
    await expect(field).to_have_value("> [coffee](https://)")

    for expected in ("[coffee](https://)", "coffee", "**coffee**", "coffee"):
        await page.keyboard.press("Control+z")
        await expect(field).to_have_value(expected)


async def test_the_toolbar_is_one_stop_of_the_keyboard_and_tab_leaves_the_text(
    windows: Windows, person: Client
) -> None:
    page = (await windows.open(person)).page
    await page.goto(NEW)
    await page.get_by_role("button", name="미리보기").focus()
    await page.keyboard.press("Tab")
    assert (await focused(page)).name == "굵게 (Ctrl+B)"
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowLeft")
    await expect(page.get_by_role("button", name="링크 (Ctrl+K)")).to_be_focused()
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Tab")
    await expect(page.locator(CONTENT)).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(page.get_by_role("button", name="기울임 (Ctrl+I)")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(CONTENT)).to_have_value("_글_")
    await page.keyboard.press("Tab")
    await expect(page.locator("[data-filter]")).to_be_focused()
    await page.locator("#title").press("Enter")  # a line must not publish
    await expect(page).to_have_url(re.compile(f"{NEW}$"))


async def test_a_text_survives_reloading_closing_and_a_second_tab(
    windows: Windows, person: Client
) -> None:
    window = await windows.open(person)
    page = window.page
    await page.goto(NEW)
    await fill_in(page, content="첫째 탭")
    await pick(page, "Python")
    second = await window.tab(NEW)
    await second.locator(CONTENT).fill("둘째 탭")
    await page.reload()  # at once: nothing waits for a timer
    await expect(page.locator(OFFER)).to_be_visible()
    await second.close(run_before_unload=False)
    texts = set()
    for _ in range(2):
        await page.get_by_role("button", name="불러오기").click()
        texts.add(await page.locator(CONTENT).input_value())
    assert texts == {"첫째 탭", "둘째 탭"}
    while await page.locator(OFFER).is_visible():
        await page.get_by_role("button", name="버리기").click()
    third = await window.tab(NEW)
    await expect(third.locator(OFFER)).to_be_visible()
    await third.get_by_role("button", name="버리기").click()
    await expect(third.locator(OFFER)).to_be_hidden()
    assert await drafts(third) == 0


async def test_saving_a_copy_leaves_a_korean_composition_alone(
    windows: Windows, person: Client
) -> None:
    page = (await windows.open(person)).page
    await page.goto(NEW)
    await page.locator(CONTENT).focus()
    keyboard = await KoreanKeyboard.of(page)
    await keyboard.compose("ㅋ", "커", "컾")
    await copied(page)  # while the syllable is composed
    await expect(page.locator("[data-counter=content]")).to_have_text("1 / 50,000")
    await put_file(page, "paste", PICTURE)
    await keyboard.compose("커", "커ㅍ")
    await keyboard.commit()
    await expect(page.locator(CONTENT)).to_have_value(re.compile(r"커ㅍ"))
    await expect(page.locator(CONTENT)).to_have_value(re.compile(r"\(/media/"))


async def test_ctrl_s_saves_an_edit_and_keeps_a_new_text_on_the_device(
    windows: Windows, person: Client
) -> None:
    project = await person.publish()
    page = (await windows.open(person)).page
    await page.goto(NEW)
    await fill_in(page)
    await page.keyboard.press("Control+s")
    await copied(page)
    assert len(await published(person)) == 1

    await page.goto(f"/projects/{project['id']}/edit")
    for text in ("하나", "둘"):
        await page.locator(CONTENT).fill(text)
        await page.keyboard.press("Control+s")
        await expect(line(page, "saved")).to_be_visible()
        await expect(page.locator(CONTENT)).to_be_focused()
        [stored] = await published(person)
        assert stored["content"] == text
    await page.reload()
    await expect(page.locator(OFFER)).to_be_hidden()


async def test_an_ended_session_keeps_the_text_and_goes_on_after_logging_in(
    windows: Windows, person: Client
) -> None:
    window = await windows.open(person)
    page = window.page
    await page.goto(NEW)
    await fill_in(page, content="잃지 않아요")
    await pick(page, "Python")
    await person.call("DELETE", "/sessions")
    window.expect_status(401)
    await send(page)
    await line(page, "ended").get_by_role("link").click()
    await log_in_again(window, person)
    await expect(page.locator(CONTENT)).to_have_value("잃지 않아요")
    await person.log_in()
    await send(page)
    await expect(page.get_by_text("프로젝트를 올렸어요.")).to_be_visible()
    [project] = await published(person)
    assert project["skills"] == ["Python"]


async def test_a_server_that_is_away_is_a_line_and_the_text_is_sent_again(
    windows: Windows, person: Client, relay: Relay
) -> None:
    window = await windows.open(person, relay=relay)
    page = window.page
    await page.goto(NEW)
    await fill_in(page, content="잃지 않아요")
    await pick(page, "Python")
    await relay.cut()
    window.expect_no_network()
    await send(page)
    await expect(line(page, "offline")).to_be_visible()
    await relay.restore()
    await line(page, "offline").get_by_role("button").click()
    await expect(page.get_by_text("프로젝트를 올렸어요.")).to_be_visible()
    [project] = await published(person)
    assert project["content"] == "잃지 않아요"


async def test_a_conflict_shows_both_texts_and_mine_can_be_saved(
    windows: Windows, person: Client
) -> None:
    project = await person.publish(content="처음")
    path = f"/projects/{project['id']}"
    window = await windows.open(person)
    page = window.page
    await page.goto(f"{path}/edit")
    await page.locator(CONTENT).fill("내 글")
    await person.call("PATCH", path, {"content": "다른 창의 글"})
    window.expect_status(412)
    await send(page)
    await expect(page.locator("#stored-content")).to_have_value("다른 창의 글")
    await expect(page.locator(CONTENT)).to_have_value("내 글")
    await page.get_by_role("link", name="저장된 글로 이어 쓰기").click()
    await expect(page.locator(CONTENT)).to_have_value("다른 창의 글")
    await page.get_by_role("button", name="불러오기").click()
    await expect(page.locator(CONTENT)).to_have_value("내 글")
    await send(page)
    await page.get_by_role("button", name="내 글로 저장하기").click()
    await expect(page.get_by_text("저장했어요.", exact=True)).to_be_visible()
    [stored] = await published(person)
    assert stored["content"] == "내 글"


async def test_errors_and_refused_images_are_said_in_place(
    windows: Windows, person: Client
) -> None:
    window = await windows.open(person)
    page = window.page
    await page.goto(NEW)
    await fill_in(page, title="가" * 51)
    await put_file(page, "paste", b"%PDF", "application/pdf")
    await expect(line(page, "wrong_kind")).to_be_visible()
    await put_file(page, "paste", PICTURE, more=10 * 2**20)
    await expect(line(page, "too_large")).to_be_visible()
    window.expect_status(415)
    await put_file(page, "paste", b"no image", name="가짜.png")
    await expect(line(page, "other")).to_have_text(re.compile("^가짜.png: PNG, JPEG"))
    await expect(page.locator(CONTENT)).to_have_value("글")
    window.expect_status(422)
    await send(page)
    await expect(page.locator("[data-errors]")).to_be_focused()
    await expect(page.locator("#title")).to_have_attribute("aria-invalid", "true")
    await page.get_by_role("link", name="제목: 50자까지 쓸 수 있어요.").click()
    await expect(page.locator("#title")).to_be_focused()
    await page.locator("#title").fill("제목")
    await pick(page, "Python")
    await send(page)
    await expect(page.get_by_text("프로젝트를 올렸어요.")).to_be_visible()


async def test_a_thumbnail_that_would_be_refused_is_not_sent(
    windows: Windows, person: Client
) -> None:
    page = (await windows.open(person)).page
    await page.goto(NEW)
    field = page.locator("#thumbnail")
    for name, media_type, size, reason in (
        ("a.pdf", "application/pdf", 9, "wrong_kind"),
        ("a.png", "image/png", 10 * 2**20 + 1, "too_large"),
    ):
        await field.evaluate(CHOOSE_FILE, [name, media_type, size])
        await expect(line(page, reason)).to_be_visible()
        await expect(field).to_have_value("")


async def test_without_scripts_a_project_with_a_thumbnail_is_previewed_and_published(
    windows: Windows, person: Client
) -> None:
    window = await windows.open(person, script=False)
    page = window.page
    await page.goto(NEW)
    await expect(page.get_by_role("toolbar")).to_be_hidden()
    await fill_in(page, content="**굵게**")
    await page.get_by_label("Python", exact=True).check()
    await page.locator("#thumbnail").set_input_files(
        {"name": "cover.png", "mimeType": "image/png", "buffer": PICTURE}
    )
    await page.get_by_role("button", name="미리보기").click()
    html = await page.locator("[data-previewed]").inner_html()
    await expect(page.locator("[data-cover] img")).to_be_visible()
    await page.get_by_role("main").get_by_role("button", name="올리기").click()
    await expect(page.get_by_text("프로젝트를 올렸어요.")).to_be_visible()
    assert await page.locator(".prose").inner_html() == html
    [project] = await published(person)
    assert project["thumbnail_url"]
