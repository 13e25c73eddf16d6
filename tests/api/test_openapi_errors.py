"""The OpenAPI document: problems, tokens, headers and parameters."""

import json
from collections.abc import Iterator

import pytest
from litestar import Litestar

from sidepro.domain.errors import SideProError
from sidepro.http.problems.documents import REJECTIONS
from tests.api.openapi_document import (
    PROBLEM,
    Json,
    find_operation,
    operations,
    resolved,
)


def api_operations(openapi: Json) -> Iterator[tuple[str, str, Json]]:
    found = [one for one in operations(openapi) if one[0].startswith("/api/v1/")]
    assert len(found) > 25
    return iter(found)


def codes(openapi: Json, operation: Json) -> dict[int, set[str]]:
    """The problem codes of an operation by status, from its examples."""
    found = {}
    for status, response in operation["responses"].items():
        media = resolved(openapi, response).get("content", {}).get(PROBLEM)
        if media:
            found[int(status)] = {one["value"]["code"] for one in media["examples"].values()}
    return found


def own_codes(kind: type[SideProError] = SideProError) -> Iterator[str]:
    if "code" in vars(kind):
        yield kind.code
    for child in kind.__subclasses__():
        yield from own_codes(child)


def test_contains_every_problem_code(openapi: Json) -> None:
    shown: set[str] = set()
    for *_, one in operations(openapi):
        shown |= set().union(*codes(openapi, one).values())
    edge = {code for code, _ in REJECTIONS.values()}
    # An operation is a method of its path, and not of the socket's.
    assert (set(own_codes()) | edge) - shown == {"method-not-allowed", "upgrade-required"}


def test_every_error_is_a_problem(openapi: Json) -> None:
    for path, method, one in api_operations(openapi):
        for status, reference in one["responses"].items():
            response = resolved(openapi, reference)
            if status < "400":
                assert PROBLEM not in response.get("content", {})
            elif method == "head":
                assert "content" not in response
            else:
                assert list(response["content"]) == [PROBLEM], (path, method, status)
                schema = response["content"][PROBLEM]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}
                for code in codes(openapi, one)[int(status)]:
                    assert f"`{code}`" in response["description"]
    assert '"status_code"' not in json.dumps(openapi)


def test_problems_follow_from_parameters_and_bodies(openapi: Json) -> None:
    for path, method, one in api_operations(openapi):
        if method == "head":
            continue
        where = (method, path)
        found = codes(openapi, one)
        parameters = {(p["in"], p["name"]) for p in one.get("parameters", [])}
        body = "requestBody" in one
        bad_requests = {"malformed"} if body else set()
        bad_requests |= {"bad-cursor"} if ("query", "cursor") in parameters else set()
        assert found.get(400, set()) == bad_requests, where
        tokenless = one.get("security") == []
        assert ("not-authenticated" in found.get(401, ())) != tokenless, where
        assert found[406] == {"not-acceptable"}, where
        assert found[413] == {"too-large"}, where
        assert (415 in found) == body, where
        assert "invalid" in found[422], where
        assert (412 in found) == (("header", "If-Match") in parameters), where
        assert found[500] == {"internal"}, where
        assert found[503] == {"unavailable"}, where
        if "{" in path:
            assert found[404] == {"not-found"}, where


