"""The secret key of an embedded installation, in a file that only its owner can read."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

FILE = "secret.key"
MIN_LENGTH = 32


class UnusableSecretError(Exception):
    """The file of the key is empty or damaged. Tokens signed with it could be forged."""


def load_or_create_secret(folder: Path) -> str:
    """The key in the folder; created if it is missing.

    Two processes that create it at once get the same key: a hard link makes the file appear with
    its whole content, and fails if the file exists.

    Raises:
        OSError: the folder is not writable, or the file is not readable.
        UnusableSecretError: the file contains no valid key.
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
    if len(key) < MIN_LENGTH or not key.isascii():
        raise UnusableSecretError(
            f"{file} contains no secret key: restore it, or delete it to get a new one, which "
            "invalidates all access tokens"
        )
    return key.decode()
