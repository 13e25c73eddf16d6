"""Password hashing with argon2id, the list of common passwords, and email normalization."""

import asyncio
from functools import cached_property
from importlib.resources import files

import argon2
import email_validator
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from sidepro.adapters.fair_threads import FairThreads
from sidepro.adapters.freed_memory import return_freed_memory, share_arena
from sidepro.domain.accounts.password import MAX_RAW_PASSWORD
from sidepro.domain.text import casefold_key, normalize

MAX_THREADS = 2
"""Hashing is bound by CPU and memory: more threads only slow each other down."""

# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
MEMORY_KIB = 19_456
PASSES = 2
LANES = 1

IDLE_SECONDS = 2.0
"""Seconds without a hash after which its memory is returned, which takes 2 ms. Returned after each
one, a hash would take half as long again.
"""


class Argon2Passwords:
    """See `sidepro.domain.accounts.ports.PasswordHasher`."""

    def __init__(self, memory_kib: int | None = None) -> None:
        self._hasher = argon2.PasswordHasher(
            time_cost=PASSES, memory_cost=memory_kib or MEMORY_KIB, parallelism=LANES
        )
        share_arena()
        self._threads = FairThreads(MAX_THREADS, "argon2")
        # Verified for unknown emails, so that they take as long as known ones.
        self._dummy_hash = self._hasher.hash("no user has this password")
        self._memory_return: asyncio.TimerHandle | None = None

    async def hash(self, password: str, *, key: str | None = None) -> str:
        hashed = await self._threads.run(key, self._hasher.hash, normalize(password))
        self._return_memory_when_idle()
        return hashed

    async def verify(
        self, password: str, password_hash: str | None, *, key: str | None = None
    ) -> bool:
        # No password is longer, and normalizing a longer text would take long.
        normalized = normalize(password[:MAX_RAW_PASSWORD])
        matches = await self._threads.run(
            key, self._matches, password_hash or self._dummy_hash, normalized
        )
        self._return_memory_when_idle()
        return matches and password_hash is not None and len(password) <= MAX_RAW_PASSWORD

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Stop the threads after the hashes in progress."""
        if self._memory_return:
            self._memory_return.cancel()
        self._threads.close()

    def _return_memory_when_idle(self) -> None:
        if self._memory_return:
            self._memory_return.cancel()
        loop = asyncio.get_running_loop()
        self._memory_return = loop.call_later(IDLE_SECONDS, return_freed_memory)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerifyMismatchError, InvalidHashError):
            return False


class CommonPasswordList:
    """45,000 common passwords and words: see `data/common_passwords.md` for their sources.

    See `sidepro.domain.accounts.ports.CommonPasswords`.
    """

    def __contains__(self, password: str, /) -> bool:
        key = casefold_key(password)
        return "\n" not in key and f"\n{key}\n" in self._lines

    @cached_property
    def _lines(self) -> str:
        # Loaded on first use. One text takes a tenth of the memory of a set, and a sign-up
        # searches it in a fraction of the time of its password hash.
        return (files(__package__) / "data" / "common_passwords.txt").read_text("utf-8")


def normalize_email(email: str) -> str | None:
    """The normal form of an email address. See `sidepro.domain.accounts.ports.EmailNormalizer`."""
    try:
        email_address = email_validator.validate_email(email.strip(), check_deliverability=False)
    except email_validator.EmailNotValidError:
        return None
    return email_address.normalized
