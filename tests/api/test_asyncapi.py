"""The AsyncAPI document is valid. `tests/sockets` compares it with the frames."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from sidepro.api.chat.asyncapi import document
from sidepro.api.chat.close_codes import CloseCode
from sidepro.api.chat.frames import FROM_CLIENT, FROM_SERVER, PERSON_FROM_SERVER
from tests.api.openapi_document import build
from tests.api.test_openapi import client_for

pytestmark = pytest.mark.anyio

Json = dict[str, Any]

# AsyncAPI 3.0.0: required members of each object, and all allowed ones but `x-` members.
OBJECTS: dict[str, tuple[set[str], set[str]]] = {
    "document": (
        {"asyncapi", "info"},
        {"id", "servers", "defaultContentType", "channels", "operations", "components"},
    ),
    "info": (
        {"title", "version"},
        {"description", "termsOfService", "contact", "license", "tags", "externalDocs"},
    ),
    "server": (
        {"host", "protocol"},
        {"protocolVersion", "pathname", "description", "title", "summary", "variables"}
        | {"security", "tags", "externalDocs", "bindings"},
    ),
    "channel": (
        set(),
        {"address", "messages", "title", "summary", "description", "servers", "parameters"}
        | {"tags", "externalDocs", "bindings"},
    ),
    "operation": (
        {"action", "channel"},
        {"title", "summary", "description", "security", "tags", "externalDocs", "bindings"}
        | {"traits", "messages", "reply"},
    ),
    "message": (
        set(),
        {"headers", "payload", "correlationId", "contentType", "name", "title", "summary"}
        | {"description", "tags", "externalDocs", "bindings", "examples", "traits"},
    ),
    "components": (
        set(),
        {"schemas", "servers", "channels", "operations", "messages", "securitySchemes"},
    ),
}


@pytest.fixture(scope="module")
def described() -> Json:
    """The served document."""
    made: Json = json.loads(json.dumps(document("1.2.3")))
    return made


def is_sound(kind: str, found: Json) -> None:
    must, may = OBJECTS[kind]
    own = {name for name in found if not name.startswith("x-")}
    assert must <= own <= must | may, f"{kind}: {sorted(own)}"


def resolved(described: Json, reference: Json) -> Json:
    found: Any = described
    while "$ref" in reference:
        found = described
        for step in reference["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        reference = found
    return reference


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        yield from references(child)


def validator(described: Json, message: Json) -> OAS31Validator:
    """The schema of a message's payload, with resolved references."""
    schema = {"allOf": [message["payload"]], "components": described["components"]}
    return OAS31Validator(schema, format_checker=oas31_format_checker)


def test_every_object_has_the_members_of_the_specification(described: Json) -> None:
    assert described["asyncapi"] == "3.0.0"
    assert described["info"]["version"] == "1.2.3"
    is_sound("document", described)
    is_sound("info", described["info"])
    is_sound("components", described["components"])
    for kind in ("servers", "channels", "operations"):
        for found in described[kind].values():
            is_sound(kind.rstrip("s"), found)
    for found in described["components"]["messages"].values():
        is_sound("message", found)
    for schema in described["components"]["schemas"].values():
        OAS31Validator.check_schema(schema)


def test_every_reference_resolves_and_everything_is_used(described: Json) -> None:
    used = set(references(described))
    for reference in used:
        assert resolved(described, {"$ref": reference})
    for kind in ("messages", "schemas", "securitySchemes"):
        for name in described["components"][kind]:
            assert f"#/components/{kind}/{name}" in used


def test_every_frame_belongs_to_one_direction(described: Json) -> None:
    messages: dict[tuple[str, str], set[str]] = defaultdict(set)
    for operation in described["operations"].values():
        for message in operation["messages"]:
            channel, _, name = message["$ref"].removeprefix("#/channels/").split("/")
            assert operation["channel"]["$ref"] == f"#/channels/{channel}"
            messages[channel, operation["action"]].add(name)
    assert messages == {
        ("room", "send"): set(FROM_SERVER),
        ("room", "receive"): set(FROM_CLIENT),
        ("person", "send"): set(PERSON_FROM_SERVER),
    }
    channels = {name: set(one["messages"]) for name, one in described["channels"].items()}
    assert channels == {
        "room": set(FROM_SERVER) | set(FROM_CLIENT),
        "person": set(PERSON_FROM_SERVER),
    }


