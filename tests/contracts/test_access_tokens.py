"""`AccessTokens`: JWTs, and the fake of the domain's tests.

What a forged token may look like is tried over HTTP, in `tests/security/test_tokens.py`.
"""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from sidepro.adapters import system
from sidepro.adapters.security import tokens
from sidepro.adapters.security.tokens import LEEWAY, JwtAccessTokens
from sidepro.domain.accounts.ports import AccessTokens
from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId, UserId
from tests.factories import PlainAccessTokens

LIFETIME = timedelta(minutes=15)


class Clock:
    """The machine's, so many seconds ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return system.clock() + self.ahead


def a_caller(*, is_admin: bool = False) -> Caller:
    return Caller(UserId(uuid4()), SessionId(uuid4()), is_admin)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jwts(clock: Clock) -> JwtAccessTokens:
    return JwtAccessTokens([b"k" * 32], "sidepro", LIFETIME, clock)


@pytest.fixture(params=["jwt", "plain"])
def access_tokens(request: pytest.FixtureRequest) -> AccessTokens:
    if request.param == "plain":
        return PlainAccessTokens()
    jwts: JwtAccessTokens = request.getfixturevalue("jwts")
    return jwts


def test_a_token_names_its_caller(access_tokens: AccessTokens) -> None:
    callers = [a_caller(), a_caller(is_admin=True), a_caller()]
    issued = [access_tokens.issue(caller) for caller in callers]
    assert len(set(issued)) == len(callers)
    assert [access_tokens.read(token) for token in issued] == callers


@pytest.mark.parametrize("text", ["", " ", "x", "a.b.c", "...", "커피", "\0", "x" * 100_000])
def test_an_invalid_token_is_refused(access_tokens: AccessTokens, text: str) -> None:
    with pytest.raises(NotAuthenticated):
        access_tokens.read(text)


def test_a_token_that_is_not_quite_one_is_refused(access_tokens: AccessTokens) -> None:
    token = access_tokens.issue(a_caller())
    for other in (token[:-1], token[1:], token + "x", " " + token, token.swapcase()):
        with pytest.raises(NotAuthenticated):
            access_tokens.read(other)


def test_callers_cannot_be_read_as_tokens(
    access_tokens: AccessTokens,
) -> None:
    caller = a_caller()
    access_tokens.issue(caller)
    for text in (str(caller.id), str(caller.session_id), repr(caller)):
        with pytest.raises(NotAuthenticated):
            access_tokens.read(text)


def test_tokens_are_good_for_a_while(access_tokens: AccessTokens) -> None:
    assert access_tokens.lifetime == LIFETIME.total_seconds()


# ------------------------------------------------------------------------------------ JWTs alone


def test_a_token_is_good_for_its_lifetime_and_no_longer(
    jwts: JwtAccessTokens, clock: Clock
) -> None:
    token = jwts.issue(a_caller())
    clock.ahead = LIFETIME - timedelta(seconds=1)
    jwts.read(token)
    clock.ahead = LIFETIME + LEEWAY + timedelta(seconds=1)
    # Read for the first time: nothing remembers it.
    fresh = JwtAccessTokens([b"k" * 32], "sidepro", LIFETIME, clock)
    with pytest.raises(NotAuthenticated):
        fresh.read(token)


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clock_of_the_installation_counts_and_not_that_of_the_machine(
    jwts: JwtAccessTokens, clock: Clock, hours: int
) -> None:
    clock.ahead = timedelta(hours=hours)
    caller = a_caller()
    assert jwts.read(jwts.issue(caller)) == caller


def test_the_first_key_signs_and_all_of_them_verify(clock: Clock) -> None:
    old, new, other = b"o" * 32, b"n" * 32, b"x" * 32

    def with_keys(*keys: bytes) -> JwtAccessTokens:
        return JwtAccessTokens(keys, "sidepro", LIFETIME, clock)

    caller = a_caller()
    token = with_keys(new, old).issue(caller)
    assert with_keys(old, new).read(token) == with_keys(new).read(token) == caller
    for keys in ((old,), (other,)):
        with pytest.raises(NotAuthenticated):
            with_keys(*keys).read(token)


def test_a_token_that_was_read_before_ends_in_time(jwts: JwtAccessTokens, clock: Clock) -> None:
    caller = a_caller()
    token = jwts.issue(caller)
    assert jwts.read(token) == jwts.read(token) == caller
    clock.ahead = LIFETIME + LEEWAY + timedelta(seconds=1)
    with pytest.raises(NotAuthenticated):
        jwts.read(token)


def test_a_token_that_was_read_before_is_not_good_before_its_time(
    jwts: JwtAccessTokens, clock: Clock
) -> None:
    token = jwts.issue(a_caller())
    jwts.read(token)
    clock.ahead = -LEEWAY - timedelta(seconds=2)
    with pytest.raises(NotAuthenticated):
        jwts.read(token)


def test_the_cache_of_tokens_is_bounded(
    jwts: JwtAccessTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "CACHE_SIZE", 3)
    callers = [a_caller() for _ in range(5)]
    issued = [jwts.issue(caller) for caller in callers]
    for _ in range(2):
        assert [jwts.read(token) for token in issued] == callers
    assert len(jwts._verified) == 3


def test_a_token_like_one_that_was_read_before_is_refused(jwts: JwtAccessTokens) -> None:
    token = jwts.issue(a_caller())
    jwts.read(token)
    for other in (token[:-1], token + "x", token.swapcase(), "é" + token):
        with pytest.raises(NotAuthenticated):
            jwts.read(other)
