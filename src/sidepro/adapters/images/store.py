"""Image stores on obstore: a local folder, or an S3 bucket."""

import asyncio
import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from sidepro.domain.errors import NotFound, Unavailable
from sidepro.domain.images.image import MEDIA_TYPE
from sidepro.domain.images.urls import ImageKey
from sidepro.domain.waiting import REQUEST_WAITS, counted_wait, current_waits

if TYPE_CHECKING:
    from obstore.store import S3Config

IMMUTABLE = "public, max-age=31536000, immutable"
"""Cache-Control of images: a key is never reused."""

TIMEOUT = timedelta(seconds=20)
RETRY_WITHIN = timedelta(seconds=10)
RETRIES = 2

RESPONSE_TIMEOUT = 2.0
"""Seconds until a health check fails."""


@asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    """Translate errors. In a request the block is one of its waits, also if the store hangs."""
    waits = current_waits()
    try:
        with counted_wait():
            async with asyncio.timeout(None if waits is None else waits.limit(REQUEST_WAITS)):
                yield
    except (BaseError, OSError) as error:
        raise Unavailable from error


class _ObstoreImages(ABC):
    """What folder and bucket have in common."""

    @property
    @abstractmethod
    def _store(self) -> LocalStore | S3Store: ...

    async def check(self) -> None:
        """Write an object and delete it. Raises Unavailable, or TimeoutError."""
        key = f"health-{secrets.token_hex(8)}"
        async with _bounded():
            async with asyncio.timeout(RESPONSE_TIMEOUT):
                await self._store.put_async(key, b"1", use_multipart=False)
                await self._store.delete_async(key)

    async def size(self, key: ImageKey) -> int | None:
        async with _bounded():
            with suppress(FileNotFoundError):
                return (await self._store.head_async(key))["size"]
        return None

    async def read(self, key: ImageKey, start: int, end: int) -> bytes:
        async with _bounded():
            try:
                return bytes(await self._store.get_range_async(key, start=start, end=end))
            except FileNotFoundError:
                raise NotFound from None


class FolderImages(_ObstoreImages):
    """See `sidepro.domain.images.ports.ImageStore`. The folder is created on first use.

    obstore writes a temporary file and renames it, so that a partial object is never visible.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @cached_property
    def _store(self) -> LocalStore:
        return LocalStore(self.folder, mkdir=True)

    async def put(self, key: ImageKey, data: bytes) -> None:
        async with _bounded():
            await self._store.put_async(key, data, use_multipart=False)
            await asyncio.to_thread(self._sync, key)

    async def move(self, key: ImageKey, to: ImageKey) -> None:
        async with _bounded():
            await asyncio.to_thread(self._rename, key, to)

    def _rename(self, key: ImageKey, to: ImageKey) -> None:
        with suppress(FileNotFoundError):
            (self.folder / key).rename(self.folder / to)
            self._sync(to)

    async def delete(self, keys: Sequence[ImageKey]) -> None:
        async with _bounded():
            for key in keys:
                with suppress(FileNotFoundError):
                    await self._store.delete_async(key)
                # obstore's temporary file, left behind if the process was killed
                (self.folder / f"{key}#1").unlink(missing_ok=True)

    def _sync(self, key: ImageKey) -> None:
        """Make the file and its name survive a power failure."""
        for path in (self.folder / key, self.folder):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class S3Images(_ObstoreImages):
    """See `sidepro.domain.images.ports.ImageStore`."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        region: str,
        endpoint: str | None,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        """`endpoint` is the URL of an S3-compatible store other than AWS. Without `credentials`
        they come from where AWS' own programs look for them.
        """
        self._credentials = credentials
        self._bucket = bucket
        self._prefix = prefix
        self._region = region
        self._endpoint = endpoint

    @cached_property
    def _store(self) -> S3Store:
        config: S3Config = {"region": self._region}
        if self._endpoint:
            config["endpoint"] = self._endpoint
        if self._credentials:
            config["access_key_id"], config["secret_access_key"] = self._credentials
        return S3Store(
            self._bucket,
            prefix=self._prefix or None,
            config=config,
            client_options={
                "allow_http": (self._endpoint or "").startswith("http://"),
                "timeout": TIMEOUT,
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": RETRY_WITHIN},
        )

    @property
    def base(self) -> str:
        """The URL that objects' keys are appended to."""
        if self._endpoint:
            bucket = f"{self._endpoint}/{self._bucket}"
        else:
            bucket = f"https://{self._bucket}.s3.{self._region}.amazonaws.com"
        return f"{bucket}/{self._prefix}/" if self._prefix else f"{bucket}/"

    async def put(self, key: ImageKey, data: bytes) -> None:
        attributes = {"Content-Type": MEDIA_TYPE, "Cache-Control": IMMUTABLE}
        async with _bounded():
            await self._store.put_async(key, data, attributes=attributes, use_multipart=False)

    async def move(self, key: ImageKey, to: ImageKey) -> None:
        async with _bounded():
            try:
                await self._store.copy_async(key, to)
            except FileNotFoundError:
                return
            await self._store.delete_async(key)

    async def delete(self, keys: Sequence[ImageKey]) -> None:
        async with _bounded():
            await self._store.delete_async(list(keys))
