"""All forms of the pages: what somebody types into each that is wrong, and where it is said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Literal

from tests.api.moderation.reporting import case_of, decide, of_project, of_user, report
from tests.web.pages import log_in

if TYPE_CHECKING:
    from tests.api.client import Api, ApiUser

Fields = Mapping[str, str | Sequence[str]]

LONG = "가나다 라마바 " * 1_000
"""Longer than any text may be, but that of a project."""


@dataclass(frozen=True)
class PostedForm:
    """A form that is posted to `path`, in which braces name members of `Scene.ids`.

    `typed` is what a person fills in, `chosen` what they pick or what the page has filled in. The
    answer has this `status`, and an error beside each field of `wrong`.
    """

    path: str
    typed: Fields
    wrong: tuple[str, ...]
    chosen: Fields = field(default_factory=dict)
    status: int = 422
    viewer: Literal["person", "administrator"] | None = "person"

    def __str__(self) -> str:
        return self.path

    @property
    def has_texts(self) -> bool:
        """Whether something was typed that may come back."""
        return any("password" not in name for name in self.typed)

    @property
    def is_short_with_password(self) -> bool:
        """Whether it has a password and no text of several words."""
        return any("password" in name for name in self.typed) and "reason" not in self.typed


CONFIRMATION = {"reason": LONG[:301], "password": "wrong password"}
PROJECT = {
    "title": LONG[:51],
    "summary": LONG[:61],
    "content": "## 제목\n\n<쓰던> **글**",
    "repository_url": "https://a b",
}

FORMS = (
    PostedForm(
        "/sign-up",
        {"email": "no-email", "username": "x", "password": "short"},
        ("email", "username", "password"),
        viewer=None,
    ),
    PostedForm(
        "/sign-up",
        {"email": "{taken_email}", "username": "{username}", "password": "password"},
        ("email", "username", "password"),
        viewer=None,
    ),
    PostedForm(
        "/sign-up",
        {"email": "{taken_email}", "username": "{username}", "password": "good enough a one"},
        ("email", "username"),
        status=409,
        viewer=None,
    ),
    PostedForm(
        "/log-in",
        {"email": "nobody@example.com", "password": "wrong password"},
        ("password",),
        status=401,
        viewer=None,
    ),
    PostedForm("/chats/{room_id}/messages", {"body": LONG[:4_001]}, ("body",)),
    PostedForm("/projects/{project_id}/comments", {"body": LONG[:2_001]}, ("body",)),
    PostedForm(
        "/projects/{project_id}/comments/{comment_id}/edit", {"body": LONG[:2_001]}, ("body",)
    ),
    PostedForm("/people/{username}/ask", {"introduction": LONG[:301]}, ("introduction",)),
    PostedForm("/me/chat", {}, ("chat_policy",), {"chat_policy": "forged"}),
    PostedForm("/projects", PROJECT, ("title", "summary", "repository_url", "skills")),
    PostedForm(
        "/projects/{own_project_id}",
        PROJECT,
        ("title", "summary", "repository_url"),
        {"skills": ["Python"], "revision": "1"},
    ),
    PostedForm("/projects/preview", {**PROJECT, "content": ""}, ("content",)),
    PostedForm(
        "/report",
        {"note": LONG[:1_001]},
        ("reason", "note"),
        {"kind": "project", "target": "{project_id}"},
    ),
    PostedForm(
        "/moderation/cases/{case_id}/decision",
        {"reason": LONG[:501], "days": "900"},
        ("reason", "days"),
        {"version": "1", "action": "suspend"},
        viewer="administrator",
    ),
    PostedForm(
        "/moderation/cases/{case_id}/decision",
        {"reason": LONG[:501]},
        ("action", "reason"),
        {"version": "1"},
        viewer="administrator",
    ),
    PostedForm(
        "/moderation/cases/{decided_case_id}/reversal",
        {"reason": LONG[:501]},
        ("reason",),
        {"version": "2"},
        viewer="administrator",
    ),
    PostedForm(
        "/operator/people/{user_id}/deactivate",
        CONFIRMATION,
        ("reason", "password"),
        viewer="administrator",
    ),
    PostedForm(
        "/operator/projects/{project_id}/remove",
        CONFIRMATION,
        ("reason", "password"),
        viewer="administrator",
    ),
    PostedForm(
        "/operator/comments/{comment_id}/remove",
        CONFIRMATION,
        ("reason", "password"),
        viewer="administrator",
    ),
    PostedForm("/operator/counters", CONFIRMATION, ("reason", "password"), viewer="administrator"),
    PostedForm(
        "/me/password",
        {"current_password": "wrong password", "new_password": "short"},
        ("current_password", "new_password"),
    ),
    PostedForm("/me/withdraw", {"password": "wrong password"}, ("password", "confirmed")),
    PostedForm(
        "/me/account",
        {"username": "x"},
        ("username", "time_zone"),
        {"language": "ko", "time_zone": "Nowhere"},
    ),
    PostedForm(
        "/me/account",
        {"username": "hani"},
        ("language",),
        {"language": "xx", "time_zone": "Asia/Seoul"},
    ),
    PostedForm(
        "/me/email", {"email": "no-email", "password": "wrong password"}, ("email", "password")
    ),
    PostedForm(
        "/me/email",
        {"email": "{taken_email}", "password": "wrong password"},
        ("email", "password"),
    ),
    PostedForm(
        "/me/profile",
        {"bio": LONG[:501], "github_url": "https://a b"},
        ("bio", "github_url", "skills", "region", "meet_time"),
        {"region": "forged", "meet_time": "forged"},
    ),
    PostedForm("/me/notifications", {}, ("comment",), {"comment": "forged"}),
)

BUTTONS = frozenset(
    {
        "/chats",
        "/chats/{room_id}/leave",
        "/projects/{project_id}/comments/{comment_id}/delete",
        "/chats/requests/{request_id}/accept",
        "/chats/requests/{request_id}/decline",
        "/chats/requests/{request_id}/withdraw",
        "/people/{username}/block",
        "/me/blocks/{user_id}/remove",
        "/moderation/cases/{case_id}/claim",
        "/operator/people/{user_id}/activate",
        "/operator/jobs/similarity",
        "/me/email-verification",
        "/me/images/{image_id}/delete",
        "/me/sessions/{session_id}/end",
        "/me/sessions/end-others",
        "/me/sessions/end-all",
        "/notifications/read",
        "/preferences",
        "/projects/{project_id}/delete",
        "/projects/{project_id}/bookmark",
        "/log-out",
        "/email-verification",
        "/unsubscribe",
    }
)
"""Forms without a field to fill in."""

FOR_SCRIPTS = frozenset({"/chats/{room_id}/socket-tickets", "/me/socket-tickets", "/images"})

WITH_A_TOKEN = frozenset({"/password-reset"})
"""See `tests.api.test_mail_pages` and `tests.web.test_mails_browser`."""


@dataclass(frozen=True)
class Scene:
    """The cookies of who fills in the forms, and ids for their paths."""

    cookies: dict[str | None, str]
    people: dict[str, ApiUser]
    ids: dict[str, str]

    def path(self, form: PostedForm) -> str:
        return form.path.format(**self.ids)

    def fields(self, form: PostedForm) -> dict[str, str | Sequence[str]]:
        """All that the form posts."""
        return {
            name: value.format(**self.ids)
            if isinstance(value, str) and value.startswith("{")
            else value
            for name, value in {**form.chosen, **form.typed}.items()
        }

    def texts(self, form: PostedForm) -> dict[str, str | Sequence[str]]:
        """What was typed and may come back."""
        fields = self.fields(form)
        return {name: fields[name] for name in form.typed if "password" not in name}


async def scene_of(api: Api) -> Scene:
    """What the forms are about."""
    person, other = await api.sign_up(), await api.sign_up(chat_policy="request")
    administrator = await api.administrator()
    project, own = await api.publish(other), await api.publish(person)
    comment = await api.comment(person, project)
    room = await api.room(other, person)
    cases = []
    for target in (of_user(other), of_project(project)):
        await report(api, person, target)
        cases.append(await case_of(api, administrator, target))
    await decide(api, administrator, cases[1], "dismiss")
    async with api.container.database.writing() as connection:
        await connection.exec_driver_sql("UPDATE project_counters SET comments = comments + 1")
        await connection.commit()
    return Scene(
        cookies={
            None: "",
            "person": await log_in(api, person),
            "administrator": await log_in(api, administrator),
        },
        people={"person": person, "administrator": administrator},
        ids={
            "project_id": project["id"],
            "own_project_id": own["id"],
            "comment_id": comment["id"],
            "room_id": room["id"],
            "case_id": cases[0]["id"],
            "decided_case_id": cases[1]["id"],
            "user_id": other.id,
            "taken_email": other.email,
            "username": (await api.sign_up(chat_policy="request")).username,
        },
    )


class ReadPage(HTMLParser):
    """A page: the ids of its elements, what its fields hold, and where its links lead.

    `fields` has each field of a name once, as a browser would send it; `described` the ids of the
    texts about each field; `summary` the attributes of the summary of errors.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.fields: dict[str, list[str]] = {}
        self.invalid: set[str] = set()
        self.summary: dict[str, str | None] | None = None
        self._area: str | None = None
        self._select = ""
        self.feed(html.replace("\r\n", "\n"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name, value = found.get("name") or "", found.get("value") or ""
        self.ids.add(found.get("id") or "")
        if "data-errors" in found:
            self.summary = found
        if found.get("aria-invalid") == "true":
            self.invalid.add(name)
        if tag == "a":
            self.links.add(found.get("href") or "")
        elif tag == "textarea":
            self._area = name
            self.fields.setdefault(name, []).append("")
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in found:
            self.fields.setdefault(self._select, []).append(value)
        elif tag == "input":
            is_picked = found.get("type") not in ("checkbox", "radio") or "checked" in found
            if is_picked:
                self.fields.setdefault(name, []).append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.fields[self._area][-1] += data.removeprefix("\n")


def all_here(page: str) -> dict[str, list[str]]:
    """The fields of the form of buttons that lead back to a page."""
    (form,) = re.findall('<form id="here".*?</form>', page, re.DOTALL)
    return ReadPage(form).fields


def here(page: str) -> dict[str, str]:
    """The same, where no field has several values."""
    return {name: value for name, (value,) in all_here(page).items()}
