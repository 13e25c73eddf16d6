"""`ImageStore`: in memory, in a folder, and in S3."""

from __future__ import annotations

import asyncio
import os
import resource
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sidepro.adapters.images.store import IMMUTABLE, FolderImages, S3Images
from sidepro.domain.errors import NotFound, Unavailable
from sidepro.domain.images.urls import ImageKey
from tests.fakes.image_store import MemoryImageStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidepro.domain.images.ports import ImageStore
    from tests.servers.s3 import S3

pytestmark = pytest.mark.anyio

NOWHERE = Path(__file__) / "folder"
"""A file that blocks the creation of a folder."""

REGION = "ap-northeast-2"
DATA = bytes(range(256)) * 40


def names(folder: Path) -> list[str]:
    """The files in a folder; empty for a missing folder."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def inode(path: Path) -> int:
    return path.stat().st_ino


def new_key() -> ImageKey:
    return ImageKey(f"{secrets.token_hex(16)}.webp")


@pytest.fixture(params=["memory", "folder", "s3", "s3 with a prefix"])
def images(request: pytest.FixtureRequest, tmp_path: Path) -> ImageStore:
    if request.param == "memory":
        return MemoryImageStore()
    if request.param == "folder":
        return FolderImages(tmp_path / "of" / "images")
    server: S3 = request.getfixturevalue("s3")
    prefix = "some/where" if "prefix" in request.param else ""
    return S3Images(server.fresh_bucket(), prefix, REGION, server.url)


async def test_an_object_is_moved_whole_and_an_interrupted_move_completed(
    images: ImageStore,
) -> None:
    key, to = new_key(), new_key()
    await images.put(key, DATA)
    await images.move(key, to)
    assert await images.size(key) is None
    assert await images.read(to, 0, len(DATA)) == DATA
    await images.move(key, to)  # nothing is left to do
    await images.put(key, DATA)  # a copy was made, and its source not deleted
    await images.move(key, to)
    assert (await images.size(key), await images.size(to)) == (None, len(DATA))
    await images.move(to, key)
    assert await images.read(key, 0, len(DATA)) == DATA


async def test_an_object_is_read_whole_and_in_ranges(images: ImageStore) -> None:
    key, other = new_key(), new_key()
    await images.put(key, DATA)
    await images.put(other, b"x")
    assert await images.size(key) == len(DATA)
    assert await images.size(other) == 1
    assert await images.read(key, 0, len(DATA)) == DATA
    assert await images.read(key, 0, 1) == DATA[:1]
    assert await images.read(key, 300, 1_000) == DATA[300:1_000]
    assert await images.read(key, len(DATA) - 1, len(DATA)) == DATA[-1:]


async def test_a_missing_object_has_no_size_and_cannot_be_read(images: ImageStore) -> None:
    await images.put(new_key(), DATA)
    missing = new_key()
    assert await images.size(missing) is None
    with pytest.raises(NotFound):
        await images.read(missing, 0, 1)


async def test_a_new_store_is_empty(images: ImageStore) -> None:
    assert await images.size(new_key()) is None
    await images.delete([new_key()])


async def test_delete_removes_only_the_given_objects(images: ImageStore) -> None:
    keys = [new_key() for _ in range(5)]
    for key in keys:
        await images.put(key, DATA)
    await images.delete([keys[0], new_key(), keys[1]])
    await images.delete(keys[:2])
    await images.delete([])
    sizes = [await images.size(key) for key in keys]
    assert sizes == [None, None, *[len(DATA)] * 3]


async def test_concurrent_puts_are_all_stored(images: ImageStore) -> None:
    keys = [new_key() for _ in range(20)]
    await asyncio.gather(*(images.put(key, key.encode() * 99) for key in keys))
    for key in keys:
        assert await images.read(key, 0, len(key) * 99) == key.encode() * 99


async def test_a_large_object_is_stored_whole(images: ImageStore) -> None:
    key, data = new_key(), secrets.token_bytes(12 * 2**20)
    await images.put(key, data)
    assert await images.size(key) == len(data)
    assert await images.read(key, 0, len(data)) == data


# ------------------------------------------------------------------------------------ the folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


@pytest.fixture
def room_for_little() -> Iterator[None]:
    """Limits files to 64 KiB, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_the_folder_is_created_when_needed(folder: Path) -> None:
    images, key = FolderImages(folder), new_key()
    assert names(folder) == []
    await images.put(key, DATA)
    assert names(folder) == [key]


async def test_a_full_disk_leaves_no_partial_object(folder: Path, room_for_little: None) -> None:
    images, small, large = FolderImages(folder), new_key(), new_key()
    await images.put(small, bytes(1_000))
    with pytest.raises(Unavailable):
        await images.put(large, bytes(100_000))
    assert await images.size(large) is None
    assert await images.size(small) == 1_000
    await images.delete([large])
    assert names(folder) == [small]


async def test_delete_removes_what_an_interrupted_put_left(folder: Path) -> None:
    images, key, other = FolderImages(folder), new_key(), new_key()
    await images.put(other, DATA)
    (folder / f"{key}#1").write_bytes(DATA[:100])
    assert await images.size(key) is None
    await images.delete([key])
    assert names(folder) == [other]


async def test_a_folder_that_cannot_be_created_is_unavailable() -> None:
    images = FolderImages(NOWHERE)
    for call in (images.put(new_key(), DATA), images.size(new_key())):
        with pytest.raises(Unavailable):
            await call


async def test_put_flushes_the_object_and_its_directory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = set()

    def record(descriptor: int) -> None:
        flushed.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", record)
    key = new_key()
    await FolderImages(folder).put(key, DATA)
    assert flushed == set(map(inode, (folder / key, folder)))


# -------------------------------------------------------------------------------------------- S3


@pytest.mark.parametrize("prefix", ["", "some/where"])
async def test_an_object_in_s3_is_public_at_its_url(s3: S3, prefix: str) -> None:
    images, key = S3Images(s3.fresh_bucket(), prefix, REGION, s3.url), new_key()
    await images.put(key, DATA)
    async with httpx.AsyncClient() as http:
        found = await http.get(f"{images.base}{key}")
    assert found.content == DATA
    assert found.headers["Content-Type"] == "image/webp"
    assert found.headers["Cache-Control"] == IMMUTABLE
    await images.check()


def test_the_url_of_a_bucket_at_amazon() -> None:
    at = "s3.ap-northeast-2.amazonaws.com"
    assert S3Images("bucket", "", REGION, None).base == f"https://bucket.{at}/"
    assert S3Images("bucket", "a/b", REGION, None).base == f"https://bucket.{at}/a/b/"


@pytest.mark.parametrize("away", ["bucket", "server"])
async def test_an_unreachable_s3_is_unavailable_soon(s3: S3, away: str) -> None:
    if away == "bucket":
        images = S3Images("no-such-bucket", "", REGION, s3.url)
    else:
        images = S3Images(s3.fresh_bucket(), "", REGION, "http://127.0.0.1:9")
    calls: list[Any] = [images.put(new_key(), DATA), images.delete([new_key()])]
    if away == "server":
        calls += [images.size(new_key()), images.read(new_key(), 0, 1), images.check()]
    for call in calls:
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await call
        assert time.monotonic() - started < 5
