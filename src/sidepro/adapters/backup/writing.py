"""Writes a backup while the installation may be served.

A backup is a tar file: `images/…`, `mails/…`, `secret.key`, `sidepro.sqlite3`, and at its end
`manifest.json`, which only a complete backup has.

The copy of the database is one moment of it (SQLite's online backup). Images are read before that
moment, and the ones stored meanwhile after it, so every image of the copy is in the file: an
image's row is written before its file and removed after it, and files never change.
"""

import hashlib
import io
import os
import secrets
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import msgspec

FORMAT = 1
DATABASE, SECRET_KEY, MANIFEST = "sidepro.sqlite3", "secret.key", "manifest.json"
IMAGES, MAILS = "images/", "mails/"

PART_SIZE = 2**20
"""Bytes read at a time."""


class BackupError(Exception):
    """A backup cannot be written, read or restored. The message is one line."""


@dataclass(frozen=True, slots=True)
class EmbeddedFiles:
    """Where an embedded installation keeps its data. `images` is `None` if they are in S3."""

    database: Path
    secret_key: Path
    images: Path | None
    mails: Path


class Manifest(msgspec.Struct, frozen=True):
    """What a backup contains. `database` is the SHA-256 of the copy in hexadecimal digits."""

    format: int
    version: str
    revision: str
    made_at: datetime
    database: str
    secret_key: bool
    images: int
    mails: int
    missing_images: int = 0
    """Stored images of the database without a file."""


def write_backup(files: EmbeddedFiles, target: Path, version: str, now: datetime) -> Manifest:
    """Write a backup to a new file. It appears under its name when it is complete.

    Raises:
        BackupError: the database is missing or damaged, or the file cannot be written.
    """
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    copy = part.with_suffix(".sqlite3")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            manifest = _write(files, stream, copy, version, now)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise BackupError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        for rest in (part, copy):
            rest.unlink(missing_ok=True)
    return manifest


def _write(
    files: EmbeddedFiles, stream: io.BufferedWriter, copy: Path, version: str, now: datetime
) -> Manifest:
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        added = _add_folder(tar, files.images, IMAGES, set())
        mails = _add_folder(tar, files.mails, MAILS, set())
        has_key = _add_file(tar, files.secret_key, SECRET_KEY)
        revision = _copy_database(files.database, copy)
        tar.add(copy, DATABASE)
        added |= _add_folder(tar, files.images, IMAGES, added)
        missing = stored_images(copy) - added if files.images else set()
        manifest = Manifest(
            format=FORMAT,
            version=version,
            revision=revision,
            made_at=now,
            database=digest(copy),
            secret_key=has_key,
            images=len(added),
            mails=len(mails),
            missing_images=len(missing),
        )
        data = msgspec.json.encode(manifest)
        member = tarfile.TarInfo(MANIFEST)
        member.size, member.mode = len(data), 0o600
        tar.addfile(member, io.BytesIO(data))
    return manifest


def _add_folder(
    tar: tarfile.TarFile, folder: Path | None, prefix: str, known: set[str]
) -> set[str]:
    """Add the files of a folder. Returns their names."""
    added: set[str] = set()
    if folder is None or not folder.is_dir():
        return added
    for file in sorted(folder.iterdir()):
        # Files with other names are unfinished: obstore's end with # and a number.
        is_data = not file.name.startswith(".") and "#" not in file.name
        if is_data and file.name not in known and _add_file(tar, file, prefix + file.name):
            added.add(file.name)
    return added


def _add_file(tar: tarfile.TarFile, file: Path, name: str) -> bool:
    """Add a file, unless it is gone or no regular file."""
    with suppress(FileNotFoundError):
        if file.is_file():
            tar.add(file, name, recursive=False)
            return True
    return False


def _copy_database(source: Path, copy: Path) -> str:
    """Copy the database as it is at one moment. Returns the revision of its schema."""
    try:
        with open_database(source) as database, closing(sqlite3.connect(copy)) as target:
            database.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
            if target.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise BackupError(f"{source} is damaged: restore an earlier backup")
            return str(target.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.Error, TypeError) as error:
        name: str = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
            raise BackupError(f"cannot copy {source} to {copy.parent}: {error}") from error
        raise BackupError(f"{source} holds no database of SidePro: {error}") from error


@contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """An existing database, in autocommit.

    Raises:
        sqlite3.Error: it is missing, damaged or busy.
    """
    address = f"file:{quote(str(path))}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as database:
        yield database


def stored_images(database: Path) -> set[str]:
    """The keys of the images that must have a file."""
    with open_database(database) as opened:
        rows = opened.execute("SELECT key FROM images WHERE state = 'stored'").fetchall()
    return {str(row[0]) for row in rows}


def digest(file: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
