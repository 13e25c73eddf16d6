"""Sign-up, log-in, profiles and public pages."""

import hashlib
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, get, patch, post, put
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, Parameter

from sidepro.api.auth import PUBLIC
from sidepro.api.dependencies import (
    LOCATION,
    ApiConnection,
    ApiRequest,
    GivenServices,
    PathId,
    Services,
    caller_of,
    created,
    viewer_of,
)
from sidepro.api.json_body import sent_fields
from sidepro.api.pagination import (
    LIMIT,
    LINK,
    CursorText,
    Limit,
    ListOf,
    Total,
    page_request,
    page_response,
    scope_of,
)
from sidepro.api.schemas import (
    Moment,
    Password,
    ProjectCard,
    WebAddress,
    image_id,
    moment,
    project_card,
)
from sidepro.domain.accounts.views import AccountView, ProfileView
from sidepro.domain.errors import (
    EmailTaken,
    NoProfile,
    UsernameTaken,
    WeakPassword,
)
from sidepro.domain.ids import UserId
from sidepro.domain.projects.views import BoardQuery
from sidepro.http.client_address import client_address
from sidepro.http.rate_limits import SIGN_UP

Bio = Annotated[str, msgspec.Meta(extra_json_schema={"maxLength": 500})]
Skills = Annotated[
    list[str],
    msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": 30, "uniqueItems": True}),
]


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

    email: bool | msgspec.UnsetType = msgspec.UNSET
    username: bool | msgspec.UnsetType = msgspec.UNSET


class NewProfile(msgspec.Struct, forbid_unknown_fields=True):
    """A profile as a whole."""

    bio: Bio
    skills: Skills
    image_id: UUID | None = None
    github_url: WebAddress | None = None
    region: str | None = None
    meet_time: str | None = None


class ProfilePatch(msgspec.Struct, forbid_unknown_fields=True):
    """The members of a profile that change; those left out stay as they are."""

    bio: Bio | msgspec.UnsetType = msgspec.UNSET
    image_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    github_url: WebAddress | msgspec.UnsetType | None = msgspec.UNSET
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


@post(
    "/users",
    opt={**PUBLIC, **SIGN_UP, "problems": (WeakPassword, EmailTaken, UsernameTaken)},
    response_headers=[LOCATION],
    summary="Sign up",
)
async def sign_up(
    request: ApiRequest, data: JSONBody[SignUp], services: GivenServices
) -> Response[Account]:
    """Open an account."""
    account = await services.accounts.sign_up(
        data.email, data.username, data.password, address=client_address(request.client)
    )
    return created(_account(account), f"/users/{account.id}")


@get("/users/availability", opt=PUBLIC, summary="Is an email or a username free?")
async def availability(
    services: GivenServices,
    email: Annotated[
        str | None,
        Parameter(
            description="One of the two is needed; both may be given.",
            schema_extra={"format": "email", "max_length": 254},
        ),
    ] = None,
    username: Annotated[
        str | None,
        Parameter(
            description="As for signing up.", schema_extra={"min_length": 2, "max_length": 30}
        ),
    ] = None,
) -> Availability:
    """Ask before signing up."""
    free = await services.accounts.availability(email, username)
    return Availability(free.get("email", msgspec.UNSET), free.get("username", msgspec.UNSET))


@get("/users/{user_id:uuid}", opt=PUBLIC, summary="A person's public page")
async def user_page(user_id: PathId, services: GivenServices) -> User:
    """Anybody's page."""
    return _user(await services.accounts.user(UserId(user_id)))


async def check_user_exists(services: Services, connection: ApiConnection) -> None:
    await services.accounts.user(UserId(connection.path_params["user_id"]))


@get(
    "/users/{user_id:uuid}/projects",
    opt={**PUBLIC, "access": check_user_exists},
    response_headers=[LINK],
    summary="What somebody has published, newest first",
)
async def user_projects(
    request: ApiRequest,
    user_id: PathId,
    services: GivenServices,
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
    size = await services.projects.board_size(query) if total else None
    return page_response(request, services, page, scope, project_card, size)


@get(
    "/users/{user_id:uuid}/bookmarks",
    opt={"access": check_user_exists},
    response_headers=[LINK],
    summary="What somebody has bookmarked, latest bookmark first",
)
async def user_bookmarks(
    request: ApiRequest,
    user_id: PathId,
    services: GivenServices,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[ProjectCard]]:
    """A user's bookmarked projects."""
    scope = scope_of("user-bookmarks", {"user": user_id})
    wanted = page_request(services, limit, cursor, scope)
    owner = UserId(user_id)
    page = await services.bookmarks.of_user(owner, wanted, viewer_of(request))
    if not page.items:
        await services.accounts.user(owner)
    size = await services.bookmarks.count(owner) if total else None
    return page_response(request, services, page, scope, project_card, size)


@get("/me", summary="The caller's own account")
async def me(request: ApiRequest, services: GivenServices) -> Account:
    """One's own account."""
    return _account(await services.accounts.account(caller_of(request)))


@put("/me/profile", summary="Write one's profile as a whole")
async def write_profile(
    request: ApiRequest, data: JSONBody[NewProfile], services: GivenServices
) -> Account:
    """Create or replace the profile."""
    written = await services.profiles.write_profile(
        caller_of(request),
        bio=data.bio,
        image_id=image_id(data.image_id),
        github_url=data.github_url,
        skills=data.skills,
        region=data.region,
        meet_time=data.meet_time,
    )
    return _account(written)


@patch(
    "/me/profile",
    opt={"problems": (NoProfile,)},
    summary="Change some members of one's profile",
)
async def edit_profile(
    request: ApiRequest, data: JSONBody[ProfilePatch], services: GivenServices
) -> Account:
    """Change what is given, and leave the rest."""
    return _account(await services.profiles.edit_profile(caller_of(request), sent_fields(data)))


@get(
    "/catalogue",
    opt=PUBLIC,
    response_headers=[
        ResponseHeader("ETag", documentation_only=True, description="Of what can be chosen.")
    ],
    responses={304: ResponseSpec(None, description="Nothing has changed.")},
    summary="Skills, regions and meeting times",
)
async def catalogue(
    services: GivenServices,
    seen: Annotated[
        str | None, HeaderParameter(name="If-None-Match", description="The `ETag` that one has.")
    ] = None,
) -> Response[Catalogue | None]:
    """What can be chosen. Changes rarely: ask with `If-None-Match`."""
    found = await services.catalogue.current()
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
        me,
        write_profile,
        edit_profile,
        catalogue,
    ],
    tags=["Accounts"],
)
