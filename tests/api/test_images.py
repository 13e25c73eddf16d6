"""Images over HTTP: uploads, and their URLs in every view."""

import asyncio
import errno
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from sidepro.domain.errors import Unavailable
from sidepro.http import multipart as multipart_bodies
from tests import image_files
from tests.api.client import (
    PASSWORD,
    PREFIX,
    UNKNOWN_ID,
    Api,
    ApiUser,
    Json,
    answer,
    problem,
    project,
)
from tests.api.fixtures import serving
from tests.api.schemas import ACCOUNT, CARD, COMMENT, PROJECT, RECOMMENDATIONS, ROOM, USER
from tests.databases import Databases
from tests.servers.s3 import S3

pytestmark = pytest.mark.anyio

PNG = image_files.saved(image_files.picture((300, 200)))
BOUNDARY = "a-boundary"


def multipart(*parts: bytes) -> bytes:
    delimiter = f"--{BOUNDARY}".encode()
    return b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts) + delimiter + b"--\r\n"


def part(data: bytes, disposition: str = 'form-data; name="file"; filename="x.png"') -> bytes:
    return f"Content-Disposition: {disposition}\r\n\r\n".encode() + data


async def posted(api: Api, by: ApiUser, body: bytes, boundary: str = BOUNDARY) -> httpx.Response:
    media_type = f"multipart/form-data; boundary={boundary}"
    return await api.send(
        "POST", "/images", content=body, by=by, headers={"Content-Type": media_type}
    )


@pytest.fixture(scope="module")
async def owner(api: Api) -> ApiUser:
    return await api.sign_up("owner")


# ------------------------------------------------------------------------------------- uploading


async def test_an_upload_returns_the_stored_image(api: Api, owner: ApiUser) -> None:
    image = await api.image(owner, PNG)

    found = await api.http.get(image["url"])
    shown = image_files.opened(found.content)
    assert image["media_type"] == found.headers["Content-Type"] == "image/webp"
    assert image["size"] == len(found.content)
    assert (image["width"], image["height"]) == shown.size == (300, 200)
    assert image["url"].startswith("/media/")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_the_type_is_detected_from_the_content(api: Api, owner: ApiUser, kind: str) -> None:
    data = image_files.saved(image_files.picture(), kind)

    for name, media_type in (("a.html", "text/html"), ("", "application/pdf"), ("../a", "x")):
        response = await api.upload(owner, data, name, media_type)
        assert response.status_code == 201
        assert response.json()["media_type"] == "image/webp"


async def test_the_url_contains_nothing_of_the_client(api: Api, owner: ApiUser) -> None:
    response = await api.upload(owner, PNG, "holiday-secret.png")

    for told in ("holiday", "secret", owner.id, owner.id.replace("-", ""), owner.username):
        assert told not in response.json()["url"]


async def test_the_same_file_twice_is_two_images(api: Api, owner: ApiUser) -> None:
    one, other = await api.image(owner, PNG), await api.image(owner, PNG)

    assert one["id"] != other["id"]
    assert one["url"] != other["url"]


async def test_a_file_without_a_name_is_accepted(api: Api, owner: ApiUser) -> None:
    response = await posted(api, owner, multipart(part(PNG, 'form-data; name="file"')))

    assert response.status_code == 201


async def test_uploading_requires_authentication(api: Api) -> None:
    problem(await api.upload(None, PNG), 401, "not-authenticated")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (multipart(), ["/file"]),
        (multipart(part(PNG, 'form-data; name="image"')), ["/image", "/file"]),
        (multipart(part(PNG), part(PNG)), ["/file"]),
        (multipart(part(PNG), part(b"x", 'form-data; name="is_admin"')), ["/is_admin"]),
        (multipart(part(PNG, 'form-data; name="a/b~"')), ["/a~1b~0", "/file"]),
    ],
)
async def test_a_body_with_other_members_is_refused(
    api: Api, owner: ApiUser, body: bytes, pointers: list[str]
) -> None:
    response = await posted(api, owner, body)

    assert problem(response, 422, "invalid") == pointers


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        multipart(part(PNG))[:-4],
        multipart(part(PNG))[: len(PNG) // 2],
        multipart(b"no header at all"),
        multipart(b"Content-Disposition: attachment\r\n\r\nx"),
        multipart(b"X-Long: " + b"x" * 10_000 + b"\r\n\r\nx"),
        multipart(*[part(b"")] * 50),
        multipart(part(PNG)).replace(b"\r\n", b"\n"),
    ],
)
async def test_a_body_that_cannot_be_read_is_malformed(
    api: Api, owner: ApiUser, body: bytes
) -> None:
    problem(await posted(api, owner, body), 400, "malformed")


@pytest.mark.parametrize("boundary", ["", '""', "other"])
async def test_a_wrong_boundary_is_malformed(api: Api, owner: ApiUser, boundary: str) -> None:
    problem(await posted(api, owner, multipart(part(PNG)), boundary), 400, "malformed")


