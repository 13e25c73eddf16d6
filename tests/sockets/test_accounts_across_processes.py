"""Accounts and sessions on two processes that share PostgreSQL and Redis."""

from __future__ import annotations

import asyncio
import re
import secrets
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from sidepro import bootstrap, settings
from tests.clients import Client, eventually, server_tenths_until
from tests.cluster import http_clients, on_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import httpx

    from tests.clients import Json
    from tests.servers import RedisServer, SideProServer

    Cause = Callable[[list[SideProServer], Client], Awaitable[str]]

pytestmark = [pytest.mark.anyio, pytest.mark.servers]

ROUNDS = 5


@pytest.fixture
async def visits(processes: list[SideProServer]) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with http_clients(processes) as clients:
        yield clients


@pytest.fixture
async def person(visits: list[httpx.AsyncClient]) -> Client:
    return await Client.sign_up(visits[0])


async def logged_in(person: Client) -> Json:
    """The tokens of a new session."""
    account = {"email": person.email, "password": person.password}
    return await Client(person.http).call("POST", "/sessions", account)


async def logged_in_to_pages(person: Client) -> dict[str, str]:
    """The headers of a browser that has logged in."""
    own = {"Sec-Fetch-Site": "same-origin"}
    account = {"email": person.email, "password": person.password}
    response = await person.http.post("/log-in", data=account, headers=own)
    person.http.cookies.clear()
    return {**own, "Cookie": response.headers["Set-Cookie"].partition(";")[0]}


async def test_concurrent_refreshes_at_two_processes_give_sibling_tokens(
    visits: list[httpx.AsyncClient], person: Client
) -> None:
    for _ in range(ROUNDS):
        begun = await logged_in(person)
        token = {"refresh_token": begun["refresh_token"]}
        made = await asyncio.gather(
            *(on_server(person, http).call("POST", "/sessions/refresh", token) for http in visits)
        )
        assert {tokens["session_id"] for tokens in made} == {begun["session_id"]}
        assert len({tokens["refresh_token"] for tokens in made}) == 2
        for tokens in made:
            for http in visits:
                tab = on_server(person, http)
                tab.token = tokens["access_token"]
                assert (await tab.request("GET", "/me")).status_code == 200


async def test_a_replayed_token_at_one_process_revokes_the_session_at_both(
    visits: list[httpx.AsyncClient], person: Client
) -> None:
    begun = await logged_in(person)
    first, second = (on_server(person, http) for http in visits)
    token = {"refresh_token": begun["refresh_token"]}
    successor = await first.call("POST", "/sessions/refresh", token)
    await second.call("POST", "/sessions/refresh", {"refresh_token": successor["refresh_token"]})
    assert (await second.request("POST", "/sessions/refresh", token)).status_code == 401
    for tab in (first, second):
        tab.token = successor["access_token"]
        assert (await tab.request("GET", "/me")).status_code == 401