def test_problems_of_the_use_cases(openapi: Json) -> None:
    by_shape = {
        *("malformed", "bad-cursor", "not-authenticated", "not-acceptable", "too-large"),
        *("precondition-failed", "unsupported-media-type", "invalid", "internal", "unavailable"),
        *("rate-limited", "idempotency-key-in-use", "idempotency-key-reused"),
    }
    special = {
        one["operationId"]: set().union(*codes(openapi, one).values())
        - by_shape
        - ({"not-found"} if "{" in path else set())
        for path, _, one in operations(openapi)
    }
    assert {name: found for name, found in special.items() if found} == {
        "signUp": {"email-taken", "username-taken", "weak-password"},
        "logIn": {"wrong-credentials", "account-deactivated", "account-suspended"},
        "refreshSession": {"session-ended", "account-suspended"},
        "changeMyPassword": {"weak-password", "wrong-password"},
        "deleteMyAccount": {"wrong-password"},
        "updateMyAccount": {"username-taken"},
        "changeMyEmail": {"email-taken", "wrong-password"},
        "verifyEmail": {"email-taken", "invalid-token"},
        "redeemPasswordReset": {"invalid-token", "weak-password"},
        "createProject": {"email-not-verified"},
        "createComment": {"email-not-verified", "forbidden"},
        "updateMyProfile": {"no-profile"},
        "updateProject": {"forbidden"},
        "deleteProject": {"forbidden"},
        "updateComment": {"forbidden"},
        "deleteComment": {"forbidden"},
        "openRoom": {
            *("cannot-chat-with-yourself", "not-found", "chat-closed", "consent-required"),
            "email-not-verified",
        },
        "createChatRequest": {
            *("cannot-chat-with-yourself", "not-found", "chat-closed"),
            *("too-many-requests-pending", "email-not-verified"),
        },
        "acceptChatRequest": {"forbidden", "request-settled"},
        "declineChatRequest": {"forbidden", "request-settled"},
        "withdrawChatRequest": {"forbidden", "request-settled"},
        "sendMessage": {"email-not-verified", "room-pending"},
        "uploadImage": {"bad-image", "email-not-verified", "image-quota"},
        "deleteImage": {"image-in-use"},
        "createReport": {"not-found"},
        "markNotifications": {"not-found"},
        "listCases": {"forbidden"},
        "getCase": {"forbidden"},
        "claimCase": {"forbidden", "case-changed"},
        "decideCase": {"forbidden", "case-changed"},
        "reverseCase": {"forbidden", "case-changed"},
        "listLog": {"forbidden"},
        "changeUserRole": {"forbidden"},
    }


def test_problems_have_headers_for_the_next_attempt(openapi: Json) -> None:
    for _, _, one in api_operations(openapi):
        if one.get("security") != []:
            refused = resolved(openapi, one["responses"]["401"])
            assert "WWW-Authenticate" in refused["headers"]
        assert "Retry-After" in resolved(openapi, one["responses"]["503"])["headers"]


def test_security(app: Litestar, openapi: Json) -> None:
    assert openapi["security"] == [{"bearer": []}]
    anybody = {
        one["operationId"]
        for *_, one in api_operations(openapi)
        if one.get("security") == [{}, {"bearer": []}]
    }
    assert anybody == {
        *("checkAvailability", "getCatalogue", "listProjects", "listComments", "getComment"),
        *("getProject", "checkProject", "getUser", "listUserProjects"),
        *("verifyEmail", "sendPasswordReset", "redeemPasswordReset"),
    }
    tokenless = {"signUp", "logIn", "refreshSession"}
    for path, _, one in operations(openapi):
        if one["operationId"] not in anybody:
            ignores_token = path.startswith("/health/") or one["operationId"] in tokenless
            assert ("security" in one) == ignores_token


