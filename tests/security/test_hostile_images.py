"""Hostile files: each refused with the right status, in bounded time and memory; what is taken
comes out harmless.
"""

import asyncio
import io
import resource
import time
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from sidepro.adapters.images.store import FolderImages
from tests import image_files
from tests.api.client import PREFIX, Api, ApiUser, problem

pytestmark = pytest.mark.anyio

LARGEST = 10 * 2**20

HOSTILE: list[tuple[str, str, bytes, int, str]] = [
    ("SVG with a script", "a.svg", image_files.SVG, 415, "unsupported-media-type"),
    ("SVG as .png", "a.png", image_files.SVG, 415, "unsupported-media-type"),
    ("HTML as .png", "a.png", image_files.HTML, 415, "unsupported-media-type"),
    ("a program", "a.gif", b"\x7fELF" + bytes(500), 415, "unsupported-media-type"),
    ("a ZIP", "a.webp", image_files.ZIP, 415, "unsupported-media-type"),
    ("PHP behind a wrong byte", "a.jpg", b"\xff\xd9<?php", 415, "unsupported-media-type"),
    ("0 bytes", "a.png", b"", 422, "bad-image"),
    ("one byte", "a.png", b"\x89", 422, "bad-image"),
    ("11 MB", "a.png", bytes(11 * 10**6), 413, "too-large"),
    (
        "11 MB that begin well",
        "a.png",
        image_files.png(9, 9) + bytes(11 * 10**6),
        413,
        "too-large",
    ),
    *(
        (f"{kind} cut in half", "a.png", whole[: len(whole) // 2], 422, "bad-image")
        for kind in ("PNG", "JPEG", "WEBP", "GIF")
        for whole in [image_files.saved(image_files.picture((200, 200)), kind)]
    ),
    *((name, "a.png", data, 422, "bad-image") for name, data in image_files.bombs()),
    *((name, "a.gif", data, 422, "bad-image") for name, data in image_files.polyglots()),
]


@pytest.fixture(scope="module")
async def attacker(api: Api) -> ApiUser:
    return await api.sign_up("attacker")


def names(api: Api) -> list[str]:
    """What is in the folder of the images."""
    store = api.container.media
    assert isinstance(store, FolderImages)
    return sorted(path.name for path in store.folder.glob("*"))


@pytest.mark.parametrize(
    ("name", "data", "status", "code"),
    [
        pytest.param(name, data, status, code, id=what)
        for what, name, data, status, code in HOSTILE
    ],
)
async def test_a_hostile_file_is_refused_at_little_cost(
    api: Api, attacker: ApiUser, name: str, data: bytes, status: int, code: str
) -> None:
    before = await asyncio.to_thread(names, api)
    started, high = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    response = await api.upload(attacker, data, name)
    spent = time.process_time() - started
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - high

    pointers = problem(response, status, code)
    assert pointers == (["/file"] if status == 422 else [])
    assert spent < 10, "seconds: many times what it takes, and less than its pixels would"
    assert grown < 100 * 1024, "kilobytes, of which the test itself holds the file twice"
    assert await asyncio.to_thread(names, api) == before


async def test_an_endless_body_is_refused_before_it_is_read(api: Api, attacker: ApiUser) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        while sent < 100 * 2**20:
            sent += 2**16
            yield bytes(2**16)

    tracemalloc.start()
    try:
        response = await api.http.post(
            f"{PREFIX}/images",
            content=body(),
            headers={**attacker.headers, "Content-Type": "multipart/form-data; boundary=b"},
        )
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    problem(response, 413, "too-large")
    assert sent < LARGEST + 2**20
    assert most < 4 * 2**20, "a large file is not held in memory"


async def test_a_body_with_a_too_large_length_is_not_read(api: Api, attacker: ApiUser) -> None:
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"x"

    response = await api.http.post(
        f"{PREFIX}/images",
        content=body(),
        headers={
            **attacker.headers,
            "Content-Type": "multipart/form-data; boundary=b",
            "Content-Length": str(LARGEST * 2),
        },
    )

    problem(response, 413, "too-large")
    assert not read


async def test_other_multipart_members_are_not_buffered(api: Api, attacker: ApiUser) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="%d"\r\n\r\n'
    body = b"".join(head % n + bytes(600_000) + b"\r\n" for n in range(15)) + b"--b--\r\n"
    tracemalloc.start()
    try:
        response = await api.send(
            "POST",
            "/images",
            content=body,
            by=attacker,
            headers={"Content-Type": "multipart/form-data; boundary=b"},
        )
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    problem(response, 422, "invalid")
    assert most < 4 * len(body), "the client, the transport and the parser have it each"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
async def test_data_hidden_in_a_valid_image_is_removed(
    api: Api, attacker: ApiUser, kind: str
) -> None:
    attack = b"<?php system($_GET[0]); ?><script>alert(1)</script>"
    options: dict[str, object] = {"comment": attack} if kind in ("JPEG", "GIF") else {}
    if kind == "PNG":
        words = PngImagePlugin.PngInfo()
        words.add_text("Comment", attack.decode())
        options = {"pnginfo": words}
    elif kind == "WEBP":
        options = {"xmp": attack}
    hidden = image_files.saved(image_files.picture(), kind, **options)
    assert attack in hidden
    image = await api.image(attacker, hidden)

    served = (await api.http.get(image["url"])).content
    for word in (b"php", b"script", b"alert"):
        assert word not in served
    assert Image.open(io.BytesIO(served)).format == "WEBP"


async def test_file_names_are_ignored(api: Api, attacker: ApiUser, tmp_path: Path) -> None:
    for name in ("../../../etc/passwd", "/etc/passwd", "..\\..\\x", "a\0b.png", "x" * 3_000, "."):
        response = await api.upload(attacker, image_files.saved(image_files.picture()), name)
        assert response.status_code in (201, 400)
    assert all(len(name) == 37 for name in await asyncio.to_thread(names, api))
