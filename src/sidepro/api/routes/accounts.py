"""Sign-up, and the caller's own account, profile and password, until withdrawal."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, patch, post, put
from litestar.params import JSONBody, Parameter

from sidepro.api.auth import PUBLIC, TOKENLESS
from sidepro.api.dependencies import LOCATION, ApiRequest, caller_of, created
from sidepro.api.json_body import sent_fields
from sidepro.api.schemas import (
    Moment,
    Password,
    WebAddress,
    image_id,
)
from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.accounts.views import AccountView, ProfileView, UserView
from sidepro.domain.errors import (
    EmailTaken,
    NoProfile,
    UsernameTaken,
    WeakPassword,
    WrongPassword,
)
from sidepro.domain.identity import Role
from sidepro.domain.language import Language
from sidepro.http.client_address import client_address
from sidepro.http.headers.language import preferred_language
from sidepro.http.middleware.compression import SECRET
from sidepro.http.rate_limits import LOG_IN, SIGN_UP
from sidepro.http.services import InjectedServices
from sidepro.http.timestamps import moment

Bio = Annotated[str, msgspec.Meta(extra_json_schema={"maxLength": 500})]
Skills = Annotated[
    list[str],
    msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": 30, "uniqueItems": True}),
]


USERNAME = r"^[^\u0000-,./:-@\[-^`{-\u00a9\s]+$"
"""A pattern that usernames match: of ASCII, letters, digits, `_` and `-` alone."""

Username = Annotated[
    str, msgspec.Meta(extra_json_schema={"minLength": 2, "maxLength": 30, "pattern": USERNAME})
]


TimeZone = Annotated[str, msgspec.Meta(extra_json_schema={"maxLength": 64})]


class Profile(msgspec.Struct):
    """A user's profile. Skills come in catalogue order."""

    bio: str
    image_url: str | None
    github_url: str | None
    skills: list[str]
    region: str | None
    meet_time: str | None


class User(msgspec.Struct):
    """A user's public data. `chat_policy` is as the caller sees it; null for anonymous callers."""

    id: UUID
    username: str
    created_at: Moment
    profile: Profile | None
    chat_policy: ChatPolicy | None


class Account(msgspec.Struct):
    """A user's data for the user themselves."""

    id: UUID
    username: str
    created_at: Moment
    profile: Profile | None
    email: str
    email_verified: bool
    pending_email: str | None
    is_admin: bool
    role: Role
    language: Language
    time_zone: str
    chat_policy: ChatPolicy


class AccountPatch(msgspec.Struct, forbid_unknown_fields=True):
    """The settings of an account to change. Omitted members stay the same."""

    username: Username | msgspec.UnsetType = msgspec.UNSET
    language: Language | msgspec.UnsetType = msgspec.UNSET
    time_zone: TimeZone | msgspec.UnsetType = msgspec.UNSET
    chat_policy: ChatPolicy | msgspec.UnsetType = msgspec.UNSET


class SignUp(msgspec.Struct, forbid_unknown_fields=True):
    """A new account. The username has 2 to 30 letters of any script, digits, `_` and `-`."""

    email: Annotated[str, msgspec.Meta(extra_json_schema={"format": "email", "maxLength": 254})]
    username: Username
    password: Password


class Availability(msgspec.Struct):
    """Whether each is free. Has only the members that the query asked for."""

    email: bool | msgspec.UnsetType = msgspec.UNSET
    username: bool | msgspec.UnsetType = msgspec.UNSET


class NewProfile(msgspec.Struct, forbid_unknown_fields=True):
    """A complete profile."""

    bio: Bio
    skills: Skills
    image_id: UUID | None = None
    github_url: WebAddress | None = None
    region: str | None = None
    meet_time: str | None = None


class ProfilePatch(msgspec.Struct, forbid_unknown_fields=True):
    """The members of a profile to change. Omitted members stay the same."""

    bio: Bio | msgspec.UnsetType = msgspec.UNSET
    image_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    github_url: WebAddress | msgspec.UnsetType | None = msgspec.UNSET
    skills: Skills | msgspec.UnsetType = msgspec.UNSET
    region: str | msgspec.UnsetType | None = msgspec.UNSET
    meet_time: str | msgspec.UnsetType | None = msgspec.UNSET


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """The current and the new password."""

    current_password: str
    new_password: Password


class Withdrawal(msgspec.Struct, forbid_unknown_fields=True):
    """The caller's password, as a confirmation."""

    password: str


