"""PUT and PATCH of the profile."""

import unicodedata

import pytest

from tests.api.client import UNKNOWN_ID, Api, ApiUser, Json
from tests.api.schemas import ACCOUNT, CATALOGUE, USER

pytestmark = pytest.mark.anyio

WHOLE: Json = {
    "bio": "주말마다 만듭니다.\n차 한 잔?",
    "image_id": None,
    "github_url": "https://github.com/example",
    "skills": ["Vue.js", ".NET", "Python"],
    "region": "서울",
    "meet_time": None,
}
SHOWN: Json = {
    "bio": WHOLE["bio"],
    "image_url": None,
    "github_url": WHOLE["github_url"],
    "skills": [".NET", "Python", "Vue.js"],
    "region": "서울",
    "meet_time": None,
}


async def test_a_profile_is_returned_as_written_with_ordered_skills(api: Api) -> None:
    person = await api.sign_up()

    account = await api.ok(ACCOUNT, "PUT", "/me/profile", WHOLE, by=person)

    assert account["profile"] == SHOWN
    assert (await api.get(ACCOUNT, "/me", by=person)) == account
    assert (await api.get(USER, f"/users/{person.id}"))["profile"] == SHOWN


async def test_nullable_members_are_optional(api: Api) -> None:
    person = await api.sign_up()

    body = {"bio": "", "skills": ["Python"]}
    account = await api.ok(ACCOUNT, "PUT", "/me/profile", body, by=person)

    assert account["profile"] == {
        "bio": "",
        "image_url": None,
        "github_url": None,
        "skills": ["Python"],
        "region": None,
        "meet_time": None,
    }


async def test_put_replaces_the_whole_profile(api: Api) -> None:
    person = await api.sign_up()
    await api.ok(ACCOUNT, "PUT", "/me/profile", WHOLE, by=person)

    body = {"bio": "new", "skills": ["R"]}
    account = await api.ok(ACCOUNT, "PUT", "/me/profile", body, by=person)

    assert account["profile"] == {
        **SHOWN,
        "bio": "new",
        "skills": ["R"],
        "github_url": None,
        "region": None,
    }


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        ({}, {}),
        ({"bio": ""}, {"bio": ""}),
        ({"skills": ["R", "AWS"]}, {"skills": ["AWS", "R"]}),
        ({"region": None}, {"region": None}),
        ({"github_url": None}, {"github_url": None}),
        ({"github_url": "http://example.com/~나"}, {"github_url": "http://example.com/~나"}),
        ({"image_id": None}, {}),
    ],
)
async def test_patch_changes_only_the_sent_members(api: Api, edit: Json, changed: Json) -> None:
    person = await api.sign_up()
    await api.ok(ACCOUNT, "PUT", "/me/profile", WHOLE, by=person)

    account = await api.ok(ACCOUNT, "PATCH", "/me/profile", edit, by=person)

    assert account["profile"] == {**SHOWN, **changed}


async def test_patch_without_a_profile_is_a_conflict(api: Api) -> None:
    person = await api.sign_up()

    await api.refused(409, "no-profile", "PATCH", "/me/profile", {"bio": "x"}, by=person)


