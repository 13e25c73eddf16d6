"""Serving images of the folder store: whole, ranges and conditional requests."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from sidepro.adapters.images.store import FolderImages
from tests import image_files
from tests.api.client import Api, problem
from tests.api.fixtures import serving
from tests.databases import Databases

pytestmark = pytest.mark.anyio

IMMUTABLE = "public, max-age=31536000, immutable"
PNG = image_files.saved(image_files.picture((400, 300)))


@pytest.fixture(scope="module")
async def url(api: Api) -> str:
    return str((await api.image(await api.sign_up(), PNG))["url"])


@pytest.fixture(scope="module")
async def whole(api: Api, url: str) -> bytes:
    return (await api.http.get(url)).content


async def got(api: Api, url: str, headers: Mapping[str, str]) -> httpx.Response:
    """The response to a GET. A HEAD gets the same headers, but ignores ranges."""
    response = await api.http.get(url, headers=headers)
    head = await api.http.head(url, headers=headers)
    assert head.content == b""
    if "Range" in headers:
        assert head.status_code == 200
        assert "Content-Range" not in head.headers
        return response
    found = [
        {name: value for name, value in one.headers.items() if name != "x-request-id"}
        for one in (response, head)
    ]
    assert (head.status_code, found[1]) == (response.status_code, found[0])
    return response


async def test_an_image_has_immutable_caching_and_safe_headers(
    api: Api, url: str, whole: bytes
) -> None:
    response = await got(api, url, {})

    assert response.status_code == 200
    assert response.headers["Content-Length"] == str(len(whole))
    assert response.headers["Content-Type"] == "image/webp"
    assert response.headers["Cache-Control"] == IMMUTABLE
    assert response.headers["Content-Disposition"] == "inline"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("spelled", ["{}", "W/{}", '"other", {}', "*", ' "a" ,W/{} '])
async def test_a_current_etag_gets_304(api: Api, url: str, spelled: str) -> None:
    etag = (await api.http.get(url)).headers["ETag"]

    response = await got(api, url, {"If-None-Match": spelled.format(etag)})

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["ETag"] == etag
    assert response.headers["Cache-Control"] == IMMUTABLE


async def test_another_etag_gets_the_image(api: Api, url: str, whole: bytes) -> None:
    response = await got(api, url, {"If-None-Match": '"other"'})

    assert (response.status_code, response.content) == (200, whole)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-199", 100, 200),
        ("bytes=100-", 100, None),
        ("bytes=-100", -100, None),
        ("bytes=-999999", 0, None),
        ("bytes=5-999999", 5, None),
    ],
)
async def test_a_range_is_served(
    api: Api, url: str, whole: bytes, asked: str, start: int, end: int | None
) -> None:
    response = await got(api, url, {"Range": asked})

    part = whole[start:end]
    first = start if start >= 0 else len(whole) + start
    assert (response.status_code, response.content) == (206, part)
    size = len(whole)
    assert response.headers["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{size}"
    assert response.headers["Content-Length"] == str(len(part))
    assert response.headers["Content-Type"] == "image/webp"


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=999999-1000000", "bytes=-0"])
async def test_a_range_behind_the_end_is_not_satisfiable(
    api: Api, url: str, whole: bytes, asked: str
) -> None:
    response = await got(api, url, {"Range": asked})

    assert (response.status_code, response.content) == (416, b"")
    assert response.headers["Content-Range"] == f"bytes */{len(whole)}"
    assert "Cache-Control" not in response.headers


@pytest.mark.parametrize(
    "asked",
    [
        *("bytes=0-1,5-6", "bytes=9-5", "bytes=a-b", "bytes=-", "lines=0-1", "bytes 0-1", ""),
        *("bytes=0-1x", "bytes=٠-٩", "bytes=" + "9" * 500 + "-"),
    ],
)
async def test_other_range_headers_get_the_whole_image(
    api: Api, url: str, whole: bytes, asked: str
) -> None:
    response = await api.http.get(url, headers=[(b"Range", asked.encode())])

    assert (response.status_code, response.content) == (200, whole)


async def test_a_stale_if_range_gets_the_whole_image(api: Api, url: str, whole: bytes) -> None:
    etag = (await api.http.get(url)).headers["ETag"]

    for seen, status in ((etag, 206), ('"other"', 200), ("Mon, 23 Nov 2026 09:00:00 GMT", 200)):
        response = await got(api, url, {"Range": "bytes=0-9", "If-Range": seen})
        assert response.status_code == status


@pytest.mark.parametrize(
    "path",
    [
        "/media/0123456789abcdef0123456789abcdef.webp",
        "/media/nonsense",
        "/media/",
        "/media",
        "/media/%2e%2e/sidepro.sqlite3",
        "/media/..%2fsidepro.sqlite3",
        "/media/..%5csidepro.sqlite3",
        "/media/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/media//etc/passwd",
        "/media/%2fetc%2fpasswd",
        "/media/0123456789abcdef0123456789abcdef.webp%00.png",
        "/media/0123456789abcdef0123456789abcdef.webp%0a",
        "/media/0123456789ABCDEF0123456789ABCDEF.webp",
    ],
)
async def test_other_paths_are_not_found(api: Api, path: str) -> None:
    problem(await api.http.get(path), 404, "not-found")
    assert (await api.http.head(path)).status_code == 404


async def test_a_truncated_object_is_not_served(api: Api, url: str, whole: bytes) -> None:
    key = "f" * 32 + ".webp"
    store = api.container.media
    assert isinstance(store, FolderImages)
    await asyncio.to_thread((store.folder / f"{key}#1").write_bytes, whole[:50])

    for name in (key, f"{key}#1", f"{key}%231"):
        assert (await api.http.get(f"/media/{name}")).status_code == 404


async def test_other_methods_are_not_allowed(api: Api, url: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        problem(await api.http.request(method, url), 405, "method-not-allowed")


async def test_a_large_image_is_served_in_pieces(databases: Databases, tmp_path: Path) -> None:
    noise = image_files.saved(image_files.noise((1_500, 1_500)))
    with databases.fresh() as address:
        async with serving(address, tmp_path) as api:
            image = await api.image(await api.sign_up(), noise)
            assert image["size"] > 2**20
            response = await api.http.get(image["url"])
            part = await api.http.get(image["url"], headers={"Range": "bytes=262000-800000"})

    assert len(response.content) == image["size"]
    assert image_files.opened(response.content).size == (1_500, 1_500)
    assert part.content == response.content[262_000:800_001]
