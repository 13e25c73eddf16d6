"""The links of mails in Chromium: a person signs up, and reads what a real server delivers."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from sidepro import bootstrap, settings
from sidepro.adapters import system
from sidepro.domain.ids import MailId
from sidepro.domain.mail.mail import Mail, MailKind
from tests.browser.axe import assert_accessible
from tests.clients import Client, eventually, http_client
from tests.servers import SideProServer
from tests.servers.smtp import MailServer, mail_server
from tests.web.test_writing import CONTENT, PICTURE, line, put_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from playwright.async_api import Page, Request

    from tests.browser.windows import Language, Window, Windows
    from tests.databases import Databases

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Labels:
    """What the screens say in one language."""

    sign_up: str
    verify: str
    verified: str
    invalid: str
    forgotten: str
    send: str
    save: str
    saved: str
    log_in: str
    change_email: str


LABELS: dict[Language, Labels] = {
    "ko": Labels(
        sign_up="회원가입",
        verify="이메일 주소 확인",
        verified="이메일 주소를 확인했어요",
        invalid="쓸 수 없는 링크예요",
        forgotten="비밀번호를 잊었나요?",
        send="링크 보내기",
        save="비밀번호 바꾸기",
        saved="비밀번호를 바꿨어요",
        log_in="로그인",
        change_email="이메일 주소 바꾸기",
    ),
    "en": Labels(
        sign_up="Sign up",
        verify="Verify your email address",
        verified="Your email address is verified",
        invalid="This link cannot be used",
        forgotten="Forgot your password?",
        send="Send the link",
        save="Change the password",
        saved="Your password was changed",
        log_in="Log in",
        change_email="Change email address",
    ),
}


@dataclass
class Person:
    """Somebody who signs up in a browser."""

    email: str
    password: str


@pytest.fixture(scope="module")
async def mail(anyio_backend: str) -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        yield running


@pytest.fixture(scope="module")
async def server(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, mail: MailServer
) -> AsyncIterator[SideProServer]:
    """A server that sends mails, so that people must verify their addresses."""
    with databases.settings(tmp_path_factory.mktemp("mails")) as chosen:
        smtp = f"smtp://127.0.0.1:{mail.port}"
        with SideProServer({**chosen, "SIDEPRO_SMTP_URL": smtp}) as running:
            yield running


def links_to(mail: MailServer, address: str, path: str) -> list[str]:
    """The local addresses with tokens in the mails to this address, in their order."""
    found = []
    for message in mail.messages:
        body = message.get_body(("plain",))
        assert body is not None
        text = body.get_content().replace("\r", "")
        match = re.search(rf"^http\S+?({path}\?token=\S+)$", text, re.MULTILINE)
        if match and message["To"] == address:
            found.append(match[1])
    return found


async def link_to(mail: MailServer, address: str, path: str, number: int = 1) -> str:
    """The link in the newest of so many mails to this address."""
    await eventually(lambda: len(links_to(mail, address, path)) == number)
    return links_to(mail, address, path)[-1]


async def open_as_a_scanner(http: httpx.AsyncClient, url: str) -> None:
    for method in ("GET", "HEAD", "GET"):
        assert (await http.request(method, url)).status_code == 200


async def follow(window: Window, http: httpx.AsyncClient, url: str, button: str) -> None:
    """Opens the link, which a scanner has opened before, and looks at its page."""
    await open_as_a_scanner(http, url)
    await window.page.goto(url)
    await expect(window.page.locator("html")).to_have_attribute("lang", window.look.language)
    await expect(window.page.get_by_role("button", name=button)).to_be_visible()
    await assert_accessible(window.page)


async def heading_is(page: Page, text: str) -> None:
    await expect(page.get_by_role("heading", level=1)).to_have_text(text)
    await assert_accessible(page)


async def signed_up(window: Window, labels: Labels) -> Person:
    """A new person, who signs up in this window."""
    name = f"{window.look.language}{secrets.token_hex(6)}"
    person = Person(f"{name}@example.com", secrets.token_urlsafe(12))
    await window.page.goto("/sign-up")
    await window.fill_in(
        submit=labels.sign_up, email=person.email, username=name, password=person.password
    )
    await window.page.wait_for_url("**/")
    return person


def referrers(requests: list[Request]) -> set[str]:
    """What requests told of the page that they came from."""
    return {request.headers.get("referer", "") for request in requests}


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_an_account_is_verified_changed_and_won_back_by_the_links_of_mails(
    windows: Windows, server: SideProServer, mail: MailServer, language: Language
) -> None:
    labels = LABELS[language]
    window = await windows.open(language=language, width=390 if language == "ko" else 1280)
    page = window.page
    requests: list[Request] = []

    def add(request: Request) -> None:
        requests.append(request)

    window.context.on("request", add)
    person = await signed_up(window, labels)

    async with http_client(server.url) as http:
        url = await link_to(mail, person.email, "/email-verification")
        await follow(window, http, url, labels.verify)
        await page.get_by_role("button", name=labels.verify).click()
        await heading_is(page, labels.verified)
        await page.goto(url)
        window.expect_status(422)
        await page.get_by_role("button", name=labels.verify).click()
        await heading_is(page, labels.invalid)

        new = f"new.{person.email}"
        await page.goto("/me/account")
        await window.fill_in(submit=labels.change_email, email=new, password=person.password)
        await expect(page.get_by_text(person.email, exact=True)).to_be_visible()
        url = await link_to(mail, new, "/email-verification")
        await follow(window, http, url, labels.verify)
        await page.get_by_role("button", name=labels.verify).click()
        await heading_is(page, labels.verified)
        await page.goto("/me/account")
        await expect(page.get_by_text(new, exact=True)).to_be_visible()
        person.email = new

        elsewhere = await windows.open(person, language=language)
        await elsewhere.page.goto("/me")
        await page.goto("about:blank")  # no page asks for a ticket without its cookie
        await window.context.clear_cookies(name="sidepro")
        await page.goto("/log-in")
        await page.get_by_role("link", name=labels.forgotten).click()
        await window.fill_in(submit=labels.send, email=person.email)
        url = await link_to(mail, person.email, "/password-reset")
        await follow(window, http, url, labels.save)
        window.expect_status(422)
        await window.fill_in(submit=labels.save, new_password="password1")
        await expect(page.locator("[data-errors]")).to_be_focused()
        await assert_accessible(page)
        person.password = secrets.token_urlsafe(12)
        await window.fill_in(submit=labels.save, new_password=person.password)
        await heading_is(page, labels.saved)

    await elsewhere.page.goto("/me")
    await expect(elsewhere.page).to_have_url(re.compile("/log-in"))
    await page.get_by_role("main").get_by_role("link", name=labels.log_in).click()
    await window.fill_in(submit=labels.log_in, email=person.email, password=person.password)
    await page.wait_for_url("**/")
    told = referrers(requests)
    assert f"{server.url}/log-in" in told
    assert not [each for each in told if "token" in each]


async def test_one_click_stops_mails_and_opening_the_link_does_not(
    windows: Windows, server: SideProServer, mail: MailServer, http: httpx.AsyncClient
) -> None:
    for language, button, done in (
        ("ko", "이메일 그만 받기", "이제 이메일을 보내지 않아요"),
        ("en", "Stop these emails", "We no longer send these emails"),
    ):
        person = await Client.sign_up(http)
        await person.call("PUT", "/me/notification-settings", {"comment": "mail"})
        address = await unsubscribable(server, mail, person)
        window = await windows.open(language=language)
        await follow(window, http, address, button)
        assert (await person.call("GET", "/me/notification-settings"))["comment"] == "mail"
        await window.page.get_by_role("button", name=button).click()
        await heading_is(window.page, done)
        assert (await person.call("GET", "/me/notification-settings"))["comment"] == "web"


async def unsubscribable(server: SideProServer, mail: MailServer, person: Client) -> str:
    """The local address in the header of a mail to this person."""
    container = bootstrap.build(settings.load(server.environment), server.url)
    try:
        user = await container.api.services.accounts.reader.find_user(person.email)
        assert user is not None
        mail_id = MailId(system.new_id())
        kind = MailKind.PASSWORD_CHANGED
        notice = Mail.to(user, kind, mail_id, system.clock(), unsubscribe="comment")
        async with container.mail_sender.unit_of_work() as work:
            await work.mails.add(notice)
            await work.commit()
        await container.mail_sender.run()
    finally:
        await container.close()
    # The server sends mails too: one that it has taken is still on its way.
    await eventually(lambda: len(unsubscribe_links(mail, person)) == 1)
    return unsubscribe_links(mail, person)[0].removeprefix(server.url)


def unsubscribe_links(mail: MailServer, person: Client) -> list[str]:
    return [
        str(each["List-Unsubscribe"]).strip("<>")
        for each in mail.messages
        if each["To"] == person.email and each["List-Unsubscribe"]
    ]


async def test_what_was_refused_is_kept_and_sent_once_the_address_is_verified(
    windows: Windows, server: SideProServer, mail: MailServer, http: httpx.AsyncClient
) -> None:
    partner, person = await Client.sign_up(http), await Client.sign_up(http)
    verification = await link_to(mail, partner.email, "/email-verification")
    token = verification.partition("=")[2]
    await partner.call("POST", "/email-verifications", {"token": token})
    project = await partner.publish()
    room_id = await partner.open_room_with(person)
    window = await windows.open(person, width=390)
    page = window.page

    await page.goto(f"/chats/{room_id}")
    await page.locator("[data-composer] textarea").fill("커피 어때요?")
    await page.keyboard.press("Enter")
    told = page.locator("[data-unverified]")
    await expect(told).to_contain_text("먼저 이메일 주소를 확인해 주세요")
    await assert_accessible(page)
    await told.get_by_role("button", name="확인 이메일 다시 보내기").click()
    await expect(page.get_by_role("status").first).to_contain_text("이메일을 보냈어요")
    await expect(page.locator("[data-pending]")).to_contain_text("커피 어때요?")

    window.expect_status(403)
    await page.goto("/projects/new")
    await page.locator(CONTENT).fill("글")
    await put_file(page, "paste", PICTURE)
    await expect(line(page, "unverified")).to_be_visible()
    await expect(page.locator(CONTENT)).to_have_value("글")

    await page.goto(f"/projects/{project['id']}")
    await window.fill_in(submit="남기기", body="멋져요!")
    await expect(page.get_by_role("main")).to_contain_text("멋져요!")
    await assert_accessible(page)
    await page.get_by_role("button", name="확인 이메일 다시 보내기").click()
    await expect(page.get_by_role("status").first).to_contain_text("이메일을 보냈어요")
    tab = await window.tab(await link_to(mail, person.email, "/email-verification", number=3))
    await tab.get_by_role("button", name="이메일 주소 확인").click()
    await heading_is(tab, "이메일 주소를 확인했어요")
    await page.get_by_role("button", name="확인했어요, 이어서 하기").click()
    await expect(page).to_have_url(re.compile("#comment-"))
    await expect(page.get_by_role("main")).to_contain_text("멋져요!")

    await page.goto(f"/chats/{room_id}")
    await page.locator("[data-retry]").click()
    await expect(page.locator("[role=log] [data-seq]")).to_contain_text("커피 어때요?")
