"""Things with sensible members to test with, and stand-ins for the small ports of the domain.

Imports the standard library and the domain alone. A builder takes what the thing hangs on, and any
member by name; ids, emails and usernames are new each time.
"""

import asyncio
import html
import itertools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import IO, Any, TypeVar
from uuid import UUID

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.session import (
    RefreshToken,
    Session,
    SessionTtl,
)
from sidepro.domain.accounts.user import User
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.coffee_chats.chat_request import ChatRequest
from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.identity import Caller
from sidepro.domain.ids import (
    ChatRequestId,
    CommentId,
    ImageId,
    MailId,
    ProjectId,
    RoomId,
    SessionId,
    UserId,
)
from sidepro.domain.images.image import Image, Picture
from sidepro.domain.images.urls import ImageKey
from sidepro.domain.mail.mail import Mail, MailKind
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.ports import Markdown
from sidepro.domain.projects.project import Project
from sidepro.domain.rooms.room import Message, Room
from sidepro.domain.text import casefold_key, normalize

Result = TypeVar("Result")

NOW = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
ADDRESS = "203.0.113.7"
SESSION_TTL = SessionTtl(idle=timedelta(days=14), total=timedelta(days=90))

CATALOGUE = Catalogue(
    # a part of the catalogue that a migration loads, in its order
    skills=(
        "AWS",
        "C언어",
        "Django",
        "Docker",
        "Flask",
        "Git",
        "Java",
        "Kotlin",
        "Kubernetes",
        "MySQL",
        "PostgreSQL",
        "Python",
        "React",
        "Redis",
        "Spring",
        "Swift",
        "TypeScript",
        "Vue.js",
        "iOS",
        "jQuery",
    ),
    regions=("서울", "경기", "부산", "제주"),
    meet_times=("주중 선호", "주말 선호", "상관없음"),
)


class SetEpoch:
    """See `sidepro.domain.rooms.ports.EpochReader`."""

    def __init__(self) -> None:
        self.epoch = "one"
        self.reads = 0

    async def current(self) -> str:
        self.reads += 1
        return self.epoch


class SetClock:
    """A clock that stands where it is set. See `sidepro.domain.clock.Clock`."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> datetime:
        """Set the clock forward, or back; the new time."""
        self.now += timedelta(seconds=seconds)
        return self.now


class CountingIds:
    """UUIDv7s that sort as they were made. See `sidepro.domain.ids.NewId`."""

    def __init__(self, now: datetime = NOW) -> None:
        self._milliseconds = int(now.timestamp() * 1000)
        self._numbers = itertools.count(1)

    def __call__(self) -> UUID:
        return UUID(int=self._milliseconds << 80 | 7 << 76 | 2 << 62 | next(self._numbers))


new_id = CountingIds()
_numbers = itertools.count(1)


# ------------------------------------------------------------------------------------- builders


def user(**members: Any) -> User:
    """An ordinary, active person who takes coffee chats from everybody."""
    number = next(_numbers)
    usual = User(
        id=UserId(new_id()),
        email=f"person{number}@example.com",
        username=f"사람{number}",
        password_hash="no hash",
        is_admin=False,
        is_active=True,
        created_at=NOW,
        chat_policy=ChatPolicy.OPEN,
    )
    return replace(usual, **members)


def caller(of: User) -> Caller:
    """That person with a valid access token."""
    return Caller(of.id, SessionId(new_id()), of.is_admin)


def session(user_id: UserId, **members: Any) -> Session:
    """A log-in that begins now."""
    usual = Session.start(SessionId(new_id()), user_id, "a browser", NOW, SESSION_TTL)
    return replace(usual, **members)


def refresh_token(of: Session, text: str | None = None, **members: Any) -> RefreshToken:
    """A session's first refresh token, which nobody has used."""
    text = text or f"first refresh token of {of.id}"
    return replace(RefreshToken.issue(text, of.id, None, of.created_at), **members)


def profile(user_id: UserId, **members: Any) -> Profile:
    """The profile of somebody who writes Python."""
    usual = Profile(
        user_id=user_id,
        bio="커피챗 환영합니다.",
        image_id=None,
        github_url="https://github.com/example",
        skills=("Django", "Python"),
        region="서울",
        meet_time="상관없음",
        updated_at=NOW,
    )
    return replace(usual, **members)


