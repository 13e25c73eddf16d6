"""Feeds, sitemaps, the manifest and the worker over HTTP."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING
from urllib.robotparser import RobotFileParser

import pytest

from sidepro.web.routes import machines
from tests.databases import both_databases
from tests.web.pages import call, get

if TYPE_CHECKING:
    from tests.api.client import Api

pytestmark = pytest.mark.anyio

ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
SITE = "http://sidepro.test"


@both_databases
async def test_a_feed_has_the_newest_projects(fresh_api: Api) -> None:
    author, other = await fresh_api.sign_up("하은"), await fresh_api.sign_up()
    project = await fresh_api.publish(author, title="<동네> & 지도", skills=["C++"])
    await fresh_api.publish(other, title="러닝 메이트")

    response = await get(fresh_api, "/feed.atom")
    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    entries = ET.fromstring(response.content).findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == [
        "러닝 메이트",
        "<동네> & 지도",
    ]
    address = entries[1].find(f"{ATOM}link")
    assert address is not None
    assert address.get("href") == f"{SITE}/projects/{project['id']}"

    own = ET.fromstring((await get(fresh_api, f"/people/{author.username}/feed.atom")).content)
    assert [each.text for each in own.iterfind(f"{ATOM}entry/{ATOM}id")] == [
        f"urn:uuid:{project['id']}"
    ]
    assert (await get(fresh_api, "/people/nobody/feed.atom")).status_code == 404


@pytest.mark.parametrize("character", ["\ufffe", "\uffff"])
async def test_a_text_that_no_xml_may_have_leaves_the_feed_readable(
    fresh_api: Api, character: str
) -> None:
    await fresh_api.publish(await fresh_api.sign_up(), title=f"동네{character} 지도 🗺")

    feed = ET.fromstring((await get(fresh_api, "/feed.atom")).content)

    assert feed.findtext(f"{ATOM}entry/{ATOM}title") == "동네\ufffd 지도 🗺"


async def test_every_page_leads_to_the_feed(api: Api) -> None:
    text = (await get(api, "/log-in")).text

    footer = text.partition('<footer class="site-footer">')[2]
    assert 'href="/feed.atom"' in footer


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/robots.txt", "text/plain"),
        ("/sitemap.xml", "application/xml"),
        ("/service-worker.js", "text/javascript"),
    ],
)
async def test_what_machines_read_has_one_media_type(api: Api, path: str, media_type: str) -> None:
    response = await get(api, path)

    assert response.headers["Content-Type"] == f"{media_type}; charset=utf-8"


async def test_an_unchanged_feed_is_not_sent_again(api: Api) -> None:
    author = await api.sign_up()
    await api.publish(author)
    path = f"/people/{author.username}/feed.atom"
    headers = {"If-None-Match": (await get(api, path)).headers["ETag"]}
    assert (await call(api, "GET", path, headers)).status_code == 304

    await api.publish(author)

    assert (await call(api, "GET", path, headers)).status_code == 200


@both_databases
async def test_the_sitemap_has_every_project_once(
    fresh_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machines, "SITEMAP_LENGTH", 2)
    author = await fresh_api.sign_up()
    ids = [(await fresh_api.publish(author))["id"] for _ in range(5)]
    assert f"Sitemap: {SITE}/sitemap.xml" in (await get(fresh_api, "/robots.txt")).text

    index = ET.fromstring((await get(fresh_api, "/sitemap.xml")).content)
    parts = [each.text or "" for each in index.iterfind(f"{SITEMAP}sitemap/{SITEMAP}loc")]
    found = [
        each.text
        for part in parts
        for each in ET.fromstring(
            (await get(fresh_api, part.removeprefix(SITE))).content
        ).iterfind(f"{SITEMAP}url/{SITEMAP}loc")
    ]

    assert len(parts) == 3
    assert found == [f"{SITE}/", *(f"{SITE}/projects/{each}" for each in ids)]


@pytest.mark.parametrize(
    ("path", "may_fetch"),
    [("/media/a.webp", True), ("/projects/a", True), ("/people/me", True), ("/me", False),
     ("/me/settings", False), ("/chats/a", False), ("/api/docs", False)],
)  # fmt: skip
async def test_robots_read_what_is_public_and_pictures(
    api: Api, path: str, may_fetch: bool
) -> None:
    rules = RobotFileParser()
    rules.parse((await get(api, "/robots.txt")).text.splitlines())

    assert rules.can_fetch("Somebot", path) is may_fetch


async def test_the_manifest_names_icons_that_exist(api: Api) -> None:
    manifest = json.loads((await get(api, "/manifest.webmanifest")).content)

    for icon in manifest["icons"]:
        response = await get(api, icon["src"])
        assert response.headers["Content-Type"].startswith(icon["type"])


async def test_the_worker_keeps_only_what_is_the_same_for_everybody(api: Api) -> None:
    text = (await get(api, "/service-worker.js")).text
    shell = json.loads(
        text.partition("SHELL = ")[2]
        .partition(";")[0]
        .replace("OFFLINE", '"/offline"')
        .replace(",\n]", "]")
    )

    assert [path for path in shell if not path.startswith("/static/")] == ["/offline"]
    offline = (await get(api, "/offline")).text
    assert "/log-in" not in offline
    for path in shell:
        assert (await get(api, path)).status_code == 200


@pytest.mark.parametrize(
    ("chosen", "language", "colours"),
    [("", "ko", "auto"), ("sidepro-language=en; sidepro-colours=dark", "en", "dark")],
)
async def test_the_page_without_a_network_has_the_chosen_language_and_colours(
    api: Api, chosen: str, language: str, colours: str
) -> None:
    worker = (await get(api, "/service-worker.js", chosen)).text
    address = json.loads(worker.partition("OFFLINE = ")[2].partition(";")[0])

    offline = (await get(api, address)).text  # the worker sends no cookies

    assert f'<html lang="{language}" data-colours="{colours}">' in offline
    wrong = await get(api, "/offline?language=xx&colours=%22")
    assert '<html lang="ko" data-colours="auto">' in wrong.text
