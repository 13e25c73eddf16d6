"""The catalogue: what can be chosen, and asking for it again."""

import pytest

from tests.api.client import Api
from tests.api.schemas import CATALOGUE

pytestmark = pytest.mark.anyio


async def test_the_catalogue_has_its_sizes_and_its_order(api: Api) -> None:
    catalogue = await api.get(CATALOGUE, "/catalogue")

    assert {kind: len(names) for kind, names in catalogue.items()} == {
        "skills": 129,
        "regions": 17,
        "meet_times": 3,
    }
    assert catalogue["skills"][:3] == [".NET", "ABAP", "AIX"]
    assert all(len(names) == len(set(names)) for names in catalogue.values())


async def test_the_same_catalogue_is_not_sent_twice(api: Api) -> None:
    tag = (await api.send("GET", "/catalogue")).headers["ETag"]

    again = await api.send("GET", "/catalogue", headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == tag


@pytest.mark.parametrize("sent", ["W/{tag}", '"other", {tag}', "*"])
async def test_if_none_match_is_understood_in_all_its_forms(api: Api, sent: str) -> None:
    tag = (await api.send("GET", "/catalogue")).headers["ETag"]

    again = await api.send("GET", "/catalogue", headers={"If-None-Match": sent.format(tag=tag)})

    assert again.status_code == 304


async def test_another_tag_gets_the_catalogue(api: Api) -> None:
    response = await api.send("GET", "/catalogue", headers={"If-None-Match": '"other"'})

    assert response.status_code == 200
