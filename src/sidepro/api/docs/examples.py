"""Examples of bodies in the OpenAPI document."""

from typing import Any
from uuid import UUID

import msgspec

from sidepro.api.docs import moderation_examples, notification_examples
from sidepro.api.docs.example_data import (
    ACCOUNT,
    CARD,
    CHAT_REQUEST,
    COMMENT,
    COMMENT_ID,
    CONTENT,
    CURSOR,
    FROM_A_MAIL,
    IMAGE,
    IMAGE_ID,
    JIHO,
    LEFT_ROOM,
    MESSAGE,
    MINSEO,
    PHRASE,
    PROFILE,
    PROJECT_ID,
    REPOSITORY,
    ROOM,
    ROOM_ID,
    SESSION,
    SESSION_ID,
    USER,
)
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
from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.domain.data_export.views import Export
from sidepro.domain.language import Language
from sidepro.domain.recommendations.views import Basis
from sidepro.http.monitoring.health import Health, Part

IDS = {
    "case_id": str(moderation_examples.CASE_ID),
    "comment_id": str(COMMENT_ID),
    "image_id": str(IMAGE_ID),
    "project_id": str(PROJECT_ID),
    "request_id": "019a9a68-0b37-7d1c-95e2-4f60c81ba7d3",
    "room_id": str(ROOM_ID),
    "session_id": str(SESSION_ID),
    "user_id": str(MINSEO.id),
}
"""The ids of the examples, by parameter."""


def _page(item: Item) -> ListOf[Item]:
    return ListOf([item], CURSOR, CURSOR, 3)


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
        session_id=SESSION_ID,
    ),
    sessions.Refresh("m3k0cB8yTqv5Zr1u…"),
    SESSION,
    accounts.NewPassword("밤하늘-별빛-2026", "새벽-바다-등대-7"),
    accounts.Withdrawal("밤하늘-별빛-2026"),
    accounts.Availability(email=True, username=True),
    USER,
    ACCOUNT,
    accounts.NewProfile(
        bio=PROFILE.bio,
        skills=PROFILE.skills,
        image_id=IMAGE_ID,
        github_url=PROFILE.github_url,
        region=PROFILE.region,
        meet_time=PROFILE.meet_time,
    ),
    emails.NewEmail(email="minseo.kim@example.com", password=PHRASE),
    emails.MailToken(token=FROM_A_MAIL),
    emails.PasswordReset(email="minseo@example.com"),
    emails.PasswordResetRedemption(token=FROM_A_MAIL, new_password=PHRASE),
    accounts.AccountPatch(
        username="minseo-kim",
        language=Language.ENGLISH,
        time_zone="Europe/Berlin",
        chat_policy=ChatPolicy.OPEN,
    ),
    accounts.ProfilePatch(
        bio="이직 준비 중입니다.",
        image_id=None,
        github_url=PROFILE.github_url,
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
    projects.NewProject(CARD.title, CARD.summary, CONTENT, CARD.skills, REPOSITORY, IMAGE_ID),
    projects.ProjectPatch(
        title="동네 커피챗 지도 2",
        summary="이제 부산에서도: 지도에서 바로 커피챗 약속을 잡습니다",
        content=CONTENT,
        skills=CARD.skills,
        repository_url=REPOSITORY,
        thumbnail_id=None,
    ),
    projects.Project(
        **msgspec.structs.asdict(CARD),
        content=CONTENT,
        content_html=(
            '<h2 id="user-content-무엇을-하나요">무엇을 하나요?</h2>\n'
            "<p>동네 <strong>커피챗</strong> 상대를 지도에서 찾아 줍니다.</p>\n"
        ),
        repository_url=REPOSITORY,
    ),
    projects.MarkdownText("이 지도는 **커피챗(coffee chat)**을 위한 것입니다."),
    projects.MarkdownPreview(
        "<p>이 지도는 <strong>커피챗(coffee chat)</strong>을 위한 것입니다.</p>\n"
    ),
    bookmarks.BookmarkState(bookmarked=True, bookmark_count=10),
    comments.CommentText(COMMENT.body),
    COMMENT,
    IMAGE,
    images.ImageList(
        items=[
            images.OwnImage(
                **msgspec.structs.asdict(IMAGE),
                created_at="2026-11-16T13:04:48.730215Z",
                in_use=True,
            )
        ],
        next=CURSOR,
        previous=CURSOR,
        total=3,
        quota=images.ImageQuotaUse(used=IMAGE.size, limit=524_288_000),
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
    rooms.SocketTicket("q0Zr8dT1w5cXlMb4…", 30, f"/api/v1/rooms/{ROOM_ID}/socket"),
    recommendations.Recommendations(
        items=[
            recommendations.Recommendation(
                project=CARD,
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
            "id": ACCOUNT.id,
            "email": ACCOUNT.email,
            "username": ACCOUNT.username,
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
            "created_at": ACCOUNT.created_at,
            "profile": {
                **msgspec.structs.asdict(PROFILE),
                "updated_at": "2026-10-29T04:15:02.090311Z",
            },
        },
        "sessions": [
            {
                "id": SESSION_ID,
                "user_agent": SESSION.user_agent,
                "created_at": SESSION.created_at,
                "last_used_at": SESSION.last_used_at,
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
                "created_at": ACCOUNT.created_at,
                "sent_at": "2026-10-29T04:12:35.871102Z",
            }
        ],
        "images": [
            {
                "id": IMAGE.id,
                "url": IMAGE.url,
                "width": IMAGE.width,
                "height": IMAGE.height,
                "size": IMAGE.size,
                "created_at": "2026-11-16T13:04:48.730215Z",
                "unused_since": "2026-11-22T08:00:00.401277Z",
            }
        ],
        "projects": [
            {
                "id": PROJECT_ID,
                "title": CARD.title,
                "summary": CARD.summary,
                "content": CONTENT,
                "repository_url": REPOSITORY,
                "skills": CARD.skills,
                "thumbnail_url": CARD.thumbnail_url,
                "view_count": CARD.view_count,
                "bookmark_count": CARD.bookmark_count,
                "comment_count": CARD.comment_count,
                "revision": 3,
                "created_at": CARD.created_at,
                "updated_at": CARD.updated_at,
            }
        ],
        "comments": [
            {
                "id": COMMENT_ID,
                "project_id": PROJECT_ID,
                "body": COMMENT.body,
                "created_at": COMMENT.created_at,
                "updated_at": COMMENT.updated_at,
            }
        ],
        "bookmarks": [{"project_id": PROJECT_ID, "created_at": "2026-11-20T08:00:41.733901Z"}],
        "rooms": [
            {
                "id": ROOM_ID,
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
                "room_id": ROOM_ID,
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
                "room_id": ROOM_ID,
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
    ListOf[ProjectCard]: _page(CARD),
    ListOf[accounts.User]: _page(USER),
    ListOf[comments.Comment]: _page(COMMENT),
    ListOf[reports.Report]: _page(moderation_examples.REPORT),
    ListOf[cases.Case]: _page(moderation_examples.LISTED_CASE),
    ListOf[cases.LogEntry]: _page(moderation_examples.LOG_ENTRY),
    ListOf[rooms.Room]: _page(LEFT_ROOM),
    ListOf[chat_requests.ChatRequest]: _page(CHAT_REQUEST),
    ListOf[UserSummary]: _page(JIHO),
    ListOf[sessions.Session]: _page(SESSION),
}
"""An example of each request and response body, by its type."""