def test_headers(openapi: Json) -> None:
    named: dict[str, set[tuple[str, str]]] = {"Location": set(), "ETag": set(), "Link": set()}
    for *_, one in operations(openapi):
        for status, response in one["responses"].items():
            headers = resolved(openapi, response)["headers"]
            assert "X-Request-ID" in headers
            for name in named.keys() & headers.keys():
                named[name].add((one["operationId"], status))
    assert named["Location"] == {
        *(
            ("signUp", "201"),
            ("createProject", "201"),
            ("createComment", "201"),
            ("openRoom", "201"),
        ),
    }
    assert named["ETag"] == {
        *(("getCatalogue", "200"), ("getCatalogue", "304"), ("createProject", "201")),
        *(("getProject", "200"), ("checkProject", "200"), ("updateProject", "200")),
    }
    lists = {
        "listProjects",
        "listUserProjects",
        "listUserBookmarks",
        "listComments",
        "listRooms",
        "listSessions",
        "findUsers",
        "listImages",
        "listReports",
        "listCases",
        "listLog",
        "listChatRequests",
        "listBlocks",
        "listNotifications",
    }
    assert named["Link"] == {(name, "200") for name in lists}


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("openRoom", {"200", "201"}),
        ("sendMessage", {"200", "201"}),
        ("getCatalogue", {"200", "304"}),
        ("signUp", {"201"}),
        ("removeBookmark", {"200"}),
        ("leaveRoom", {"204"}),
        ("markRoomRead", {"204"}),
        ("getReadiness", {"200"}),
    ],
)
def test_success_responses(openapi: Json, name: str, statuses: set[str]) -> None:
    answers = find_operation(openapi, name)["responses"]
    assert {status for status in answers if status < "400"} == statuses
    for status in statuses:
        assert ("content" in answers[status]) == (status in ("200", "201"))


def test_responses_to_head_have_no_body(openapi: Json) -> None:
    for response in find_operation(openapi, "checkProject")["responses"].values():
        assert "content" not in response


def test_the_response_of_an_unready_process_lists_its_components(openapi: Json) -> None:
    unready = find_operation(openapi, "getReadiness")["responses"]["503"]
    assert unready["content"]["application/json"]["schema"]["$ref"].endswith("/Health")
    assert "Retry-After" in unready["headers"]


def test_optional_parameters_are_not_nullable(openapi: Json) -> None:
    seen = 0
    for *_, one in operations(openapi):
        for parameter in one.get("parameters", []):
            seen += 1
            assert parameter["required"] == (parameter["in"] == "path")
            assert isinstance(parameter["schema"]["type"], str)
            assert parameter["in"] == "path" or parameter["description"]
            if parameter["name"] == "limit":
                assert parameter["schema"].keys() == {"type", "minimum", "maximum", "default"}
    assert seen > 40


def test_bounds(openapi: Json) -> None:
    parameters = {
        (one["operationId"], parameter["name"]): parameter["schema"]
        for *_, one in operations(openapi)
        for parameter in one.get("parameters", [])
    }
    assert parameters["listProjects", "sort"] == {
        "type": "string",
        "enum": ["newest", "views", "popular", "trending"],
        "default": "newest",
    }
    assert parameters["listProjects", "match"]["enum"] == ["any", "all"]
    assert parameters["listMessages", "limit"]["default"] == 50
    assert parameters["listRecommendations", "limit"]["maximum"] == 20
    schemas = openapi["components"]["schemas"]
    assert schemas["NewProject"]["properties"]["title"]["maxLength"] == 50
    assert schemas["SignUp"]["properties"]["password"]["minLength"] == 8
    assert schemas["SignUp"]["additionalProperties"] is False
    assert schemas["Message"]["properties"]["sent_at"]["format"] == "date-time"


def test_response_members_are_required_unless_requested(openapi: Json) -> None:
    schemas = openapi["components"]["schemas"]
    asked_for = {
        ("Catalogue", "skill_counts"),
        *(("ProjectCardList", "total"), ("CommentList", "total"), ("RoomList", "total")),
        *(("SessionList", "total"), ("UserList", "total"), ("ImageList", "total")),
        *(("ChatRequestList", "total"), ("UserSummaryList", "total")),
        *(("Availability", "email"), ("Availability", "username"), ("Problem", "errors")),
        *(("CaseList", "total"), ("LogEntryList", "total"), ("ReportList", "total")),
        ("NotificationList", "total"),
        *(("Problem", "until"), ("Problem", "reason")),
        *(("InvalidMember", "pointer"), ("InvalidMember", "parameter")),
    }
    optional = {
        (name, member)
        for name, schema in schemas.items()
        if schema.get("type") == "object" and "additionalProperties" not in schema
        for member in schema["properties"].keys() - schema["required"]
    }
    assert optional == asked_for
