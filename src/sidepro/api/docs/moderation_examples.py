"""Examples of reports, cases and the log of moderation."""

from typing import Any
from uuid import UUID

from sidepro.api.docs.example_data import JIHO
from sidepro.api.routes.moderation import cases, reports, roles
from sidepro.api.schemas import UserSummary
from sidepro.domain.identity import Role
from sidepro.domain.moderation.case import Action, CaseState
from sidepro.domain.moderation.report import ReportReason
from sidepro.domain.moderation.target import TargetKind

CASE_ID = UUID("019aa2c1-5d70-7c44-9e1b-3b8f6a07d215")
_MODERATOR = UserSummary(UUID("019a2b90-04e1-7f36-8d52-c7a91e63b084"), "오름", None)
_TARGET = "019a9a70-3e15-7b92-8c4f-d61b5a07e9f8/7"
_BODY = "내일 안 나오면 가만 안 둘 거예요."
_WHY = "상대를 위협하는 메시지예요."
_DECIDED_AT = "2026-11-23T02:10:09.551902Z"
_ENTRY_ID = UUID("019aa4f0-91c3-7a07-b2d8-5e60c1f9738a")

REPORT = reports.Report(
    id=UUID("019aa2c1-5d6e-7b10-8a37-90c4e1f2d6b8"),
    kind=TargetKind.MESSAGE,
    target_id=_TARGET,
    reason=ReportReason.HARASSMENT,
    note="계속 이런 메시지를 보내요.",
    state="decided",
    created_at="2026-11-22T12:04:31.027415Z",
)
_CASE: dict[str, Any] = {
    "id": CASE_ID,
    "kind": TargetKind.MESSAGE,
    "target_id": _TARGET,
    "state": CaseState.DECIDED,
    "version": 3,
    "report_count": 1,
    "reasons": {ReportReason.HARASSMENT: 1},
    "hidden": True,
    "claimed_by": _MODERATOR,
    "decision": cases.Decision("hide", None, _WHY, _MODERATOR, _DECIDED_AT),
    "created_at": "2026-11-22T12:04:31.027415Z",
    "updated_at": _DECIDED_AT,
}
LISTED_CASE = cases.Case(**_CASE)
LOG_ENTRY = cases.LogEntry(
    id=_ENTRY_ID,
    moderator=_MODERATOR,
    action=Action.HIDE,
    kind=TargetKind.MESSAGE,
    target_id=_TARGET,
    reason=_WHY,
    case_id=CASE_ID,
    reverses=None,
    at=_DECIDED_AT,
)
INSTANCES = (
    reports.NewReport(
        kind=TargetKind.MESSAGE,
        reason=ReportReason.HARASSMENT,
        room_id=UUID(_TARGET.partition("/")[0]),
        seq=7,
        note=REPORT.note,
    ),
    REPORT,
    LISTED_CASE,
    cases.CaseDetails(
        **_CASE,
        snapshot=cases.Snapshot(
            author=JIHO,
            project=None,
            comment=None,
            messages=[cases.SnapshotMessage(7, JIHO, _BODY, "2026-11-22T12:03:58.310044Z")],
            user=None,
        ),
        reports=[REPORT],
    ),
    cases.Claim(version=1),
    cases.NewDecision(version=2, action="hide", reason=_WHY),
    cases.Reversal(version=3, reason="농담이었다고 두 사람이 확인했어요."),
    LOG_ENTRY,
    roles.NewRole(Role.MODERATOR),
    roles.UserRole(JIHO.id, Role.MODERATOR),
)
PARTS = (
    cases.SnapshotProject(
        title="동네 커피챗 지도",
        summary="가까운 개발자와 커피 한 잔, 지도에서 바로 약속을 잡습니다",
        content="동네 **커피챗** 상대를 지도에서 찾아 줍니다.",
        repository_url="https://github.com/jiho-dev/coffee-map",
        skills=["Python"],
    ),
    cases.SnapshotComment(
        project_id=UUID("019a8e11-5b7f-7d3a-a1c6-90e4f2b8d713"),
        body="이 링크로 들어오세요",
        created_at="2026-11-20T08:01:15.449120Z",
    ),
    cases.SnapshotUser("jiho-dev", "주말마다 지도를 만듭니다", None),
)
"""Parts of snapshots that the example of a case does not have."""

EXPORTED = {
    "reports": [
        {
            "id": str(REPORT.id),
            "kind": "message",
            "target_id": _TARGET,
            "reason": "harassment",
            "note": REPORT.note,
            "created_at": REPORT.created_at,
            "decided_at": _DECIDED_AT,
        }
    ],
    "decisions": [
        {
            "id": str(_ENTRY_ID),
            "kind": "project",
            "target_id": "019a8e11-5b7f-7d3a-a1c6-90e4f2b8d713",
            "action": "warn",
            "days": None,
            "reason": "광고 링크를 빼 주세요.",
            "at": _DECIDED_AT,
        }
    ],
}
"""Sections of the data export."""
