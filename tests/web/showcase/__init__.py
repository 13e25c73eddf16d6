"""All blocks of the screens on pages of their own, for who builds screens. Nothing serves them.

`python -m tests.web.showcase` writes pictures of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import CommentId, ProjectId, UserId
from sidepro.domain.images.urls import ImageUrl
from sidepro.domain.language import Language
from sidepro.domain.person_stream.views import Badges
from sidepro.domain.projects.views import CommentView, ProjectCard
from sidepro.web.cookies import Cookies
from sidepro.web.display.icons import Icons
from sidepro.web.display.renderer import FOLDER, Renderer
from sidepro.web.forms import Form, FormError
from sidepro.web.static_files import StaticFiles
from sidepro.web.unsent import UnsentForm

PAGES = ("board", "blocks", "project", "room")
STATIC = StaticFiles()

_NOW = datetime(2026, 11, 29, tzinfo=UTC)
_SKILLS = (
    "Spring Boot", "React", "Typescript", "MySQL", "Kotlin", "Android", "C언어", "C++", "C#",
    ".NET", "Java", "JPA", "Kafka", "Git", "Jenkins", "ElasticStack", "Kubernetes", "React Native",
    "GraphQL", "AWS",
)  # fmt: skip
_PROJECTS = (
    (
        "[팀원 모집] 가계담다 - 부부가 함께 쓰는 가계부 앱",
        "영수증을 찍으면 가계부가 됩니다. 아직 베타라 의견이 필요해요.",
        "김서연",
        _SKILLS[:4],
        (12, 3, 2),
    ),
    (
        "동네 도서관 예약을 한눈에, 책이음",
        "퇴근하고 Kotlin으로 만든 도서관 앱이에요. 벌써 3번째 버전입니다.",
        "커피마시는두더지",
        _SKILLS[4:6],
        (1_834, 120, 14),
    ),
    (
        "Deploybox: one-command deploys for tiny servers",
        "Push a branch, get an address. No YAML and no cluster.",
        "dev_minjun",
        ("GoLang", "Docker", "Linux", "NGINX", "PostgreSQL", "Redis", "Vue.js"),
        (1_020_933, 1_044, 230),
    ),
    (
        "커밋 메시지를 시로 바꿔 주는 봇",
        "git log가 시집이 됩니다.",
        "라떼",
        ("Python",),
        (0, 0, 0),
    ),
    (
        "퇴근길마다 조금씩 만든 아주아주 길고 긴 이름의 사이드 프로젝트 모음집 관리 도구 v2",
        "쓰던 서비스가 문을 닫아서 새벽마다 만든 북마크 관리 도구입니다. 소스를 모두 공개합니다.",
        "kayleigh-the-very-long-nickname",
        _SKILLS,
        (7, 1, 0),
    ),
    (
        "Supercalifragilisticexpialidocious_framework_gener",
        "Pneumonoultramicroscopicsilicovolcanoconiosis_detector_v1000",
        "하은",
        ("Javascript",),
        (1_204, 9, 1),
    ),
    ("v2.0 출시! API 모니터 ☕️", "장애를 알려 줍니다.", "윤도윤", ("Node.js",), (88, 13, 4)),
    ("식물일기", "물 줄 때를 알려 드려요.", "보라", ("Flutter",), (3, 0, 0)),
    ("러닝 메이트", "같이 뛸 사람을 찾아요.", "권나연", ("Swift", "iOS"), (412, 55, 7)),
)
_PICTURE = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 9'%3E"
    "%3Cpath fill='%2331473a' d='M0 0h16v9H0z'/%3E%3Cpath fill='%23edf4f2' d='M3 2h10v5H3z'/%3E"
    "%3C/svg%3E"
)


@dataclass(frozen=True)
class ShownPage:
    """What templates need of a `sidepro.web.page.Page`."""

    language: Language
    colours: str = "auto"
    here: str = "/"
    path: str = "/"
    done: str | None = None
    is_farewell: bool = False
    badges: Badges = Badges(unread_messages=3, unread_notifications=2)  # noqa: RUF009 - immutable
    may_have_viewer: bool = False
    viewer_field: str = ""
    unsent: UnsentForm | None = None
    cookies: Cookies = field(default_factory=lambda: Cookies.of(""))


def person(name: str) -> UserSummary:
    """A person without a picture."""
    return UserSummary(UserId(UUID(int=len(name))), name, None)


def project(number: int) -> ProjectCard:
    """A sample; some have a thumbnail, some are bookmarked."""
    title, summary, author, skills, (views, bookmarks, comments) = _PROJECTS[number]
    return ProjectCard(
        id=ProjectId(UUID(int=number * 37 + 11)),
        title=title,
        summary=summary,
        skills=skills,
        thumbnail_url=ImageUrl(_PICTURE) if number in (1, 7) else None,
        author=person(author),
        view_count=views,
        bookmark_count=bookmarks,
        comment_count=comments,
        bookmarked=number in (1, 6),
        created_at=_NOW,
        updated_at=_NOW,
        hidden=False,
    )


def comment(author: str, body: str) -> CommentView:
    """A sample."""
    return CommentView(
        CommentId(UUID(int=len(body))), person(author), body, _NOW, _NOW, hidden=False
    )


def rejected_form() -> Form:
    """A form that comes back with errors."""
    filled = Form.of(
        title=_PROJECTS[4][0], email="me@example.com", region="서울", meet_time="주말 선호"
    )
    errors = (
        FormError("title", "제목은 50자까지 쓸 수 있어요."),
        FormError("email", "이미 가입한 이메일이에요."),
    )
    return Form(filled.fields, errors)


def room(name: str | None, unread_count: int) -> SimpleNamespace:
    """A room with a partner, or with somebody who withdrew."""
    return SimpleNamespace(participant=name and person(name), unread_count=unread_count)


def render(name: str, page: ShownPage, *, anonymous: bool = False) -> str:
    """One of `PAGES` as HTML, for an administrator or an anonymous viewer."""
    viewer = SimpleNamespace(
        user=person("김서연"), caller=SimpleNamespace(is_admin=True, can_moderate=True)
    )
    renderer = Renderer(
        page.language,
        folders=(FOLDER, Path(__file__).parent),
        url=lambda path, **_: path,
        static=STATIC.path,
        icons=Icons(STATIC.path("icons/sprite.svg")),
    )
    return renderer.render(
        f"{name}.html",
        {
            "page": page,
            "viewer": None if anonymous else viewer,
            "samples": {
                "projects": tuple(map(project, range(len(_PROJECTS)))),
                "comments": (
                    comment("보라", "와, 이거 정말 필요했어요!\n혹시 오픈 소스인가요?"),
                    comment("dev_minjun", f"Looks great. {'without-any-break' * 6}"),
                ),
                "form": rejected_form(),
                "person": person,
                "room": room,
            },
        },
    )
