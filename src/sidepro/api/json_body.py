"""JSON request bodies, decoded in one step and in msgspec's strict mode."""

from collections.abc import Generator
from functools import cache
from typing import Any, TypeVar

import msgspec
from litestar.dto import AbstractDTO
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from sidepro.api.validation_errors import decoding_error
from sidepro.domain.errors import InvalidInput
from sidepro.http.problems.documents import RequestRejected

T = TypeVar("T")


class StrictJson(AbstractDTO[Any]):
    """Decodes the body of every route to the struct of its `data` parameter.

    Litestar's own decoding accepts `"null"` for `null` and `"7"` for `7`, and takes two steps.
    """

    def decode_bytes(self, value: bytes) -> Any:
        """Decode the body to the struct.

        Raises:
            RequestRejected: the body or its media type is not JSON.
            InvalidInput: the JSON does not match the struct.
        """
        media_type = self.asgi_connection.headers.get("content-type", "")
        if media_type.partition(";")[0].strip().lower() != "application/json":
            raise RequestRejected(415)
        field = self.asgi_connection.route_handler.parsed_data_field
        try:
            return _decoder(field.annotation).decode(value)
        except msgspec.ValidationError as error:
            raise InvalidInput(decoding_error(error, field.annotation)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RequestRejected(400, "The body is not JSON.") from error

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        """Nothing to prepare: the decoder needs only the struct."""

    @classmethod
    def create_openapi_schema(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,  # noqa: ARG003 - the base class's signature
        schema_creator: Any,
    ) -> Reference | Schema:
        """The schema of the struct."""
        schema: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return schema

    @classmethod
    def generate_field_definitions(
        cls, model_type: type[Any]
    ) -> Generator[Any, None, None]:  # pragma: no cover - abstract, never called
        raise NotImplementedError

    @classmethod
    def detect_nested_field(
        cls, field_definition: FieldDefinition
    ) -> bool:  # pragma: no cover - abstract, never called
        raise NotImplementedError


@cache
def _decoder(struct: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(struct)


def sent_fields(patch: msgspec.Struct) -> dict[str, Any]:
    """The members of a PATCH body that were sent."""
    members = ((name, getattr(patch, name)) for name in patch.__struct_fields__)
    return {name: value for name, value in members if value is not msgspec.UNSET}
