"""Descriptions and examples of members and parameters, for the OpenAPI and AsyncAPI documents."""

from collections.abc import Iterable, Iterator
from inspect import cleandoc
from typing import Any

from sidepro.api.docs.examples import IDS

Schemas = dict[str, dict[str, Any]]

DESCRIPTIONS = {
    # ids
    "id": "The id, a UUIDv7.",
    "comment_id": "The id of the comment.",
    "image_id": "The id of the image.",
    "NewProfile.image_id": "The id of one of the caller's images; null for no picture.",
    "ProfilePatch.image_id": "The id of one of the caller's images; null for no picture.",
    "project_id": "The id of the project.",
    "request_id": "The id of the chat request.",
    "room_id": "The id of the room.",
    "session_id": "The id of the session.",
    "user_id": "The id of the user.",
    "participant_id": "The id of the other person; null if they withdrew.",
    "sender_id": "The id of the sender; null if they withdrew.",
    "thumbnail_id": "The id of one of the caller's images; null for no thumbnail.",
    # times
    "computed_at": "When similarities were last computed; null if never.",
    "created_at": "When it was created.",
    "ends_at": "When the session ends, even if it is used.",
    "expires_at": "When the session ends if it is not used.",
    "last_used_at": "When it was last used.",
    "sent_at": "When the message was stored.",
    "ExportedMail.sent_at": "When the mail was sent; null if it was not.",
    "unused_since": "Since when nothing refers to the image; null while something does.",
    "updated_at": "When it was last changed.",
    # accounts and sessions
    "access_token": "The token to send as `Authorization: Bearer`.",
    "account": "The account and its profile.",
    "address": "A network address.",
    "ExportedMail.address": "The address that the mail goes to.",
    "ExportedMail.kind": "What the mail is about.",
    "ExportedMail.language": "The language of the mail.",
    "ExportedMail.state": "Whether the mail waits, was sent, or was given up.",
    "bio": "What the person says about themselves.",
    "current": "Whether this is the session of the access token.",
    "current_password": "The password until now.",
    "User.chat_policy": (
        "Whether the person takes coffee chats from the caller: at once, on request, or not; null "
        "for anonymous callers."
    ),
    "chat_policy": "Whom the person takes coffee chats from: everybody, on request, or nobody.",
    "email": "The email address.",
    "email_verified": "Whether the person has shown that the email address is theirs.",
    "Availability.email": "Whether the email is free.",
    "expires_in": "Seconds until it expires.",
    "github_url": "The address of a GitHub page; null or blank for none.",
    "image_url": "The address of the picture, relative to this one or absolute; or null.",
    "is_active": "Whether the account can be used.",
    "is_admin": "Whether the person is an administrator.",
    "is_moderator": "Whether the person is a moderator.",
    "language": "The language of the pages and mails for the person.",
    "meet_time": "When the person likes to meet, one of the catalogue's; or null.",
    "new_password": "The password from now on.",
    "password": "The password. It is not trimmed.",
    "pending_email": "The address that replaces the email once it is verified; or null.",
    "profile": "The profile; null before it is created.",
    "refresh_expires_in": "Seconds until the refresh token expires.",
    "refresh_token": "Gets new tokens, once.",
    "region": "Where the person lives, one of the catalogue's; or null.",
    "role": "What the person may do beyond their own things.",
    "time_zone": "The IANA name of the person's time zone, such as `Asia/Seoul`.",
    "suspended_until": "When the account's suspension ends; null if it was never suspended.",
    "token": "The token of a mail: the part of its address after `token=`.",
    "token_type": "How to send the access token (RFC 6750).",
    "user_agent": "The program that logged in; null if it did not say.",
    "username_changed_at": "When the username last changed; null if never.",
    "username": "The public name. No two differ only in case or width.",
    "Availability.username": "Whether the username is free.",
    # catalogue
    "meet_times": "The times to meet.",
    "regions": "The regions.",
    "skills": "Skills of the catalogue, in its order.",
    # projects
    "author": "The person who wrote it.",
    "body": "The text, as it was typed.",
    "bookmark_count": "The number of bookmarks.",
    "bookmarked": "Whether the caller has bookmarked the project.",
    "ProjectCard.bookmarked": "Whether the caller has bookmarked it; null for anonymous callers.",
    "Project.bookmarked": "Whether the caller has bookmarked it; null for anonymous callers.",
    "comment_count": "The number of comments.",
    "content": "The text, in Markdown.",
    "content_html": "The text as safe HTML.",
    "html": "The text as safe HTML.",
    "repository_url": "The address of the source code; null or blank for none.",
    "revision": "The number of edits, from 1.",
    "summary": "What the project is about, in one line.",
    "thumbnail_url": "The address of the thumbnail, like `image_url`; or null.",
    "title": "The title, one line.",
    "view_count": "The number of views.",
    "hidden": "Whether moderators have hidden it. Only its author and moderators see it then.",
    "Message.hidden": "Whether moderators have hidden it. Only its sender gets the body.",
    # images
    "height": "Pixels.",
    "in_use": "Whether a profile or a project shows the image.",
    "limit": "The maximum, in bytes.",
    "media_type": "The media type.",
    "quota": "How much the caller's images may use.",
    "size": "Bytes.",
    "url": "The address of the image, relative to this one or absolute.",
    "used": "Bytes in use.",
    "width": "Pixels.",
    # rooms and frames
    "after": "The `after` of the address; null if it was not given.",
    "client_id": "The id that the sender's program chose, or null.",
    "epoch": "The epoch of the data; another one after a backup was restored.",
    "last_message": "The last message; null if there is none.",
    "last_seq": "The number of the last message; 0 if there is none.",
    "left_by": (
        "The id of the person who left; null if both are there, the person withdrew, or the two "
        "have no contact."
    ),
    "message": "The message.",
    "online": "The ids of the connected participants.",
    "participant": "The other person; null if they withdrew.",
    "participant_read_seq": "The number of the last message that the other person has read.",
    "path": "The address of the socket, without its query.",
    "read_seq": "The number of the last message that the caller has read.",
    "recovered": "Whether the client has no gap after the messages that follow.",
    "room": "The room.",
    "seq": "The number of the message, from 1 without gaps.",
    "ClientReadFrame.seq": "The number of the last message that has been read.",
    "ReadFrame.seq": "The number of the last message that has been read.",
    "ReadMark.seq": "The number of the last message that has been read.",
    "Room.status": "Whether the room is written in.",
    "StatusFrame.status": "Whether the room is written in.",
    "ticket": "The value of `?ticket=`.",
    "RoomFrame.room": "The room; null if it is no longer the person's.",
    "unread_rooms": "The number of rooms with unread messages.",
    "unread_messages": "The number of unread messages in all rooms.",
    "unread_notifications": "The number of unread notifications.",
    "pending_requests": "The number of received requests without an answer.",
    "Unread.messages": "The number of unread messages.",
    "Unread.rooms": "The number of rooms with unread messages.",
    "writable": "Whether the caller can send messages.",
    # chat requests
    "RequestFrame.request": "The request as the person sees it.",
    "from": "The person who asks.",
    "from_id": "The id of the person who asked.",
    "introduction": "What the asker says, as it was typed.",
    "ChatRequest.room_id": "The id of the room that the request opened; null if there is none.",
    "ExportedReceivedRequest.room_id": "The id of the room that the request opened; or null.",
    "ExportedSentRequest.room_id": "The id of the room that the request opened; or null.",
    "settled_at": "When it was answered, withdrawn or voided, or has expired; null while pending.",
    "ChatRequest.state": "What became of the request.",
    "ExportedReceivedRequest.state": "What became of the request.",
    "ExportedSentRequest.state": "What became of the request.",
    "to": "The person who is asked.",
    "to_id": "The id of the person who was asked.",
    # notifications
    "actor": "The person of the last event; null if the caller must not know.",
    "count": "The number of events.",
    "delivery": "How it reaches the person: off, web or mail.",
    "Notification.kind": "What it is about.",
    "ExportedNotification.kind": "What it is about.",
    "ExportedNotificationSetting.kind": "What it is about.",
    "last_at": "When the last event was.",
    "notification": "The notification.",
    "notification_settings": "The notification settings that the caller has changed.",
    "notifications": "The caller's notifications.",
    "Notification.created_at": "When the last event was.",
    "Notification.project": "The project that it is about; null for other kinds.",
    "Notification.room_id": "The id of the room that the request opened, or null.",
    "ExportedNotification.created_at": "When the first event was.",
    "ExportedNotification.project_id": "The id of the project, or null.",
    "ExportedNotification.room_id": "The id of the room, or null.",
    "read": "Whether it was marked as read.",
    "read_at": "When it was marked as read; null if it is unread.",
    "Notification.request_id": "The id of the request for a coffee chat, or null.",
    "ExportedNotification.request_id": "The id of the request, or null.",
    "unread_count": "The number of unread notifications.",
    "Room.unread_count": "The number of messages from the other person after `read_seq`.",
    "up_to": "The id of a notification.",
    "accepted": "Accepted requests of the caller.",
    "NotificationSettings.bookmarks": "Bookmarks of the caller's projects.",
    "NotificationSettingsPatch.bookmarks": "Bookmarks of the caller's projects.",
    "NotificationSettings.comment": "Comments on the caller's projects.",
    "NotificationSettingsPatch.comment": "Comments on the caller's projects.",
    "NotificationSettings.messages": "Unread chat messages.",
    "NotificationSettingsPatch.messages": "Unread chat messages.",
    "moderated": "Decisions on the caller's content.",
    "report-decided": "Decisions on the caller's reports.",
    "request": "Requests to the caller.",
    # recommendations
    "basis": "Why the project is recommended.",
    "project": "The project.",
    "score": "The similarity of the skills, 0.1 to 1.",
    "Recommendation.score": "The similarity of the skills, 0.1 to 1; null for popular projects.",
    "shared_skills": "The skills that both people have.",
    "similar_user": "The author if their skills are similar; null for popular projects.",
    # moderation
    "action": "What was decided.",
    "LogEntry.action": "What the moderator did.",
    "at": "When it was decided.",
    "LogEntry.at": "When it was done.",
    "case_id": "The id of the case; null for a role.",
    "claimed_by": "The moderator who works on the case, or null.",
    "comment": "The comment, if one was reported; or null.",
    "days": "The length of a suspension, in days; null for all else.",
    "decided_at": "When it was decided; null while it is open.",
    "decision": "The decision that stands, or null.",
    "Case.hidden": "Whether the target is hidden or removed.",
    "CaseDetails.hidden": "Whether the target is hidden or removed.",
    "kind": "What was reported.",
    "moderator": "Who decided; null if they withdrew.",
    "Snapshot.messages": "The reported message and those around it, in ascending order.",
    "note": "What the reporter says about it, or null.",
    "Snapshot.project": "The project, if one was reported; or null.",
    "reason": "The reason.",
    "reasons": "The number of reports by reason.",
    "report_count": "The number of reports.",
    "CaseDetails.reports": "The reports, the oldest first.",
    "reverses": "The id of the entry that this one undoes, or null.",
    "sender": "The sender; null if they withdrew.",
    "snapshot": "What was reported, as it was then.",
    "state": "The state.",
    "target_id": "The id of what was reported; `<room_id>/<seq>` of a message.",
    "user": "The profile, if a person was reported; or null.",
    "version": "Grows with each change. Send the one that you have read.",
    # the export
    "decisions": "What moderators decided about the caller or their content.",
    "reports": "The caller's reports.",
    "blocked_id": "The id of the blocked person.",
    "blocks": "The people whom the caller blocks.",
    "received_chat_requests": "The requests to the caller.",
    "sent_chat_requests": "The requests by the caller.",
    "bookmarks": "The projects that the caller bookmarked.",
    "comments": "The caller's comments.",
    "images": "The images that the caller uploaded.",
    "mails": "Mails to the caller, kept for some days.",
    "known_addresses": "Network addresses of recent log-ins.",
    "messages": "The messages that the caller sent.",
    "projects": "The caller's projects.",
    "rooms": "The caller's rooms.",
    "sessions": "The caller's sessions.",
    "similar_people": "People with similar skills.",
    # lists
    "items": "The page's items.",
    "History.items": "Messages in ascending order.",
    "next": "The cursor of the next page; null on the last one.",
    "previous": "The cursor of the previous page; null on the first one.",
    "total": "The number of items of the whole list. Only with `total=true`.",
    # health and problems
    "code": "What went wrong: a stable name.",
    "detail": "What went wrong, in English.",
    "Problem.reason": "Why the token of a mail is not valid. Only with `invalid-token`.",
    "errors": "The invalid members. Only with invalid input.",
    "parameter": "The name of the invalid parameter.",
    "params": "The numbers and words of `detail`.",
    "parts": "Each component by its name.",
    "Part.state": "The state of the component.",
    "latency_ms": "Milliseconds that the check took.",
    "Part.detail": "What does not work; null if all works.",
    "pointer": "The place of the invalid member in the body, a JSON pointer (RFC 6901).",
    "status": "The state of the process.",
    "Problem.status": "The HTTP status.",
    "Problem.title": "The meaning of the HTTP status.",
    "type": "The type of the frame.",
    "Problem.type": "The address of a page about the problem.",
}
"""By `Schema.member`, or by the member where it means the same in all schemas."""

