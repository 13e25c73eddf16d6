"""Restores a backup in place of the data of an installation that is not served.

A process that ends at any line leaves either the old data or the restored data. All images of both
are in the folder when the database is replaced, which is one renaming. The old data are kept in a
folder of their own; files that both have are one file with two names.
"""

import os
import re
import secrets
import shutil
import sqlite3
import tarfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from sidepro.adapters.backup.writing import (
    DATABASE,
    FORMAT,
    IMAGES,
    MAILS,
    MANIFEST,
    SECRET_KEY,
    BackupError,
    EmbeddedFiles,
    Manifest,
    digest,
    open_database,
    stored_images,
    sync_folder,
)

_NAME = re.compile(r"(images/|mails/)[0-9A-Za-z_=+,@:-][0-9A-Za-z_=+,@:.-]*")
_SINGLE_FILES = (DATABASE, SECRET_KEY, MANIFEST)
_SIDE_FILES = ("-wal", "-shm")

MAX_MANIFEST = 2**16
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and the folder of the data that was there before, if there was any."""

    manifest: Manifest
    revision: str
    old_data: Path | None
    images: int
    missing_images: int


async def restore_backup(
    backup: Path, files: EmbeddedFiles, old_data: Path, prepare: Callable[[Path], Awaitable[str]]
) -> Restored:
    """Restore a backup. The caller holds the serve lock.

    `prepare` migrates the restored database, before it replaces the old one, and returns the
    revision; if it fails, nothing is changed. `old_data` is the folder for the old data, which
    must not exist.

    Raises:
        BackupError: the file is no complete backup, another process uses the database, or a file
            cannot be written.
    """
    staged = files.database.with_name(f".{files.database.name}.{secrets.token_hex(4)}.restoring")
    try:
        with _reading(backup) as tar:
            manifest = _read_manifest(tar)
            _check_names(tar)
            _unpack_database(tar, manifest, staged)
            revision = await prepare(staged)
            _leave_wal(staged)
            has_old_data = _keep_old_data(files, old_data)
            images = _unpack_images(tar, files, stored_images(staged))
            _unpack_rest(tar, files)
            staged.replace(files.database)
            sync_folder(files.database.parent)
            keys = stored_images(files.database)
            if has_old_data:
                _remove_others(files, tar, keys)
    except OSError as error:
        raise BackupError(f"cannot restore {backup}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise BackupError(f"cannot use the database in {backup}: {error}") from error
    finally:
        for rest in (staged, *_side_files(staged)):
            rest.unlink(missing_ok=True)
    missing = sum(not (files.images / key).exists() for key in keys) if files.images else 0
    return Restored(manifest, revision, old_data if has_old_data else None, images, missing)


@contextmanager
def _reading(backup: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(backup, mode="r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{backup} is no backup of SidePro, or it is damaged") from error


def _read_manifest(tar: tarfile.TarFile) -> Manifest:
    try:
        with _opened(tar, MANIFEST) as stream:
            manifest = msgspec.json.decode(stream.read(MAX_MANIFEST), type=Manifest)
    except (KeyError, msgspec.MsgspecError) as error:
        raise BackupError(f"{tar.name!s} is no complete backup of SidePro") from error
    if manifest.format != FORMAT:
        raise BackupError(f"a newer version of SidePro ({manifest.version}) made this backup")
    return manifest


def _opened(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    stream = tar.extractfile(name)
    if stream is None:
        raise KeyError(name)
    return stream


def _unpack_database(tar: tarfile.TarFile, manifest: Manifest, staged: Path) -> None:
    try:
        _unpack(tar, DATABASE, staged)
    except KeyError as error:
        raise BackupError("the backup contains no database") from error
    if digest(staged) != manifest.database:
        raise BackupError("the database in the backup is damaged")


def _unpack(tar: tarfile.TarFile, name: str, target: Path) -> None:
    """Write a member to a file, under its name when it is complete. Raises KeyError."""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with _opened(tar, name) as source, part.open("xb") as stream:
            part.chmod(0o600)
            shutil.copyfileobj(source, stream, 2**20)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _leave_wal(database: Path) -> None:
    """Bring all of a database into one file.

    Raises:
        BackupError: another process uses it.
    """
    try:
        with open_database(database) as opened:
            opened.execute("PRAGMA locking_mode = EXCLUSIVE")
            opened.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise BackupError(f"another process uses {database}") from error
        raise


def _keep_old_data(files: EmbeddedFiles, old_data: Path) -> bool:
    """Give the old data names in the folder `old_data`. Returns whether there are any."""
    if not files.database.exists():
        return False
    with suppress(sqlite3.DatabaseError):  # a damaged database is kept as it is
        _leave_wal(files.database)
    old_data.mkdir(mode=0o700, parents=True)
    for file in (files.database, files.secret_key, *_side_files(files.database)):
        if file.exists():
            _hard_link(file, old_data / file.name)
    for folder in (files.images, files.mails):
        if folder and folder.is_dir():
            (old_data / folder.name).mkdir(mode=0o700)
            for file in folder.iterdir():
                if file.is_file():
                    _hard_link(file, old_data / folder.name / file.name)
            sync_folder(old_data / folder.name)
    sync_folder(old_data)
    # The log of a damaged database must not be applied to the restored one.
    for file in _side_files(files.database):
        file.unlink(missing_ok=True)
    return True


def _hard_link(file: Path, name: Path) -> None:
    """Give a file a second name, or copy it if the file systems do not allow that."""
    try:
        name.hardlink_to(file)
    except OSError:
        shutil.copy2(file, name)


def _side_files(database: Path) -> tuple[Path, ...]:
    return tuple(database.with_name(database.name + end) for end in _SIDE_FILES)


def _check_names(tar: tarfile.TarFile) -> None:
    """Raises BackupError if a name leads elsewhere."""
    for member in tar.getmembers():
        if member.name not in _SINGLE_FILES and not _NAME.fullmatch(member.name):
            raise BackupError(f"the backup contains a file {member.name!r}")


def _members(tar: tarfile.TarFile, prefix: str) -> Iterator[tarfile.TarInfo]:
    return (one for one in tar.getmembers() if one.name.startswith(prefix) and one.isreg())


def _unpack_images(tar: tarfile.TarFile, files: EmbeddedFiles, keys: set[str]) -> int:
    """Unpack the images of the restored database that are not there. Returns how many it has."""
    if files.images is None:
        return 0
    files.images.mkdir(mode=0o700, parents=True, exist_ok=True)
    images = 0
    for member in _members(tar, IMAGES):
        target = files.images / member.name.removeprefix(IMAGES)
        if target.name in keys:
            images += 1
            if not target.exists() or target.stat().st_size != member.size:
                _unpack(tar, member.name, target)
    sync_folder(files.images)
    return images


def _unpack_rest(tar: tarfile.TarFile, files: EmbeddedFiles) -> None:
    for member in _members(tar, MAILS):
        files.mails.mkdir(mode=0o700, exist_ok=True)
        _unpack(tar, member.name, files.mails / member.name.removeprefix(MAILS))
    with suppress(KeyError):  # the key of the backup was a setting
        _unpack(tar, SECRET_KEY, files.secret_key)


def _remove_others(files: EmbeddedFiles, tar: tarfile.TarFile, keys: set[str]) -> None:
    """Remove the images and mails that only the old data had."""
    mails = {member.name.removeprefix(MAILS) for member in _members(tar, MAILS)}
    for folder, names in ((files.images, keys), (files.mails, mails)):
        if folder and folder.is_dir():
            for file in folder.iterdir():
                if file.is_file() and file.name not in names:
                    file.unlink()