BAD: list[tuple[Json, list[str]]] = [
    ({"bio": "글" * 501}, ["/bio"]),
    ({"bio": None}, ["/bio"]),
    ({"bio": "a\0b"}, ["/bio"]),
    ({"bio": 5}, ["/bio"]),
    ({"skills": []}, ["/skills"]),
    ({"skills": None}, ["/skills"]),
    ({"skills": "Python"}, ["/skills"]),
    ({"skills": {"0": "Python"}}, ["/skills"]),
    ({"skills": ["Python", "Telepathy"]}, ["/skills/1"]),
    ({"skills": ["python"]}, ["/skills/0"]),
    ({"skills": ["Python", "R", "Python"]}, ["/skills/2"]),
    ({"skills": ["Python", None]}, ["/skills/1"]),
    ({"skills": ["Python", 1]}, ["/skills/1"]),
    ({"region": "Atlantis"}, ["/region"]),
    ({"region": ""}, ["/region"]),
    ({"region": "null"}, ["/region"]),
    ({"region": 1}, ["/region"]),
    ({"meet_time": "never"}, ["/meet_time"]),
    ({"github_url": "javascript:alert(1)"}, ["/github_url"]),
    ({"github_url": "ftp://example.com/x"}, ["/github_url"]),
    ({"github_url": "github.com/example"}, ["/github_url"]),
    ({"github_url": "https://"}, ["/github_url"]),
    ({"github_url": "https://exa mple.com"}, ["/github_url"]),
    ({"github_url": 'https://example.com/"><script>'}, ["/github_url"]),
    ({"github_url": "https://[not-an-address]/"}, ["/github_url"]),
    ({"github_url": "null"}, ["/github_url"]),
    ({"image_id": UNKNOWN_ID}, ["/image_id"]),
    ({"image_id": "null"}, ["/image_id"]),
    ({"image_id": 7}, ["/image_id"]),
    ({"email": "other@example.com"}, ["/email"]),
    ({"is_admin": True}, ["/is_admin"]),
    ({"user_id": UNKNOWN_ID}, ["/user_id"]),
    ({"image_url": "/media/x"}, ["/image_url"]),
    ({"username": "other"}, ["/username"]),
]


@pytest.fixture(scope="module")
async def person(api: Api) -> ApiUser:
    """A user with a profile that no test changes."""
    person = await api.sign_up()
    await api.ok(ACCOUNT, "PUT", "/me/profile", WHOLE, by=person)
    return person


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(("over", "faults"), BAD)
async def test_an_invalid_member_is_an_error_and_changes_nothing(
    api: Api, person: ApiUser, method: str, over: Json, faults: list[str]
) -> None:
    body = {**WHOLE, **over} if method == "PUT" else over

    assert await api.refused(422, "invalid", method, "/me/profile", body, by=person) == faults
    assert (await api.get(ACCOUNT, "/me", by=person))["profile"] == SHOWN


@pytest.mark.parametrize("member", ["bio", "skills"])
async def test_put_requires_members(api: Api, member: str) -> None:
    person = await api.sign_up()
    body = {name: value for name, value in WHOLE.items() if name != member}

    faults = await api.refused(422, "invalid", "PUT", "/me/profile", body, by=person)

    assert faults == [f"/{member}"]


async def test_lengths_count_after_composition(api: Api) -> None:
    person = await api.sign_up()
    bio = "글" * 500

    body = {**WHOLE, "bio": unicodedata.normalize("NFD", bio)}
    account = await api.ok(ACCOUNT, "PUT", "/me/profile", body, by=person)

    assert account["profile"]["bio"] == bio


async def test_a_profile_has_at_most_thirty_skills(api: Api) -> None:
    person = await api.sign_up()
    skills = (await api.get(CATALOGUE, "/catalogue"))["skills"]

    account = await api.profile(person, *skills[29::-1])
    assert account["profile"]["skills"] == skills[:30]
    body = {"bio": "", "skills": skills[:31]}
    faults = await api.refused(422, "invalid", "PUT", "/me/profile", body, by=person)
    assert faults == ["/skills"]


async def test_a_url_has_at_most_200_characters(api: Api) -> None:
    person = await api.sign_up()
    address = "https://github.com/".ljust(200, "a")

    account = await api.profile(person, github_url=address)
    assert account["profile"]["github_url"] == address
    body = {"github_url": address + "a"}
    faults = await api.refused(422, "invalid", "PATCH", "/me/profile", body, by=person)
    assert faults == ["/github_url"]


async def test_every_value_of_the_catalogue_is_accepted(api: Api) -> None:
    person = await api.sign_up()
    catalogue = await api.get(CATALOGUE, "/catalogue")
    await api.profile(person)

    for member, choices in (("region", "regions"), ("meet_time", "meet_times")):
        for choice in catalogue[choices]:
            edit = {member: choice}
            account = await api.ok(ACCOUNT, "PATCH", "/me/profile", edit, by=person)
            assert account["profile"][member] == choice
