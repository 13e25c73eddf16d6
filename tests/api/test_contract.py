"""The OpenAPI and AsyncAPI documents equal the committed contract, prose aside.

`./just contract` writes the contract anew after a deliberate change of the API.
"""

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from sidepro import bootstrap
from sidepro.api.chat import asyncapi
from sidepro.api.docs import openapi
from sidepro.settings import Settings

FOLDER = Path(__file__).with_name("contract")
PROSE = {"description", "summary", "example", "examples", "version"}


def openapi_document() -> dict[str, Any]:
    container = bootstrap.build(Settings(secret_key=("nothing is signed with this",)), "")
    container.passwords.close()
    return openapi.document(bootstrap.application(container, with_jobs=False))


def asyncapi_document() -> dict[str, Any]:
    return asyncapi.document(version("sidepro"))


DOCUMENTS = {"openapi": openapi_document, "asyncapi": asyncapi_document}


def without_prose(node: Any, *, keys_are_names: bool = False) -> Any:
    """A document without its texts. A property may be called `description`; it stays."""
    if isinstance(node, list):
        return [without_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: without_prose(value, keys_are_names=key == "properties" and not keys_are_names)
        for key, value in node.items()
        if keys_are_names or key not in PROSE
    }


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted(expected.keys() | actual.keys()):
            here = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
            if key not in actual:
                yield f"{here} is missing"
            elif key not in expected:
                yield f"{here} is new"
            else:
                yield from differences(expected[key], actual[key], here)
    elif expected != actual:
        yield f"{path} was {json.dumps(expected)} and is {json.dumps(actual)}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_equals_the_contract(name: str) -> None:
    expected = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))

    found = list(differences(expected, without_prose(DOCUMENTS[name]())))

    assert not found, "\n".join([f"{name} differs (`./just contract` accepts it):", *found])


def test_differences_are_named_by_their_paths() -> None:
    expected = {"paths": {"/users": {"get": 1, "put": 2}}, "tags": ["a"]}
    actual = {"paths": {"/users": {"get": 1, "post": 3}}, "tags": ["a", "b"]}

    assert list(differences(expected, actual)) == [
        "/paths/~1users/post is new",
        "/paths/~1users/put is missing",
        '/tags was ["a"] and is ["a", "b"]',
    ]


def test_properties_with_the_name_of_a_prose_member_are_compared() -> None:
    schema = {"description": "A text.", "properties": {"description": {"type": "string"}}}

    assert without_prose(schema) == {"properties": {"description": {"type": "string"}}}


def write_contract() -> None:
    for name, make in DOCUMENTS.items():
        text = json.dumps(without_prose(make()), ensure_ascii=False, indent=1)
        (FOLDER / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    write_contract()
