"""The catalogue and its ETag."""

import pytest

from tests.api.client import Api
from tests.api.schemas import CATALOGUE

pytestmark = pytest.mark.anyio


async def test_the_catalogue_is_complete_and_ordered(api: Api) -> None:
    catalogue = await api.get(CATALOGUE, "/catalogue")

    assert {kind: len(names) for kind, names in catalogue.items()} == {
        "skills": 129,
        "regions": 17,
        "meet_times": 3,
    }
    assert catalogue["skills"][:3] == [".NET", "ABAP", "AIX"]
    assert all(len(names) == len(set(names)) for names in catalogue.values())


async def test_an_unchanged_catalogue_is_304(api: Api) -> None:
    tag = (await api.send("GET", "/catalogue")).headers["ETag"]

    again = await api.send("GET", "/catalogue", headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == tag


@pytest.mark.parametrize("sent", ["W/{tag}", '"other", {tag}', "*"])
async def test_every_form_of_if_none_match_is_accepted(api: Api, sent: str) -> None:
    tag = (await api.send("GET", "/catalogue")).headers["ETag"]

    again = await api.send("GET", "/catalogue", headers={"If-None-Match": sent.format(tag=tag)})

    assert again.status_code == 304


async def test_another_etag_gets_the_catalogue(api: Api) -> None:
    response = await api.send("GET", "/catalogue", headers={"If-None-Match": '"other"'})

    assert response.status_code == 200
