"""Previews of Markdown, and the images that texts refer to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sidepro.adapters import system
from tests import image_files
from tests.api.client import ADDRESS, Api, ApiUser, problem

pytestmark = pytest.mark.anyio

PNG = image_files.saved(image_files.picture())


@pytest.fixture(scope="module")
async def author(api: Api) -> ApiUser:
    return await api.sign_up()


@pytest.mark.parametrize(
    "content",
    ["**마크다운(Markdown)**을", "# 제목\n\n[위로](#제목)", "<script>alert(1)</script>", "  a  "],
)
async def test_a_preview_is_what_publication_makes(
    api: Api, author: ApiUser, content: str
) -> None:
    response = await api.send("POST", "/markdown", {"content": content}, by=author)
    assert response.status_code == 200
    published = await api.publish(author, content=content)
    assert response.json() == {"html": published["content_html"]}


@pytest.mark.parametrize("content", ["", " \n", "x" * 50_001])
async def test_a_preview_has_the_bounds_of_a_text(api: Api, author: ApiUser, content: str) -> None:
    response = await api.send("POST", "/markdown", {"content": content}, by=author)
    assert problem(response, 422, "invalid") == ["/content"]


async def test_previews_need_a_caller(api: Api) -> None:
    problem(await api.send("POST", "/markdown", {"content": "x"}), 401, "not-authenticated")


@pytest.mark.parametrize(
    "reference",
    ["![화면]({own}{url})", "[화면]({own}{url})", "{own}{url}", '<img src="{url}?v=2">'],
)
async def test_an_image_that_a_text_refers_to_stays(fresh_api: Api, reference: str) -> None:
    api = fresh_api
    author = await api.sign_up()
    referenced, unused = await api.image(author, PNG), await api.image(author, PNG)
    own = ADDRESS
    made = await api.publish(author, content=reference.format(own=own, url=referenced["url"]))
    assert f'="{referenced["url"]}"' in made["content_html"]

    images = api.container.api.services.images
    assert await images.remove_unused() == 0
    later = replace(images, clock=lambda: system.clock() + timedelta(days=2))
    assert await later.remove_unused() == 1
    assert (await api.http.get(referenced["url"])).status_code == 200
    assert (await api.http.get(unused["url"])).status_code == 404
