"""The catalogue and its ETag."""

import pytest

from tests.api.client import Api
from tests.api.schemas import CATALOGUE, COUNTED_CATALOGUE
from tests.statement_log import statements

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


async def test_projects_are_counted_by_skill_on_request(api: Api) -> None:
    author = await api.sign_up()
    before = await api.get(COUNTED_CATALOGUE, "/catalogue", counts=True)
    assert list(before["skill_counts"]) == before["skills"]

    await api.publish(author, skills=["Java", "R"])

    after = await api.get(COUNTED_CATALOGUE, "/catalogue", counts=True)
    grown = {
        skill: number - before["skill_counts"][skill]
        for skill, number in after["skill_counts"].items()
    }
    assert {skill: number for skill, number in grown.items() if number} == {"Java": 1, "R": 1}
    assert "skill_counts" not in await api.get(CATALOGUE, "/catalogue")


async def test_a_catalogue_with_other_counts_has_another_etag(api: Api) -> None:
    author = await api.sign_up()
    query = {"counts": "true"}
    plain = (await api.send("GET", "/catalogue")).headers["ETag"]
    tag = (await api.send("GET", "/catalogue", query=query)).headers["ETag"]
    assert tag != plain
    headers = {"If-None-Match": tag}
    again = await api.send("GET", "/catalogue", query=query, headers=headers)
    assert (again.status_code, again.content) == (304, b"")

    await api.publish(author, skills=["R"])

    changed = await api.send("GET", "/catalogue", query=query, headers=headers)
    assert (changed.status_code, changed.headers["ETag"] != tag) == (200, True)
    assert (await api.send("GET", "/catalogue")).headers["ETag"] == plain


async def test_an_unchanged_catalogue_with_counts_is_counted_by_one_statement(api: Api) -> None:
    await api.send("GET", "/catalogue")  # the names are kept for a while
    with statements(api.container.database) as asked:
        await api.get(COUNTED_CATALOGUE, "/catalogue", counts=True)
    assert len(asked) == 1, asked
