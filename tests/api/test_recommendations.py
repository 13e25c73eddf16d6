"""Recommendations after runs of the similarity job."""

import pytest

from tests.api.client import Api, ApiUser, Json
from tests.api.schemas import PROJECT, RECOMMENDATIONS
from tests.databases import both_databases

pytestmark = [pytest.mark.anyio, both_databases]


async def run(api: Api) -> None:
    """Runs the similarity job, as happens every minute."""
    await api.container.similarity.run()


async def recommended(api: Api, by: ApiUser, **query: int) -> list[Json]:
    found = await api.get(RECOMMENDATIONS, "/recommendations", by=by, **query)
    items: list[Json] = found["items"]
    return items


def ids(items: list[Json]) -> list[str]:
    return [item["project"]["id"] for item in items]


async def test_popular_projects_are_recommended_before_the_first_run(
    fresh_api: Api,
) -> None:
    author, reader = await fresh_api.sign_up(), await fresh_api.sign_up()
    made = [await fresh_api.publish(author) for _ in range(4)]
    await fresh_api.bookmark(reader, made[1])

    found = await fresh_api.get(RECOMMENDATIONS, "/recommendations", by=reader)

    assert found["computed_at"] is None
    assert ids(found["items"]) == [made[n]["id"] for n in (1, 3, 2)]
    for item in found["items"]:
        why = (item["basis"], item["score"], item["similar_user"], item["shared_skills"])
        assert why == ("popular", None, None, [])
    assert found["items"][0]["project"]["bookmarked"] is True


async def test_without_projects_of_others_nothing_is_recommended(fresh_api: Api) -> None:
    author = await fresh_api.sign_up()
    await fresh_api.profile(author, "Python")
    await fresh_api.publish(author)
    await run(fresh_api)

    assert await recommended(fresh_api, author, limit=20) == []


async def test_a_recommendation_says_why(fresh_api: Api) -> None:
    author, reader = await fresh_api.sign_up(), await fresh_api.sign_up()
    await fresh_api.profile(author, "R", "Python", "AWS")
    await fresh_api.profile(reader, "Vue.js", "R", "Python")
    made = await fresh_api.publish(author)
    await run(fresh_api)

    found = await fresh_api.get(RECOMMENDATIONS, "/recommendations", by=reader)

    assert found["computed_at"] is not None
    assert found["items"] == [
        {
            "project": {**found["items"][0]["project"], "id": made["id"]},
            "basis": "similar-skills",
            "score": 0.5,
            "similar_user": {"id": author.id, "username": author.username, "image_url": None},
            "shared_skills": ["Python", "R"],
        }
    ]


async def test_projects_of_less_similar_users_are_popular_ones(fresh_api: Api) -> None:
    author, reader = await fresh_api.sign_up(), await fresh_api.sign_up()
    await fresh_api.profile(author, ".NET", "ABAP", "AIX", "ASP", "ASP.NET", "R")
    await fresh_api.profile(reader, "R", "Vue.js", "Python", "AWS", "Git")
    just = await fresh_api.sign_up()
    await fresh_api.profile(just, "R", "Ajax", "Azure", "Apache", "COBOL", "CSS")
    far, near = await fresh_api.publish(author), await fresh_api.publish(just)
    await run(fresh_api)
    basis = {i["project"]["id"]: i["basis"] for i in await recommended(fresh_api, reader)}
    assert basis == {far["id"]: "similar-skills", near["id"]: "similar-skills"}

    # One of eleven skills is shared instead of one of ten.
    await fresh_api.profile(reader, "R", "Vue.js", "Python", "AWS", "Git", "Redis")
    await run(fresh_api)

    basis = {i["project"]["id"]: i["basis"] for i in await recommended(fresh_api, reader)}
    assert basis == {far["id"]: "popular", near["id"]: "popular"}


