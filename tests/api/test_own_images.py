"""The list of one's images, and their deletion."""

import pytest

from tests import image_files
from tests.api.client import UNKNOWN_ID, Api, Json
from tests.api.schemas import ACCOUNT, OWN_IMAGE, PROJECT, Shape, page_schema

pytestmark = pytest.mark.anyio

IMAGES = page_schema(OWN_IMAGE)
PNG = image_files.saved(image_files.picture((60, 40)))
LIMIT = 500 * 2**20


async def test_ones_images_are_listed_with_their_use_and_the_quota(api: Api) -> None:
    owner = await api.sign_up()
    empty: Json = {"items": [], "next": None, "previous": None}
    assert await api.get(IMAGES, "/images", by=owner) == {
        **empty,
        "quota": {"used": 0, "limit": LIMIT},
    }
    await api.image(await api.sign_up(), PNG)
    face, thumbnail, shown, spare = images = [await api.image(owner, PNG) for _ in range(4)]
    profile = {"bio": "", "skills": ["R"], "image_id": face["id"]}
    await api.ok(ACCOUNT, "PUT", "/me/profile", profile, by=owner)
    await api.publish(owner, thumbnail_id=thumbnail["id"], content=f"![x]({shown['url']})")

    listed = await api.get(IMAGES, "/images", by=owner)

    assert listed["items"] == [
        {**image, "created_at": item["created_at"], "in_use": image is not spare}
        for image, item in zip(images[::-1], listed["items"], strict=True)
    ]
    used = sum(image["size"] for image in images)
    assert listed["quota"] == {"used": used, "limit": LIMIT}


async def test_a_deleted_image_is_gone_at_once(api: Api) -> None:
    owner = await api.sign_up()
    image = await api.image(owner, PNG)
    path = f"/images/{image['id']}"
    await api.refused(404, "not-found", "DELETE", path, by=await api.sign_up())

    response = await api.send("DELETE", path, by=owner)

    assert (response.status_code, response.content) == (204, b"")
    assert (await api.http.get(image["url"])).status_code == 404
    listed = await api.get(IMAGES, "/images", by=owner)
    assert (listed["items"], listed["quota"]["used"]) == ([], 0)
    await api.refused(404, "not-found", "DELETE", path, by=owner)
    refused = project_with(image)
    assert await api.refused(422, "invalid", "POST", "/projects", refused, by=owner)


def project_with(thumbnail: Json) -> Json:
    return {
        "title": "지도",
        "summary": "커피",
        "content": "글",
        "skills": ["R"],
        "thumbnail_id": thumbnail["id"],
    }


@pytest.mark.parametrize("use", ["thumbnail", "text", "profile"])
async def test_an_image_in_use_is_deleted_only_once_it_is_not(api: Api, use: str) -> None:
    owner = await api.sign_up()
    image = await api.image(owner, PNG)
    path = f"/images/{image['id']}"
    if use == "profile":
        profile = {"bio": "", "skills": ["R"], "image_id": image["id"]}
        await api.ok(ACCOUNT, "PUT", "/me/profile", profile, by=owner)
        release: tuple[str, Json, Shape] = ("/me/profile", {"image_id": None}, ACCOUNT)
    elif use == "thumbnail":
        made = await api.publish(owner, thumbnail_id=image["id"])
        release = (f"/projects/{made['id']}", {"thumbnail_id": None}, PROJECT)
    else:
        made = await api.publish(owner, content=f"[x]({image['url']})")
        release = (f"/projects/{made['id']}", {"content": "글"}, PROJECT)

    await api.refused(409, "image-in-use", "DELETE", path, by=owner)
    assert (await api.http.get(image["url"])).status_code == 200

    where, change, shape = release
    await api.ok(shape, "PATCH", where, change, by=owner)
    assert (await api.send("DELETE", path, by=owner)).status_code == 204


@pytest.mark.parametrize("image_id", [UNKNOWN_ID, "nonsense"])
async def test_an_unknown_image_is_not_deleted(api: Api, image_id: str) -> None:
    person = await api.sign_up()
    await api.refused(404, "not-found", "DELETE", f"/images/{image_id}", by=person)
