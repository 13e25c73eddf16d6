"""An administrator deactivates an account by keyboard alone, without scripts."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.browser.keyboard import focused, tab_to
from tests.clients import Client

if TYPE_CHECKING:
    import httpx

    from tests.browser.windows import Windows
    from tests.servers import SideProServer

pytestmark = pytest.mark.anyio

PASSWORD = "keys of the house 7"
SESSION_ENDED = 4401


@pytest.fixture
def administrator(server: SideProServer, http: httpx.AsyncClient) -> Client:
    """A new administrator, who is not logged in."""
    name = f"지기{secrets.token_hex(4)}"
    email = f"{secrets.token_hex(4)}@example.com"
    server.run("users", "create-admin", email, name, "--password", PASSWORD)
    client = Client(http)
    client.email, client.password = email, PASSWORD
    return client


async def test_an_account_is_deactivated_by_keyboard_and_its_socket_closes(
    windows: Windows, administrator: Client, person: Client, partner: Client
) -> None:
    room = await person.open_room_with(partner)
    window = await windows.open(administrator, script=False)
    page, keyboard = window.page, window.page.keyboard
    await page.goto("/")
    await tab_to(page, "내 메뉴")
    await keyboard.press("Enter")
    await tab_to(page, "운영")
    await keyboard.press("Enter")
    await page.wait_for_url("**/operator")
    await tab_to(page, "한눈에")
    await tab_to(page, "회원")
    await keyboard.press("Enter")
    await page.wait_for_url("**/operator/people")
    await tab_to(page, "닉네임 또는 이메일")
    await keyboard.type(partner.username)
    await keyboard.press("Enter")
    await page.wait_for_url("**/operator/people?q=*")
    await tab_to(page, f"{partner.username} 정지하기")
    await keyboard.press("Enter")
    await page.wait_for_url("**/deactivate?**")

    await tab_to(page, "이유")
    await keyboard.type("광고를 되풀이해서 올렸어요")
    await tab_to(page, "내 비밀번호")
    await keyboard.type("a wrong guess")
    window.expect_status(422)
    await keyboard.press("Enter")
    await page.get_by_role("alert").wait_for()
    assert "내 비밀번호: 맞지 않아요" in (await focused(page)).name

    async with partner.chat(room) as socket:
        await tab_to(page, "내 비밀번호: 맞지 않아요")  # a link to the field
        await keyboard.press("Enter")
        await page.locator("#password:focus").wait_for()
        await keyboard.type(PASSWORD)
        await keyboard.press("Enter")
        await page.get_by_text("계정을 정지했어요.").wait_for()
        assert await socket.close_code() == SESSION_ENDED
    await tab_to(page, f"{partner.username} 정지 풀기")
    await keyboard.press("Enter")
    await page.get_by_text("계정 정지를 풀었어요.").wait_for()
    await partner.log_in()