def test_the_address_has_its_parameter_and_both_ways_to_authenticate(described: Json) -> None:
    channel = described["channels"]["room"]
    assert channel["address"] == "/api/v1/rooms/{room_id}/socket"
    assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel["parameters"])
    query = channel["bindings"]["ws"]["query"]["properties"]
    assert set(query) == {"ticket", "after", "epoch"}
    for server in described["servers"].values():
        kinds = [resolved(described, one)["type"] for one in server["security"]]
        assert kinds == ["http", "httpApiKey"]
        assert server["protocol"] in ("ws", "wss")


@pytest.mark.parametrize("name", sorted({*FROM_SERVER, *FROM_CLIENT, *PERSON_FROM_SERVER}))
def test_every_frame_has_valid_examples(described: Json, name: str) -> None:
    message = described["components"]["messages"][name]
    assert message["examples"]
    check = validator(described, message)
    for example in message["examples"]:
        check.validate(example["payload"])
        assert example["payload"]["type"] == message["title"]
        for member in example["payload"]:
            short = {k: v for k, v in example["payload"].items() if k != member}
            assert not check.is_valid(short), f"{member} may be missing"


def test_every_close_code_is_documented(described: Json) -> None:
    documented = {int(code) for code in described["channels"]["room"]["x-close-codes"]}
    assert set(CloseCode) == documented
    assert documented == {1002, 1007, 1009, 1011, 1012, 1013, 4400, 4401, 4404, 4408, 4429}
    for code in CloseCode:
        assert f"- {code:d}: {code.meaning}" in described["info"]["description"]


def test_message_names_are_unique(described: Json) -> None:
    names = [message["name"] for message in described["components"]["messages"].values()]
    assert len(set(names)) == len(names) == 14


@pytest.mark.parametrize(
    ("public_url", "server"),
    [
        ("https://sidepro.example", ("wss", "sidepro.example", None)),
        ("http://10.0.0.5:8080", ("ws", "10.0.0.5:8080", None)),
        ("https://xn--9d0b.example:8443/side", ("wss", "xn--9d0b.example:8443", "/side")),
    ],
)
def test_addresses_follow_the_public_address(
    public_url: str, server: tuple[str, str, str | None]
) -> None:
    made = document("1", public_url)
    (found,) = made["servers"].values()
    assert (found["protocol"], found["host"], found.get("pathname")) == server
    assert made["info"]["externalDocs"]["url"] == f"{public_url}/api/docs"


def test_every_refusal_of_a_frame_has_an_example(described: Json) -> None:
    errors = described["components"]["messages"]["error"]["examples"]
    assert {one["payload"]["code"] for one in errors} == {
        *(
            "email-not-verified",
            "invalid",
            "room-pending",
            "rate-limited",
            "unavailable",
            "not-found",
        )
    }
    refused = described["channels"]["room"]["x-before-the-upgrade"]["403"]
    assert refused["example"]["code"] == "origin-not-allowed"


async def test_is_public_and_can_be_switched_off(described: Json) -> None:
    async with client_for(build()) as client:
        answer: httpx.Response = await client.get("/api/asyncapi.json")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("application/json")
        served = answer.json()
        assert served["info"].pop("version")
        assert served == {
            **described,
            "info": {k: v for k, v in described["info"].items() if k != "version"},
        }
        openapi = (await client.get("/api/openapi.json")).json()
        assert "/api/asyncapi.json" in openapi["info"]["description"]
    async with client_for(build(docs=False)) as client:
        assert (await client.get("/api/asyncapi.json")).status_code == 404
