"""Verification and change of addresses, new passwords, and the gate, over HTTP and SMTP."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from sidepro.domain.mail.mail_sender import MailRun
from sidepro.settings import parsers
from tests.api.client import PASSWORD, UNKNOWN_ID, Api, ApiUser, Json, project
from tests.api.fixtures import serving
from tests.api.schemas import ACCOUNT
from tests.clients import eventually
from tests.databases import both_databases
from tests.factories import at_once
from tests.servers.smtp import MailServer, mail_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, both_databases]

OTHER = "또 다른 battery horse 8"


class Mailing:
    """The API with a mail server, and the mails that it sends."""

    def __init__(self, api: Api, server: MailServer) -> None:
        self.api = api
        self.server = server

    async def read(self) -> list[tuple[str, str | None]]:
        """The addresses of new mails, and the tokens in them."""
        self.server.received.clear()
        run = await self.api.container.mail_sender.run()
        assert run == MailRun(sent=run.sent)
        return [(message["To"], token_in(message)) for message in self.server.messages]

    async def token(self) -> str:
        """The token of the newest mail that has one."""
        return [token for _, token in await self.read() if token is not None][-1]


def token_in(message: object) -> str | None:
    text = message.get_body(("plain",)).get_content()  # type: ignore[attr-defined]  # a message
    found = re.search(r"^http\S+\?token=(\S+)$", text.replace("\r", ""), re.MULTILINE)
    return found and found[1]


@asynccontextmanager
async def mailing(
    databases: Databases, folder: Path, *, rate_limits: bool = False, web: bool = True
) -> AsyncIterator[Mailing]:
    with databases.fresh() as address:
        async with mail_server() as server:
            smtp = parsers.smtp(f"smtp://127.0.0.1:{server.port}")
            chosen = {"smtp_url": smtp, "rate_limits": rate_limits, "web": web}
            async with serving(address, folder, **chosen) as api:
                yield Mailing(api, server)


@pytest.fixture
async def mails(databases: Databases, tmp_path: Path) -> AsyncIterator[Mailing]:
    async with mailing(databases, tmp_path / "data") as running:
        yield running


async def reason(api: Api, path: str, body: Json) -> str:
    response = await api.send("POST", path, body)
    assert response.status_code == 422, response.text
    document = response.json()
    assert document["code"] == "invalid-token"
    assert [error["pointer"] for error in document["errors"]] == ["/token"]
    return str(document["reason"])


async def accepted(response: httpx.Response, status: int = 202) -> None:
    assert (response.status_code, response.content) == (status, b""), response.text


async def test_an_address_is_verified_once_by_the_token_of_its_mail(mails: Mailing) -> None:
    api = mails.api
    person = await api.sign_up()
    ((address, token),) = await mails.read()
    assert address == person.email
    body = {"token": token}
    for method in ("GET", "HEAD"):
        response = await api.send(method, "/email-verifications", query={"token": str(token)})
        assert response.status_code == 405
    await accepted(await api.send("POST", "/email-verifications", body), 204)
    assert (await api.get(ACCOUNT, "/me", by=person))["email_verified"] is True
    assert await reason(api, "/email-verifications", body) == "unknown"
    await accepted(await api.send("POST", "/me/email-verification", by=person))
    assert await mails.read() == []


async def test_a_mail_is_sent_again_once_a_minute(databases: Databases, tmp_path: Path) -> None:
    async with mailing(databases, tmp_path / "data", rate_limits=True) as mails:
        person = await mails.api.sign_up()
        first = await mails.token()
        await accepted(await mails.api.send("POST", "/me/email-verification", by=person))
        second = await mails.token()
        again = await mails.api.send("POST", "/me/email-verification", by=person)
        assert again.status_code == 429
        assert 0 < int(again.headers["retry-after"]) <= 60
        assert await reason(mails.api, "/email-verifications", {"token": first}) == "superseded"
        body = {"token": second}
        await accepted(await mails.api.send("POST", "/email-verifications", body), 204)


async def test_an_unverified_person_reads_and_edits_their_profile_alone(mails: Mailing) -> None:
    api = mails.api
    person, other = await api.sign_up(), await api.sign_up()
    ((_, token), _) = await mails.read()
    await api.profile(person)
    writing: list[tuple[str, Json]] = [
        ("/projects", project()),
        (f"/projects/{UNKNOWN_ID}/comments", {"body": "x"}),
        ("/images", {}),
        ("/rooms", {"user_id": other.id}),
        (f"/rooms/{UNKNOWN_ID}/messages", {"body": "x"}),
        ("/projects", {"title": 7}),
    ]
    for path, body in writing:
        refused = await api.refused(403, "email-not-verified", "POST", path, body, by=person)
        assert refused == []
    await accepted(await api.send("POST", "/email-verifications", {"token": token}), 204)
    await api.publish(person)


async def test_a_changed_address_holds_when_it_is_verified(mails: Mailing) -> None:
    api = mails.api
    person = await api.sign_up()
    await mails.read()
    new = f"new.{person.email}"
    body = {"email": new, "password": PASSWORD}
    wrong = {"email": new, "password": OTHER}
    refused = await api.refused(422, "wrong-password", "PUT", "/me/email", wrong, by=person)
    assert refused == ["/password"]
    await accepted(await api.send("PUT", "/me/email", body, by=person))
    account = await api.get(ACCOUNT, "/me", by=person)
    assert (account["email"], account["pending_email"]) == (person.email, new)
    received = dict(await mails.read())
    assert received.keys() == {person.email, new}
    assert received[person.email] is None
    token = {"token": received[new]}
    await accepted(await api.send("POST", "/email-verifications", token), 204)
    account = await api.get(ACCOUNT, "/me", by=person)
    assert (account["email"], account["pending_email"]) == (new, None)
    assert await api.log_in(new)


async def test_a_taken_address_and_the_current_one(mails: Mailing) -> None:
    api = mails.api
    person, other = await api.sign_up(), await api.sign_up()
    taken = {"email": other.email.upper(), "password": PASSWORD}
    assert await api.refused(409, "email-taken", "PUT", "/me/email", taken, by=person) == []
    new = {"email": "third@example.com", "password": PASSWORD}
    await accepted(await api.send("PUT", "/me/email", new, by=person))
    current = {"email": person.email, "password": PASSWORD}
    await accepted(await api.send("PUT", "/me/email", current, by=person))
    assert (await api.get(ACCOUNT, "/me", by=person))["pending_email"] is None


async def forgotten(mails: Mailing, person: ApiUser) -> str:
    body = {"email": person.email}
    await accepted(await mails.api.send("POST", "/password-resets", body))
    return await mails.token()


async def test_a_new_password_ends_all_sessions_at_once(mails: Mailing) -> None:
    api = mails.api
    person = await api.sign_up()
    token = await forgotten(mails, person)
    weak = {"token": token, "new_password": "password1"}
    path = "/password-resets/redemptions"
    assert await api.refused(422, "weak-password", "POST", path, weak) == ["/new_password"]
    await accepted(await api.send("POST", path, {"token": token, "new_password": OTHER}), 204)
    assert (await api.send("GET", "/me", by=person)).status_code == 401
    fresh = await api.log_in(person.email, OTHER)
    again = ApiUser(person.id, person.email, person.username, fresh)
    assert (await api.get(ACCOUNT, "/me", by=again))["email_verified"] is True
    assert await reason(api, path, {"token": token, "new_password": OTHER}) == "unknown"
    assert [address for address, _ in await mails.read()] == [person.email]


async def test_unknown_addresses_get_the_same_answer(mails: Mailing) -> None:
    person = await mails.api.sign_up()
    await mails.read()
    answers = [
        await mails.api.send("POST", "/password-resets", {"email": email})
        for email in (person.email, "nobody@example.com", "no address")
    ]
    assert {(one.status_code, one.content) for one in answers} == {(202, b"")}
    assert [address for address, _ in await mails.read()] == [person.email]


async def test_of_many_simultaneous_uses_of_a_token_one_succeeds(mails: Mailing) -> None:
    api = mails.api
    person = await api.sign_up()
    verification = await mails.token()
    reset = await forgotten(mails, person)

    async def verify() -> int:
        body = {"token": verification}
        return (await api.send("POST", "/email-verifications", body)).status_code

    async def redeem() -> int:
        body = {"token": reset, "new_password": OTHER}
        return (await api.send("POST", "/password-resets/redemptions", body)).status_code

    assert sorted(await at_once([verify] * 8)) == [204] + [422] * 7
    assert sorted(await at_once([redeem] * 8)) == [204] + [422] * 7


async def test_a_withdrawn_person_leaves_no_mail_and_no_token(mails: Mailing) -> None:
    api = mails.api
    person = await api.sign_up()
    token = await forgotten(mails, person)
    response = await api.send("DELETE", "/me", {"password": PASSWORD}, by=person)
    assert response.status_code == 204
    assert await api.container.mail.mails(None, 10) == []
    body = {"token": token, "new_password": OTHER}
    assert await reason(api, "/password-resets/redemptions", body) == "unknown"


async def test_mails_are_sent_at_once_where_jobs_run(databases: Databases, tmp_path: Path) -> None:
    async with mailing(databases, tmp_path / "data") as mails:
        jobs = mails.api.container.job_runner
        jobs.register()
        await mails.api.sign_up()
        await eventually(lambda: len(mails.server.received) == 1)
        await jobs.shut_down(1)