async def test_popular_projects_fill_the_remaining_places(fresh_api: Api) -> None:
    similar, other, reader = [await fresh_api.sign_up() for _ in range(3)]
    await fresh_api.profile(similar, "Python")
    await fresh_api.profile(reader, "Python")
    theirs = await fresh_api.publish(similar)
    others = [await fresh_api.publish(other) for _ in range(3)]
    await fresh_api.publish(reader)
    await run(fresh_api)

    items = await recommended(fresh_api, reader)

    assert [item["basis"] for item in items] == ["similar-skills", "popular", "popular"]
    assert ids(items) == [theirs["id"], others[2]["id"], others[1]["id"]]


async def test_each_project_is_recommended_once_up_to_the_limit(fresh_api: Api) -> None:
    author, reader = await fresh_api.sign_up(), await fresh_api.sign_up()
    for person in (author, reader):
        await fresh_api.profile(person, "Python")
    for _ in range(6):
        await fresh_api.publish(author)
    await run(fresh_api)

    for query, number in (({}, 3), ({"limit": 1}, 1), ({"limit": 5}, 5), ({"limit": 20}, 6)):
        found = ids(await recommended(fresh_api, reader, **query))
        assert len(set(found)) == len(found) == number, query


async def test_a_seed_repeats_the_sample(fresh_api: Api) -> None:
    author, reader = await fresh_api.sign_up(), await fresh_api.sign_up()
    for person in (author, reader):
        await fresh_api.profile(person, "Python")
    for _ in range(12):
        await fresh_api.publish(author)
    await run(fresh_api)

    seeded = [ids(await recommended(fresh_api, reader, seed=-7)) for _ in range(5)]
    free = [ids(await recommended(fresh_api, reader)) for _ in range(10)]

    assert seeded == [seeded[0]] * 5
    assert len({tuple(each) for each in free}) > 1


async def test_a_skill_edit_is_reflected_at_the_next_run(fresh_api: Api) -> None:
    author, reader = await fresh_api.sign_up(), await fresh_api.sign_up()
    await fresh_api.profile(author, "Python")
    await fresh_api.publish(author)
    await fresh_api.profile(reader, "R")
    await run(fresh_api)
    assert (await recommended(fresh_api, reader))[0]["basis"] == "popular"

    await fresh_api.profile(reader, "Python")
    await run(fresh_api)

    assert (await recommended(fresh_api, reader))[0]["basis"] == "similar-skills"


async def test_projects_of_a_deactivated_user_are_not_recommended(fresh_api: Api) -> None:
    author, reader = await fresh_api.sign_up(), await fresh_api.sign_up()
    for person in (author, reader):
        await fresh_api.profile(person, "Python")
    await fresh_api.publish(author)
    await run(fresh_api)
    await fresh_api.deactivate(author)

    assert await recommended(fresh_api, reader) == []
    await run(fresh_api)
    assert await recommended(fresh_api, reader) == []


async def test_a_deleted_project_is_not_recommended_before_the_next_run(fresh_api: Api) -> None:
    author, reader = await fresh_api.sign_up(), await fresh_api.sign_up()
    for person in (author, reader):
        await fresh_api.profile(person, "Python")
    made = await fresh_api.publish(author)
    await run(fresh_api)
    await fresh_api.send("DELETE", f"/projects/{made['id']}", by=author)

    assert await recommended(fresh_api, reader) == []


async def test_a_recommendation_counts_no_view(fresh_api: Api) -> None:
    author, reader = await fresh_api.sign_up(), await fresh_api.sign_up()
    made = await fresh_api.publish(author)
    await recommended(fresh_api, reader)

    assert (await fresh_api.get(PROJECT, f"/projects/{made['id']}"))["view_count"] == 1


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 21}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"seed": "x"}, "seed"),
        ({"seed": "1.5"}, "seed"),
        ({"seed": "Null"}, "seed"),
        ({"seed": ""}, "seed"),
        ({"seed": "9" * 5_000}, "seed"),
    ],
)
async def test_an_invalid_parameter_is_an_error_with_its_name(
    api: Api, query: dict[str, str], fault: str
) -> None:
    person = await api.sign_up()

    found = await api.refused(422, "invalid", "GET", "/recommendations", by=person, query=query)

    assert found == [fault]


async def test_recommendations_require_a_token(api: Api) -> None:
    await api.refused(401, "not-authenticated", "GET", "/recommendations")
