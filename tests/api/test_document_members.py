"""Both documents describe every member and parameter, with an example that is true.

The tests walk the documents, so a new member is covered without being named.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from sidepro.api.chat import asyncapi
from sidepro.api.routes.accounts import USERNAME
from sidepro.api.schemas import NOT_BLANK, ONE_LINE, searched
from sidepro.domain.accounts.personal.username import check_username
from sidepro.domain.text import is_invisible
from sidepro.domain.validation import Validator, text_error
from tests.api.openapi_document import Json, operations

BASIC_PLANE = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]


@pytest.fixture(scope="module", params=["openapi", "asyncapi"])
def document(request: pytest.FixtureRequest, openapi: Json) -> Json:
    if request.param == "openapi":
        return openapi
    made: Json = json.loads(json.dumps(asyncapi.document("1")))
    return made


def members(document: Json) -> Iterator[tuple[str, Json]]:
    for name, schema in document["components"]["schemas"].items():
        for member, content in schema.get("properties", {}).items():
            yield f"{name}.{member}", content


def parameters(openapi: Json) -> Iterator[tuple[str, Json]]:
    for *_, operation in operations(openapi):
        for parameter in operation.get("parameters", []):
            yield f"{operation['operationId']} {parameter['name']}", parameter


def is_valid(document: Json, schema: Json, value: Any) -> bool:
    whole = {"allOf": [schema], "components": document["components"]}
    return bool(OAS31Validator(whole, format_checker=oas31_format_checker).is_valid(value))


def is_sentence(text: str) -> bool:
    return bool(re.match(r"[A-Z`0-9](.|\n)*\.$", text))


def test_every_member_is_described(document: Json) -> None:
    assert [
        name for name, content in members(document) if not is_sentence(content["description"])
    ] == []


def test_every_member_has_an_example_that_matches(document: Json) -> None:
    for name, content in members(document):
        if content.get("enum") or content.get("const"):
            continue  # shows its values
        (example,) = content["examples"]
        assert is_valid(document, content, example), name
        assert example != [], name


def test_every_parameter_is_described_with_an_example_that_matches(openapi: Json) -> None:
    for name, parameter in parameters(openapi):
        assert is_sentence(parameter["description"]), name
        assert is_valid(openapi, parameter["schema"], parameter["example"]), name


def test_every_header_is_described_with_an_example_that_matches(openapi: Json) -> None:
    for name, header in openapi["components"]["headers"].items():
        assert is_sentence(header["description"]), name
        assert is_valid(openapi, header["schema"], header["example"]), name


def test_no_member_has_null_as_its_default(document: Json) -> None:
    """Generators of strict clients demand members with a default."""
    assert [name for name, content in members(document) if "default" in content] == []


def test_members_of_requests_that_may_be_null_may_be_omitted(openapi: Json) -> None:
    nullable = []
    for name, schema in openapi["components"]["schemas"].items():
        if schema.get("additionalProperties") is not False:
            continue  # of an answer
        for member, content in schema["properties"].items():
            if {"type": "null"} in content.get("anyOf", ()):
                nullable.append(member)
                assert member not in schema["required"], f"{name}.{member}"
    assert set(nullable) >= {"repository_url", "region", "client_id"}


def test_integers_have_a_minimum(document: Json) -> None:
    exported = re.compile("Exported|Problem|InvalidMember")
    for name, content in members(document):
        for option in content.get("anyOf", [content]):
            if option.get("type") == "integer" and not exported.match(name):
                assert "minimum" in option, name


def test_integer_parameters_have_a_minimum(openapi: Json) -> None:
    for name, parameter in parameters(openapi):
        if parameter["schema"]["type"] == "integer" and parameter["name"] != "seed":
            assert "minimum" in parameter["schema"], name


def test_members_with_few_values_are_enumerations(document: Json) -> None:
    few = re.compile(r"\.(status|basis|token_type|code|type)$")
    for name, content in members(document):
        if few.search(name) and name not in ("Problem.status", "Problem.type"):
            referred = content.get("$ref", "").rpartition("/")[2]
            schema = document["components"]["schemas"][referred] if referred else content
            assert schema.get("enum") or schema.get("const"), name


def test_texts_of_requests_are_bounded(openapi: Json) -> None:
    """Log-in takes any text: its answer does not tell whether an account could have it."""
    free = {
        "LogIn.email",
        "LogIn.password",
        "NewPassword.current_password",
        "Refresh.refresh_token",
    }
    free |= {"Withdrawal.password", "NewEmail.password"}
    free |= {"PasswordReset.email"}  # any text gets the same answer
    free |= {
        f"{kind}.{name}"
        for kind in ("NewProfile", "ProfilePatch")
        for name in ("region", "meet_time")
    }
    texts = [
        (f"{name}.{member}", option)
        for name, schema in openapi["components"]["schemas"].items()
        if schema.get("additionalProperties") is False  # of a request
        for member, content in schema["properties"].items()
        for option in content.get("anyOf", [content])
        if option.get("type") == "string" and option.get("format") != "uuid"
    ]
    found = {name for name, option in texts if "maxLength" not in option}
    assert found == free


def test_the_pattern_of_visible_text_is_the_rule_of_the_domain() -> None:
    pattern = re.compile(str(NOT_BLANK["pattern"]))
    for char in BASIC_PLANE:
        assert bool(pattern.search(char)) != is_invisible(char), hex(ord(char))


def test_the_pattern_of_one_line_is_the_rule_of_the_domain() -> None:
    pattern = re.compile(str(ONE_LINE["pattern"]))
    for char in BASIC_PLANE:
        text = f"가{char}나"
        is_stored = text_error(text, 3, one_line=True) is None
        assert bool(pattern.search(text)) == is_stored, hex(ord(char))
    assert not pattern.search(" \u200b\u3164")


def test_outer_blanks_of_a_search_are_allowed_by_its_pattern() -> None:
    pattern = re.compile(searched(5)["pattern"])
    for text in ("\n커피 지도\t", "ㅋ", f"{' ' * 9}ㅋㅋ"):
        assert pattern.search(text)
    for text in ("", " \n", "커피\n지도", "커피 지도요"):
        assert not pattern.search(text)


def test_usernames_match_their_pattern() -> None:
    pattern = re.compile(USERNAME)
    for char in BASIC_PLANE:
        validator = Validator()
        check_username(f"a{char}a", validator)
        if not validator.errors:
            assert pattern.search(f"a{char}a"), hex(ord(char))
    for char in "!\"#$%&'()*+,./:;<=>?@[\\]^`{|}~ \t":
        assert not pattern.search(f"a{char}a")
