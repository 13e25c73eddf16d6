"""Sign-up, log-in, profiles and public pages."""

import hashlib
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, patch, post, put
from litestar.params import Parameter

from sidepro.api.auth import PUBLIC
from sidepro.api.bodies import given
from sidepro.api.lists import (
    LIMIT,
    CursorText,
    Limit,
    ListOf,
    Total,
    page_request,
    page_response,
    scope_of,
)
from sidepro.api.services import ApiRequest, Services, caller_of, created, path_id, viewer_of
from sidepro.api.shapes import Moment, ProjectCard, moment, project_card
from sidepro.domain.accounts import session as domain
from sidepro.domain.accounts.service import Tokens
from sidepro.domain.accounts.views import AccountView, ProfileView
from sidepro.domain.projects.views import BoardQuery
from sidepro.domain.shared import SessionId, UserId

Password = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 8, "maxLength": 128})]
Bio = Annotated[str, msgspec.Meta(extra_json_schema={"maxLength": 500})]
Skills = Annotated[list[str], msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": 30})]


class Profile(msgspec.Struct):
    """What a person tells about themselves. Skills come in catalogue order."""

    bio: str
    image_url: str | None
    github_url: str | None
    skills: list[str]
    region: str | None
    meet_time: str | None


class User(msgspec.Struct):
    """A person's public page."""

    id: UUID
    username: str
    created_at: Moment
    profile: Profile | None


class Account(User):
    """A person as they see themselves."""

    email: str
    is_admin: bool


class SignUp(msgspec.Struct, forbid_unknown_fields=True):
    """A new account. The username has 2 to 30 letters of any script, digits, `_` and `-`."""

    email: Annotated[str, msgspec.Meta(extra_json_schema={"format": "email", "maxLength": 254})]
    username: Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 2, "maxLength": 30})]
    password: Password


class Availability(msgspec.Struct):
    """Whether what was asked for is free; only what was asked for is here."""

    email: bool | msgspec.UnsetType
    username: bool | msgspec.UnsetType


class LogIn(msgspec.Struct, forbid_unknown_fields=True):
    """Email and password."""

    email: str
    password: str


class SessionTokens(msgspec.Struct):
    """What a log-in gives. Times are in seconds from now."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    session_id: UUID


class Refresh(msgspec.Struct, forbid_unknown_fields=True):
    """The refresh token of the last log-in or refresh."""

    refresh_token: str


class Session(msgspec.Struct):
    """A log-in. `current` is the one of this access token."""

    id: UUID
    created_at: Moment
    last_used_at: Moment
    user_agent: str | None
    current: bool


class Sessions(msgspec.Struct):
    """All of the caller's sessions."""

    items: list[Session]


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """The password as it is, and as it shall be."""

    current_password: str
    new_password: Password


class Withdrawal(msgspec.Struct, forbid_unknown_fields=True):
    """The password, asked again."""

    password: str


class NewProfile(msgspec.Struct, forbid_unknown_fields=True):
    """A profile as a whole."""

    bio: Bio
    skills: Skills
    image_id: UUID | None = None
    github_url: str | None = None
    region: str | None = None
    meet_time: str | None = None


class ProfileEdits(msgspec.Struct, forbid_unknown_fields=True):
    """The members of a profile that change; those left out stay as they are."""

    bio: Bio | msgspec.UnsetType = msgspec.UNSET
    image_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    github_url: str | msgspec.UnsetType | None = msgspec.UNSET
    skills: Skills | msgspec.UnsetType = msgspec.UNSET
    region: str | msgspec.UnsetType | None = msgspec.UNSET
    meet_time: str | msgspec.UnsetType | None = msgspec.UNSET


class Catalogue(msgspec.Struct):
    """Everything that can be chosen, in the order of display."""

    skills: list[str]
    regions: list[str]
    meet_times: list[str]


def _profile(view: ProfileView) -> Profile:
    return Profile(
        bio=view.bio,
        image_url=view.image_url,
        github_url=view.github_url,
        skills=list(view.skills),
        region=view.region,
        meet_time=view.meet_time,
    )


