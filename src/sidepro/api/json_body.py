"""Request bodies: decoded strictly, in one step from bytes to the struct that a route names."""

from collections.abc import Generator
from functools import cache
from typing import Any, TypeVar

import msgspec
from litestar.dto import AbstractDTO
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from sidepro.api.validation_errors import decoding_error
from sidepro.domain.errors import InvalidInput
from sidepro.http.problems import RequestRejected

T = TypeVar("T")


class StrictJson(AbstractDTO[Any]):
    """Decodes the body of every route with msgspec, in its strict mode.

    Litestar alone would decode leniently (`"null"` for `null`, `"7"` for `7`), first to plain
    objects and then to structs.
    """

    def decode_bytes(self, value: bytes) -> Any:
        """The struct.

        Raises:
            RequestRejected: the body or its media type is not JSON.
            InvalidInput: it is JSON and does not fit.
        """
        media_type = self.asgi_connection.headers.get("content-type", "")
        if media_type.partition(";")[0].strip().lower() != "application/json":
            raise RequestRejected(415)
        field = self.asgi_connection.route_handler.parsed_data_field
        try:
            return _decoder(field.annotation).decode(value)
        except msgspec.ValidationError as error:
            raise InvalidInput(decoding_error(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RequestRejected(400, "The body is not JSON.") from error

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        """Nothing to prepare: the decoder is made of the struct itself."""

    @classmethod
    def create_openapi_schema(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,  # noqa: ARG003 - the base class has it
        schema_creator: Any,
    ) -> Reference | Schema:
        """The schema of the struct."""
        schema: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return schema

    @classmethod
    def generate_field_definitions(
        cls, model_type: type[Any]
    ) -> Generator[Any, None, None]:  # pragma: no cover - abstract, and never asked for
        raise NotImplementedError

    @classmethod
    def detect_nested_field(
        cls, field_definition: FieldDefinition
    ) -> bool:  # pragma: no cover - abstract, and never asked for
        raise NotImplementedError


@cache
def _decoder(struct: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(struct)


def sent_fields(edits: msgspec.Struct) -> dict[str, Any]:
    """The members of a partial edit that were sent."""
    members = ((name, getattr(edits, name)) for name in edits.__struct_fields__)
    return {name: value for name, value in members if value is not msgspec.UNSET}
