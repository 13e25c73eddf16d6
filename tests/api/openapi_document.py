"""Reading the OpenAPI document in tests."""

from collections.abc import Iterator
from typing import Any

from litestar import Litestar

from sidepro import bootstrap as main
from sidepro.settings import Settings

Json = dict[str, Any]


PROBLEM = "application/problem+json"


METHODS = {"get", "head", "post", "put", "patch", "delete"}


def build(*, docs: bool = True) -> Litestar:
    container = main.build(Settings(secret_key=("nothing is signed with this",), docs=docs), "")
    container.passwords.close()
    return main.application(container, with_jobs=False)


def operations(openapi: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in openapi["paths"].items():
        assert item.keys() <= METHODS
        for method, operation in item.items():
            yield path, method, operation


def resolved(openapi: Json, node: Json) -> Json:
    while "$ref" in node:
        target: Any = openapi
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def find_operation(openapi: Json, operation_id: str) -> Json:
    (found,) = (one for *_, one in operations(openapi) if one["operationId"] == operation_id)
    return found
