"""The own pages over HTTP: rights, errors, sessions, images, the export and withdrawal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.api.client import PASSWORD
from tests.databases import both_databases
from tests.image_files import picture, saved
from tests.web.pages import SAME_ORIGIN, call, get, log_in, post

if TYPE_CHECKING:
    import httpx

    from tests.api.client import Api

pytestmark = pytest.mark.anyio

PICTURE = saved(picture())
BAD_FILE = b"GIF89a and no image"


async def save(
    api: Api, cookie: str, file: bytes | None = None, **fields: str | list[str]
) -> httpx.Response:
    """Posts the form of the profile as a browser does, with skills by default."""
    response = await api.http.post(
        "/me/profile",
        data={"skills": ["Java"], "image_id": "", **fields},
        files={"file": ("my.png", file, "image/png") if file else ("", b"")},
        headers={**SAME_ORIGIN, "Cookie": cookie},
    )
    api.http.cookies.clear()
    return response


def errors_of(page: httpx.Response) -> set[str]:
    """The fields that have an error on a page."""
    return set(re.findall(r'id="([a-z_]+)-error"', page.text))


@pytest.mark.parametrize(
    "path",
    [
        "/me",
        "/me/bookmarks",
        "/me/settings",
        "/me/profile",
        "/me/images",
        "/me/sessions",
        "/me/password",
        "/me/export",
        "/me/withdraw",
    ],
)
async def test_the_own_pages_ask_to_log_in_and_lead_back(api: Api, path: str) -> None:
    response = await get(api, path)

    assert response.status_code == 303
    assert response.headers["Location"] == f"/log-in?next={path.replace('/', '%2F')}"


@both_databases
async def test_a_profile_is_written_and_edited_with_its_picture(api: Api) -> None:
    person = await api.sign_up()
    cookie = await log_in(api, person)
    assert "/me/profile" in (await get(api, "/me", cookie)).text

    first = await save(api, cookie, PICTURE, bio="하나", region="서울")
    assert (first.status_code, first.headers["Location"]) == (303, "/me")
    written = (await api.send("GET", "/me", by=person)).json()["profile"]
    assert written["image_url"]
    assert (written["bio"], written["region"], written["skills"]) == ("하나", "서울", ["Java"])

    await save(api, cookie, bio="둘", skills=["Kotlin", "Java"])
    edited = (await api.send("GET", "/me", by=person)).json()["profile"]
    assert edited["image_url"] == written["image_url"]
    assert (edited["bio"], edited["region"], edited["skills"]) == ("둘", None, ["Java", "Kotlin"])

    await save(api, cookie, remove_picture="true")
    assert (await api.send("GET", "/me", by=person)).json()["profile"]["image_url"] is None


async def test_a_profile_that_is_refused_comes_back_with_its_texts_and_picture(api: Api) -> None:
    person = await api.sign_up()
    cookie = await log_in(api, person)

    refused = await save(
        api, cookie, PICTURE, bio="안녕 <b>", github_url="nowhere", skills=[], meet_time="never"
    )

    assert refused.status_code == 422
    assert errors_of(refused) == {"github_url", "skills", "meet_time"}
    assert "안녕 &lt;b&gt;" in refused.text
    assert 'value="nowhere"' in refused.text
    stored = re.search(r'name="image_id" value="([0-9a-f-]+)"', refused.text)
    assert stored
    again = await save(api, cookie, image_id=stored[1], skills=[])
    assert '<img class="avatar avatar-large"' in again.text
    assert (await save(api, cookie, image_id=stored[1])).status_code == 303
    assert (await api.send("GET", "/me", by=person)).json()["profile"]["image_url"]


async def test_a_file_that_is_no_picture_is_refused_beside_its_field(api: Api) -> None:
    cookie = await log_in(api, await api.sign_up())

    broken = await save(api, cookie, BAD_FILE, bio="그대로")
    other = await save(api, cookie, b"%PDF-1.7", bio="그대로")
    large = await save(api, cookie, b"\x89PNG" + bytes(10 * 2**20), bio="그대로")

    assert [each.status_code for each in (broken, other, large)] == [422, 415, 413]
    for each in (broken, other, large):
        assert errors_of(each) == {"file"}
        assert "그대로" in each.text


async def test_the_picture_of_another_person_is_refused(api: Api) -> None:
    owner, other = await api.sign_up(), await api.sign_up()
    image = await api.image(owner, PICTURE)

    refused = await save(api, await log_in(api, other), image_id=image["id"])

    assert (refused.status_code, errors_of(refused)) == (422, {"file"})


async def test_a_profile_that_is_posted_after_the_session_ended_is_kept(api: Api) -> None:
    person = await api.sign_up()
    ended = await save(api, "sidepro=ended", PICTURE, bio="쓰던 소개")
    assert ended.status_code == 401
    carried = dict(re.findall(r'name="(unsent[^"]*)" value="([^"]*)"', ended.text))

    resumed = await post(api, "/log-in", email=person.email, password=PASSWORD, **carried)

    assert 'action="/me/profile"' in resumed.text
    assert 'name="bio" value="쓰던 소개"' in resumed.text


@pytest.mark.parametrize(
    ("picture", "is_lost"),
    [(PICTURE, True), (b"\x89PNG" + bytes(10 * 2**20), True), (None, False)],
    ids=["picture", "too large", "none"],
)
async def test_who_logs_in_again_reads_that_the_picture_must_be_chosen_again(
    api: Api, picture: bytes | None, is_lost: bool
) -> None:
    person = await api.sign_up()
    text = "고른 이미지는 남아 있지 않아요."

    ended = await save(api, "sidepro=ended", picture, bio="쓰던 소개")
    carried = dict(re.findall(r'name="(unsent[^"]*)" value="([^"]*)"', ended.text))
    wrong = await post(api, "/log-in", email=person.email, password="wrong", **carried)
    resumed = await post(api, "/log-in", email=person.email, password=PASSWORD, **carried)

    assert [text in each.text for each in (ended, wrong, resumed)] == [is_lost] * 3
    assert 'name="unsent-file"' not in resumed.text.partition("<main")[2].partition("</main>")[0]


@both_databases
async def test_sessions_are_listed_with_their_devices_and_ended(api: Api) -> None:
    person = await api.sign_up()
    mine, other = await log_in(api, person), await log_in(api, person)
    page = (await get(api, "/me/sessions", mine)).text
    assert page.count('class="state state-good"') == 1
    ends = re.findall(r'action="(/me/sessions/[0-9a-f-]{36}/end)"', page)
    assert len(ends) == 3  # the API's, too
    foreign = await log_in(api, await api.sign_up())
    await post(api, ends[0], foreign)
    assert len(re.findall(r"/end\"", (await get(api, "/me/sessions", mine)).text)) == 3

    others = await post(api, "/me/sessions/end-others", mine)

    assert (others.status_code, others.headers["Location"]) == (303, "/me/sessions")
    assert (await get(api, "/me", mine)).status_code == 200
    assert (await get(api, "/me", other)).status_code == 303
    assert (await api.send("GET", "/me", by=person)).status_code == 401


@pytest.mark.parametrize("way", ["all", "one"])
async def test_ending_the_own_session_logs_out(api: Api, way: str) -> None:
    cookie = await log_in(api, await api.sign_up())
    page = (await get(api, "/me/sessions", cookie)).text
    current = page.partition('class="state state-good"')[2]
    one = re.search(r'action="(/me/sessions/[0-9a-f-]{36}/end)"', current)
    assert one

    response = await post(api, "/me/sessions/end-all" if way == "all" else one[1], cookie)

    assert response.headers["Location"] == "/"
    assert 'sidepro=""' in response.headers["Set-Cookie"]
    assert (await get(api, "/me", cookie)).status_code == 303


@both_databases
async def test_changing_the_password_keeps_this_session_alone(api: Api) -> None:
    person = await api.sign_up()
    mine, other = await log_in(api, person), await log_in(api, person)

    changed = await post(
        api, "/me/password", mine, current_password=PASSWORD, new_password="a new horse 88"
    )

    assert (changed.status_code, changed.headers["Location"]) == (303, "/me")
    assert (await get(api, "/me", mine)).status_code == 200
    assert (await get(api, "/me", other)).status_code == 303
    assert (
        await post(api, "/log-in", email=person.email, password="a new horse 88")
    ).status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong", "a new horse 88", "current_password"),
        (PASSWORD, "short", "new_password"),
        (PASSWORD, "password123", "new_password"),
    ],
)
async def test_a_password_that_is_refused_says_so_beside_its_field(
    api: Api, current: str, new: str, field: str
) -> None:
    cookie = await log_in(api, await api.sign_up())

    refused = await post(api, "/me/password", cookie, current_password=current, new_password=new)

    assert (refused.status_code, errors_of(refused)) == (422, {field})
    assert new not in refused.text


async def test_the_export_is_the_apis_as_a_file_that_no_cache_keeps(api: Api) -> None:
    person = await api.sign_up()
    await api.publish(person, title="가져갈 작품")

    ours = await get(api, "/me/export", await log_in(api, person))

    assert ours.headers["Content-Disposition"] == 'attachment; filename="sidepro-export.json"'
    assert ours.headers["Content-Type"] == "application/json"
    assert ours.headers["Cache-Control"] == "no-store"
    theirs = (await api.send("GET", "/me/export", by=person)).json()
    assert ours.json().keys() == theirs.keys()
    assert ours.json()["projects"] == theirs["projects"]


@both_databases
async def test_withdrawing_needs_the_password_and_a_confirmation(api: Api) -> None:
    person = await api.sign_up()
    cookie = await log_in(api, person)
    wrong = await post(api, "/me/withdraw", cookie, password="wrong", confirmed="true")
    unsure = await post(api, "/me/withdraw", cookie, password=PASSWORD)
    assert [errors_of(each) for each in (wrong, unsure)] == [{"password"}, {"confirmed"}]
    assert {each.status_code for each in (wrong, unsure)} == {422}

    done = await post(api, "/me/withdraw", cookie, password=PASSWORD, confirmed="true")

    assert (done.status_code, done.headers["Location"]) == (303, "/")
    assert 'sidepro=""' in ", ".join(done.headers.get_list("Set-Cookie"))
    assert (await get(api, "/me", cookie)).status_code == 303
    assert (await get(api, f"/people/{person.username}")).status_code == 404


@both_databases
async def test_own_images_are_listed_and_the_unused_ones_deleted(api: Api) -> None:
    person, other = await api.sign_up(), await api.sign_up()
    cookie = await log_in(api, person)
    used, unused = await api.image(person, PICTURE), await api.image(person, PICTURE)
    body = {"bio": "", "skills": ["Java"], "image_id": used["id"]}
    await api.send("PUT", "/me/profile", body, by=person)
    page = (await get(api, "/me/images", cookie)).text
    assert f"/me/images/{unused['id']}/delete" in page
    assert f"/me/images/{used['id']}/delete" not in page
    assert used["url"] in page
    assert "500\N{NO-BREAK SPACE}MB" in page

    foreign = await post(api, f"/me/images/{unused['id']}/delete", await log_in(api, other))
    in_use = await post(api, f"/me/images/{used['id']}/delete", cookie)
    deleted = await post(api, f"/me/images/{unused['id']}/delete", cookie)

    assert [each.status_code for each in (foreign, in_use, deleted)] == [404, 409, 303]
    assert unused["url"] not in (await get(api, "/me/images", cookie)).text


async def test_the_own_projects_and_bookmarks_are_on_the_own_page(api: Api) -> None:
    person, other = await api.sign_up(), await api.sign_up()
    cookie = await log_in(api, person)
    await api.publish(person, title="내가 만든 것")
    theirs = await api.publish(other, title="남이 만든 것")
    await api.send("PUT", f"/projects/{theirs['id']}/bookmark", by=person)

    projects, bookmarks = [
        (await get(api, f"/me{path}", cookie)).text for path in ("", "/bookmarks")
    ]

    assert "내가 만든 것" in projects
    assert "남이 만든 것" not in projects
    assert "남이 만든 것" in bookmarks
    assert person.email in projects


async def test_deleting_an_image_needs_a_form_of_this_site(api: Api) -> None:
    person = await api.sign_up()
    image = await api.image(person, PICTURE)
    headers = {"Cookie": await log_in(api, person), "Sec-Fetch-Site": "cross-site"}

    response = await call(api, "POST", f"/me/images/{image['id']}/delete", headers)

    assert response.status_code == 403
