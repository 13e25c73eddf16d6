"""Verification and change of the email address, and a new password for a forgotten one."""

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, post, put
from litestar.params import JSONBody

from sidepro.api.auth import PUBLIC
from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.api.schemas import Password
from sidepro.domain.errors import EmailTaken, InvalidToken, WeakPassword, WrongPassword
from sidepro.http.middleware.compression import SECRET
from sidepro.http.rate_limits import LOG_IN, PASSWORD_RESETS
from sidepro.http.services import InjectedServices

Email = Annotated[str, msgspec.Meta(extra_json_schema={"format": "email", "maxLength": 254})]
Token = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": 64})]


class NewEmail(msgspec.Struct, forbid_unknown_fields=True):
    """A new email address, and the caller's password."""

    email: Email
    password: str


class MailToken(msgspec.Struct, forbid_unknown_fields=True):
    """The token of a mail."""

    token: Token


class PasswordReset(msgspec.Struct, forbid_unknown_fields=True):
    """The email address of an account. Any text gets the same answer."""

    email: str


class PasswordResetRedemption(msgspec.Struct, forbid_unknown_fields=True):
    """The token of a mail, and the new password."""

    token: Token
    new_password: Password


def _accepted() -> Response[None]:
    # Litestar would make `null` of no content.
    empty: Any = Response(b"", status_code=202)
    response: Response[None] = empty
    return response


@post(
    "/me/email-verification",
    status_code=202,
    summary="Send the mail that verifies the caller's email address",
)
async def send_email_verification(
    request: ApiRequest, services: InjectedServices
) -> Response[None]:
    """Sends it again, once a minute and six times a day. Sends nothing if no address waits for its
    verification.
    """
    await services.emails.request_verification(caller_of(request))
    return _accepted()


@put(
    "/me/email",
    status_code=202,
    opt={**SECRET, **LOG_IN, "problems": (EmailTaken, WrongPassword)},
    summary="Change the caller's email address",
)
async def change_my_email(
    request: ApiRequest, data: JSONBody[NewEmail], services: InjectedServices
) -> Response[None]:
    """The change holds once the new address is verified, by the token of a mail. The current
    address gets a mail about it. The current address as the new one cancels the change.
    """
    await services.emails.change(caller_of(request), data.email, data.password)
    return _accepted()


@post(
    "/email-verifications",
    status_code=204,
    opt={**PUBLIC, **SECRET, **LOG_IN, "problems": (EmailTaken, InvalidToken)},
    summary="Verify an email address",
)
async def verify_email(data: JSONBody[MailToken], services: InjectedServices) -> None:
    """Takes the token of a mail, once."""
    await services.emails.verify(data.token)


@post(
    "/password-resets",
    status_code=202,
    opt={**PUBLIC, **SECRET, **PASSWORD_RESETS},
    summary="Send a mail for a new password",
)
async def send_password_reset(
    data: JSONBody[PasswordReset], services: InjectedServices
) -> Response[None]:
    """The answer is the same whether an account has this address or not."""
    await services.password_resets.request(data.email)
    return _accepted()


@post(
    "/password-resets/redemptions",
    status_code=204,
    opt={**PUBLIC, **SECRET, **LOG_IN, "problems": (InvalidToken, WeakPassword)},
    summary="Set a new password",
)
async def redeem_password_reset(
    data: JSONBody[PasswordResetRedemption], services: InjectedServices
) -> None:
    """Takes the token of a mail, once. All sessions end. A refused password leaves the token."""
    await services.password_resets.redeem(data.token, data.new_password)


router = Router(
    "/",
    route_handlers=[
        send_email_verification,
        change_my_email,
        verify_email,
        send_password_reset,
        redeem_password_reset,
    ],
    tags=["Accounts"],
)
