"""Views of accounts, as readers return them."""

from dataclasses import dataclass, field
from datetime import datetime

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.accounts.session import Session
from sidepro.domain.accounts.user import User
from sidepro.domain.identity import Caller, Role
from sidepro.domain.ids import UserId
from sidepro.domain.images.urls import ImageUrl
from sidepro.domain.language import Language


@dataclass(frozen=True, slots=True)
class UserSummary:
    """A person as others see them beside a project, a comment or a room."""

    id: UserId
    username: str
    image_url: ImageUrl | None


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A profile as shown to people."""

    bio: str
    image_url: ImageUrl | None
    github_url: str | None
    skills: tuple[str, ...]
    region: str | None
    meet_time: str | None


@dataclass(frozen=True, slots=True)
class UserView:
    """A person's public page. `chat_policy` is what the viewer sees, `None` for anonymous ones.
    `is_blocked`: one of the two blocks the other.
    """

    id: UserId
    username: str
    created_at: datetime
    profile: ProfileView | None
    chat_policy: ChatPolicy | None
    is_blocked: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class UserQuery:
    """A search for users by the key of their username: the whole key or a prefix."""

    key: str
    is_prefix: bool


@dataclass(frozen=True, slots=True)
class AccountView(UserView):
    """A person's own account."""

    email: str
    is_admin: bool
    email_verified: bool
    pending_email: str | None
    language: Language
    time_zone: str
    role: Role
    chat_policy: ChatPolicy

    @classmethod
    def of(cls, user: User, profile: ProfileView | None) -> "AccountView":
        """The account of this user."""
        return cls(
            id=user.id,
            username=user.username,
            created_at=user.created_at,
            profile=profile,
            email=user.email,
            is_admin=user.is_admin,
            email_verified=user.email_verified,
            pending_email=user.pending_email,
            language=user.language,
            time_zone=user.time_zone,
            role=user.role,
            chat_policy=user.chat_policy,
        )


@dataclass(frozen=True, slots=True)
class SessionViewer:
    """Who looks at a page: their session, and the person as others see them."""

    session: Session
    user: UserSummary
    is_admin: bool
    is_moderator: bool
    has_profile: bool
    time_zone: str

    @property
    def caller(self) -> Caller:
        """The person as the caller of a use case."""
        return Caller(self.user.id, self.session.id, self.is_admin, self.is_moderator)
