"""What was posted and not stored stays: after an error, and after a button that leads back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sidepro.domain.projects.project import MAX_CONTENT
from tests.api.client import UNKNOWN_ID
from tests.api.schemas import PROJECT
from tests.web.pages import get, log_in, post
from tests.web.posted_forms import ReadPage, here

if TYPE_CHECKING:
    from tests.api.client import Api

pytestmark = pytest.mark.anyio

TEXT = "쓰던 <글>\n\n두 번째 문단"


def form_of(page: str) -> tuple[str, dict[str, str]]:
    """The address and the fields of the form that goes on."""
    pattern = r'(<form class="stack" method="post" action="([^"]*)".*?</form>)'
    ((form, action),) = re.findall(pattern, page, re.DOTALL)
    return action, {name: values[-1] for name, values in ReadPage(form).fields.items()}


async def test_a_preview_leads_back_to_its_editor(api: Api) -> None:
    author = await api.sign_up()
    cookie, project = await log_in(api, author), await api.publish(author)
    new = await post(api, "/projects/preview", cookie, content="")
    assert here(new.text)["next"] == "/projects/new"
    edited = await post(api, "/projects/preview", cookie, content="글", id=project["id"])
    assert here(edited.text)["next"] == f"/projects/{project['id']}/edit"


@pytest.mark.parametrize("content", [TEXT, ""])
async def test_the_choice_of_colours_keeps_the_text_of_a_preview(api: Api, content: str) -> None:
    cookie = await log_in(api, await api.sign_up())
    shown = await post(api, "/projects/preview", cookie, title="제목", content=content)

    chosen = await post(api, "/preferences", cookie, colours="dark", **here(shown.text))
    action, fields = form_of(chosen.text)
    again = await post(api, action, cookie, **fields)

    assert "sidepro-colours=dark" in chosen.headers["Set-Cookie"]
    assert 'data-colours="dark"' in chosen.text
    assert action == "/projects/preview"
    page = ReadPage(again.text)
    assert (page.fields["title"], page.fields["content"]) == (["제목"], [content])


async def test_a_bookmark_beside_a_comment_that_was_refused_keeps_its_text(api: Api) -> None:
    person = await api.sign_up()
    cookie, project = await log_in(api, person), await api.publish(await api.sign_up())
    path = f"/projects/{project['id']}"
    long = f"{TEXT} " * 300
    refused = await post(api, f"{path}/comments", cookie, body=long)

    marked = await post(api, f"{path}/bookmark", cookie, bookmarked="true", **here(refused.text))

    assert (await api.get(PROJECT, path, by=person))["bookmarked"]
    action, fields = form_of(marked.text)
    assert (action, fields["body"]) == (f"{path}/comments", long)


async def test_a_form_that_was_carried_is_not_posted_as_somebody_else(api: Api) -> None:
    person, other = await api.sign_up(), await api.sign_up()
    project = await api.publish(await api.sign_up())
    path = f"/projects/{project['id']}/comments"
    theirs = await log_in(api, other)
    refused = await post(api, path, theirs, body="내 댓글", viewer=person.id)

    chosen = await post(api, "/preferences", theirs, language="en", **here(refused.text))
    action, fields = form_of(chosen.text)
    again = await post(api, action, theirs, **fields)

    assert again.status_code == 401
    assert ReadPage(again.text).fields["unsent.body"][-1] == "내 댓글"


async def test_the_text_of_a_log_in_that_failed_stays_when_another_language_is_chosen(
    api: Api,
) -> None:
    person = await api.sign_up()
    unsent = {"unsent-action": "/projects/preview", "unsent.content": TEXT}
    wrong = await post(api, "/log-in", email=person.email, password="wrong", **unsent)

    chosen = await post(api, "/preferences", language="en", **here(wrong.text))
    action, fields = form_of(chosen.text)

    assert (action, fields["content"]) == ("/projects/preview", TEXT)
    asked = await post(api, action, **fields)
    assert asked.status_code == 401
    assert ReadPage(asked.text).fields["unsent.content"][-1] == TEXT


async def test_the_longest_content_is_carried_and_a_larger_form_gets_a_page(api: Api) -> None:
    longest = "🙂" * MAX_CONTENT  # no other letter takes more bytes
    unsent = {"unsent-action": "/projects/preview", "unsent.content": longest}

    wrong = await post(api, "/log-in", email="nobody@example.com", password="wrong", **unsent)
    larger = await post(api, "/projects/preview", content=longest * 2)

    assert wrong.status_code == 401
    assert ReadPage(wrong.text).fields["unsent.content"][-1] == longest
    assert larger.status_code == 413
    assert "내용이나 파일을 줄여서 다시 보내 주세요" in larger.text


@pytest.mark.parametrize(
    ("path", "field", "status"),
    [
        (f"/projects/{UNKNOWN_ID}/comments", "body", 404),
        ("/projects/{project}/comments", "body", 403),
        ("/projects/{project}/comments/{comment}/edit", "body", 403),
        ("/projects/{project}", "content", 403),
        (f"/chats/{UNKNOWN_ID}/messages", "body", 404),
        ("/people/nobody/ask", "introduction", 404),
        ("/report", "note", 404),
    ],
)
async def test_a_text_that_cannot_be_sent_is_shown_whole_to_copy_it(
    api: Api, path: str, field: str, status: int
) -> None:
    author, person = await api.sign_up(), await api.sign_up()
    project = await api.publish(author)
    comment = await api.comment(person, project)
    await api.send("PUT", f"/me/blocks/{person.id}", by=author)
    cookie = await log_in(api, person)
    text = f"{TEXT} " * 80

    path = path.format(project=project["id"], comment=comment["id"])
    refused = await post(api, path, cookie, **{field: text})

    assert refused.status_code == status
    assert ReadPage(refused.text).fields[""][-1].strip("\n") == text
    assert "data-errors" not in refused.text


async def test_a_text_whose_form_is_no_longer_offered_is_shown_with_its_error(api: Api) -> None:
    author, person = await api.sign_up(), await api.sign_up()
    project, room = await api.publish(author), await api.room(author, person)
    cookie = await log_in(api, person)
    await api.send("DELETE", f"/rooms/{room['id']}", by=author)
    await api.send("PUT", f"/me/blocks/{person.id}", by=author)
    long = f"{TEXT} " * 300

    message = await post(api, f"/chats/{room['id']}/messages", cookie, body=TEXT)
    comment = await post(api, f"/projects/{project['id']}/comments", cookie, body=long)

    for answer, status, text in ((message, 409, TEXT), (comment, 422, long)):
        assert answer.status_code == status
        page = ReadPage(answer.text)
        assert page.summary
        assert page.fields[""][-1].strip("\n") == text
    assert message.text.index("data-errors") < message.text.index('<form class="composer"')


async def test_a_button_that_failed_carries_nothing(api: Api) -> None:
    cookie = await log_in(api, await api.sign_up())
    missing = await post(api, f"/projects/{UNKNOWN_ID}/bookmark", cookie, bookmarked="true")
    assert missing.status_code == 404
    assert here(missing.text).keys() == {"viewer", "next"}
    page = await get(api, "/", cookie)
    assert here(page.text).keys() == {"viewer", "next"}


async def test_nothing_is_said_to_be_kept_of_a_form_with_passwords_alone(api: Api) -> None:
    passwords = {"current_password": "one of mine", "new_password": "another of mine"}
    ended = await post(api, "/me/password", **passwords)
    assert (ended.status_code, ended.headers["Location"]) == (303, "/log-in?next=%2F")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/log-in", {"email": "somebody@example.com"}),
        ("/me/email", {"email": "somebody@example.com"}),
        ("/me/withdraw", {"confirmed": "true"}),
    ],
)
async def test_a_password_that_was_left_out_is_asked_for_and_not_called_wrong(
    api: Api, path: str, fields: dict[str, str]
) -> None:
    cookie = await log_in(api, await api.sign_up())

    again = await post(api, path, cookie, **fields)
    wrong = await post(api, path, cookie, **fields, password="not mine 77")

    pattern = r'id="password-error">.*?<span>(.*?)</span>'
    assert re.findall(pattern, again.text, re.DOTALL) == ["꼭 입력해 주세요."]
    assert "맞지 않아요." in re.findall(pattern, wrong.text, re.DOTALL)[0]
    assert again.status_code == wrong.status_code
