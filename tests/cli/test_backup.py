"""`sidepro backup` and `sidepro restore`: a served database, killed restores, other versions."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import stat
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidepro.adapters.backup.restoring import restore_backup
from sidepro.adapters.backup.writing import EmbeddedFiles, stored_images
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema import migrate as migrations
from tests.cli.seed_options import SMALL
from tests.clients import Client, http_client
from tests.faults.load import Load
from tests.image_files import picture, saved
from tests.servers import SECRET_KEY, SideProServer, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome


PICTURES = [*SMALL, "--pictures=8"]


def files_in(folder: Path) -> EmbeddedFiles:
    return EmbeddedFiles(
        folder / "sidepro.sqlite3", folder / "secret.key", folder / "images", folder / "mails"
    )


def usernames(database: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(database)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in opened.execute("SELECT username FROM users ORDER BY username")]


def epoch_of(database: Path) -> str:
    with contextlib.closing(sqlite3.connect(database)) as opened:
        return str(opened.execute("SELECT epoch FROM installation").fetchone()[0])


def change(database: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(database)) as opened:
        opened.execute(statement)
        opened.commit()


@pytest.fixture
def seeded(run_here: Callable[..., Outcome], tmp_path: Path) -> Path:
    """A data folder with demo data, and in `backup.tar` beside it a backup of it."""
    folder = tmp_path / "data"
    assert run_here("seed", *PICTURES, SIDEPRO_DATA_DIR=str(folder)).code == 0
    outcome = run_here("backup", str(tmp_path / "backup.tar"), SIDEPRO_DATA_DIR=str(folder))
    assert (outcome.code, outcome.err) == (0, "")
    return folder


# ------------------------------------------------------------------------------ while served


@pytest.mark.anyio
@pytest.mark.servers
async def test_a_backup_under_load_restores_to_a_community_that_goes_on(tmp_path: Path) -> None:
    public = {"SIDEPRO_PUBLIC_URL": f"http://127.0.0.1:{free_port()}"}
    with SideProServer({**public, "SIDEPRO_DATA_DIR": str(tmp_path / "one")}) as server:
        async with http_client(server.url) as http:
            load = await Load.begin(http)
            mine, other = await Client.sign_up(http), await Client.sign_up(http)
            image = await mine.upload(saved(picture()))
            await mine.write_profile(image_id=image["id"])
            room_id = await mine.open_room_with(other)
            first = await mine.call("POST", f"/rooms/{room_id}/messages", {"body": "커피?"})
            load.start()
            await load.until_each_was_told(3)
            told = await asyncio.to_thread(server.run, "backup", str(tmp_path))
            backup = told.removeprefix("wrote ").partition(":")[0]
            await load.until_each_was_told(3)
            await load.stop()
    with SideProServer({**public, "SIDEPRO_DATA_DIR": str(tmp_path / "two")}) as restored:
        restored.terminate()
        restored.run("restore", backup)
        assert restored.run("counters", "check") == "all counts are right\n"
        restored.start()
        async with http_client(restored.url) as http:
            mine.http = http
            account = await mine.call("GET", "/me")  # with the access token from before
            picture_url = account["profile"]["image_url"]
            assert (await http.get(picture_url)).status_code == 200
            second = await mine.call("POST", f"/rooms/{room_id}/messages", {"body": "네!"})
            assert second["seq"] == first["seq"] + 1
            await mine.log_in()


@pytest.mark.servers
def test_restore_refuses_while_served(tmp_path: Path, run_here: Callable[..., Outcome]) -> None:
    with SideProServer() as server:
        server.run("backup", str(tmp_path / "backup.tar"))
        outcome = run_here(
            "restore",
            str(tmp_path / "backup.tar"),
            SIDEPRO_DATA_DIR=server.environment["SIDEPRO_DATA_DIR"],
        )
    assert "`sidepro serve` runs on " in outcome.error_line()
    assert "stop it first" in outcome.err


# --------------------------------------------------------------------------------- the file


def test_a_backup_is_readable_by_its_user_alone(seeded: Path) -> None:
    assert stat.S_IMODE((seeded.parent / "backup.tar").stat().st_mode) == 0o600


def test_a_backup_replaces_no_file(seeded: Path, run_here: Callable[..., Outcome]) -> None:
    target = str(seeded.parent / "backup.tar")
    line = run_here("backup", target, SIDEPRO_DATA_DIR=str(seeded)).error_line()
    assert line == f"{target} exists: choose another name"


def test_a_backup_tells_what_is_not_in_it(
    seeded: Path, run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    next((seeded / "images").iterdir()).unlink()
    (seeded / "secret.key").unlink()
    environment = {"SIDEPRO_DATA_DIR": str(seeded), "SIDEPRO_SECRET_KEY": SECRET_KEY}
    told = run_here("backup", str(tmp_path / "one.tar"), **environment).out
    assert "the secret key is the setting SIDEPRO_SECRET_KEY: keep it too" in told
    assert "it contains the secret key" not in told
    assert "1 images of the database have no file" in told
    environment["SIDEPRO_IMAGES_URL"] = "s3://pictures/all"
    told = run_here("backup", str(tmp_path / "two.tar"), **environment).out
    assert "the images are in s3://pictures/all: back up the bucket too" in told


def test_a_backup_of_postgresql_says_what_to_run(run_here: Callable[..., Outcome]) -> None:
    environment = {
        "SIDEPRO_DATABASE_URL": "postgresql://one:geheim@db/community",
        "SIDEPRO_SECRET_KEY": SECRET_KEY,
    }
    for command, program in (("backup", "pg_dump"), ("restore", "pg_restore")):
        line = run_here(command, "file", **environment).error_line()
        assert f"is not embedded: use `{program} " in line
        assert "geheim" not in line


# ------------------------------------------------------------------------------ what is there


def test_restore_keeps_the_old_data_beside_the_restored(
    seeded: Path, run_here: Callable[..., Outcome]
) -> None:
    before = usernames(seeded / "sidepro.sqlite3")
    change(seeded / "sidepro.sqlite3", "UPDATE users SET username = 'later' || username")
    (seeded / "images" / "later.webp").write_bytes(b"later")
    (seeded / "secret.key").write_text("another-key-of-more-than-32-characters\n")
    environment = {"SIDEPRO_DATA_DIR": str(seeded)}
    outcome = run_here("restore", str(seeded.parent / "backup.tar"), **environment)
    assert outcome.code == 0, outcome.err
    assert usernames(seeded / "sidepro.sqlite3") == before
    keys = {file.name for file in (seeded / "images").iterdir()}
    assert keys == stored_images(seeded / "sidepro.sqlite3")
    (old,) = seeded.glob("before-restore-*")
    assert str(old) in outcome.out
    assert all(name.startswith("later") for name in usernames(old / "sidepro.sqlite3"))
    assert {file.name for file in (old / "images").iterdir()} == {*keys, "later.webp"}
    assert epoch_of(seeded / "sidepro.sqlite3") != epoch_of(old / "sidepro.sqlite3")
    assert (old / "secret.key").read_text() != (seeded / "secret.key").read_text()


def test_mail_in_the_data_folder_is_restored(
    seeded: Path, run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(seeded)}
    (seeded / "mails").mkdir()
    (seeded / "mails" / "1.eml").write_text("안녕하세요")
    assert run_here("backup", str(tmp_path / "with-mail.tar"), **environment).code == 0
    (seeded / "mails" / "1.eml").write_text("changed")
    (seeded / "mails" / "2.eml").write_text("later")
    assert run_here("restore", str(tmp_path / "with-mail.tar"), **environment).code == 0
    mails = {file.name: file.read_text() for file in (seeded / "mails").iterdir()}
    assert mails == {"1.eml": "안녕하세요"}


def test_a_damaged_database_is_replaced_and_kept(
    seeded: Path, run_here: Callable[..., Outcome]
) -> None:
    before = usernames(seeded / "sidepro.sqlite3")
    (seeded / "sidepro.sqlite3").write_bytes(b"damaged" * 1_000)
    environment = {"SIDEPRO_DATA_DIR": str(seeded)}
    line = run_here("backup", str(seeded.parent / "second.tar"), **environment).error_line()
    assert "holds no database of SidePro" in line
    assert run_here("restore", str(seeded.parent / "backup.tar"), **environment).code == 0
    assert usernames(seeded / "sidepro.sqlite3") == before
    (old,) = seeded.glob("before-restore-*")
    assert (old / "sidepro.sqlite3").read_bytes().startswith(b"damaged")


# --------------------------------------------------------------------------- other versions


def at_revision(database: Path, revision: str) -> None:
    """Undo the later migrations."""

    async def undo() -> None:
        opened = Database(f"sqlite:///{database}")
        await migrations.undo(opened, revision)
        await opened.close()

    asyncio.run(undo())


def test_a_backup_of_an_older_version_is_migrated(
    seeded: Path, run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(seeded)}
    at_revision(seeded / "sidepro.sqlite3", "0012")
    assert "revision 0012" in run_here("backup", str(tmp_path / "old.tar"), **environment).out
    outcome = run_here("restore", str(tmp_path / "old.tar"), **environment)
    assert f"the database at revision {migrations.needed()}" in outcome.out
    assert run_here("migrate", "--check", **environment).code == 0


def test_a_backup_of_a_newer_version_is_refused_and_changes_nothing(
    seeded: Path, run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(seeded)}
    newer = tmp_path / "newer"
    shutil.copytree(seeded, newer)
    change(newer / "sidepro.sqlite3", "UPDATE alembic_version SET version_num = '9999'")
    change(newer / "sidepro.sqlite3", "UPDATE schema_compatibility SET oldest_code = '9999'")
    target = str(tmp_path / "newer.tar")
    assert run_here("backup", target, SIDEPRO_DATA_DIR=str(newer)).code == 0
    before = snapshot(seeded)
    line = run_here("restore", target, **environment).error_line()
    assert "the backup is too new, at revision 9999" in line
    assert snapshot(seeded) == before


def snapshot(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file() and ".lock" not in file.name)
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


@pytest.mark.parametrize("damage", ["truncated", "changed", "no tar"])
def test_a_damaged_backup_is_refused_and_changes_nothing(
    seeded: Path, run_here: Callable[..., Outcome], tmp_path: Path, damage: str
) -> None:
    backup = tmp_path / "backup.tar"
    data = bytearray(backup.read_bytes())
    if damage == "truncated":
        del data[len(data) // 2 :]
    elif damage == "changed":
        with tarfile.open(backup) as tar:
            data[tar.getmember("sidepro.sqlite3").offset_data + 5_000] ^= 255
    else:
        data[:] = b"SQLite format 3"
    backup.write_bytes(data)
    before = snapshot(seeded)
    line = run_here("restore", str(backup), SIDEPRO_DATA_DIR=str(seeded)).error_line()
    assert "backup" in line
    assert snapshot(seeded) == before


def test_a_backup_cannot_name_files_elsewhere(
    seeded: Path, run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    source, hostile = tmp_path / "backup.tar", tmp_path / "hostile.tar"
    with tarfile.open(source) as tar, tarfile.open(hostile, "w") as changed:
        for member in tar.getmembers():
            stream = tar.extractfile(member)
            if member.name.startswith("images/"):
                member.name = "mails/../../escaped"
            changed.addfile(member, stream)
    before = snapshot(tmp_path)
    line = run_here("restore", str(hostile), SIDEPRO_DATA_DIR=str(seeded)).error_line()
    assert "contains a file 'mails/../../escaped'" in line
    assert snapshot(tmp_path) == before


# --------------------------------------------------------------------------- killed restores


class Killed(BaseException):
    """In the place of SIGKILL."""


class Killer:
    """Ends the process at its nth change of the file system."""

    def __init__(self, at: int, patched: pytest.MonkeyPatch) -> None:
        self.steps = 0
        self._at = at
        for name in ("replace", "unlink", "hardlink_to", "mkdir"):
            patched.setattr(Path, name, self._counted(getattr(Path, name)))

    def _counted(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.steps += 1
            if self.steps >= self._at:
                raise Killed
            return change(*arguments, **options)

        return counted


async def _no_migration(_: Path) -> str:
    return ""


def test_a_restore_killed_at_any_step_leaves_old_or_restored_data(
    seeded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = tmp_path / "backup.tar"
    restored = usernames(seeded / "sidepro.sqlite3")
    change(seeded / "sidepro.sqlite3", "UPDATE users SET username = 'old' || username")
    # The backup has images that the old data lack, and the other way round.
    one, *_ = sorted(stored_images(seeded / "sidepro.sqlite3"))
    (seeded / "images" / one).rename(seeded / "images" / f"0{one}")
    change(seeded / "sidepro.sqlite3", f"UPDATE images SET key = '0{one}' WHERE key = '{one}'")
    old = usernames(seeded / "sidepro.sqlite3")
    seen, step = [], 0
    while True:
        step += 1
        folder = tmp_path / f"{step}"
        shutil.copytree(seeded, folder)
        with monkeypatch.context() as patched:
            Killer(step, patched)
            try:
                asyncio.run(
                    restore_backup(backup, files_in(folder), folder / "before", _no_migration)
                )
                break
            except Killed:
                pass
        database = folder / "sidepro.sqlite3"
        seen.append(usernames(database))
        assert seen[-1] in (old, restored), step
        assert stored_images(database) <= {file.name for file in (folder / "images").iterdir()}
        again = asyncio.run(
            restore_backup(backup, files_in(folder), folder / "again", _no_migration)
        )
        assert (usernames(database), again.missing_images) == (restored, 0)
    assert seen[0] == old
    assert seen[-1] == restored
    assert step > 10
