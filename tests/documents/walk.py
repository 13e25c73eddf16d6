"""The main job through a client of openapi-python-client: `python walk.py http://127.0.0.1:8000`.

Prints the steps that it did. The client is generated as the package `sidepro_client`.
"""

import sys
from typing import Any
from uuid import UUID

from sidepro_client import AuthenticatedClient, Client
from sidepro_client.api.accounts import export_my_data, replace_my_profile, sign_up
from sidepro_client.api.bookmarks import add_bookmark
from sidepro_client.api.comments import create_comment
from sidepro_client.api.consent import accept_chat_request, create_chat_request
from sidepro_client.api.projects import create_project, list_projects
from sidepro_client.api.recommendations import list_recommendations
from sidepro_client.api.rooms import list_messages, mark_room_read, open_room, send_message
from sidepro_client.api.sessions import log_in
from sidepro_client.models import (
    CommentText,
    FieldCode,
    LogIn,
    NewChatRequest,
    NewMessage,
    NewProfile,
    NewProject,
    OpenRoomRequest,
    Problem,
    ReadMark,
    RoomStatus,
    SignUp,
)

PASSWORD = "밤하늘-별빛-2026"


def call(operation: Any, *arguments: Any, **members: Any) -> Any:
    """The parsed answer. A problem is an error."""
    answer = operation.sync_detailed(*arguments, **members)
    name = operation.__name__.rpartition(".")[2]
    if answer.status_code >= 300:
        raise AssertionError(f"{name}: {answer.status_code} {answer.content.decode()}")
    print(name)
    return answer.parsed


def new_client(url: str, username: str) -> tuple[UUID, AuthenticatedClient]:
    """The id and the client of a new user."""
    anonymous = Client(base_url=url, raise_on_unexpected_status=True)
    email = f"{username}@example.com"
    account = call(sign_up, client=anonymous, body=SignUp(email, username, PASSWORD))
    tokens = call(log_in, client=anonymous, body=LogIn(email, PASSWORD))
    client = AuthenticatedClient(
        base_url=url, token=tokens.access_token, raise_on_unexpected_status=True
    )
    return account.id, client


def main(url: str) -> None:
    author_id, author = new_client(url, "python-author")
    _, reader = new_client(url, "python-reader")

    profile = NewProfile(bio="지도를 만듭니다.", skills=["Python"], region=None)
    assert call(replace_my_profile, client=author, body=profile).profile.region is None
    draft = NewProject("파이썬 지도", "파이썬으로 찾는 길", "# 길", ["Python"])
    project = call(create_project, client=author, body=draft, idempotency_key="python-1")

    page = call(list_projects, client=reader, q="파이썬 지도", skill=["Python"], total=True)
    assert ([one.id for one in page.items], page.total, page.next_) == ([project.id], 1, None)
    call(create_comment, project.id, client=reader, body=CommentText("좋네요!"))
    assert call(add_bookmark, project.id, client=reader).bookmark_count == 1

    introduction = NewChatRequest(author_id, "지도 이야기를 듣고 싶어요.")
    asked = call(create_chat_request, client=reader, body=introduction)
    call(accept_chat_request, asked.id, client=author)
    room = call(open_room, client=reader, body=OpenRoomRequest(author_id))
    assert (room.status, room.last_message) == (RoomStatus.STOP, None)
    message = NewMessage("안녕하세요", client_id="p-1")
    assert call(send_message, room.id, client=reader, body=message).seq == 1
    history = call(list_messages, room.id, client=author)
    assert [one.body for one in history.items] == ["안녕하세요"]
    call(mark_room_read, room.id, client=author, body=ReadMark(history.last_seq))

    recommended = call(list_recommendations, client=reader)
    assert [one.project.id for one in recommended.items]
    assert call(export_my_data, client=reader).messages[0].body == "안녕하세요"

    refused = sign_up.sync(client=Client(base_url=url), body=SignUp("no address", "x", "short"))
    assert isinstance(refused, Problem)
    assert FieldCode.NOT_AN_EMAIL in [error.code for error in refused.errors]


if __name__ == "__main__":
    main(sys.argv[1])