@pytest.mark.parametrize(
    "media_type", ["application/json", "image/png", "application/x-www-form-urlencoded", ""]
)
async def test_other_media_types_are_refused(api: Api, owner: ApiUser, media_type: str) -> None:
    response = await api.send(
        "POST", "/images", content=PNG, by=owner, headers={"Content-Type": media_type}
    )

    problem(response, 415, "unsupported-media-type")


async def test_a_body_in_small_chunks_is_assembled(api: Api, owner: ApiUser) -> None:
    body = multipart(part(PNG))

    async def pieces() -> AsyncIterator[bytes]:
        for place in range(0, len(body), 7):
            yield body[place : place + 7]

    response = await api.http.post(
        f"{PREFIX}/images",
        content=pieces(),
        headers={
            **owner.headers,
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        },
    )

    assert response.status_code == 201


async def test_the_size_of_a_file_is_limited(databases: Databases, tmp_path: Path) -> None:
    with databases.fresh() as address:
        async with serving(address, tmp_path, upload_max_bytes=len(PNG)) as api:
            person = await api.sign_up()
            await api.image(person, PNG)
            problem(await api.upload(person, PNG + b"\0"), 413, "too-large")
            problem(await api.upload(person, PNG + bytes(100_000)), 413, "too-large")


async def test_concurrent_uploads_stay_within_the_quota(
    databases: Databases, tmp_path: Path
) -> None:
    with databases.fresh() as address:
        async with serving(address, tmp_path) as api:
            size = (await api.image(await api.sign_up(), PNG))["size"]
    with databases.fresh() as address:
        async with serving(address, tmp_path, image_quota_bytes=3 * size + 1) as api:
            person, other = await api.sign_up(), await api.sign_up()
            sent = await asyncio.gather(*(api.upload(person, PNG) for _ in range(8)))
            assert sorted(response.status_code for response in sent) == [201] * 3 + [422] * 5
            refused = [response for response in sent if response.status_code == 422]
            for response in refused:
                assert problem(response, 422, "image-quota") == ["/file"]
            await api.image(other, PNG)


