"""The static files: their caching, compression and media types."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

import pytest

from sidepro.web.static_files import StaticFiles

if TYPE_CHECKING:
    from tests.api.client import Api

pytestmark = pytest.mark.anyio

STYLES = StaticFiles().path("css/app.css")


async def test_all_files_of_a_page_are_kept_for_ever(api: Api) -> None:
    page = await api.http.get("/")
    addresses = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', page.text))
    assert len(addresses) >= 4
    for address in addresses:
        response = await api.http.get(address)
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


async def test_a_file_of_another_version_is_asked_for_again(api: Api) -> None:
    response = await api.http.get("/static/0123456789abcdef/css/app.css")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-cache"


async def test_an_unchanged_file_is_not_sent_again(api: Api) -> None:
    etag = (await api.http.get(STYLES)).headers["ETag"]
    again = await api.http.get(STYLES, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip", "gzip"), ("identity", None)])
async def test_a_file_is_compressed_for_who_takes_that(
    api: Api, accepted: str, encoding: str | None
) -> None:
    plain = StaticFiles().get("css/app.css").content
    response = await api.http.get(STYLES, headers={"Accept-Encoding": accepted})
    assert response.headers.get("Content-Encoding") == encoding
    assert "Accept-Encoding" in response.headers["Vary"]
    assert response.content == plain  # httpx has uncompressed it


@pytest.mark.parametrize("name", ["app", "chat", "prose"])
def test_styles_are_served_without_comments(name: str) -> None:
    style = StaticFiles().get(f"css/{name}.css").content
    assert b"/*" not in style
    assert b"*/" not in style
    assert style.count(b"{") == style.count(b"}") > 10


def test_a_file_is_compressed_once() -> None:
    file = StaticFiles().get("css/app.css")
    assert file.compressed
    assert file.compressed is file.compressed
    assert gzip.decompress(file.compressed) == file.content


@pytest.mark.parametrize("name", ["css/none.css", "../router.py", "css/app.css/base.css"])
async def test_what_is_no_static_file_is_not_found(api: Api, name: str) -> None:
    response = await api.http.get(f"/static/{StaticFiles().version}/{name}")
    assert response.status_code == 404
