"""Access tokens that were verified before are not verified again, and still end in time."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from sidepro.adapters import system, tokens
from sidepro.adapters.tokens import LEEWAY, JwtAccessTokens
from sidepro.domain.accounts.session import Caller
from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.shared import SessionId, UserId

LIFETIME = timedelta(minutes=15)


class Clock:
    """The machine's, so many seconds ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return system.clock() + self.ahead


def a_caller() -> Caller:
    return Caller(UserId(uuid4()), SessionId(uuid4()), False)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access_tokens(clock: Clock) -> JwtAccessTokens:
    return JwtAccessTokens([b"k" * 32], "sidepro", LIFETIME, clock)


def test_a_token_that_was_read_before_ends_in_time(
    access_tokens: JwtAccessTokens, clock: Clock
) -> None:
    caller = a_caller()
    token = access_tokens.issue(caller)
    assert access_tokens.read(token) == access_tokens.read(token) == caller
    clock.ahead = LIFETIME + LEEWAY + timedelta(seconds=1)
    with pytest.raises(NotAuthenticated):
        access_tokens.read(token)


def test_a_token_that_was_read_before_is_not_good_before_its_time(
    access_tokens: JwtAccessTokens, clock: Clock
) -> None:
    token = access_tokens.issue(a_caller())
    access_tokens.read(token)
    clock.ahead = -LEEWAY - timedelta(seconds=2)
    with pytest.raises(NotAuthenticated):
        access_tokens.read(token)


def test_so_many_tokens_are_remembered_and_no_more(
    access_tokens: JwtAccessTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "REMEMBERED", 3)
    callers = [a_caller() for _ in range(5)]
    issued = [access_tokens.issue(caller) for caller in callers]
    for _ in range(2):
        assert [access_tokens.read(token) for token in issued] == callers
    assert len(access_tokens._good) == 3


def test_a_token_like_one_that_was_read_before_is_refused(access_tokens: JwtAccessTokens) -> None:
    token = access_tokens.issue(a_caller())
    access_tokens.read(token)
    for other in (token[:-1], token + "x", token.swapcase(), "é" + token):
        with pytest.raises(NotAuthenticated):
            access_tokens.read(other)
