"""Mails as files, where there is no server."""

from __future__ import annotations

import email
import email.policy
import os
import time
from dataclasses import replace
from email.headerregistry import Address
from typing import TYPE_CHECKING

import pytest

from sidepro.adapters.mail import folder as mail_folder
from sidepro.adapters.mail.folder import FILES_KEPT_FOR, FolderTransport
from sidepro.domain.mail.ports import MailServerUnavailable
from tests.adapters.test_smtp import LETTER

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

SENDER = Address("SidePro", "noreply", "localhost")


class Log:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, **members: object) -> None:
        self.lines.append(f"{event} {members}")


async def test_a_mail_is_one_file_however_often_it_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    monkeypatch.setattr(mail_folder, "log", log)
    folder = tmp_path / "mails"
    transport = FolderTransport(folder, SENDER)
    for _ in range(2):
        await transport.send(LETTER)
    await transport.send(replace(LETTER, message_id="<2@sidepro.example>", to="미나@example.com"))
    await transport.close()
    first, second = sorted(folder.iterdir())
    assert (first.suffix, second.suffix) == (".eml", ".eml")
    parsed = email.message_from_bytes(first.read_bytes(), policy=email.policy.default)
    assert parsed["Subject"] == LETTER.subject
    # The links can be read without a mail program.
    assert b"/password-reset?token=abc" in first.read_bytes()
    assert "token" not in "".join(log.lines)
    assert "@" not in "".join(log.lines)
    assert [line.partition(" ")[0] for line in log.lines] == ["mail_written"] * 3


async def test_only_this_user_can_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    await FolderTransport(folder, SENDER).send(LETTER)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [file.stat().st_mode & 0o777 for file in folder.iterdir()] == [0o600]


async def test_old_files_are_removed(tmp_path: Path) -> None:
    transport = FolderTransport(tmp_path, SENDER)
    await transport.close()
    await transport.send(LETTER)
    (name,) = os.listdir(tmp_path)  # noqa: PTH208 - needs no more than the name
    await transport.close()
    assert os.listdir(tmp_path) == [name]  # noqa: PTH208 - as above
    old = time.time() - FILES_KEPT_FOR - 10
    os.utime(tmp_path / name, (old, old))
    await transport.close()
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - as above


async def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    blocked = tmp_path / "mails"
    blocked.write_text("a file")
    with pytest.raises(MailServerUnavailable):
        await FolderTransport(blocked, SENDER).send(LETTER)
