"""Validation errors of msgspec and Litestar as field errors with plain English details.

Messages contain names and values of the client, up to a mebibyte: all parsing is linear.
"""

import enum
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar.exceptions import ValidationException
from litestar.typing import FieldDefinition

from sidepro.domain.errors import FieldError

_TYPES = {
    "array": "an array",
    "bool": "true or false",
    "float": "a number",
    "int": "an integer",
    "null": "null",
    "object": "an object",
    "str": "a string",
    "uuid": "a UUID",
}
_UNITS = {"array": "item", "object": "member", "str": "character"}
_MEMBER_ERRORS = {
    "Object missing required field `": "is missing",
    "Object contains unknown field `": "is not a known member",
}
_INVALID = {
    "Invalid UUID": "must be a UUID",
    "Number out of range": "is out of range",
    "Integer value out of range": "is out of range",
}


def decoding_error(error: msgspec.ValidationError) -> FieldError:
    """The error of a JSON body, with msgspec's path (`$.skills[1]`) as a JSON pointer."""
    message, separator, path = str(error).rpartition(" - at `$")
    if not separator:
        message, path = path, ""
    steps = re.findall(r"[^.\[\]`]+", path)
    for prefix, detail in _MEMBER_ERRORS.items():
        if message.startswith(prefix):
            name = message.removeprefix(prefix).removesuffix("`")
            steps.append(name.replace("~", "~0").replace("/", "~1"))
            return FieldError(detail, pointer="".join(f"/{step}" for step in steps))
    return FieldError(_detail(message), pointer="".join(f"/{step}" for step in steps))


def parameter_errors(
    error: ValidationException, parameters: Mapping[str, FieldDefinition]
) -> tuple[FieldError, ...]:
    """The errors of query parameters; `parameters` are those of the route's handler."""
    errors = []
    for entry in error.extra if isinstance(error.extra, list) else ():
        name = re.split(r"[.\[]", str(entry.get("key", "")), maxsplit=1)[0]
        if name == "data":
            errors.append(FieldError("requires a JSON body", pointer=""))
            continue
        # An optional parameter is omitted, never null.
        detail = _detail(str(entry.get("message", ""))).removesuffix(" or null")
        choices = _choices(parameters[name].annotation) if name in parameters else []
        if choices:
            detail = f"must be {', '.join(choices[:-1])} or {choices[-1]}"
        errors.append(FieldError(detail, parameter=name))
    return tuple(errors)


def _choices(annotation: Any) -> list[str]:
    """The values of a Literal or an enumeration."""
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return [str(member.value) for member in annotation]
    return [str(value) for value in getattr(annotation, "__args__", ()) if isinstance(value, str)]


def _detail(message: str) -> str:
    """Msgspec's message as the predicate of a sentence about the field."""
    if message.startswith("Expected `"):
        types, _, constraint = message.removeprefix("Expected `").partition("`")
        names = types.split(" | ")
        nouns = " or ".join(_TYPES.get(name, "valid") for name in names)
        return f"must be {nouns}{_constraint(constraint, _UNITS.get(names[0], ''))}"
    if message.startswith(("Invalid enum value", "Invalid value")):
        return "is not one of the allowed values"
    return _INVALID.get(message, "is not valid")


def _constraint(text: str, unit: str) -> str:
    match text.split():
        case [">=", number]:
            return f" of at least {number}"
        case ["<=", number]:
            return f" of at most {number}"
        case ["of", "length", ">=", number]:
            return f" of at least {_counted(number, unit)}"
        case ["of", "length", "<=", number]:
            return f" of at most {_counted(number, unit)}"
        case ["of", "length", number]:
            return f" of {_counted(number, unit)}"
        case ["that's", "a", "multiple", "of", number]:
            return f" that is a multiple of {number}"
        case ["matching", *_]:
            return " of the documented format"
        case _:
            return ""


def _counted(number: str, unit: str) -> str:
    return f"{number} {unit}" if number == "1" else f"{number} {unit}s"
