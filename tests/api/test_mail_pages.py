"""The pages that links in mails lead to, with the screens and without them."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import pytest

from sidepro.domain.ids import MailId
from sidepro.domain.mail.mail import Mail, MailKind
from tests import factories
from tests.api.client import PASSWORD, Api, ApiUser
from tests.api.schemas import ACCOUNT
from tests.api.test_emails import OTHER, Mailing, mailing
from tests.web.pages import call, log_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.databases import Databases

pytestmark = pytest.mark.anyio

FORM = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Accept-Language": "en",
    "Sec-Fetch-Site": "same-origin",
}


@pytest.fixture(params=[True, False], ids=["screens", "api-alone"])
async def mails(
    request: pytest.FixtureRequest, databases: Databases, tmp_path: Path
) -> AsyncIterator[Mailing]:
    async with mailing(databases, tmp_path / "data", web=request.param) as running:
        yield running


async def get(api: Api, path: str, language: str = "en") -> httpx.Response:
    return await api.http.get(path, headers={"Accept-Language": language})


async def post(api: Api, path: str, **fields: str) -> httpx.Response:
    return await api.http.post(path, data=fields, headers=FORM)


def title(response: httpx.Response) -> str:
    found = re.search("<h1>(.*)</h1>", response.text)
    assert found is not None, response.text
    return found[1]


async def test_a_forgotten_password_is_replaced_without_a_script(mails: Mailing) -> None:
    api = mails.api
    person = await api.sign_up()
    await mails.read()
    assert 'type="email"' in (await get(api, "/password-reset")).text
    assert title(await post(api, "/password-reset", email=person.email)) == "Check your mailbox"
    token = await mails.token()
    for _ in range(2):  # a scanner opens the link first
        opened = await get(api, f"/password-reset?token={token}")
        assert f'value="{token}"' in opened.text
    weak = await post(api, "/password-reset", token=token, new_password="password1")
    assert (weak.status_code, title(weak)) == (422, "Choose a new password")
    assert 'role="alert"' in weak.text
    done = await post(api, "/password-reset", token=token, new_password=OTHER)
    assert (done.status_code, title(done)) == (200, "Your password was changed")
    assert await api.log_in(person.email, OTHER)
    again = await post(api, "/password-reset", token=token, new_password=PASSWORD)
    assert (again.status_code, title(again)) == (422, "This link cannot be used")


async def test_an_address_is_verified_by_a_button(mails: Mailing) -> None:
    api = mails.api
    person = await api.sign_up()
    token = await mails.token()
    opened = await get(api, f"/email-verification?token={token}")
    assert (await api.http.head(f"/email-verification?token={token}")).status_code == 200
    assert f'value="{token}"' in opened.text
    assert (await api.get(ACCOUNT, "/me", by=person))["email_verified"] is False
    done = await post(api, "/email-verification", token=token)
    assert title(done) == "Your email address is verified"
    assert (await api.get(ACCOUNT, "/me", by=person))["email_verified"] is True
    assert "already" in (await post(api, "/email-verification", token=token)).text


async def unsubscribable(mails: Mailing) -> str:
    """The address in the header of a notification."""
    person: ApiUser = await mails.api.sign_up()
    await mails.read()
    found = await mails.api.container.api.services.accounts.reader.find_user(person.email)
    assert found is not None
    mail = Mail.to(
        found,
        MailKind.PASSWORD_CHANGED,
        MailId(factories.new_id()),
        found.created_at,
        unsubscribe="comment",
    )
    async with mails.api.container.mail_sender.unit_of_work() as work:
        await work.mails.add(mail)
        await work.commit()
    await mails.read()
    (message,) = mails.server.messages
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return str(message["List-Unsubscribe"]).strip("<>").partition("sidepro.test")[2]


async def test_a_mail_program_unsubscribes_with_one_post(mails: Mailing) -> None:
    address = await unsubscribable(mails)
    assert address.startswith("/unsubscribe?token=")
    body = {"List-Unsubscribe": "One-Click"}
    for _ in range(2):
        done = await mails.api.http.post(address, data=body)
        assert done.status_code == 200
    opened = await get(mails.api, address)
    assert title(opened) == "Stop these emails"
    unknown = await mails.api.http.post("/unsubscribe?token=unknown", data=body)
    assert unknown.status_code == 422


@pytest.mark.parametrize("path", ["/password-reset", "/email-verification", "/unsubscribe"])
async def test_the_pages_leak_no_token_and_load_nothing_of_others(
    mails: Mailing, path: str
) -> None:
    response = await get(mails.api, f'{path}?token="><script>alert(1)</script>', "ko")
    assert response.status_code == 200
    assert "<script>" not in response.text
    assert '<html lang="ko"' in response.text
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-robots-tag"] == "noindex"
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    if mails.api.container.site:
        return
    style = re.search("<style>(.*)</style>", response.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy


async def test_only_own_pages_post_forms(mails: Mailing) -> None:
    fields = {"email": "nobody@example.com"}
    # Without a referrer, the origin of our own page is `null`.
    for origin, status in (("null", 200), ("https://evil.example", 403)):
        headers = {"Origin": origin}
        response = await mails.api.http.post("/password-reset", data=fields, headers=headers)
        assert response.status_code == status


async def test_a_page_is_the_same_for_everybody_who_has_the_link(mails: Mailing) -> None:
    if not mails.api.container.site:
        return
    person = await mails.api.sign_up()
    cookie = await log_in(mails.api, person)
    await mails.read()
    path = "/email-verification?token=x"
    page = (await call(mails.api, "GET", path, {"Cookie": cookie})).text
    assert person.username not in page
    language = {"Cookie": "sidepro-language=en", "Accept-Language": "ko"}
    assert '<html lang="en"' in (await call(mails.api, "GET", path, language)).text


async def test_requests_for_a_new_password_are_limited_by_address(
    databases: Databases, tmp_path: Path
) -> None:
    async with mailing(databases, tmp_path / "data", rate_limits=True) as mails:
        for _ in range(30):
            page = await post(mails.api, "/password-reset", email="nobody@example.com")
            assert page.status_code == 200
        refused = await post(mails.api, "/password-reset", email="nobody@example.com")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0


async def test_a_form_that_is_no_form_is_refused(mails: Mailing) -> None:
    for path in ("/email-verification", "/unsubscribe"):
        response = await mails.api.http.post(path, content=b"\xff\xfe=&" * 10, headers=FORM)
        assert response.status_code == 422
    large = await mails.api.http.post("/unsubscribe", content=b"a=" * 20_000, headers=FORM)
    assert large.status_code == 413
