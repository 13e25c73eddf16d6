"""What every page has, and where the pages end."""

import pytest

from tests.api.client import Api

pytestmark = pytest.mark.anyio

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


async def test_the_board_is_at_the_root(api: Api) -> None:
    author = await api.sign_up()
    project = await api.publish(author, title="동네 지도")

    response = await api.http.get("/", params={"q": "동네"})

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f"/projects/{project['id']}" in response.text
    assert "동네 지도" in response.text


async def test_an_unknown_path_is_a_page_with_the_id_of_the_request(api: Api) -> None:
    response = await api.http.get("/nowhere")

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["X-Request-ID"] in response.text


async def test_a_rejection_of_a_page_is_a_page(api: Api) -> None:
    response = await api.http.get("/", headers={"Host": "evil.example"})

    assert response.status_code == 400
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["X-Request-ID"] in response.text


async def test_a_choice_of_language_is_kept_and_leads_back(api: Api) -> None:
    form = {"language": "en", "next": "/?q=x"}

    response = await api.http.post("/preferences", data=form, headers=SAME_ORIGIN)
    api.http.cookies.clear()

    assert (response.status_code, response.headers["Location"]) == (303, "/?q=x")
    cookie = response.headers["Set-Cookie"].partition(";")[0]
    page = await api.http.get("/", headers={"Cookie": cookie})
    assert '<html lang="en"' in page.text