def project(author_id: UserId, **members: Any) -> Project:
    """A project in its first revision."""
    content = "# 동네 카페 지도\n\n함께 만들 분을 찾습니다."
    usual = Project(
        id=ProjectId(new_id()),
        author_id=author_id,
        title="동네 카페 지도",
        summary="A map of quiet cafés",
        content=content,
        content_html=escaped(content),
        repository_url="https://github.com/example/cafes",
        thumbnail_id=None,
        skills=("Django", "Python"),
        revision=1,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(usual, **members)


def comment(project_id: ProjectId, author_id: UserId, **members: Any) -> Comment:
    """A friendly comment."""
    usual = Comment(
        id=CommentId(new_id()),
        project_id=project_id,
        author_id=author_id,
        body="멋져요! Looks great.",
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(usual, **members)


def room(one: UserId, other: UserId, **members: Any) -> Room:
    """An open room without messages."""
    return replace(Room.open(RoomId(new_id()), one, other, NOW), **members)


def chat_request(asker: UserId, recipient: UserId, **members: Any) -> ChatRequest:
    """A pending request."""
    text = "지도 프로젝트 이야기를 듣고 싶어요."
    usual = ChatRequest.write(ChatRequestId(new_id()), asker, recipient, text, NOW)
    return replace(usual, **members)


def message(room_id: RoomId, seq: int, sender_id: UserId, **members: Any) -> Message:
    """What somebody said, without a name of their own for it."""
    usual = Message(room_id, seq, sender_id, f"안녕하세요, number {seq}", None, NOW)
    return replace(usual, **members)


def image(owner_id: UserId | None, **members: Any) -> Image:
    """A small picture."""
    usual = Image(
        id=ImageId(new_id()),
        owner_id=owner_id,
        key=ImageKey(f"{next(_numbers):032x}.webp"),
        width=640,
        height=480,
        size=1_234,
        created_at=NOW,
    )
    return replace(usual, **members)


def mail(to: User, kind: MailKind = MailKind.PASSWORD_CHANGED, **options: Any) -> Mail:
    """A mail that is due now."""
    return Mail.to(to, kind, MailId(new_id()), NOW, **options)


# ------------------------------------------------------------------------------------ stand-ins


def escaped(text: str) -> str:
    """The text as a paragraph of HTML."""
    return f"<p>{html.escape(text)}</p>"


async def escaping(text: str, writer: UserId | None = None) -> str:
    """See `sidepro.domain.projects.ports.Markdown`."""
    return escaped(text)


def always(html: str) -> Markdown:
    """Makes this of every text."""

    async def render(text: str, writer: UserId | None = None) -> str:
        return html

    return render


def email_syntax(email: str) -> str | None:
    """Something on both sides of one `@`. See `sidepro.domain.accounts.ports.EmailNormalizer`."""
    address = normalize(email.strip())
    local, _, domain = address.partition("@")
    sound = local and domain and "@" not in domain and not any(map(str.isspace, address))
    return f"{local}@{domain.lower()}" if sound else None


def no_log(*_: object, **__: object) -> None:
    """See `sidepro.domain.operator_log.OperatorLog`."""


class FewCommonPasswords:
    """See `sidepro.domain.accounts.ports.CommonPasswords`."""

    def __contains__(self, password: str, /) -> bool:
        return casefold_key(password) in {"password", "12345678", "qwertyuiop"}


class QuickPasswords:
    """Hashes that hide nothing and cost nothing; every call is noted in `calls`.

    Raise `generation` to make older hashes outdated. See
    `sidepro.domain.accounts.ports.PasswordHasher`.
    """

    def __init__(self) -> None:
        self.generation = 1
        self.calls: list[str] = []

    async def hash(self, password: str, *, key: str | None = None) -> str:
        self.calls.append("hash")
        return f"{self.generation}${normalize(password)[::-1]}"

    async def verify(
        self,
        password: str,
        password_hash: str | None,
        *,
        key: str | None = None,
    ) -> bool:
        self.calls.append("verify")
        _, _, reverse = (password_hash or "").partition("$")
        return password_hash is not None and reverse == normalize(password)[::-1]

    def is_outdated(self, password_hash: str) -> bool:
        return password_hash.partition("$")[0] != str(self.generation)


class PlainAccessTokens:
    """Tokens for whoever asks. See `sidepro.domain.accounts.ports.AccessTokens`."""

    lifetime = 900

    def __init__(self) -> None:
        self._issued: dict[str, Caller] = {}

    def issue(self, caller: Caller) -> str:
        token = f"access token {len(self._issued) + 1}"
        self._issued[token] = caller
        return token

    def read(self, token: str) -> Caller:
        try:
            return self._issued[token]
        except KeyError:
            raise NotAuthenticated from None


class CountingTokens:
    """Refresh tokens with a running number. See `sidepro.domain.ids.NewSecret`."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def __call__(self) -> str:
        return f"refresh token {next(self._numbers)}"


class PlainCodec:
    """Takes whatever comes for a picture. See `sidepro.domain.images.ports.ImageCodec`."""

    async def encode(self, file: IO[bytes], uploader: UserId | None = None) -> Picture:
        return Picture(file.read(), 640, 480)


class CountingNames:
    """Image names with a running number. See `sidepro.domain.ids.NewSecret`."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def __call__(self) -> str:
        return f"{next(self._numbers):032x}"


# ---------------------------------------------------------------------------------------- races


async def at_once(calls: Iterable[Callable[[], Awaitable[Result]]]) -> list[Result]:
    """Call all of them behind a start gate, and give their results in the order of the calls."""
    start = asyncio.Event()

    async def behind_the_gate(call: Callable[[], Awaitable[Result]]) -> Result:
        await start.wait()
        return await call()

    tasks = [asyncio.create_task(behind_the_gate(call)) for call in calls]
    await asyncio.sleep(0)
    start.set()
    return await asyncio.gather(*tasks)