async def test_an_unreachable_store_is_unavailable(
    fresh_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await fresh_api.sign_up()
    store = fresh_api.container.api.services.images.store

    async def fails(*_: Any) -> None:
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(type(store), "put", fails)
        response = await fresh_api.upload(person, PNG)
        problem(response, 503, "unavailable")
        assert response.headers["Retry-After"]
    await fresh_api.image(person, PNG)


async def test_a_full_disk_is_unavailable(
    api: Api, owner: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def __init__(self, max_size: int) -> None:
            super().__init__()

        def write(self, data: Any, /) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(multipart_bodies, "SpooledTemporaryFile", Full)
    problem(await api.upload(owner, PNG), 503, "unavailable")


# ------------------------------------------------------------------------------------ using them


async def test_image_urls_appear_in_every_view(fresh_api: Api) -> None:
    api = fresh_api
    author, reader = await api.sign_up("author"), await api.sign_up("reader")
    face, front = await api.image(author, PNG), await api.image(author, PNG)
    account = await api.profile(author, image_id=face["id"])
    await api.profile(reader)
    assert account["profile"]["image_url"] == face["url"]
    made = await api.publish(author, thumbnail_id=front["id"])
    other = await api.publish(reader)
    await api.comment(author, other)
    await api.bookmark(reader, made)
    room = await api.room(reader, author)

    async def listed(shape: Any, path: str) -> list[Json]:
        items: list[Json] = (await api.page(shape, path, by=reader))["items"]
        return items

    cards = [
        *(await listed(CARD, "/projects")),
        *(await listed(CARD, f"/users/{author.id}/projects")),
        *(await listed(CARD, f"/users/{reader.id}/bookmarks")),
    ]
    cards.append(await api.get(PROJECT, f"/projects/{made['id']}"))
    recommended = await api.get(RECOMMENDATIONS, "/recommendations", by=reader)
    cards += [one["project"] for one in recommended["items"]]
    shown = [card for card in cards if card["id"] == made["id"]]
    assert len(shown) == 5
    for card in shown:
        assert card["thumbnail_url"] == front["url"]
        assert card["author"]["image_url"] == face["url"]
    page = await api.get(USER, f"/users/{author.id}")
    assert page["profile"]["image_url"] == face["url"]
    (comment,) = await listed(COMMENT, f"/projects/{other['id']}/comments")
    assert comment["author"]["image_url"] == face["url"]
    for one in (
        *await listed(ROOM, "/rooms"),
        await api.get(ROOM, f"/rooms/{room['id']}", by=reader),
    ):
        assert one["participant"]["image_url"] == face["url"]


async def test_only_ones_own_images_can_be_used(api: Api, owner: ApiUser) -> None:
    other = await api.sign_up()
    image = await api.image(owner, PNG)
    await api.profile(other)
    made = await api.publish(other)

    for image_id in (image["id"], UNKNOWN_ID):
        calls: list[tuple[str, str, Json, str]] = [
            ("PATCH", "/me/profile", {"image_id": image_id}, "/image_id"),
            ("PATCH", f"/projects/{made['id']}", {"thumbnail_id": image_id}, "/thumbnail_id"),
        ]
        for method, path, body, pointer in calls:
            assert await api.refused(422, "invalid", method, path, body, by=other) == [pointer]


async def test_a_thumbnail_can_be_removed_and_set_again(api: Api, owner: ApiUser) -> None:
    image = await api.image(owner, PNG)
    made = await api.publish(owner, thumbnail_id=image["id"])
    path = f"/projects/{made['id']}"

    for thumbnail_id, url in ((None, None), (image["id"], image["url"])):
        response = await api.send("PATCH", path, {"thumbnail_id": thumbnail_id}, by=owner)
        assert answer(response, PROJECT)["thumbnail_url"] == url
    response = await api.send("PATCH", path, {"title": "neu"}, by=owner)
    assert answer(response, PROJECT)["thumbnail_url"] == image["url"]


async def test_a_text_contains_ones_own_images(api: Api, owner: ApiUser) -> None:
    image = await api.image(owner, PNG)
    made = await api.publish(owner, content=f"![지도]({image['url']})")

    size = f'width="{image["width"]}" height="{image["height"]}"'
    assert made["content_html"] == f'<p><img src="{image["url"]}" alt="지도" {size}></p>\n'


async def test_withdrawal_deletes_a_persons_images(fresh_api: Api) -> None:
    api = fresh_api
    person, staying = await api.sign_up(), await api.sign_up()
    face, front, shown = [await api.image(person, PNG) for _ in range(3)]
    remaining = await api.image(staying, PNG)
    await api.profile(person, image_id=face["id"])
    await api.profile(staying, image_id=remaining["id"])
    await api.publish(person, thumbnail_id=front["id"], content=f"![x]({shown['url']})")
    response = await api.send("DELETE", "/me", {"password": PASSWORD}, by=person)
    assert response.status_code == 204

    async with api.container.database.reading() as connection:
        owners = await connection.scalars(text("SELECT DISTINCT user_id FROM images"))
        assert len([owner for owner in owners if owner is not None]) == 1
    assert await api.container.api.services.images.remove_unused() == 3
    for image in (face, front, shown):
        assert (await api.http.get(image["url"])).status_code == 404
    assert (await api.http.get(remaining["url"])).status_code == 200
    async with api.container.database.reading() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM images")) == 1


# -------------------------------------------------------------------------------------------- S3


@pytest.mark.parametrize("public", [None, "https://pictures.example/of/us"])
async def test_urls_of_images_in_s3_are_absolute_everywhere(
    databases: Databases, tmp_path: Path, s3: S3, public: str | None
) -> None:
    bucket = s3.fresh_bucket()
    settings = {
        "images_url": f"s3://{bucket}/some/where",
        "s3_endpoint": s3.url,
        "s3_public_url": public,
    }
    base = f"{public}/" if public else f"{s3.url}/{bucket}/some/where/"
    with databases.fresh() as address:
        async with serving(address, tmp_path, **settings) as api:
            person = await api.sign_up()
            image = await api.image(person, PNG)
            key = image["url"].removeprefix(base)
            assert len(key) == 37
            account = await api.profile(person, image_id=image["id"])
            assert account["profile"]["image_url"] == image["url"]
            made: Json = {}
            for written in (image["url"], f"/media/{key}"):
                made = await api.publish(
                    person, thumbnail_id=image["id"], content=f"![x]({written})"
                )
                assert made["thumbnail_url"] == made["author"]["image_url"] == image["url"]
                assert f'<img src="{image["url"]}" alt="x" width=' in made["content_html"]
            assert (await api.http.get(f"/media/{key}")).status_code == 404
            if public is None:
                async with httpx.AsyncClient() as http:
                    found = await http.get(image["url"])
                assert image_files.opened(found.content).size == (300, 200)
            visitor = await api.sign_up()
            draft = project(thumbnail_id=image["id"], content=f"![x]({image['url']})")
            for by, path, body, members in (
                (person, "/projects", draft, ("thumbnail_url", "author")),
                (person, f"/projects/{made['id']}/comments", {"body": "x"}, ("author",)),
                (visitor, "/rooms", {"user_id": person.id}, ("participant",)),
            ):
                for replayed in (None, "true"):
                    response = await api.send(
                        "POST", path, body, by=by, headers={"Idempotency-Key": "s3"}
                    )
                    assert response.status_code == 201
                    assert response.headers.get("Idempotent-Replayed") == replayed
                    content = response.json()
                    for member in members:
                        value = content[member]
                        url = value if member == "thumbnail_url" else value["image_url"]
                        assert url == image["url"], (path, member)
                    if path == "/projects":
                        assert content["content_html"] == made["content_html"]
            health = (await api.http.get("/health/ready")).json()
            assert health["parts"]["images"]["state"] == "ok"

        # After a move to a folder, stored HTML leads to the new URLs.
        async with serving(address, tmp_path) as api:
            moved = await api.get(PROJECT, f"/projects/{made['id']}")
            assert moved["thumbnail_url"] == f"/media/{key}"
            assert f'<p><img src="/media/{key}" alt="x" width=' in moved["content_html"]
            assert (await api.get(ACCOUNT, "/me", by=person))["profile"]["image_url"]
