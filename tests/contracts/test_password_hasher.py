"""`PasswordHasher`: argon2id in threads of its own, and what stands in for it in the domain's
tests.
"""

import asyncio
import time
import unicodedata
from collections.abc import Iterator

import pytest

from sidepro.adapters.security.passwords import Argon2Passwords
from sidepro.domain.accounts.ports import PasswordHasher
from tests.factories import QuickPasswords

pytestmark = pytest.mark.anyio

PASSWORD = "정확한 horse battery 9"


@pytest.fixture(params=["argon2id", "quick"])
def passwords(request: pytest.FixtureRequest) -> Iterator[PasswordHasher]:
    if request.param == "quick":
        yield QuickPasswords()
        return
    argon2id = Argon2Passwords(memory_kib=8)
    yield argon2id
    argon2id.close()


async def test_a_hash_knows_its_password_and_no_other(passwords: PasswordHasher) -> None:
    hashed = await passwords.hash(PASSWORD)
    assert PASSWORD not in hashed
    assert await passwords.verify(PASSWORD, hashed)
    for other in (PASSWORD[:-1], PASSWORD + " ", " " + PASSWORD, PASSWORD.upper(), ""):
        assert not await passwords.verify(other, hashed)


async def test_a_password_is_one_however_it_is_composed(passwords: PasswordHasher) -> None:
    decomposed = unicodedata.normalize("NFD", PASSWORD)
    assert await passwords.verify(decomposed, await passwords.hash(PASSWORD))
    assert await passwords.verify(PASSWORD, await passwords.hash(decomposed))


async def test_no_password_matches_a_missing_hash(passwords: PasswordHasher) -> None:
    for password in (PASSWORD, "", "nobody's password"):
        assert not await passwords.verify(password, None)


async def test_the_longest_passwords_are_compared_to_the_end(passwords: PasswordHasher) -> None:
    longest = unicodedata.normalize("NFD", "ᾂ" * 128)
    hashed = await passwords.hash(longest)
    assert await passwords.verify(longest, hashed)
    assert not await passwords.verify(longest + "x", hashed)
    for length in (1_025, 200_000):
        assert not await passwords.verify(longest.ljust(length, "x"), hashed)


async def test_a_hash_of_today_is_not_outdated(passwords: PasswordHasher) -> None:
    assert not passwords.is_outdated(await passwords.hash(PASSWORD))


# ------------------------------------------------------------------------------- argon2id alone


@pytest.fixture
def slow() -> Iterator[Argon2Passwords]:
    found = Argon2Passwords()
    yield found
    found.close()


async def test_a_hash_is_salted_and_tells_its_parameters(slow: Argon2Passwords) -> None:
    one, other = await slow.hash(PASSWORD), await slow.hash(PASSWORD)
    assert one != other
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_other_parameters_make_a_hash_outdated_that_still_verifies(
    slow: Argon2Passwords,
) -> None:
    before = Argon2Passwords(memory_kib=8)
    hashed = await before.hash(PASSWORD)
    before.close()
    assert slow.is_outdated(hashed)
    assert await slow.verify(PASSWORD, hashed)


@pytest.mark.parametrize("stored", ["", "x", "$2b$12$abc"])
async def test_no_password_matches_an_invalid_hash(slow: Argon2Passwords, stored: str) -> None:
    assert not await slow.verify(PASSWORD, stored)


async def test_a_huge_password_is_rejected_quickly(slow: Argon2Passwords) -> None:
    hashed = await slow.hash(PASSWORD)
    began = time.monotonic()
    for known in (hashed, None):
        assert not await slow.verify("a" + "\u0301\u0323" * 50_000, known)
    assert time.monotonic() - began < 10, "its normal form takes half a minute"


async def test_the_loop_goes_on_while_passwords_are_hashed(slow: Argon2Passwords) -> None:
    rounds = 0
    hashing = asyncio.gather(*(slow.hash(PASSWORD) for _ in range(4)))
    while not hashing.done():
        rounds += 1
        await asyncio.sleep(0)
    await hashing
    assert rounds > 10


async def test_many_calls_of_one_key_do_not_delay_another_key(slow: Argon2Passwords) -> None:
    finished: list[str] = []

    async def hashed(key: str) -> None:
        await slow.hash(PASSWORD, key=key)
        finished.append(key)

    many = [asyncio.create_task(hashed("one")) for _ in range(12)]
    await asyncio.sleep(0)
    others = [asyncio.create_task(hashed(f"other {number}")) for number in range(2)]
    await asyncio.gather(*many, *others)

    assert {"other 0", "other 1"} <= set(finished[:5]), finished
