"""Reports, cases and moderators for tests."""

from dataclasses import dataclass
from typing import Any

from tests.api.client import Api, ApiUser, Json
from tests.api.schemas import CASE, LISTED_CASE, LOG_ENTRY, REPORT


@dataclass(frozen=True)
class Reported:
    """A target: the members of its report, its kind and its id in cases."""

    body: Json
    kind: str
    target_id: str


def of_project(project: Json) -> Reported:
    return Reported({"kind": "project", "id": project["id"]}, "project", project["id"])


def of_comment(comment: Json) -> Reported:
    return Reported({"kind": "comment", "id": comment["id"]}, "comment", comment["id"])


def of_user(user: ApiUser) -> Reported:
    return Reported({"kind": "user", "id": user.id}, "user", user.id)


def of_message(message: Json) -> Reported:
    room_id, seq = message["room_id"], message["seq"]
    return Reported(
        {"kind": "message", "room_id": room_id, "seq": seq}, "message", f"{room_id}/{seq}"
    )


async def report(api: Api, by: ApiUser, target: Reported, reason: str = "spam") -> Json:
    """A new report."""
    body = {**target.body, "reason": reason}
    return await api.ok(REPORT, "POST", "/reports", body, by=by, status=201)


async def moderator(api: Api) -> ApiUser:
    """A new moderator, who is no administrator."""
    person = await api.sign_up("judge")
    await api.execute("UPDATE users SET is_moderator = true WHERE email = :email", person)
    return person


async def trusted(api: Api, name: str = "trusted") -> ApiUser:
    """A new user whose email is verified and whose account is old."""
    person = await api.sign_up(name)
    await api.execute(
        "UPDATE users SET created_at = '2026-01-01 00:00:00+00:00', email_verified = true"
        " WHERE email = :email",
        person,
    )
    return person


async def case_of(api: Api, by: ApiUser, target: Reported) -> Json:
    """The case of a target, with its snapshot and reports."""
    cases = (await api.page(LISTED_CASE, "/moderation/cases", by=by, limit=100))["items"]
    (found,) = [case for case in cases if case["target_id"] == target.target_id]
    return await api.get(CASE, f"/moderation/cases/{found['id']}", by=by)


async def decide(
    api: Api, by: ApiUser, case: Json, action: str, *, reason: str = "규칙 위반", **more: Any
) -> Json:
    """The case after a decision."""
    body = {"version": case["version"], "action": action, "reason": reason, **more}
    return await api.ok(CASE, "POST", f"/moderation/cases/{case['id']}/decisions", body, by=by)


async def reverse(api: Api, by: ApiUser, case: Json) -> Json:
    """The case after its decision was reversed."""
    body = {"version": case["version"], "reason": "잘못 봤어요"}
    return await api.ok(CASE, "POST", f"/moderation/cases/{case['id']}/reversals", body, by=by)


async def decided(
    api: Api, by: ApiUser, target: Reported, reporter: ApiUser, action: str, **more: Any
) -> Json:
    """The case of a target that was reported and decided."""
    await report(api, reporter, target)
    return await decide(api, by, await case_of(api, by, target), action, **more)


async def log(api: Api, by: ApiUser) -> list[Json]:
    """The newest entries of the log."""
    return list((await api.page(LOG_ENTRY, "/moderation/log", by=by))["items"])
