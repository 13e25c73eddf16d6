"""`NewSecret`: random ones, and what stands in for them in the domain's tests."""

import base64

import pytest

from sidepro.adapters.system import new_secret
from sidepro.domain.identity import token_digest
from sidepro.domain.ids import NewSecret
from tests.factories import CountingTokens


@pytest.fixture(params=["random", "counting"])
def new_token(request: pytest.FixtureRequest) -> NewSecret:
    return new_secret if request.param == "random" else CountingTokens()


def test_each_token_is_a_fresh_one(new_token: NewSecret) -> None:
    tokens = [new_token() for _ in range(1_000)]
    assert len(set(tokens)) == len({token_digest(token) for token in tokens}) == 1_000


# --------------------------------------------------------------------------- random ones alone


def test_a_token_carries_256_bits_and_goes_anywhere_as_it_is() -> None:
    token = new_secret()
    assert token.isascii()
    assert len(base64.urlsafe_b64decode(token + "=")) * 8 == 256


def test_every_bit_of_a_token_is_now_zero_and_now_one() -> None:
    numbers = [int.from_bytes(base64.urlsafe_b64decode(new_secret() + "=")) for _ in range(100)]
    ever, always = 0, (1 << 256) - 1
    for number in numbers:
        ever, always = ever | number, always & number
    # Bits that are fair stay the same a hundred times once in 10^27.
    assert (ever, always) == ((1 << 256) - 1, 0)
