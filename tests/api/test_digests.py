"""Digests by SMTP, and the clicks in them that switch mails off."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sidepro.adapters import system
from sidepro.adapters.sql.digests import SqlDigestReader
from sidepro.domain.digests.digest_service import DigestService
from tests.api.client import ApiUser
from tests.api.test_emails import Mailing, mailing
from tests.databases import both_databases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, both_databases]

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
SETTINGS = "/me/notification-settings"


@pytest.fixture
async def mails(databases: Databases, tmp_path: Path) -> AsyncIterator[Mailing]:
    async with mailing(databases, tmp_path / "data") as running:
        yield running


async def member(mails: Mailing) -> ApiUser:
    """Somebody with a verified address."""
    person = await mails.api.sign_up(chat_policy="request")
    body = {"token": await mails.token()}
    assert (await mails.api.send("POST", "/email-verifications", body)).status_code == 204
    return person


async def send_digests(mails: Mailing) -> None:
    """Sends what is due in eleven minutes."""

    def later() -> datetime:
        return system.clock() + timedelta(minutes=11)

    container = mails.api.container
    sender = replace(container.mail_sender, clock=later)
    reader = SqlDigestReader(container.database)
    await DigestService(sender.unit_of_work, reader, later, system.new_id).run()
    mails.server.received.clear()
    await sender.run()


async def unsubscribe_address(mails: Mailing) -> str:
    """The address in the header of the digest, the only mail that was sent."""
    await send_digests(mails)
    (message,) = mails.server.messages
    return str(message["List-Unsubscribe"]).strip("<>").partition("sidepro.test")[2]


async def delivery(mails: Mailing, person: ApiUser) -> dict[str, str]:
    return dict((await mails.api.send("GET", SETTINGS, by=person)).json())


async def test_a_click_in_a_digest_of_one_kind_leaves_that_kind_on_the_pages(
    mails: Mailing,
) -> None:
    asker, person = await member(mails), await member(mails)
    await mails.api.chat_request(asker, person)
    before = await delivery(mails, person)
    address = await unsubscribe_address(mails)
    (message,) = mails.server.messages
    assert message["To"] == person.email
    text = message.get_body(("plain",))
    assert text is not None
    assert asker.username in text.get_content()
    for _ in range(2):
        assert (await mails.api.http.post(address, data=ONE_CLICK)).status_code == 200
    assert await delivery(mails, person) == {**before, "request": "web"}


async def test_a_click_in_a_digest_of_messages_switches_them_off(mails: Mailing) -> None:
    writer, person = await member(mails), await member(mails)
    await mails.api.send("PATCH", "/me", {"chat_policy": "open"}, by=person)
    room = (await mails.api.send("POST", "/rooms", {"user_id": person.id}, by=writer)).json()
    await mails.api.send_message(writer, room)
    before = await delivery(mails, person)
    address = await unsubscribe_address(mails)
    assert (await mails.api.http.post(address, data=ONE_CLICK)).status_code == 200
    assert await delivery(mails, person) == {**before, "messages": "off"}


async def test_a_click_in_a_digest_of_several_kinds_stops_all_mails(mails: Mailing) -> None:
    asker, person = await member(mails), await member(mails)
    await mails.api.send("PUT", SETTINGS, {"moderated": "off"}, by=person)
    first = await mails.api.chat_request(asker, person)
    path = f"/chat-requests/{first['id']}/acceptance"
    room = (await mails.api.send("POST", path, by=person)).json()["room"]
    await mails.api.send(
        "POST", "/notifications/read", {"up_to": await newest(mails, asker)}, by=asker
    )
    await mails.api.send_message(asker, room)
    await mails.api.chat_request(await member(mails), person)
    address = await unsubscribe_address(mails)
    assert (await mails.api.http.post(address, data=ONE_CLICK)).status_code == 200
    settings = await delivery(mails, person)
    assert (settings.pop("moderated"), settings.pop("messages")) == ("off", "off")
    assert set(settings.values()) == {"web"}


async def newest(mails: Mailing, person: ApiUser) -> str:
    response = await mails.api.send("GET", "/notifications", by=person)
    return str(response.json()["items"][0]["id"])
