"""What people whose email address is not verified meet where they write."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from tests.api.client import ApiUser
from tests.api.test_emails import Mailing, mailing
from tests.web.pages import log_in, post

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.databases import Databases

pytestmark = pytest.mark.anyio

TEXT = '안녕하세요, <b>지도</b>가 "좋아요"'

FORM = re.compile(r'<form method="post" action="([^"]+)">(.*?)</form>', re.DOTALL)
FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@pytest.fixture
async def mails(databases: Databases, tmp_path: Path) -> AsyncIterator[Mailing]:
    async with mailing(databases, tmp_path / "data") as running:
        yield running


async def verified(mails: Mailing) -> ApiUser:
    person = await mails.api.sign_up()
    token = await mails.token()
    await mails.api.send("POST", "/email-verifications", {"token": token})
    return person


def forms(page: httpx.Response) -> dict[str, dict[str, str]]:
    """The fields of the forms in the main part, by their actions."""
    main = page.text.partition("<main")[2].partition("</main>")[0]
    return {
        html.unescape(action): {
            name: html.unescape(value) for name, value in FIELD.findall(content)
        }
        for action, content in FORM.findall(main)
    }


@pytest.mark.parametrize("what", ["comment", "request", "publish", "room"])
async def test_what_was_typed_is_kept_until_the_address_is_verified(
    mails: Mailing, what: str
) -> None:
    api = mails.api
    other = await verified(mails)
    project = await api.publish(other)
    new = {"title": TEXT, "summary": "x", "content": TEXT, "skills": "Python"}
    path, fields, resumed = {
        "comment": (f"/projects/{project['id']}/comments", {"body": TEXT}, None),
        "request": (f"/people/{other.username}/ask", {"introduction": TEXT}, None),
        "publish": ("/projects", new, "/projects/preview"),
        "room": ("/chats", {"user_id": other.id}, None),
    }[what]
    person = await api.sign_up()
    cookie = await log_in(api, person)
    await mails.read()

    refused = await post(api, path, cookie, **fields)
    assert refused.status_code == 403
    assert "먼저 이메일 주소를 확인해 주세요" in refused.text
    again = await post(
        api, "/me/email-verification", cookie, **forms(refused)["/me/email-verification"]
    )
    assert again.status_code == 200
    ((address, token),) = await mails.read()
    assert address == person.email
    carried = forms(again)[resumed or path]
    assert fields.items() <= carried.items()
    still = await post(api, path, cookie, **carried)
    assert (still.status_code, forms(still)[resumed or path]) == (403, carried)

    await api.send("POST", "/email-verifications", {"token": str(token)})
    done = await post(api, resumed or path, cookie, **carried)
    assert done.status_code == (200 if resumed else 303)
    assert not resumed or html.escape(TEXT).replace("&quot;", "&#34;") in done.text
