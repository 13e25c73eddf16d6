"""Writes mails into a folder, where there is no server."""

import asyncio
import os
import time
from contextlib import suppress
from email.headerregistry import Address
from email.policy import SMTP
from pathlib import Path

import structlog

from sidepro.adapters.mail.message import build_message
from sidepro.domain.mail.ports import Letter, MailRefused, MailServerUnavailable

log = structlog.get_logger(__name__)

FILES_KEPT_FOR = 7 * 86_400
"""Seconds."""


class FolderTransport:
    """See `sidepro.domain.mail.ports.MailTransport`. A mail is an `.eml` file, which only this
    user can read; sent again, it replaces its file.
    """

    def __init__(self, folder: Path, sender: Address) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, letter: Letter) -> None:
        try:
            message = build_message(letter, self._sender)
        except ValueError as error:
            raise MailRefused("the mail has a header that cannot be sent") from error
        name = f"{letter.date:%Y%m%dT%H%M%S}-{letter.message_id.strip('<>').partition('@')[0]}.eml"
        data = message.as_bytes(policy=SMTP.clone(utf8=True))
        try:
            await asyncio.to_thread(self._write, name, data)
        except OSError as error:
            raise MailServerUnavailable(
                f"cannot write to {self._folder}: {error.strerror}"
            ) from error
        log.info("mail_written", file=name)

    async def close(self) -> None:
        with suppress(OSError):
            await asyncio.to_thread(self._remove_old)

    def _write(self, name: str, data: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / f".{name}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / name)

    def _remove_old(self) -> None:
        oldest = time.time() - FILES_KEPT_FOR
        for file in self._folder.glob("*.eml"):
            if file.stat().st_mtime < oldest:
                file.unlink()
