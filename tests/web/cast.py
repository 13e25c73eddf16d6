"""The people and things that the screens show: the demo, and two more people."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sidepro.demo.people import DEMO_EMAILS, DEMO_PASSWORD
from tests.clients import Client, http_client
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.clients import Json

Role = Literal["member", "partner", "newcomer", "administrator"]


@dataclass(frozen=True)
class Cast:
    """Who looks at the screens, and what is on them.

    The member and the partner are the demo accounts, who chat in `room_id`. The newcomer has no
    profile. `project` has a cover, comments and a picture in its text; `own_comment` on it and
    `own_project` are the member's. The member has reported a message of the partner: `case_id`.
    """

    people: dict[Role, Client]
    project: Json
    own_comment: Json
    own_project: Json
    room_id: str
    case_id: str


SMALL = ("--users=24", "--projects=45", "--comments=180", "--bookmarks=200", "--pictures=50")
"""Options of `sidepro seed` for demo data that fill every screen, in a third of the time."""


@contextmanager
def demo_server(*seed_options: str) -> Iterator[SideProServer]:
    """A server with demo data, by default those of `./just up`."""
    server = SideProServer()
    try:
        server.run("seed", *seed_options)
        server.start()
        yield server
    finally:
        server.close()


async def cast_of(server: SideProServer) -> Cast:
    """The cast on a new server with the demo data."""
    async with http_client(server.url, seconds=60) as http:
        member, partner = [await _logged_in(http, email, DEMO_PASSWORD) for email in DEMO_EMAILS]
        projects = await member.call("GET", f"/users/{member.id}/projects")
        project = await _illustrated_project(member)
        comments = f"/projects/{project['id']}/comments"
        room_id = await member.open_room_with(partner)
        administrator = await _administrator(server, http)
        own = f"/projects/{projects['items'][0]['id']}"
        await partner.call("POST", f"{own}/comments", {"body": "저도 써 볼래요."})
        await partner.call("PUT", f"{own}/bookmark")
        newcomer = await Client.sign_up(http)
        await _ask_and_block(member, newcomer)
        return Cast(
            people={
                "member": member,
                "partner": partner,
                "newcomer": newcomer,
                "administrator": administrator,
            },
            project=project,
            own_comment=await member.call("POST", comments, {"body": "주말에 써 볼게요!"}),
            own_project=projects["items"][0],
            room_id=room_id,
            case_id=await _reported(member, partner, administrator, room_id),
        )


async def _ask_and_block(member: Client, newcomer: Client) -> None:
    """The newcomer has asked the member for a coffee chat. The member blocks somebody else."""
    await member.call("PATCH", "/me", {"chat_policy": "request"})
    introduction = "지도 프로젝트에서 PostgreSQL을 맡고 있어요. 경험담을 듣고 싶습니다."
    body = {"user_id": member.id, "introduction": introduction}
    await newcomer.call("POST", "/chat-requests", body)
    other = await Client.sign_up(member.http)
    await member.call("PUT", f"/me/blocks/{other.id}")


async def _administrator(server: SideProServer, http: httpx.AsyncClient) -> Client:
    email, password = "operator@example.com", "keys of the house 7"
    server.run("users", "create-admin", email, "지기", "--password", password)
    return await _logged_in(http, email, password)


async def _reported(member: Client, partner: Client, administrator: Client, room_id: str) -> str:
    """The case of a message that the partner sent."""
    messages = (await member.call("GET", f"/rooms/{room_id}/messages"))["items"]
    seq = next(one["seq"] for one in messages if one["sender_id"] == partner.id)
    body = {"kind": "message", "room_id": room_id, "seq": seq, "reason": "spam"}
    await member.call("POST", "/reports", {**body, "note": "광고 같아요"})
    cases = await administrator.call("GET", "/moderation/cases")
    return str(cases["items"][0]["id"])


async def _logged_in(http: httpx.AsyncClient, email: str, password: str) -> Client:
    client = Client(http)
    client.email, client.password = email, password
    await client.log_in()
    account = await client.call("GET", "/me")
    client.id, client.username = account["id"], account["username"]
    return client


async def _illustrated_project(client: Client) -> Json:
    """The newest project with a cover, comments and a picture in its text."""
    found = await client.call("GET", "/projects?limit=100")
    for card in found["items"]:
        if card["thumbnail_url"] and card["comment_count"] >= 2:
            project = await client.call("GET", f"/projects/{card['id']}")
            if "<img" in project["content_html"]:
                return project
    raise AssertionError("no project of the demo has a cover, comments and a picture in its text")
