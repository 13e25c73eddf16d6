"""`/problems/<code>`: a page about each problem, the `type` of problem documents."""

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from litestar import MediaType, Response, Router, get
from litestar.params import FromPath

from sidepro.domain.errors import NotFound
from sidepro.domain.violations import FieldCode

BASE = "/problems"


class Explanation(NamedTuple):
    """The meaning of a problem, and the remedy for a client."""

    status: int
    meaning: str
    remedy: str


_SIGN_IN = (
    "Refresh the session, or log in again, and repeat the request with the new access token."
)
_FIX = "Correct the fields that `errors` names, and send the request again."

EXPLANATIONS: Mapping[str, Explanation] = {
    "malformed": Explanation(
        400, "The request is not valid HTTP, JSON or multipart.", "Fix the client."
    ),
    "bad-cursor": Explanation(
        400,
        "The cursor is damaged, or belongs to another list or to other filters.",
        "Read the list from its beginning.",
    ),
    "bad-host": Explanation(
        400,
        "The `Host` of the request is not a name of this service.",
        ("Use the public address. Operators add names with SIDEPRO_ALLOWED_HOSTS."),
    ),
    "not-authenticated": Explanation(
        401,
        ("The access token is missing, invalid or expired, or its session has ended."),
        _SIGN_IN,
    ),
    "wrong-credentials": Explanation(
        401, "The email or the password is wrong.", "Ask the person to type both again."
    ),
    "session-ended": Explanation(
        401, "The refresh token is unknown or used, or its session has ended.", "Log in again."
    ),
    "forbidden": Explanation(
        403,
        "The caller may see this, but not change it.",
        "Do not offer the action to this person.",
    ),
    "email-not-verified": Explanation(
        403,
        "The person must verify their email address before they write.",
        "Offer to send the mail again: POST /me/email-verification.",
    ),
    "account-deactivated": Explanation(
        403,
        "The password is right, but an operator has deactivated the account.",
        "Tell the person to contact the operator.",
    ),
    "account-suspended": Explanation(
        403,
        "The password or the refresh token is right, but moderators have suspended the account.",
        "Tell the person until when: the time is in `until`. It ends by itself.",
    ),
    "chat-closed": Explanation(
        403,
        "This person takes no coffee chats, or none from the caller.",
        "Do not offer the action to this person.",
    ),
    "origin-not-allowed": Explanation(
        403,
        "Pages of this origin may not call the API or open sockets.",
        "Operators add origins with SIDEPRO_ALLOWED_ORIGINS.",
    ),
    "not-found": Explanation(
        404,
        "There is nothing at this address, or the caller may not see it.",
        "Check the address. Remove what is gone from the view.",
    ),
    "method-not-allowed": Explanation(
        405, "The address does not support this method.", "Use one of the methods in `Allow`."
    ),
    "not-acceptable": Explanation(
        406, "The `Accept` field excludes application/json.", "Accept application/json."
    ),
    "request-timeout": Explanation(408, "The request did not arrive in time.", "Send it again."),
    "email-taken": Explanation(
        409, "Another account has this email.", "Log in, or use another email."
    ),
    "username-taken": Explanation(
        409, "Another account has this username.", "Choose another one."
    ),
    "no-profile": Explanation(
        409, "There is no profile to edit yet.", "Create the whole profile with PUT first."
    ),
    "room-pending": Explanation(
        409,
        "The room is read-only: nobody else is in it, or the two people have no contact.",
        "Show the room without a way to write.",
    ),
    "case-changed": Explanation(
        409,
        "Another moderator acted on the case first, or its decision cannot be undone any more.",
        "Read the case again, and decide on what it says now.",
    ),
    "consent-required": Explanation(
        409,
        "This person takes coffee chats on request, and has not agreed to this one.",
        "Ask for an introduction, and send a chat request.",
    ),
    "request-settled": Explanation(
        409,
        "The chat request was accepted, declined, withdrawn or voided, or has expired.",
        "Read the list of requests again.",
    ),
    "too-many-requests-pending": Explanation(
        409,
        "Ten chat requests of the caller are unanswered.",
        "Wait for an answer, or withdraw a request.",
    ),
    "idempotency-key-in-use": Explanation(
        409,
        "The first request with this `Idempotency-Key` is still running.",
        "Wait, then send the same request again.",
    ),
    "image-in-use": Explanation(
        409, "A project or a profile shows the image.", "Remove it from there first."
    ),
    "precondition-failed": Explanation(
        412,
        "The resource has changed since it was read.",
        "Read it again, and apply the change to the new version.",
    ),
    "too-large": Explanation(413, "The URL, the body or the file is too large.", "Send less."),
    "unsupported-media-type": Explanation(
        415,
        ("The body has another media type, or the file is no image of a supported type."),
        "Send application/json, or a PNG, JPEG, WebP or GIF.",
    ),
    "invalid": Explanation(422, "Some fields or parameters break a rule.", _FIX),
    "weak-password": Explanation(
        422, "The password is easy to guess.", "Choose another password."
    ),
    "wrong-password": Explanation(
        422, "The person's own password, asked again, is wrong.", "Ask for the password again."
    ),
    "invalid-token": Explanation(
        422,
        "The token of a mail is not valid: `reason` is expired, superseded (by a newer mail, "
        "another address or another password) or unknown (also: used).",
        "Ask for a new mail.",
    ),
    "cannot-chat-with-yourself": Explanation(
        422, "A room needs two people.", "Choose somebody else."
    ),
    "bad-image": Explanation(
        422,
        "The image is broken or empty, or has too many pixels or frames.",
        "Send another file.",
    ),
    "image-quota": Explanation(
        422,
        "The image would exceed the quota of the person's images.",
        "Delete images that are not in use.",
    ),
    "idempotency-key-reused": Explanation(
        422, "The `Idempotency-Key` was used for other content.", "Use a new key for each effect."
    ),
    "upgrade-required": Explanation(
        426, "The address serves WebSocket connections only.", "Open it as a WebSocket."
    ),
    "rate-limited": Explanation(429, "Too many requests.", "Wait as long as `Retry-After` says."),
    "head-too-large": Explanation(
        431,
        "The request line and the header fields exceed 64 KiB.",
        "Send less, such as fewer cookies.",
    ),
    "internal": Explanation(
        500,
        "An unexpected error occurred.",
        "Try again later. Report it with the X-Request-ID of the response.",
    ),
    "unavailable": Explanation(
        503, "A part of the service is temporarily unavailable.", "Try again after `Retry-After`."
    ),
}
"""By code. The codes are stable: a client may rely on them."""

_POLICY = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"


def problem_pages() -> Router:
    """The pages. They need no scripts, styles or images."""

    @get("/{code:str}", media_type=MediaType.HTML, include_in_schema=False)
    async def problem_page(code: FromPath[str]) -> Response[str]:
        if code not in EXPLANATIONS:
            raise NotFound
        return Response(_page(code, EXPLANATIONS[code]), headers=dict(_HEADERS))

    return Router(BASE, route_handlers=[problem_page])


_HEADERS = {"Content-Security-Policy": _POLICY, "Cache-Control": "public, max-age=3600"}


def _page(code: str, explanation: Explanation) -> str:
    fields = ""
    if code == "invalid":
        items = "\n".join(f"<li><code>{each}</code></li>" for each in FieldCode)
        fields = f"<h2>Codes of fields</h2>\n<ul>\n{items}\n</ul>\n"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{code} - SidePro API</title>
</head>
<body>
<h1><code>{code}</code></h1>
<p>HTTP status {explanation.status}.</p>
<p>{escape(explanation.meaning)}</p>
<h2>What to do</h2>
<p>{escape(explanation.remedy)}</p>
{fields}</body>
</html>
"""