PARAMETER_EXAMPLES: dict[str, Any] = {
    **IDS,
    "after": 41,
    "author": IDS["user_id"],
    "before": 41,
    "cursor": "3q2-7wAAAAAAAAAAAAAAAFswLFsidDIwMjYtMTEtMjAiXV0",
    "email": "minseo@example.com",
    "kind": "message",
    "q": "커피챗",
    "seed": 7,
    "skill": ["Python"],
    "username": "김민서",
    "Idempotency-Key": "6f1c2d3e-publish-coffee-map",
    "If-Match": '"3"',
    "If-None-Match": '"0cc175b9c0f1b6a831c399e269772661"',
}
"""By the parameter's name. A parameter with a default has that as its example."""


def describe_members(schemas: Schemas, examples: Iterable[tuple[Any, Any]]) -> None:
    """Give each member of each schema its description, and an example.

    `examples` are values with their schemas. The members' examples are taken from them, so that
    they are told only once. A description of the member's type follows its own.
    """
    values: dict[tuple[str, str], Any] = {}
    for schema, value in examples:
        for place, member in _members(schemas, schema, value):
            if values.get(place) in (None, [], ""):
                values[place] = member
    for name, schema in schemas.items():
        for member, content in schema.get("properties", {}).items():
            about = DESCRIPTIONS.get(f"{name}.{member}") or DESCRIPTIONS.get(member)
            texts = (about, content.get("description"))
            content["description"] = " ".join(text for text in texts if text)
            if (name, member) in values:
                content["examples"] = [values[name, member]]


def tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of msgspec without its title, which repeats the name.

    Members that may be omitted have no `default: null`: generators of strict clients demand
    members with a default.
    """
    schema = {key: value for key, value in schema.items() if key != "title"}
    schema["description"] = cleandoc(schema.get("description", ""))
    if "enum" in schema:
        schema["type"] = "string"
    for member in schema.get("properties", {}).values():
        if member.get("default", ...) is None:
            del member["default"]
    return schema


def describe_parameter(parameter: dict[str, Any]) -> None:
    """Give a parameter a description, if it has none, and an example."""
    name, schema = parameter["name"], parameter["schema"]
    parameter.setdefault("description", DESCRIPTIONS.get(name, ""))
    first = schema.get("enum", [None])[0]
    parameter["example"] = schema.get("default", PARAMETER_EXAMPLES.get(name, first))


def _members(schemas: Schemas, schema: Any, value: Any) -> Iterator[tuple[tuple[str, str], Any]]:
    """The members of schemas in a value, each with its place: schema and member."""
    for option in schema.get("anyOf", ()):
        yield from _members(schemas, option, value)
    if isinstance(value, list):
        for item in value:
            yield from _members(schemas, schema.get("items", {}), item)
    if isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        for item in value.values():
            yield from _members(schemas, schema["additionalProperties"], item)
    name = schema.get("$ref", "").rpartition("/")[2]
    if name and isinstance(value, dict):
        properties = schemas[name]["properties"]
        for member in sorted(properties.keys() & value.keys()):
            yield (name, member), value[member]
            yield from _members(schemas, properties[member], value[member])
