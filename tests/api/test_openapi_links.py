"""The OpenAPI document: links from responses to the operations that take their ids."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.api.openapi_document import Json, find_operation, operations

CREATES = {
    "signUp": {"getUser", "listUserProjects"},
    "createProject": {"getProject", "updateProject", "deleteProject", "listComments"},
    "createComment": {"getComment", "updateComment", "deleteComment"},
    "uploadImage": {"deleteImage"},
    "openRoom": {"getRoom", "listMessages", "sendMessage", "createSocketTicket"},
}


class LinkObject(NamedTuple):
    source: Json
    response: Json
    name: str
    content: Json


def links(openapi: Json) -> Iterator[LinkObject]:
    for *_, source in operations(openapi):
        for response in source["responses"].values():
            for name, content in response.get("links", {}).items():
                yield LinkObject(source, response, name, content)


def ids_in_path(operation: Json) -> set[str]:
    return {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}


def pointed_at(document: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        document = document[step]
    return document


def test_a_link_gives_every_id_in_the_path_of_its_operation(openapi: Json) -> None:
    for one in links(openapi):
        target = find_operation(openapi, one.content["operationId"])
        assert one.content["parameters"].keys() == ids_in_path(target)
        assert one.name == one.content["operationId"]


def test_a_link_finds_its_ids_in_the_request_or_the_response(openapi: Json) -> None:
    for one in links(openapi):
        for expression in one.content["parameters"].values():
            where, _, name = expression.partition("request.path.")
            if where == "$":
                assert name in ids_in_path(one.source)
            else:
                example = one.response["content"]["application/json"]["example"]
                pointer = expression.removeprefix("$response.body#")
                assert isinstance(pointed_at(example, pointer), str)


def test_a_link_leads_to_every_operation_with_an_id_in_its_path(openapi: Json) -> None:
    reached = {one.name for one in links(openapi)}
    assert reached == {one["operationId"] for *_, one in operations(openapi) if ids_in_path(one)}


@pytest.mark.parametrize("name", CREATES)
def test_links_lead_from_the_creation_of_a_resource_to_its_operations(
    openapi: Json, name: str
) -> None:
    followed = {one.name for one in links(openapi) if one.source["operationId"] == name}
    assert followed >= CREATES[name]