async def test_concurrent_sign_ups_at_two_processes_create_one_account(
    visits: list[httpx.AsyncClient],
) -> None:
    for round_ in range(ROUNDS):
        name = secrets.token_hex(6)
        # The same email and name, only the email, only the name.
        email, username = f"{name}@example.com", f"name-{name}"
        other_email = email if round_ % 3 != 2 else f"x{email}"
        other_username = username if round_ % 3 != 1 else f"x{username}"
        accounts = [
            {"email": email, "username": username, "password": "정확한 horse battery 9"},
            {
                "email": other_email.upper(),
                "username": other_username.upper(),
                "password": "정확한 horse battery 9",
            },
        ]
        answers = await asyncio.gather(
            *(
                http.post("/api/v1/users", json=account)
                for http, account in zip(visits, accounts, strict=True)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        (refused,) = (answer.json() for answer in answers if answer.status_code == 409)
        taken = {"email-taken", "username-taken"}
        taken -= {"username-taken"} if round_ % 3 == 1 else set()
        taken -= {"email-taken"} if round_ % 3 == 2 else set()
        assert refused["code"] in taken


async def test_a_log_out_at_one_process_is_effective_at_the_other(
    visits: list[httpx.AsyncClient], person: Client
) -> None:
    for ending in ("/sessions/current", "/sessions"):
        person.token = (await logged_in(person))["access_token"]
        elsewhere = on_server(person, visits[1])
        # The other process has the session in its cache for a second.
        assert (await elsewhere.request("GET", "/me")).status_code == 200
        await person.call("DELETE", ending)
        assert (await elsewhere.request("GET", "/me")).status_code == 401


async def test_a_deactivation_by_command_ends_sockets_and_tokens_at_both_processes(
    processes: list[SideProServer], visits: list[httpx.AsyncClient], person: Client
) -> None:
    other = await Client.sign_up(visits[1])
    room_id = await person.open_room_with(other)
    begun = await logged_in(person)

    def deactivate() -> None:
        processes[0].run("users", "deactivate", person.email)

    elsewhere = on_server(person, visits[1])
    async with person.chat(room_id) as here, elsewhere.chat(room_id) as there:
        waits = [socket.connection.wait_closed() for socket in (here, there)]
        closing = asyncio.gather(*waits)
        await asyncio.to_thread(deactivate)
        assert await server_tenths_until(closing, visits[1]) <= 20
        assert [socket.connection.close_code for socket in (here, there)] == [4401, 4401]
    mine = person.token
    for tab in (person, elsewhere):
        for token in (mine, begun["access_token"]):
            tab.token = token
            assert (await tab.request("GET", "/me")).status_code == 401
        tab.token = ""
        token = {"refresh_token": begun["refresh_token"]}
        refused = await tab.request("POST", "/sessions/refresh", token)
        assert (refused.status_code, refused.json()["code"]) == (401, "session-ended")
        again = {"email": person.email, "password": person.password}
        assert (await tab.request("POST", "/sessions", again)).status_code == 403


def tokens_mailed_to(address: str, folder: Path) -> list[str]:
    """The tokens for a new password in the mails in this folder."""
    tokens = []
    for file in folder.rglob("[!.]*.eml"):
        message = message_from_bytes(file.read_bytes(), policy=default)
        plain = message.get_body(("plain",))
        assert plain is not None
        found = re.search(r"/password-reset\?token=([\w-]+)\s", plain.get_content())
        if found and message["To"] == address:
            tokens.append(found[1])
    return tokens


async def reset_password(processes: list[SideProServer], person: Client) -> str:
    """Gives the person a new password, by the token of a mail; the code of a refresh after it."""
    await person.call("POST", "/password-resets", {"email": person.email})
    environment = processes[0].environment
    container = bootstrap.build(settings.load(environment), processes[0].url)
    try:
        await container.mail_sender.run()
    finally:
        await container.close()
    # A server with jobs sends mails too: one that it has taken is still on its way.
    folder = Path(environment["SIDEPRO_DATA_DIR"])
    await eventually(lambda: len(tokens_mailed_to(person.email, folder)) == 1)
    [token] = tokens_mailed_to(person.email, folder)
    body = {"token": token, "new_password": f"{person.password} and more"}
    await Client(person.http).call("POST", "/password-resets/redemptions", body)
    return "session-ended"


async def suspend(processes: list[SideProServer], person: Client) -> str:
    """A moderator suspends the person; the code of a refresh after it."""
    admin = Client(person.http)
    arguments = (admin.email, admin.username, "--password", admin.password)
    processes[0].run("users", "create-admin", *arguments)
    await admin.log_in()
    report = {"kind": "user", "id": person.id, "reason": "spam"}
    await admin.call("POST", "/reports", report)
    cases = await admin.call("GET", "/moderation/cases?kind=user")
    [case] = [each for each in cases["items"] if each["target_id"] == person.id]
    decision = {"version": case["version"], "action": "suspend", "days": 1, "reason": "광고"}
    await admin.call("POST", f"/moderation/cases/{case['id']}/decisions", decision)
    return "account-suspended"


@pytest.mark.parametrize("cause", [suspend, reset_password])
async def test_a_suspension_or_a_new_password_ends_all_sessions_and_sockets_at_both_processes(
    processes: list[SideProServer], visits: list[httpx.AsyncClient], person: Client, cause: Cause
) -> None:
    room_id = await person.open_room_with(await Client.sign_up(visits[1]))
    begun = await logged_in(person)
    page = await logged_in_to_pages(person)
    elsewhere = on_server(person, visits[1])
    async with (
        person.chat(room_id) as room,
        elsewhere.chat(room_id) as room_elsewhere,
        person.stream() as stream,
        elsewhere.stream() as stream_elsewhere,
    ):
        sockets = (room, room_elsewhere, stream, stream_elsewhere)
        closing = asyncio.gather(*(socket.connection.wait_closed() for socket in sockets))
        for http in visits:  # both processes have the sessions in their caches for a second
            assert (await http.get("/me", headers=page)).status_code == 200
            assert (await on_server(person, http).request("GET", "/me")).status_code == 200
        code = await cause(processes, person)
        for http in visits:
            refused = await http.get("/me", headers=page)
            assert refused.headers["Location"].startswith("/log-in")
            assert (await on_server(person, http).request("GET", "/me")).status_code == 401
        assert await server_tenths_until(closing, visits[1]) <= 20
        assert [socket.connection.close_code for socket in sockets] == [4401] * 4
    for http in visits:
        token = {"refresh_token": begun["refresh_token"]}
        refused = await Client(http).request("POST", "/sessions/refresh", token)
        assert refused.json()["code"] == code


async def test_redis_keeps_no_trace_of_a_withdrawn_user(
    visits: list[httpx.AsyncClient], person: Client, redis_server: RedisServer
) -> None:
    other = await Client.sign_up(visits[1])
    room_id = await person.open_room_with(other)
    names = [person.id, UUID(person.id).hex, person.username, person.email]
    forms = [name.encode() for name in names] + [UUID(person.id).bytes]

    def naming() -> dict[str, float]:
        """The Redis keys that mention the user, with their remaining seconds."""
        return {
            key: redis_server.seconds_left(key)
            for key, content in redis_server.everything().items()
            if any(form in key.encode() or form in content for form in forms)
        }

    elsewhere = on_server(person, visits[1])
    async with person.chat(room_id) as here, elsewhere.chat(room_id), other.chat(room_id):
        await here.send_message()
        await here.message()
        await person.ticket(room_id)
        assert naming(), "the user must have had keys before"
        await person.call("DELETE", "/me", {"password": person.password})
        # An unused ticket expires, and is invalid until then.
        await eventually(lambda: all(key.startswith("socket-ticket:") for key in naming()))
        assert all(seconds <= 30 for seconds in naming().values())
