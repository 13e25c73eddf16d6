"""Log-in: credentials, known addresses and sessions."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sidepro.domain.accounts.ports import ADDRESS_REFRESH_AFTER
from sidepro.domain.accounts.session import RefreshToken, Session
from sidepro.domain.errors import (
    AccountDeactivated,
    WrongCredentials,
)
from sidepro.domain.identity import Caller, token_digest
from sidepro.domain.ids import SessionId
from tests.domain.account_data import EMAIL, PASSWORD, UNKNOWN_ID, USERNAME
from tests.domain.services import Services, awaited
from tests.factories import ADDRESS, NOW, SESSION_TTL, QuickPasswords, new_id


@awaited
async def test_a_log_in_gives_tokens_for_a_new_session(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    tokens = await services.sessions.log_in(
        EMAIL, PASSWORD, address=ADDRESS, user_agent="a browser"
    )
    assert services.access_tokens.read(tokens.access_token) == Caller(
        account.id, tokens.session_id, is_admin=False
    )
    assert (tokens.expires_in, tokens.refresh_expires_in) == (900, 14 * 24 * 3600)
    assert services.store.state.sessions == {
        tokens.session_id: Session(
            tokens.session_id,
            account.id,
            "a browser",
            created_at=NOW,
            last_used_at=NOW,
            expires_at=NOW + SESSION_TTL.idle,
            ends_at=NOW + SESSION_TTL.total,
        )
    }
    hashed = token_digest(tokens.refresh_token)
    assert services.store.state.refresh_tokens == {
        hashed: RefreshToken(hashed, tokens.session_id, None, issued_at=NOW, used_at=None)
    }


@awaited
async def test_an_address_is_noted_again_when_its_note_is_old(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD, address=ADDRESS)

    async def noted_at_log_in(later: timedelta) -> datetime:
        services.clock.now = NOW + later
        await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
        return services.store.state.known_addresses[account.id, ADDRESS]

    assert await noted_at_log_in(ADDRESS_REFRESH_AFTER) == NOW
    late = ADDRESS_REFRESH_AFTER + timedelta(microseconds=1)
    assert await noted_at_log_in(late) == NOW + late


@awaited
async def test_a_refresh_token_is_stored_as_its_hash_alone(services: Services) -> None:
    await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    tokens = await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert tokens.refresh_token not in repr(services.store.state)


@awaited
async def test_an_administrator_is_told_by_the_token(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    services.change(account.id, is_admin=True)
    tokens = await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert services.access_tokens.read(tokens.access_token).is_admin


@awaited
async def test_each_log_in_is_a_session_of_its_own(services: Services) -> None:
    await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    one, other = [
        await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS) for _ in range(2)
    ]
    assert one.session_id != other.session_id
    assert one.refresh_token != other.refresh_token
    assert len(services.store.state.sessions) == 2


@pytest.mark.parametrize("email", [EMAIL, "MINJI@EXAMPLE.COM", "ｍｉｎｊｉ@example.com"])
@awaited
async def test_email_and_password_may_come_in_another_form(services: Services, email: str) -> None:
    await services.accounts.sign_up(EMAIL, USERNAME, "비밀번호는이것이다")
    decomposed = unicodedata.normalize("NFD", "비밀번호는이것이다")
    await services.sessions.log_in(email, decomposed, address=ADDRESS)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "wrong horse"),
        (EMAIL, PASSWORD.upper()),
        ("other@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("m" * 1_000 + EMAIL, PASSWORD),
        (EMAIL, ""),
    ],
)
@awaited
async def test_every_failed_log_in_answers_alike_and_does_the_same_work(
    services: Services, email: str, password: str
) -> None:
    await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    services.passwords.calls.clear()
    with pytest.raises(WrongCredentials) as caught:
        await services.sessions.log_in(email, password, address=ADDRESS)
    assert caught.value.detail == WrongCredentials.detail
    assert services.passwords.calls == ["verify"]
    assert not services.store.state.sessions


@awaited
async def test_a_deactivated_person_hears_so_with_the_right_password_alone(
    services: Services,
) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    services.change(account.id, is_active=False)
    with pytest.raises(WrongCredentials):
        await services.sessions.log_in(EMAIL, "wrong horse", address=ADDRESS)
    with pytest.raises(AccountDeactivated):
        await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert not services.store.state.sessions


@awaited
async def test_an_outdated_hash_is_renewed_at_log_in(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    services.passwords.generation = 2
    await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    stored = services.store.state.users[account.id]
    assert not services.passwords.is_outdated(stored.password_hash)
    services.passwords.calls.clear()
    await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert services.passwords.calls == ["verify"]


@awaited
async def test_a_hash_is_not_renewed_with_a_wrong_password(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    before = services.store.state.users[account.id]
    services.passwords.generation = 2
    with pytest.raises(WrongCredentials):
        await services.sessions.log_in(EMAIL, "wrong horse", address=ADDRESS)
    assert services.store.state.users[account.id] == before


class SlowPasswords(QuickPasswords):
    """A hasher during whose work something else happens."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    async def verify(
        self, password: str, password_hash: str | None, *, key: str | None = None
    ) -> bool:
        right = await super().verify(password, password_hash, key=key)
        self._meanwhile()
        return right


@awaited
async def test_who_is_deactivated_during_a_log_in_gets_no_session(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    passwords = SlowPasswords(lambda: services.change(account.id, is_active=False))
    with pytest.raises(WrongCredentials):
        await replace(services.sessions, passwords=passwords).log_in(
            EMAIL, PASSWORD, address=ADDRESS
        )
    assert not services.store.state.sessions


@awaited
async def test_who_is_gone_during_a_log_in_is_unknown(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    passwords = SlowPasswords(lambda: services.forget(account.id))
    with pytest.raises(WrongCredentials):
        await replace(services.sessions, passwords=passwords).log_in(
            EMAIL, PASSWORD, address=ADDRESS
        )


@awaited
async def test_renewing_a_hash_does_not_bring_an_older_password_back(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    passwords = SlowPasswords(lambda: services.change(account.id, password_hash="2$new"))
    passwords.generation = 2
    with pytest.raises(WrongCredentials):
        await replace(services.sessions, passwords=passwords).log_in(
            EMAIL, PASSWORD, address=ADDRESS
        )
    assert services.store.state.users[account.id].password_hash == "2$new"


def test_a_long_user_agent_is_cut() -> None:
    session = Session.start(SessionId(new_id()), UNKNOWN_ID, "x" * 10_000, NOW, SESSION_TTL)
    assert session.user_agent == "x" * 400
