"""What every page has, and where the pages end."""

from pathlib import Path

import pytest

from sidepro.web.static_files import StaticFiles
from tests.api.client import Api
from tests.web.pages import get, log_in

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


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/projects", 303),
        ("HEAD", "/projects", 303),
        ("HEAD", "/log-in", 200),
        ("TRACE", "/projects", 405),
    ],
)
async def test_only_a_reader_is_led_from_the_address_of_a_form_to_a_page(
    api: Api, method: str, path: str, status: int
) -> None:
    response = await api.http.request(method, path, headers=SAME_ORIGIN)

    assert response.status_code == status
    assert response.headers.get("Location") == ("/" if status == 303 else None)


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


async def test_the_chosen_colours_are_in_the_page_before_any_script_or_style(api: Api) -> None:
    form = {"colours": "dark", "next": "/"}
    response = await api.http.post("/preferences", data=form, headers=SAME_ORIGIN)
    api.http.cookies.clear()

    cookie = response.headers["Set-Cookie"].partition(";")[0]
    page = await api.http.get("/", headers={"Cookie": cookie})

    before = page.text.partition("<link")[0].partition("<script")[0]
    assert 'data-colours="dark"' in before
    assert '<meta name="color-scheme" content="dark">' in before


@pytest.mark.parametrize(("length", "is_kept"), [(1_900, True), (2_000, False)])
async def test_a_page_leads_back_to_its_query_unless_it_is_too_long(
    api: Api, length: int, is_kept: bool
) -> None:
    query = f"?from={'a' * length}"

    page = await api.http.get(f"/{query}")

    assert f'name="next" value="/{query if is_kept else ""}"' in page.text
    assert (query in page.text) is is_kept


def test_the_scripts_of_a_folder_are_one_script_without_imports_of_each_other(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "js" / "page.js"
    folder.mkdir(parents=True)
    (folder / "a.js").write_text('export const A = "export";\nexport function f() {}\n')
    (folder / "b.js").write_text(
        'import { A } from "./a.js";\nconst B = "b";\nimport { C } from "../c.js";\nf(A);\n'
    )
    content = StaticFiles(tmp_path).get("js/page.js").content.decode()
    assert content == (
        'const A = "export";\nfunction f() {}\n'
        'const B = "b";\nimport { C } from "../c.js";\nf(A);\n'
    )


async def test_the_header_does_not_count_the_messages_that_its_page_shows(api: Api) -> None:
    one, other, third = [await api.sign_up() for _ in range(3)]
    rooms = [await api.room(each, one) for each in (other, third)]
    for person, room in zip((other, third), rooms, strict=True):
        await api.send_message(person, room)
    cookie = await log_in(api, one)

    assert "안 읽은 메시지 2개" in (await get(api, "/chats", cookie)).text
    header = (await get(api, f"/chats/{rooms[0]['id']}", cookie)).text.partition("<main")[0]
    assert "안 읽은 메시지 1개" in header
