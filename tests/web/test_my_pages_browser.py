"""The own pages in Chromium: the profile with its picture, and what stays after logging out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.clients import eventually
from tests.image_files import picture, saved

if TYPE_CHECKING:
    from playwright.async_api import FilePayload

    from tests.browser.windows import Windows
    from tests.clients import Client

pytestmark = pytest.mark.anyio

DRAFTS = "Object.keys(localStorage).filter(key => key.startsWith('sidepro:')).length"


def file(name: str, media_type: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": content}


PICTURE = file("me.png", "image/png", saved(picture()))


async def test_a_profile_is_written_by_keyboard_with_a_picture_that_is_seen_before(
    windows: Windows, person: Client
) -> None:
    page = (await windows.open(person)).page
    await page.goto("/me")
    await page.get_by_role("link", name="프로필 쓰기").press("Enter")
    field = page.get_by_label("프로필 사진")
    async with page.expect_file_chooser() as chooser:
        await field.press("Enter")
    await (await chooser.value).set_files(PICTURE)
    await expect(field).to_have_class(re.compile("chosen"))  # its name is shown
    await field.set_input_files([])
    await expect(field).to_have_css("color", "rgba(0, 0, 0, 0)")  # "No file chosen"
    await field.set_input_files(file("a.pdf", "application/pdf", b"%PDF"))
    await expect(page.get_by_role("alert")).to_have_text(re.compile("이미지만 올릴 수 있어요"))
    await field.set_input_files(file("a.png", "image/png", bytes(10 * 2**20 + 1)))
    await expect(page.get_by_role("alert")).to_have_text(re.compile("10\N{NO-BREAK SPACE}MB까지"))
    await field.set_input_files(PICTURE)
    await expect(page.get_by_role("alert")).to_be_empty()
    await expect(page.get_by_alt_text("고른 사진 미리보기")).to_be_visible()
    await page.get_by_label("소개").press_sequentially("밤에 만들어요")
    await expect(page.locator("[data-counter=bio]")).to_have_text("7 / 500")
    await page.keyboard.press("Tab")
    await page.keyboard.type("kot")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("checkbox", name="Kotlin")).to_be_checked()
    await expect(page.locator("[data-picked]")).to_have_text("고른 기술: Kotlin")
    await page.get_by_role("button", name="저장하기").press("Enter")
    await expect(page.get_by_role("status")).to_have_text(re.compile("저장했어요"))
    await expect(page.get_by_role("main").locator("img.avatar-large")).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text("밤에 만들어요")
    await expect(page.get_by_role("main")).to_contain_text("Kotlin")


async def test_without_scripts_a_person_is_asked_and_a_profile_is_mended(
    windows: Windows, person: Client, partner: Client
) -> None:
    window = await windows.open(person, script=False)
    page = window.page
    await page.goto(f"/people/{partner.username}")
    await page.get_by_role("button", name="커피챗 신청하기").click()
    await expect(page).to_have_url(re.compile("/chats/[0-9a-f-]{36}$"))
    await page.goto("/me/profile")
    await page.get_by_label("소개").fill("그대로 남아요")
    async with page.expect_file_chooser() as chooser:
        await page.get_by_text("이미지 고르기").click()
    await (await chooser.value).set_files(PICTURE)
    field = page.get_by_label("프로필 사진")
    await expect(field).not_to_have_css("color", "rgba(0, 0, 0, 0)")
    window.expect_status(422)
    await page.get_by_role("button", name="저장하기").click()
    await expect(page.locator("[data-errors]")).to_be_focused()
    await expect(page.get_by_label("소개")).to_have_value("그대로 남아요")
    await page.get_by_label("Kotlin", exact=True).check()
    await page.get_by_role("button", name="저장하기").click()
    await expect(page.get_by_role("main")).to_contain_text("그대로 남아요")
    await page.goto("/me/images")
    await expect(page.get_by_role("main")).to_contain_text("사용 중")


@pytest.mark.parametrize("way", ["everywhere", "withdrawal"])
async def test_after_the_last_log_out_nothing_of_the_person_is_left(
    windows: Windows, person: Client, way: str
) -> None:
    page = (await windows.open(person)).page
    await page.goto("/me/settings")
    await page.evaluate("localStorage['sidepro:draft:x'] = 'y'; localStorage.other = 'z'")
    if way == "everywhere":
        await page.get_by_role("link", name="로그인한 기기").click()
        await page.get_by_role("button", name="이 기기까지 모두 로그아웃").click()
        text = "모든 기기에서 로그아웃했어요"
    else:
        await page.get_by_role("link", name="탈퇴하기").click()
        await page.get_by_label("비밀번호").fill(person.password)
        await page.get_by_role("checkbox").check()
        await page.get_by_role("button", name="탈퇴하기").click()
        text = "탈퇴했어요"
    await expect(page.get_by_role("status").first).to_have_text(re.compile(text))
    await eventually(lambda: page.evaluate(f"{DRAFTS} === 0"))
    assert await page.evaluate("localStorage.other") == "z"
    await page.go_back()
    await expect(page).to_have_url(re.compile("/log-in"))
    await expect(page.get_by_text(person.email)).to_have_count(0)


@pytest.mark.parametrize("path", ["/me/settings", "/me/withdraw"])
async def test_the_export_is_a_file_and_after_the_session_ended_the_log_in(
    windows: Windows, person: Client, path: str
) -> None:
    window = await windows.open(person)
    page = window.page
    await page.goto(path)
    offer = page.locator("main a[href='/me/export']")

    async with page.expect_download() as download:
        await offer.click()
    assert (await download.value).suggested_filename == "sidepro-export.json"

    await window.context.clear_cookies()
    await offer.click()
    await expect(page).to_have_title("로그인 – SidePro")


async def test_what_is_typed_stays_when_a_language_or_colours_are_chosen(
    windows: Windows, person: Client, partner: Client
) -> None:
    project = await partner.publish()
    page = (await windows.open(person)).page
    await page.goto(f"/projects/{project['id']}")
    comment = page.locator("textarea[name=body]")
    await comment.fill("쓰던 댓글\n둘째 줄")
    await page.get_by_title("화면 설정").click()
    await page.get_by_role("button", name="어둡게").click()
    await expect(page.locator("html")).to_have_attribute("data-colours", "dark")
    await expect(comment).to_have_value("쓰던 댓글\n둘째 줄")
    await expect(page.locator("[data-counter=body]")).to_have_text("10 / 2,000")
    await page.get_by_role("button", name="남기기").click()
    await expect(page.locator(".comment p")).to_have_text("쓰던 댓글\n둘째 줄")
    await expect(comment).to_have_value("")

    await page.goto("/me/profile")
    await page.locator("#bio").fill("새 소개")
    await page.get_by_label("Python", exact=True).check()
    await page.locator("[name=region]").select_option("부산")
    await page.get_by_title("화면 설정").click()
    await page.get_by_role("button", name="English").click()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("#bio")).to_have_value("새 소개")
    await expect(page.locator("[data-picked]")).to_contain_text("Python")
    await expect(page.locator("[name=region]")).to_have_value("부산")
    await page.reload()
    await expect(page.locator("#bio")).to_have_value("")
