"""People, projects and rooms that several examples of the OpenAPI document share."""

from uuid import UUID

import msgspec

from sidepro.api.routes import accounts, comments, images, rooms, sessions
from sidepro.api.routes.consent import chat_requests
from sidepro.api.schemas import ProjectCard, UserSummary
from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.domain.identity import Role
from sidepro.domain.language import Language
from sidepro.domain.rooms.room import RoomStatus

PICTURE = "/media/5be1c04d7f2a963e81b0d4a7c9f6e325.webp"
MINSEO = UserSummary(UUID("019a2f6c-1d40-7c11-9b7e-52a8c3f0d6e1"), "김민서", PICTURE)
JIHO = UserSummary(UUID("019a30b4-77e2-7a58-8f0d-3c9b1e64a205"), "jiho-dev", None)
PROJECT_ID = UUID("019a8e11-5b7f-7d3a-a1c6-90e4f2b8d713")
COMMENT_ID = UUID("019a9135-c2e8-7f64-b5d1-08a7e39c6b42")
ROOM_ID = UUID("019a9a70-3e15-7b92-8c4f-d61b5a07e9f8")
SESSION_ID = UUID("019a9f02-a6d3-7e47-93b8-7f2c04d1e65a")
IMAGE_ID = UUID("019a8df3-40c6-7be5-9a12-c83f57d09e46")
CURSOR = "3q2-7wAAAAAAAAAAAAAAAFswLFsidDIwMjYtMTEtMjAiXV0"
PHRASE = "산책하는 고양이 7"
FROM_A_MAIL = "q3Jt0mXo2bYw8sKf5uVh1LzEa7PdRgC4nTiS9vQx6Bk"
PROFILE = accounts.Profile(
    bio="낮에는 서버를, 밤에는 지도를 만듭니다. 주말 커피챗 환영해요.",
    image_url=PICTURE,
    github_url="https://github.com/minseo-kim",
    skills=["Docker", "PostgreSQL", "Python"],
    region="서울",
    meet_time="주말 선호",
)
ACCOUNT = accounts.Account(
    id=MINSEO.id,
    username=MINSEO.username,
    created_at="2026-10-29T04:12:33.528417Z",
    profile=PROFILE,
    email="minseo@example.com",
    email_verified=True,
    pending_email=None,
    is_admin=False,
    role=Role.MEMBER,
    language=Language.KOREAN,
    time_zone="Asia/Seoul",
    chat_policy=ChatPolicy.REQUEST,
)
USER = accounts.User(
    id=ACCOUNT.id,
    username=ACCOUNT.username,
    created_at=ACCOUNT.created_at,
    profile=ACCOUNT.profile,
    chat_policy=ChatPolicy.REQUEST,
)
IMAGE = images.Image(
    id=IMAGE_ID,
    url="/media/e07a95c2d1384f6bb3f94a0d62c8715e.webp",
    width=1600,
    height=900,
    media_type="image/webp",
    size=48_213,
)
CARD = ProjectCard(
    id=PROJECT_ID,
    title="동네 커피챗 지도",
    summary="가까운 개발자와 커피 한 잔, 지도에서 바로 약속을 잡습니다",
    skills=["Javascript", "PostgreSQL", "Python"],
    thumbnail_url=IMAGE.url,
    author=JIHO,
    view_count=128,
    bookmark_count=9,
    comment_count=1,
    bookmarked=False,
    created_at="2026-11-16T13:05:21.007944Z",
    updated_at="2026-11-19T22:48:02.310856Z",
    hidden=False,
)
CONTENT = "## 무엇을 하나요?\n\n동네 **커피챗** 상대를 지도에서 찾아 줍니다."
REPOSITORY = "https://github.com/jiho-dev/coffee-map"
MESSAGE = rooms.Message(
    room_id=ROOM_ID,
    seq=1,
    sender_id=MINSEO.id,
    body="안녕하세요! 지도 프로젝트 잘 봤어요. 이번 주말에 커피 한 잔 어떠세요?",
    client_id="7c1e-0001",
    sent_at="2026-11-22T09:30:00.000000Z",
    hidden=False,
)
SESSION = sessions.Session(
    id=SESSION_ID,
    created_at="2026-11-20T01:15:07.120044Z",
    last_used_at="2026-11-22T09:15:30.000311Z",
    user_agent="SidePro/2.1 (Android 16)",
    current=True,
)
ROOM = rooms.Room(
    id=ROOM_ID,
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
LEFT_ROOM = msgspec.structs.replace(
    ROOM, status=RoomStatus.PENDING, left_by=JIHO.id, writable=False
)
CHAT_REQUEST = chat_requests.ChatRequest(
    id=UUID("019a9a68-0b37-7d1c-95e2-4f60c81ba7d3"),
    asker=JIHO,
    recipient=MINSEO,
    introduction="지도 프로젝트에서 PostgreSQL을 맡고 있어요. 경험담을 듣고 싶습니다.",
    state=RequestState.ACCEPTED,
    room_id=ROOM_ID,
    created_at="2026-11-22T08:11:09.310442Z",
    settled_at="2026-11-22T09:28:41.662035Z",
)
COMMENT = comments.Comment(
    id=COMMENT_ID,
    author=MINSEO,
    body="아이디어가 좋네요. 지도 데이터는 어디서 가져오나요?",
    created_at="2026-11-20T08:01:15.449120Z",
    updated_at="2026-11-20T08:01:15.449120Z",
    hidden=False,
)
