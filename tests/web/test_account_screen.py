"""`/me/account`: the email address, the name, the language and the time zone, without a script."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from sidepro.domain.language import Language
from sidepro.web.display.dates import Dates
from tests.api.client import PASSWORD, Api
from tests.api.schemas import ACCOUNT
from tests.web.pages import get, log_in, post
from tests.web.posted_forms import ReadPage

pytestmark = pytest.mark.anyio


async def test_an_unverified_person_can_have_the_mail_sent_again(api: Api) -> None:
    person = await api.sign_up()
    cookie = await log_in(api, person)
    page = (await get(api, "/me/account", cookie)).text
    assert 'action="/me/email-verification"' in page
    before = len(await api.container.mail.mails(None, 100))
    sent = await post(api, "/me/email-verification", cookie)
    assert (sent.status_code, sent.headers["location"].partition("?")[0]) == (303, "/me/account")
    assert len(await api.container.mail.mails(None, 100)) == before + 1
    await api.execute("UPDATE users SET email_verified = true WHERE email = :email", person)
    assert "/me/email-verification" not in (await get(api, "/me/account", cookie)).text


async def test_the_address_is_changed_with_the_password(api: Api) -> None:
    person = await api.sign_up()
    cookie = await log_in(api, person)
    wrong = await post(api, "/me/email", cookie, email="new@example.com", password="wrong")
    assert wrong.status_code == 422
    assert 'value="new@example.com"' in wrong.text
    done = await post(api, "/me/email", cookie, email="new@example.com", password=PASSWORD)
    assert done.status_code == 303
    assert (await api.get(ACCOUNT, "/me", by=person))["pending_email"] == "new@example.com"
    assert "new@example.com" in (await get(api, "/me/account", cookie)).text


async def test_name_language_and_time_zone_are_changed(api: Api) -> None:
    person, other = await api.sign_up(), await api.sign_up()
    cookie = await log_in(api, person)
    changes = {"language": "en", "time_zone": "Europe/Berlin"}
    taken = await post(api, "/me/account", cookie, username=other.username, **changes)
    assert taken.status_code == 409
    assert f'value="{other.username}"' in taken.text
    done = await post(api, "/me/account", cookie, username=f"new-{person.username}", **changes)
    assert done.status_code == 303
    account = await api.get(ACCOUNT, "/me", by=person)
    assert (account["username"], account["language"]) == (f"new-{person.username}", "en")
    assert account["time_zone"] == "Europe/Berlin"
    page = (await get(api, "/me/account", cookie)).text
    assert re.findall(r'<option value="(\S+)" selected', page) == ["en", "Europe/Berlin"]


async def test_a_second_change_of_the_name_comes_back_and_says_when(api: Api) -> None:
    person = await api.sign_up()
    cookie = await log_in(api, person)
    changes = {"language": "ko", "time_zone": "Asia/Seoul"}
    names = [f"{name}-{person.username}" for name in ("new", "newer")]
    assert (
        await post(api, "/me/account", cookie, username=names[0], **changes)
    ).status_code == 303

    refused = await post(api, "/me/account", cookie, username=names[1], **changes)

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 29 * 86_400
    page = ReadPage(refused.text)
    assert page.fields["username"] == [names[1]]
    assert "username" in page.invalid
    assert refused.text.count("30일 뒤에 다시 할 수 있어요.") == 2  # in the summary and beside it


async def test_dates_are_in_the_accounts_time_zone_and_for_strangers_in_the_browsers(
    api: Api,
) -> None:
    author = await api.sign_up()
    path = f"/projects/{(await api.publish(author))['id']}"
    await api.send("PATCH", "/me", {"time_zone": "Asia/Kathmandu"}, by=author)
    browser = "sidepro-time-zone=Europe/Berlin"
    cookies = {
        "Asia/Kathmandu": f"{await log_in(api, author)}; {browser}",
        "Europe/Berlin": browser,
    }
    for zone, cookie in cookies.items():
        page = (await get(api, path, cookie)).text
        found = re.search('<time datetime="([^"]+)" title="([^"]+)"', page)
        assert found, page
        moment = datetime.fromisoformat(found[1])
        dates = Dates(Language.KOREAN, ZoneInfo(zone), moment)
        assert found[2] == f"{dates.date_text(moment)} {dates.time_text(moment)}"