def _user(view: AccountView) -> User:
    return User(
        id=view.id,
        username=view.username,
        created_at=moment(view.created_at),
        profile=None if view.profile is None else _profile(view.profile),
    )


def _account(view: AccountView) -> Account:
    return Account(
        id=view.id,
        username=view.username,
        created_at=moment(view.created_at),
        profile=None if view.profile is None else _profile(view.profile),
        email=view.email,
        is_admin=view.is_admin,
    )


@post("/users", opt=PUBLIC, summary="Sign up")
async def sign_up(data: SignUp, services: Services) -> Response[Account]:
    """Open an account."""
    account = await services.accounts.sign_up(data.email, data.username, data.password)
    return created(_account(account), f"/users/{account.id}")


@get("/users/availability", opt=PUBLIC, summary="Is an email or a username free?")
async def availability(
    services: Services, email: str | None = None, username: str | None = None
) -> Availability:
    """Ask before signing up."""
    free = await services.accounts.availability(email, username)
    return Availability(free.get("email", msgspec.UNSET), free.get("username", msgspec.UNSET))


@get("/users/{user_id:uuid}", opt=PUBLIC, summary="A person's public page")
async def user_page(user_id: UUID, services: Services) -> User:
    """Anybody's page."""
    return _user(await services.accounts.user(UserId(user_id)))


async def user_exists(scope: Any) -> None:
    """The access check of what hangs on a user."""
    services: Services = scope["litestar_app"].state.services
    await services.accounts.user(UserId(path_id(scope, "user_id")))


@get(
    "/users/{user_id:uuid}/projects",
    opt={**PUBLIC, "access": user_exists},
    summary="What somebody has published, newest first",
)
async def user_projects(
    request: ApiRequest,
    user_id: UUID,
    services: Services,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[ProjectCard]]:
    """A user's projects."""
    query = BoardQuery(author=UserId(user_id))
    scope = scope_of("user-projects", {"user": user_id})
    wanted = page_request(services, limit, cursor, scope)
    page = await services.projects.board(query, wanted, viewer_of(request))
    if not page.items:
        await services.accounts.user(UserId(user_id))
    size = await services.projects.size(query) if total else None
    return page_response(request, services, page, scope, project_card, size)


@get(
    "/users/{user_id:uuid}/bookmarks",
    opt={"access": user_exists},
    summary="What somebody has bookmarked, latest bookmark first",
)
async def user_bookmarks(
    request: ApiRequest,
    user_id: UUID,
    services: Services,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[ProjectCard]]:
    """A user's bookmarked projects."""
    scope = scope_of("user-bookmarks", {"user": user_id})
    wanted = page_request(services, limit, cursor, scope)
    owner = UserId(user_id)
    page = await services.projects.bookmarked_by(owner, wanted, viewer_of(request))
    if not page.items:
        await services.accounts.user(owner)
    size = await services.projects.bookmark_count(owner) if total else None
    return page_response(request, services, page, scope, project_card, size)


@post("/sessions", opt=PUBLIC, summary="Log in")
async def log_in(request: ApiRequest, data: LogIn, services: Services) -> Response[SessionTokens]:
    """Begin a session."""
    tokens = await services.accounts.log_in(
        data.email, data.password, request.headers.get("user-agent")
    )
    return _tokens(tokens, 201)


def _session(session: domain.Session, caller: domain.Caller) -> Session:
    return Session(
        id=session.id,
        created_at=moment(session.created_at),
        last_used_at=moment(session.last_used_at),
        user_agent=session.user_agent,
        current=session.id == caller.session_id,
    )


def _tokens(tokens: Tokens, status: int) -> Response[SessionTokens]:
    answer = SessionTokens(
        access_token=tokens.access_token,
        token_type="Bearer",  # noqa: S106 - the name of a scheme (RFC 6750)
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token,
        refresh_expires_in=tokens.refresh_expires_in,
        session_id=tokens.session_id,
    )
    return Response(answer, status_code=status, headers={"Cache-Control": "no-store"})