def _profile(view: ProfileView) -> Profile:
    return Profile(
        bio=view.bio,
        image_url=view.image_url,
        github_url=view.github_url,
        skills=list(view.skills),
        region=view.region,
        meet_time=view.meet_time,
    )


def user_shape(view: UserView) -> User:
    return User(
        id=view.id,
        username=view.username,
        created_at=moment(view.created_at),
        profile=None if view.profile is None else _profile(view.profile),
        chat_policy=view.chat_policy,
    )


def _account(view: AccountView) -> Account:
    return Account(
        id=view.id,
        username=view.username,
        created_at=moment(view.created_at),
        profile=None if view.profile is None else _profile(view.profile),
        email=view.email,
        email_verified=view.email_verified,
        pending_email=view.pending_email,
        is_admin=view.is_admin,
        role=view.role,
        language=view.language,
        time_zone=view.time_zone,
        chat_policy=view.chat_policy,
    )


@post(
    "/users",
    opt={**TOKENLESS, **SIGN_UP, "problems": (WeakPassword, EmailTaken, UsernameTaken)},
    response_headers=[LOCATION],
    summary="Sign up",
)
async def sign_up(
    request: ApiRequest, data: JSONBody[SignUp], services: InjectedServices
) -> Response[Account]:
    """Creates an account. Its language is the one that `Accept-Language` prefers, else Korean."""
    account = await services.accounts.sign_up(
        data.email,
        data.username,
        data.password,
        language=preferred_language(request.headers.get("accept-language", "")),
        address=client_address(request.client),
    )
    return created(_account(account), f"/users/{account.id}")


@get("/users/availability", opt=PUBLIC, summary="Check whether an email or a username is free")
async def check_availability(
    services: InjectedServices,
    email: Annotated[
        str | None,
        Parameter(
            description="Required without `username`. Both may be given.",
            schema_extra={"format": "email", "max_length": 254},
        ),
    ] = None,
    username: Annotated[
        str | None,
        Parameter(
            description="Required without `email`.",
            schema_extra={"min_length": 2, "max_length": 30, "pattern": USERNAME},
        ),
    ] = None,
) -> Availability:
    """Tells whether a sign-up would conflict."""
    free = await services.accounts.availability(email, username)
    return Availability(free.get("email", msgspec.UNSET), free.get("username", msgspec.UNSET))


@get("/me", summary="Get the caller's account")
async def get_my_account(request: ApiRequest, services: InjectedServices) -> Account:
    """The caller's account with their profile."""
    return _account(await services.accounts.account(caller_of(request)))


@patch("/me", opt={"problems": (UsernameTaken,)}, summary="Change the caller's settings")
async def update_my_account(
    request: ApiRequest, data: JSONBody[AccountPatch], services: InjectedServices
) -> Account:
    """Changes the members that are sent. A username changes once in 30 days, else 429."""
    return _account(await services.settings.edit(caller_of(request), sent_fields(data)))


@put("/me/profile", summary="Create or replace the caller's profile")
async def replace_my_profile(
    request: ApiRequest, data: JSONBody[NewProfile], services: InjectedServices
) -> Account:
    """Replaces an existing profile completely."""
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
    summary="Edit the caller's profile",
)
async def update_my_profile(
    request: ApiRequest, data: JSONBody[ProfilePatch], services: InjectedServices
) -> Account:
    """Changes the members that are sent."""
    return _account(await services.profiles.edit_profile(caller_of(request), sent_fields(data)))


@put(
    "/me/password",
    status_code=204,
    opt={**SECRET, **LOG_IN, "problems": (WeakPassword, WrongPassword)},
    summary="Change the caller's password",
)
async def change_my_password(
    request: ApiRequest, data: JSONBody[NewPassword], services: InjectedServices
) -> None:
    """Ends all other sessions."""
    await services.accounts.change_password(
        caller_of(request), data.current_password, data.new_password
    )


@delete(
    "/me",
    status_code=204,
    opt={**SECRET, **LOG_IN, "problems": (WrongPassword,)},
    summary="Delete the caller's account",
)
async def delete_my_account(
    request: ApiRequest, data: JSONBody[Withdrawal], services: InjectedServices
) -> None:
    """Deletes the account and everything that belongs to it."""
    await services.withdrawal.withdraw(caller_of(request), data.password)


router = Router(
    "/",
    route_handlers=[
        sign_up,
        check_availability,
        get_my_account,
        update_my_account,
        replace_my_profile,
        update_my_profile,
        change_my_password,
        delete_my_account,
    ],
    tags=["Accounts"],
)
