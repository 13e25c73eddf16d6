"""Examples of the OpenAPI document: bodies and problems."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from sidepro.api.docs import moderation_examples, notification_examples
from sidepro.api.pagination import Item, ListOf
from sidepro.api.routes import (
    accounts,
    bookmarks,
    catalogue,
    comments,
    emails,
    images,
    projects,
    recommendations,
    rooms,
    sessions,
)
from sidepro.api.routes.consent import chat_requests
from sidepro.api.routes.moderation import cases, reports
from sidepro.api.schemas import ProjectCard, UserSummary
from sidepro.domain.accounts.password import COMMON_PASSWORD
from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.domain.data_export.views import Export
from sidepro.domain.errors import (
    AccountSuspended,
    BadImage,
    CannotChatWithYourself,
    FieldError,
    ImageQuota,
    InvalidInput,
    InvalidToken,
    RateLimited,
    SideProError,
    TokenProblem,
    WeakPassword,
    WrongPassword,
)
from sidepro.domain.identity import Role
from sidepro.domain.language import Language
from sidepro.domain.rate_limiting import Limit
from sidepro.domain.recommendations.views import Basis
from sidepro.domain.rooms.room import RoomStatus
from sidepro.domain.violations import BLANK, OVER_QUOTA, WRONG, YOURSELF, FieldCode, Violation
from sidepro.http.monitoring.health import Health, Part

_PICTURE = "/media/5be1c04d7f2a963e81b0d4a7c9f6e325.webp"
MINSEO = UserSummary(UUID("019a2f6c-1d40-7c11-9b7e-52a8c3f0d6e1"), "김민서", _PICTURE)
JIHO = UserSummary(UUID("019a30b4-77e2-7a58-8f0d-3c9b1e64a205"), "jiho-dev", None)
_PROJECT = UUID("019a8e11-5b7f-7d3a-a1c6-90e4f2b8d713")
_COMMENT = UUID("019a9135-c2e8-7f64-b5d1-08a7e39c6b42")
_ROOM = UUID("019a9a70-3e15-7b92-8c4f-d61b5a07e9f8")
_SESSION = UUID("019a9f02-a6d3-7e47-93b8-7f2c04d1e65a")
_IMAGE_ID = UUID("019a8df3-40c6-7be5-9a12-c83f57d09e46")
_CURSOR = "3q2-7wAAAAAAAAAAAAAAAFswLFsidDIwMjYtMTEtMjAiXV0"

IDS = {
    "case_id": str(moderation_examples.CASE_ID),
    "comment_id": str(_COMMENT),
    "image_id": str(_IMAGE_ID),
    "project_id": str(_PROJECT),
    "request_id": "019a9a68-0b37-7d1c-95e2-4f60c81ba7d3",
    "room_id": str(_ROOM),
    "session_id": str(_SESSION),
    "user_id": str(MINSEO.id),
}
"""The ids of the examples, by parameter."""

_PHRASE = "산책하는 고양이 7"
_FROM_A_MAIL = "q3Jt0mXo2bYw8sKf5uVh1LzEa7PdRgC4nTiS9vQx6Bk"
_PROFILE = accounts.Profile(
    bio="낮에는 서버를, 밤에는 지도를 만듭니다. 주말 커피챗 환영해요.",
    image_url=_PICTURE,
    github_url="https://github.com/minseo-kim",
    skills=["Docker", "PostgreSQL", "Python"],
    region="서울",
    meet_time="주말 선호",
)
_ACCOUNT = accounts.Account(
    id=MINSEO.id,
    username=MINSEO.username,
    created_at="2026-10-29T04:12:33.528417Z",
    profile=_PROFILE,
    email="minseo@example.com",
    email_verified=True,
    pending_email=None,
    is_admin=False,
    role=Role.MEMBER,
    language=Language.KOREAN,
    time_zone="Asia/Seoul",
    chat_policy=ChatPolicy.REQUEST,
)
_USER = accounts.User(
    id=_ACCOUNT.id,
    username=_ACCOUNT.username,
    created_at=_ACCOUNT.created_at,
    profile=_ACCOUNT.profile,
    chat_policy=ChatPolicy.REQUEST,
)
_IMAGE = images.Image(
    id=_IMAGE_ID,
    url="/media/e07a95c2d1384f6bb3f94a0d62c8715e.webp",
    width=1600,
    height=900,
    media_type="image/webp",
    size=48_213,
)
_CARD = ProjectCard(
    id=_PROJECT,
    title="동네 커피챗 지도",
    summary="가까운 개발자와 커피 한 잔, 지도에서 바로 약속을 잡습니다",
    skills=["Javascript", "PostgreSQL", "Python"],
    thumbnail_url=_IMAGE.url,
    author=JIHO,
    view_count=128,
    bookmark_count=9,
    comment_count=1,
    bookmarked=False,
    created_at="2026-11-16T13:05:21.007944Z",
    updated_at="2026-11-19T22:48:02.310856Z",
    hidden=False,
)
_CONTENT = "## 무엇을 하나요?\n\n동네 **커피챗** 상대를 지도에서 찾아 줍니다."
_REPOSITORY = "https://github.com/jiho-dev/coffee-map"
MESSAGE = rooms.Message(
    room_id=_ROOM,
    seq=1,
    sender_id=MINSEO.id,
    body="안녕하세요! 지도 프로젝트 잘 봤어요. 이번 주말에 커피 한 잔 어떠세요?",
    client_id="7c1e-0001",
    sent_at="2026-11-22T09:30:00.000000Z",
    hidden=False,
)
_SESSION_SHOWN = sessions.Session(
    id=_SESSION,
    created_at="2026-11-20T01:15:07.120044Z",
    last_used_at="2026-11-22T09:15:30.000311Z",
    user_agent="SidePro/2.1 (Android 16)",
    current=True,
)
ROOM = rooms.Room(
    id=_ROOM,
    participant=JIHO,
    status=RoomStatus.STOP,
    left_by=None,
    last_message=MESSAGE,
    last_seq=1,
    read_seq=0,
    participant_read_seq=0,
    unread_count=0,
    created_at="2026-11-22T09:28:41.662035Z",
    updated_at="2026-11-22T09:30:00.000000Z",
    writable=True,
)
_LEFT_ROOM = msgspec.structs.replace(
    ROOM, status=RoomStatus.PENDING, left_by=JIHO.id, writable=False
)
CHAT_REQUEST = chat_requests.ChatRequest(
    id=UUID("019a9a68-0b37-7d1c-95e2-4f60c81ba7d3"),
    asker=JIHO,
    recipient=MINSEO,
    introduction="지도 프로젝트에서 PostgreSQL을 맡고 있어요. 경험담을 듣고 싶습니다.",
    state=RequestState.ACCEPTED,
    room_id=_ROOM,
    created_at="2026-11-22T08:11:09.310442Z",
    settled_at="2026-11-22T09:28:41.662035Z",
)
_COMMENT_SHOWN = comments.Comment(
    id=_COMMENT,
    author=MINSEO,
    body="아이디어가 좋네요. 지도 데이터는 어디서 가져오나요?",
    created_at="2026-11-20T08:01:15.449120Z",
    updated_at="2026-11-20T08:01:15.449120Z",
    hidden=False,
)


def _page(item: Item) -> ListOf[Item]:
    return ListOf([item], _CURSOR, _CURSOR, 3)


_INSTANCES = (
    *moderation_examples.INSTANCES,
    *notification_examples.INSTANCES,
    accounts.SignUp("minseo@example.com", "김민서", "밤하늘-별빛-2026"),
    sessions.LogIn("minseo@example.com", "밤하늘-별빛-2026"),
    sessions.SessionTokens(
        access_token="eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…",  # noqa: S106 - no real token
        token_type="Bearer",  # noqa: S106 - the name of a scheme (RFC 6750)
        expires_in=900,
        refresh_token="m3k0cB8yTqv5Zr1u…",  # noqa: S106 - no real token
        refresh_expires_in=1_209_600,
        session_id=_SESSION,
    ),
    sessions.Refresh("m3k0cB8yTqv5Zr1u…"),
    _SESSION_SHOWN,
    accounts.NewPassword("밤하늘-별빛-2026", "새벽-바다-등대-7"),
    accounts.Withdrawal("밤하늘-별빛-2026"),
    accounts.Availability(email=True, username=True),
    _USER,
    _ACCOUNT,
    accounts.NewProfile(
        bio=_PROFILE.bio,
        skills=_PROFILE.skills,
        image_id=_IMAGE_ID,
        github_url=_PROFILE.github_url,
        region=_PROFILE.region,
        meet_time=_PROFILE.meet_time,
    ),
    emails.NewEmail(email="minseo.kim@example.com", password=_PHRASE),
    emails.MailToken(token=_FROM_A_MAIL),
    emails.PasswordReset(email="minseo@example.com"),
    emails.PasswordResetRedemption(token=_FROM_A_MAIL, new_password=_PHRASE),
    accounts.AccountPatch(
        username="minseo-kim",
        language=Language.ENGLISH,
        time_zone="Europe/Berlin",
        chat_policy=ChatPolicy.OPEN,
    ),
    accounts.ProfilePatch(
        bio="이직 준비 중입니다.",
        image_id=None,
        github_url=_PROFILE.github_url,
        skills=["Docker", "Python"],
        region="부산",
        meet_time="상관없음",
    ),
    catalogue.Catalogue(
        skills=["Docker", "Javascript", "PostgreSQL", "Python"],
        regions=["서울", "경기", "부산"],
        meet_times=["주중 선호", "주말 선호", "상관없음"],
        skill_counts={"Docker": 31, "Javascript": 58, "PostgreSQL": 24, "Python": 47},
    ),
    projects.NewProject(
        _CARD.title, _CARD.summary, _CONTENT, _CARD.skills, _REPOSITORY, _IMAGE_ID
    ),
    projects.ProjectPatch(
        title="동네 커피챗 지도 2",
        summary="이제 부산에서도: 지도에서 바로 커피챗 약속을 잡습니다",
        content=_CONTENT,
        skills=_CARD.skills,
        repository_url=_REPOSITORY,
        thumbnail_id=None,
    ),
    projects.Project(
        **msgspec.structs.asdict(_CARD),
        content=_CONTENT,
        content_html=(
            '<h2 id="user-content-무엇을-하나요">무엇을 하나요?</h2>\n'
            "<p>동네 <strong>커피챗</strong> 상대를 지도에서 찾아 줍니다.</p>\n"
        ),
        repository_url=_REPOSITORY,
    ),
    projects.MarkdownText("이 지도는 **커피챗(coffee chat)**을 위한 것입니다."),
    projects.MarkdownPreview(
        "<p>이 지도는 <strong>커피챗(coffee chat)</strong>을 위한 것입니다.</p>\n"
    ),
    bookmarks.BookmarkState(bookmarked=True, bookmark_count=10),
    comments.CommentText(_COMMENT_SHOWN.body),
    _COMMENT_SHOWN,
    _IMAGE,
    images.ImageList(
        items=[
            images.OwnImage(
                **msgspec.structs.asdict(_IMAGE),
                created_at="2026-11-16T13:04:48.730215Z",
                in_use=True,
            )
        ],
        next=_CURSOR,
        previous=_CURSOR,
        total=3,
        quota=images.ImageQuotaUse(used=_IMAGE.size, limit=524_288_000),
    ),
    chat_requests.NewChatRequest(MINSEO.id, CHAT_REQUEST.introduction),
    CHAT_REQUEST,
    chat_requests.OpenedRoom(ROOM),
    rooms.OpenRoomRequest(JIHO.id),
    ROOM,
    rooms.NewMessage(MESSAGE.body, MESSAGE.client_id),
    MESSAGE,
    rooms.History([MESSAGE], 1),
    rooms.Unread(rooms=2, messages=7),
    rooms.ReadMark(1),
    rooms.SocketTicket("q0Zr8dT1w5cXlMb4…", 30, f"/api/v1/rooms/{_ROOM}/socket"),
    recommendations.Recommendations(
        items=[
            recommendations.Recommendation(
                project=_CARD,
                basis=Basis.SIMILAR_SKILLS,
                score=0.5,
                similar_user=JIHO,
                shared_skills=["PostgreSQL", "Python"],
            )
        ],
        computed_at="2026-11-22T09:00:00.114702Z",
    ),
    Health("ok", {"database": Part("ok", 0.8, None)}),
)

EXAMPLES: dict[Any, Any] = {
    **{type(instance): instance for instance in _INSTANCES},
    Export: {
        "account": {
            "id": _ACCOUNT.id,
            "email": _ACCOUNT.email,
            "username": _ACCOUNT.username,
            "is_admin": False,
            "is_active": True,
            "is_moderator": False,
            "suspended_until": None,
            "email_verified": True,
            "pending_email": None,
            "language": "ko",
            "time_zone": "Asia/Seoul",
            "username_changed_at": None,
            "chat_policy": "request",
            "created_at": _ACCOUNT.created_at,
            "profile": {
                **msgspec.structs.asdict(_PROFILE),
                "updated_at": "2026-10-29T04:15:02.090311Z",
            },
        },
        "sessions": [
            {
                "id": _SESSION,
                "user_agent": _SESSION_SHOWN.user_agent,
                "created_at": _SESSION_SHOWN.created_at,
                "last_used_at": _SESSION_SHOWN.last_used_at,
                "expires_at": "2026-12-06T09:15:30.000311Z",
                "ends_at": "2027-02-18T01:15:07.120044Z",
            }
        ],
        "known_addresses": [
            {"address": "203.0.113.7", "last_used_at": "2026-11-20T01:15:07.120044Z"}
        ],
        "mails": [
            {
                "id": "019a2f4e-7c1d-7b3a-9d41-5a7c0f2e6b18",
                "kind": "email-verification",
                "address": "minseo@example.com",
                "language": "ko",
                "state": "sent",
                "created_at": _ACCOUNT.created_at,
                "sent_at": "2026-10-29T04:12:35.871102Z",
            }
        ],
        "images": [
            {
                "id": _IMAGE.id,
                "url": _IMAGE.url,
                "width": _IMAGE.width,
                "height": _IMAGE.height,
                "size": _IMAGE.size,
                "created_at": "2026-11-16T13:04:48.730215Z",
                "unused_since": "2026-11-22T08:00:00.401277Z",
            }
        ],
        "projects": [
            {
                "id": _PROJECT,
                "title": _CARD.title,
                "summary": _CARD.summary,
                "content": _CONTENT,
                "repository_url": _REPOSITORY,
                "skills": _CARD.skills,
                "thumbnail_url": _CARD.thumbnail_url,
                "view_count": _CARD.view_count,
                "bookmark_count": _CARD.bookmark_count,
                "comment_count": _CARD.comment_count,
                "revision": 3,
                "created_at": _CARD.created_at,
                "updated_at": _CARD.updated_at,
            }
        ],
        "comments": [
            {
                "id": _COMMENT,
                "project_id": _PROJECT,
                "body": _COMMENT_SHOWN.body,
                "created_at": _COMMENT_SHOWN.created_at,
                "updated_at": _COMMENT_SHOWN.updated_at,
            }
        ],
        "bookmarks": [{"project_id": _PROJECT, "created_at": "2026-11-20T08:00:41.733901Z"}],
        "rooms": [
            {
                "id": _ROOM,
                "participant_id": JIHO.id,
                "left_by": JIHO.id,
                "read_seq": 0,
                "last_seq": 1,
                "created_at": ROOM.created_at,
                "updated_at": ROOM.updated_at,
            }
        ],
        "messages": [
            {
                "room_id": _ROOM,
                "seq": MESSAGE.seq,
                "body": MESSAGE.body,
                "client_id": MESSAGE.client_id,
                "sent_at": MESSAGE.sent_at,
            }
        ],
        **moderation_examples.EXPORTED,
        "sent_chat_requests": [
            {
                "id": UUID("019a9d11-5c02-7e68-8b3a-02f7d9c4e156"),
                "to_id": JIHO.id,
                "introduction": "프론트엔드를 함께 하실 분을 찾고 있어요.",
                "state": RequestState.EXPIRED,
                "room_id": None,
                "created_at": "2026-11-05T10:40:12.008113Z",
                "settled_at": "2026-11-19T10:40:12.008113Z",
            }
        ],
        "received_chat_requests": [
            {
                "id": CHAT_REQUEST.id,
                "from_id": JIHO.id,
                "state": RequestState.ACCEPTED,
                "room_id": _ROOM,
                "created_at": CHAT_REQUEST.created_at,
                "settled_at": CHAT_REQUEST.settled_at,
            }
        ],
        "blocks": [{"blocked_id": JIHO.id, "created_at": "2026-11-22T10:02:55.431100Z"}],
        **notification_examples.EXPORTED,
        "similar_people": [
            {"user_id": JIHO.id, "score": 0.5, "shared_skills": ["PostgreSQL", "Python"]}
        ],
    },
    ListOf[ProjectCard]: _page(_CARD),
    ListOf[accounts.User]: _page(_USER),
    ListOf[comments.Comment]: _page(_COMMENT_SHOWN),
    ListOf[reports.Report]: _page(moderation_examples.REPORT),
    ListOf[cases.Case]: _page(moderation_examples.LISTED_CASE),
    ListOf[cases.LogEntry]: _page(moderation_examples.LOG_ENTRY),
    ListOf[rooms.Room]: _page(_LEFT_ROOM),
    ListOf[chat_requests.ChatRequest]: _page(CHAT_REQUEST),
    ListOf[UserSummary]: _page(JIHO),
    ListOf[sessions.Session]: _page(_SESSION_SHOWN),
}
"""An example of each request and response body, by its type."""

_TOO_LARGE = Violation(FieldCode.TOO_LARGE, "must be an integer of at most 100", {"max": 100})
_TOO_MANY_PIXELS = Violation(
    FieldCode.TOO_MANY_PIXELS, "has more than 40,000,000 pixels", {"max": 40_000_000}
)

PROBLEMS: dict[type[SideProError], tuple[SideProError, ...]] = {
    InvalidInput: (
        InvalidInput(FieldError(BLANK, pointer="/title")),
        InvalidInput(FieldError(_TOO_LARGE, parameter="limit")),
    ),
    WeakPassword: (WeakPassword(FieldError(COMMON_PASSWORD, "/password")),),
    WrongPassword: (WrongPassword(FieldError(WRONG, pointer="/current_password")),),
    BadImage: (
        BadImage(FieldError(Violation(FieldCode.BAD_IMAGE, "is truncated"), "/file")),
        BadImage(FieldError(_TOO_MANY_PIXELS, "/file")),
    ),
    ImageQuota: (ImageQuota(FieldError(OVER_QUOTA, "/file")),),
    AccountSuspended: (AccountSuspended(datetime(2026, 12, 1, 9, 30, tzinfo=UTC)),),
    RateLimited: (RateLimited(Limit("default", 600, 60).allowance(60.1)),),
    InvalidToken: tuple(map(InvalidToken, TokenProblem)),
    CannotChatWithYourself: (CannotChatWithYourself(FieldError(YOURSELF, "/user_id")),),
}
"""Errors with arguments. The document shows all other errors without arguments."""
