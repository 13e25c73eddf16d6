"""Links between operations in the OpenAPI document: what a client may call with an id it got."""

from typing import Any, NamedTuple

_BODY_ID = "$response.body#/id"

_OF_USER = ("getUser", "listUserProjects", "listUserBookmarks", "changeUserRole")
_OF_PROJECT = (
    *("getProject", "checkProject", "updateProject", "deleteProject"),
    *("listComments", "createComment", "addBookmark", "removeBookmark"),
)
_OF_COMMENT = ("getComment", "updateComment", "deleteComment")
_OF_CASE = ("getCase", "claimCase", "decideCase", "reverseCase")
_OF_ROOM = (
    *("getRoom", "leaveRoom", "listMessages", "sendMessage", "markRoomRead"),
    "createSocketTicket",
)


class _Links(NamedTuple):
    """Links from a response to operations that take the same parameters."""

    source: str
    statuses: tuple[str, ...]
    targets: tuple[str, ...]
    parameters: dict[str, str]
    """Runtime expressions (OpenAPI 3.1, section 4.8.20.4) by parameter."""


_TABLE = (
    _Links("signUp", ("201",), _OF_USER, {"user_id": _BODY_ID}),
    _Links("getMyAccount", ("200",), _OF_USER, {"user_id": _BODY_ID}),
    _Links("logIn", ("201",), ("endSession",), {"session_id": "$response.body#/session_id"}),
    _Links("createProject", ("201",), _OF_PROJECT, {"project_id": _BODY_ID}),
    _Links(
        "getProject",
        ("200",),
        (*_OF_USER, "blockUser", "unblockUser"),
        {"user_id": "$response.body#/author/id"},
    ),
    _Links(
        "createComment",
        ("201",),
        _OF_COMMENT,
        {"project_id": "$request.path.project_id", "comment_id": _BODY_ID},
    ),
    _Links("uploadImage", ("201",), ("deleteImage",), {"image_id": _BODY_ID}),
    _Links(
        "createChatRequest",
        ("201",),
        ("acceptChatRequest", "declineChatRequest", "withdrawChatRequest"),
        {"request_id": _BODY_ID},
    ),
    _Links("acceptChatRequest", ("200",), _OF_ROOM, {"room_id": "$response.body#/room/id"}),
    _Links("openRoom", ("200", "201"), _OF_ROOM, {"room_id": _BODY_ID}),
    _Links("getCase", ("200",), _OF_CASE, {"case_id": _BODY_ID}),
    _Links("claimCase", ("200",), _OF_CASE, {"case_id": _BODY_ID}),
    _Links("sendMessage", ("200", "201"), _OF_ROOM, {"room_id": "$response.body#/room_id"}),
)


def add_links(operation: dict[str, Any]) -> None:
    """Add the links of an operation to its responses. They are named after their targets."""
    for row in _TABLE:
        if row.source == operation["operationId"]:
            for status in row.statuses:
                operation["responses"][status]["links"] = {
                    target: {"operationId": target, "parameters": row.parameters}
                    for target in row.targets
                }
