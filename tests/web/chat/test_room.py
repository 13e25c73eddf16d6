"""A room on its page, in Chromium: live messages, a bad network, and without scripts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.browser.keyboard import KoreanKeyboard
from tests.image_files import picture, saved
from tests.web.chat.rooms import BUBBLES, PENDING, enter, field_of, send, stored, write

if TYPE_CHECKING:
    from tests.browser.windows import Language, Windows
    from tests.clients import Client

pytestmark = pytest.mark.anyio


async def test_two_people_see_each_message_once(
    windows: Windows, person: Client, partner: Client, room: str
) -> None:
    mine = await enter(await windows.open(person), room)
    theirs = await enter(await windows.open(partner), room)
    await write(mine, "커피 한잔 어때요?")
    await expect(theirs.locator(BUBBLES)).to_have_text(["커피 한잔 어때요?"])
    await write(theirs, "좋아요")
    for page in (mine, theirs):
        await expect(page.locator(BUBBLES)).to_have_text(["커피 한잔 어때요?", "좋아요"])
        await expect(page.locator("[data-here]")).to_be_visible()
    await expect(theirs.locator("[data-mark]:visible")).to_have_count(1)


@pytest.mark.parametrize("width", [390, 1280])
async def test_the_picture_and_the_name_above_a_room_are_centred(
    windows: Windows, person: Client, partner: Client, room: str, width: int
) -> None:
    image = await partner.upload(saved(picture()))
    await partner.write_profile(image_id=image["id"])
    page = await enter(await windows.open(person, width=width), room)
    middles = []
    for part in ("img.avatar", "h1"):
        box = await page.locator(f".conversation > header > {part}").bounding_box()
        assert box, part
        middles.append(box["y"] + box["height"] / 2)
    assert abs(middles[0] - middles[1]) < 1


async def test_a_message_that_arrives_live_can_be_reported(
    windows: Windows, person: Client, partner: Client, room: str
) -> None:
    page = await enter(await windows.open(person), room)
    await send(person, room, "내 말")
    await send(partner, room, "나쁜 말")
    await expect(page.locator(BUBBLES)).to_have_text(["내 말", "나쁜 말"])
    await page.get_by_role("log").get_by_role("link", name="신고").click()
    await page.get_by_text("나쁜 말").wait_for()


@pytest.mark.parametrize(
    ("of_page", "of_message", "text"),
    [("ko", "en", "See you at three"), ("en", "ko", "세 시에 봬요"), ("en", "ko", "ㅋㅋㅋ")],
)
async def test_a_message_has_its_language_when_it_arrives_and_later(
    windows: Windows,
    person: Client,
    partner: Client,
    room: str,
    of_page: Language,
    of_message: Language,
    text: str,
) -> None:
    page = await enter(await windows.open(person, language=of_page), room)
    await send(partner, room, text)
    await expect(page.locator(BUBBLES)).to_have_attribute("lang", of_message)
    await page.reload()
    await expect(page.locator(BUBBLES)).to_have_attribute("lang", of_message)
    await expect(page.locator(f".rooms p [lang={of_message}]")).to_contain_text([text])


@pytest.mark.parametrize("repeated", [True, False])
async def test_an_enter_that_ends_a_korean_composition_sends_once(
    windows: Windows, person: Client, room: str, repeated: bool
) -> None:
    page = await enter(await windows.open(person), room)
    field = field_of(page)
    await field.focus()
    keyboard = await KoreanKeyboard.of(page)
    await keyboard.compose("ㅇ", "아", "안")
    await keyboard.commit()
    await keyboard.compose("ㄴ", "녀", "녕")
    await keyboard.enter(repeated=repeated)
    await expect(page.locator(BUBBLES)).to_have_text(["안녕"])
    await expect(field).to_have_value("")
    await keyboard.compose("ㄴ", "네")
    await keyboard.enter(repeated=repeated)
    await expect(page.locator(BUBBLES)).to_have_text(["안녕", "네"])
    assert await stored(person, room) == ["안녕", "네"]


async def test_an_enter_that_chooses_a_japanese_candidate_sends_nothing(
    windows: Windows, person: Client, room: str
) -> None:
    page = await enter(await windows.open(person), room)
    field = field_of(page)
    await field.focus()
    keyboard = await KoreanKeyboard.of(page)
    await keyboard.compose("か", "珈琲")
    await keyboard.enter(repeated=False)
    await write(page, "珈琲で")
    await expect(page.locator(BUBBLES)).to_have_text(["珈琲で"])


async def test_shift_and_enter_break_the_line(windows: Windows, person: Client, room: str) -> None:
    page = await enter(await windows.open(person), room)
    await field_of(page).focus()
    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    await page.keyboard.press("Enter")
    await expect(page.locator(BUBBLES)).to_have_text(["one\ntwo"])


async def test_messages_written_and_missed_offline_arrive_once_and_in_order(
    windows: Windows, person: Client, partner: Client, room: str
) -> None:
    window = await windows.open(person, worker=False)
    page = await enter(window, room)
    await write(page, "하나")
    await expect(page.locator(BUBBLES)).to_have_text(["하나"])
    await window.go_offline()
    await expect(page.locator("[data-state=offline]")).to_be_visible()
    await write(page, "둘")
    await write(page, "셋")
    await expect(page.locator(PENDING)).to_have_text(["둘", "셋"])
    await send(partner, room, "그동안")
    await window.go_online()
    texts = ["하나", "그동안", "둘", "셋"]
    await expect(page.locator(BUBBLES)).to_have_text(texts)
    await expect(page.locator(PENDING)).to_have_count(0)
    assert await stored(partner, room) == texts


async def test_a_message_that_was_not_sent_survives_the_closing_of_its_tab(
    windows: Windows, person: Client, room: str
) -> None:
    window = await windows.open(person, worker=False)
    page = await enter(window, room)
    await window.go_offline()
    await write(page, "잃지 않아요")
    await field_of(page).fill("쓰다 만 말")
    await page.close()
    await window.go_online()
    again = await window.context.new_page()
    await again.goto(f"/chats/{room}")
    await expect(field_of(again)).to_have_value("쓰다 만 말")
    await expect(again.locator(BUBBLES)).to_have_text(["잃지 않아요"])
    assert await stored(person, room) == ["잃지 않아요"]


async def test_two_tabs_of_one_person_show_the_same_messages(
    windows: Windows, person: Client, room: str
) -> None:
    window = await windows.open(person)
    first = await enter(window, room)
    second = await window.tab(f"/chats/{room}")
    await write(first, "첫째 탭")
    await expect(second.locator(BUBBLES)).to_have_text(["첫째 탭"])
    await write(second, "둘째 탭")
    for page in (first, second):
        await expect(page.locator(BUBBLES)).to_have_text(["첫째 탭", "둘째 탭"])
        await expect(page.locator(PENDING)).to_have_count(0)


async def test_a_new_message_does_not_move_who_reads_further_up(
    windows: Windows, person: Client, partner: Client, room: str
) -> None:
    for number in range(40):
        await send(partner, room, f"메시지 {number}")
    page = await enter(await windows.open(person), room)
    scroller = page.locator("[data-scroller]")
    await scroller.evaluate("element => { element.scrollTop = 0 }")
    await send(partner, room, "새 소식")
    newer = page.locator("[data-newer]")
    await expect(newer).to_be_visible()
    assert await scroller.evaluate("element => element.scrollTop") == 0
    await newer.click()
    await expect(page.locator(BUBBLES).last).to_be_in_viewport()
    await expect(newer).to_be_hidden()


async def test_older_messages_appear_above_what_is_read(
    windows: Windows, person: Client, partner: Client, room: str
) -> None:
    for number in range(1, 61):
        await send(partner, room, f"메시지 {number}")
    page = await enter(await windows.open(person), room)
    await expect(page.locator(BUBBLES)).to_have_count(50)
    await page.locator("[data-older]").click()
    await expect(page.locator(BUBBLES)).to_have_text([f"메시지 {n}" for n in range(1, 61)])
    await expect(page.locator("[data-older]")).to_have_count(0)


LISTEN = """() => {
    const log = document.querySelector("[role=log]")
    window.heard = []
    new MutationObserver(changes => {
        const spoken = log.getAttribute("aria-live") !== "off"
        for (const {addedNodes} of changes) {
            if (spoken) heard.push(...[...addedNodes].map(each => each.dataset.seq))
        }
    }).observe(log, {childList: true})
}"""
"""Keeps the numbers of the messages that screen readers read out."""


async def test_screen_readers_hear_new_messages_and_not_older_ones(
    windows: Windows, person: Client, partner: Client, room: str
) -> None:
    for number in range(1, 53):
        await send(partner, room, f"메시지 {number}")
    page = await enter(await windows.open(person), room)
    await page.evaluate(LISTEN)
    await page.locator("[data-older]").click()
    await expect(page.locator(BUBBLES)).to_have_count(52)
    await expect(page.get_by_role("log")).not_to_have_attribute("aria-live", "off")

    await send(partner, room, "새 소식")

    await expect(page.locator(BUBBLES)).to_have_count(53)
    assert await page.evaluate("heard") == ["53"]


async def test_a_refused_message_says_why_and_can_be_edited_and_sent_again(
    windows: Windows, person: Client, room: str
) -> None:
    page = await enter(await windows.open(person), room)
    await write(page, "가" * 4_001)
    await expect(page.locator(".message-failed .stamp")).to_contain_text(
        "4,000자까지 쓸 수 있어요."
    )
    await page.locator("[data-discard]").click()
    await expect(field_of(page)).to_have_value("가" * 4_001)
    await write(page, "짧게")
    await expect(page.locator(BUBBLES)).to_have_text(["짧게"])


async def test_a_message_whose_frame_the_server_cannot_read_holds_up_no_other(
    windows: Windows, person: Client, room: str
) -> None:
    window = await windows.open(person)
    await window.page.add_init_script("delete String.prototype.toWellFormed")  # an older browser
    page = await enter(window, room)
    await page.evaluate(
        """() => {
            const field = document.querySelector("[data-composer] textarea")
            field.value = "half a pair: " + String.fromCharCode(0xd83d)
            field.form.requestSubmit()
        }"""
    )
    await expect(page.locator("[data-discard]")).to_be_visible()
    await expect(page.locator("[data-longer-than]")).to_be_hidden()
    await write(page, "다음")
    await expect(page.locator(BUBBLES)).to_have_text(["다음"])


async def test_a_room_that_the_other_has_left_can_only_be_read(
    windows: Windows, person: Client, partner: Client, room: str
) -> None:
    page = await enter(await windows.open(person), room)
    await partner.call("DELETE", f"/rooms/{room}")
    await expect(page.locator("[data-closed=left]")).to_be_visible()
    await expect(page.locator("[data-composer]")).to_be_hidden()


async def test_a_page_whose_session_ended_says_so_and_keeps_what_is_written(
    windows: Windows, person: Client, room: str
) -> None:
    window = await windows.open(person)
    page = await enter(window, room)
    await field_of(page).fill("쓰던 말")
    await person.call("DELETE", "/sessions")
    log_in = page.locator("[data-state=ended] a")
    await expect(log_in).to_be_visible()
    await log_in.click()
    await page.get_by_label("이메일").fill(person.email)
    await page.get_by_label("비밀번호").fill(person.password)
    await page.get_by_role("main").get_by_role("button", name="로그인").click()
    await expect(page).to_have_url(re.compile(f"/chats/{room}$"))
    await expect(field_of(page)).to_have_value("쓰던 말")


async def test_without_scripts_messages_are_read_and_sent_by_form(
    windows: Windows, person: Client, partner: Client, room: str
) -> None:
    await send(partner, room, "안녕하세요")
    window = await windows.open(person, script=False)
    page = window.page
    await page.goto("/chats")
    await page.get_by_role("link", name=partner.username).click()
    await expect(page.locator(BUBBLES)).to_have_text(["안녕하세요"])
    unread = await person.call("GET", "/me/unread")
    assert unread == {"rooms": 0, "messages": 0}
    await expect(page.get_by_text("Enter로 보내고")).to_be_hidden()
    field = field_of(page)
    await field.fill("가" * 4_001)
    window.expect_status(422)
    await page.get_by_role("button", name="보내기").click()
    await expect(page.locator("[data-errors]")).to_be_focused()
    await expect(field).to_have_value("가" * 4_001)
    await field.fill("반가워요")
    await page.get_by_role("button", name="보내기").click()
    await expect(page.locator(BUBBLES)).to_have_text(["안녕하세요", "반가워요"])


async def test_an_enter_that_reports_no_key_sends(
    windows: Windows, person: Client, room: str
) -> None:
    page = await enter(await windows.open(person), room)
    await field_of(page).focus()
    keyboard = await KoreanKeyboard.of(page)
    await keyboard.compose("ㄴ", "네")
    await keyboard.commit()
    await keyboard.unknown_enter()
    await expect(page.locator(BUBBLES)).to_have_text(["네"])
    await expect(field_of(page)).to_have_value("")