@post("/sessions/refresh", status_code=200, opt=PUBLIC, summary="Go on with a session")
async def refresh(data: Refresh, services: Services) -> Response[SessionTokens]:
    """New tokens for a refresh token, which is used up by it."""
    return _tokens(await services.accounts.refresh(data.refresh_token), 200)


@get("/sessions", summary="The caller's sessions, the last used first")
async def sessions(request: ApiRequest, services: Services) -> Sessions:
    """Where one is logged in."""
    caller = caller_of(request)
    found = await services.accounts.sessions(caller)
    return Sessions([_session(session, caller) for session in found])


@delete("/sessions", summary="Log out everywhere")
async def end_all_sessions(request: ApiRequest, services: Services) -> None:
    """End all of the caller's sessions, this one included."""
    await services.accounts.end_all_sessions(caller_of(request))


@delete("/sessions/current", summary="Log out")
async def end_current_session(request: ApiRequest, services: Services) -> None:
    """End the session of this access token."""
    caller = caller_of(request)
    await services.accounts.end_session(caller, caller.session_id)


@delete("/sessions/{session_id:uuid}", summary="Log out on another device")
async def end_session(request: ApiRequest, session_id: UUID, services: Services) -> None:
    """End one of the caller's sessions."""
    await services.accounts.end_session(caller_of(request), SessionId(session_id))


@put("/me/password", status_code=204, summary="Change one's password")
async def change_password(request: ApiRequest, data: NewPassword, services: Services) -> None:
    """All other sessions end."""
    await services.accounts.change_password(
        caller_of(request), data.current_password, data.new_password
    )


@delete("/me", status_code=204, summary="Withdraw")
async def withdraw(request: ApiRequest, data: Withdrawal, services: Services) -> None:
    """Close one's account for good, with all that hangs on it."""
    await services.accounts.withdraw(caller_of(request), data.password)


@get("/me", summary="The caller's own account")
async def me(request: ApiRequest, services: Services) -> Account:
    """One's own account."""
    return _account(await services.accounts.account(caller_of(request)))


@put("/me/profile", summary="Write one's profile as a whole")
async def write_profile(request: ApiRequest, data: NewProfile, services: Services) -> Account:
    """Create or replace the profile."""
    written = await services.accounts.write_profile(
        caller_of(request),
        bio=data.bio,
        image_id=data.image_id,
        github_url=data.github_url,
        skills=data.skills,
        region=data.region,
        meet_time=data.meet_time,
    )
    return _account(written)


@patch("/me/profile", summary="Change some members of one's profile")
async def edit_profile(request: ApiRequest, data: ProfileEdits, services: Services) -> Account:
    """Change what is given, and leave the rest."""
    return _account(await services.accounts.edit_profile(caller_of(request), given(data)))


@get("/catalogue", opt=PUBLIC, summary="Skills, regions and meeting times")
async def catalogue(
    services: Services,
    seen: Annotated[str | None, Parameter(header="If-None-Match")] = None,
) -> Response[Catalogue | None]:
    """What can be chosen. Changes rarely: ask with `If-None-Match`."""
    found = await services.accounts.catalogue()
    answer = Catalogue(list(found.skills), list(found.regions), list(found.meet_times))
    digest = hashlib.sha256(msgspec.json.encode(answer)).hexdigest()[:32]
    headers = {"ETag": f'"{digest}"', "Cache-Control": "public, max-age=60"}
    tags = {tag.strip().removeprefix("W/") for tag in (seen or "").split(",")}
    if tags & {headers["ETag"], "*"}:
        return Response(None, status_code=304, headers=headers)
    return Response(answer, headers=headers)


router = Router(
    "/",
    route_handlers=[
        sign_up,
        availability,
        user_page,
        user_projects,
        user_bookmarks,
        log_in,
        refresh,
        sessions,
        end_all_sessions,
        end_current_session,
        end_session,
        change_password,
        withdraw,
        me,
        write_profile,
        edit_profile,
        catalogue,
    ],
    tags=["Accounts"],
)
