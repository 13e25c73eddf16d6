"""The secret key of an embedded platform: made once, kept in a file that its owner alone reads."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

FILE = "secret.key"
SHORTEST = 32


class UnusableSecretError(Exception):
    """The file of the key is empty or broken. Signing with it would let anybody forge tokens."""


def load_or_create_secret(folder: Path) -> str:
    """The key in the folder, made now if there is none.

    Two processes that make it at once end up with the same one: the file appears with its whole
    content, and the first one to appear stays.

    Raises:
        OSError: the folder cannot be written, or the file not be read.
        UnusableSecretError: the file holds no key that could have been made here.
    """
    file = folder / FILE
    with suppress(FileNotFoundError):
        return _read(file)
    fresh = folder / f".{FILE}.{secrets.token_hex(8)}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_urlsafe(48) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            file.hardlink_to(fresh)
    finally:
        fresh.unlink()
    return _read(file)


def _read(file: Path) -> str:
    key = file.read_bytes().strip()
    if len(key) < SHORTEST or not key.isascii():
        raise UnusableSecretError(
            f"{file} holds no secret key: restore it, or remove it to get a new one, which ends "
            "all access tokens"
        )
    return key.decode()
