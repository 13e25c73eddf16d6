"""Validation errors of msgspec and Litestar as field errors with plain English details.

Messages contain names and values of the client, up to a mebibyte, so all parsing is linear.
"""

import enum
import re
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec
from litestar.exceptions import ValidationException
from litestar.typing import FieldDefinition

from sidepro.domain.errors import FieldError
from sidepro.domain.violations import MISSING, UNKNOWN_FIELD, FieldCode, Violation, wrong_type

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
    "Object missing required field `": MISSING,
    "Object contains unknown field `": UNKNOWN_FIELD,
}
_NO_BODY = Violation(FieldCode.MISSING, "requires a JSON body")
_NOT_VALID = Violation(FieldCode.NOT_VALID, "is not valid")
_OUT_OF_RANGE = Violation(FieldCode.OUT_OF_RANGE, "is out of range")
_INVALID = {
    "Invalid UUID": wrong_type("a UUID"),
    "Number out of range": _OUT_OF_RANGE,
    "Integer value out of range": _OUT_OF_RANGE,
}


def decoding_error(error: msgspec.ValidationError, struct: Any) -> FieldError:
    """The error of a JSON text, with msgspec's path (`$.skills[1]`) as a JSON pointer.

    `struct` is the type of the decoder: a struct, or a union of structs with tags.
    """
    message, separator, path = str(error).rpartition(" - at `$")
    if not separator:
        message, path = path, ""
    steps = re.findall(r"[^.\[\]`]+", path)
    for prefix, violation in _MEMBER_ERRORS.items():
        if message.startswith(prefix):
            name = message.removeprefix(prefix).removesuffix("`")
            steps.append(escaped(name))
            return FieldError(violation, pointer="".join(f"/{step}" for step in steps))
    choices = _choices_of_member(struct, steps) if message.startswith("Invalid") else []
    violation = _not_a_choice(choices) if choices else _violation(message)
    return FieldError(violation, pointer="".join(f"/{step}" for step in steps))


def escaped(member: str) -> str:
    """A member's name in a JSON pointer (RFC 6901)."""
    return member.replace("~", "~0").replace("/", "~1")


def parameter_errors(
    error: ValidationException, parameters: Mapping[str, FieldDefinition]
) -> tuple[FieldError, ...]:
    """The errors of query parameters. `parameters` are those of the route's handler."""
    errors = []
    for entry in error.extra if isinstance(error.extra, list) else ():
        name = re.split(r"[.\[]", str(entry.get("key", "")), maxsplit=1)[0]
        if name == "data":
            errors.append(FieldError(_NO_BODY, pointer=""))
            continue
        # An optional parameter is omitted, never null.
        violation = _violation(str(entry.get("message", "")).replace(" | null`", "`"))
        field = parameters.get(name)
        choices = _choices(field.annotation) if field else []
        if choices:
            violation = _not_a_choice(choices)
        errors.append(FieldError(violation, parameter=parameter_name(field) if field else name))
    return tuple(errors)


def parameter_name(field: FieldDefinition) -> str:
    """The name of a parameter in queries. Litestar reserves some names in handlers."""
    return str(getattr(field.kwarg_definition, "name", None) or field.name)


def _not_a_choice(choices: list[str]) -> Violation:
    options = " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))
    return Violation(FieldCode.NOT_A_CHOICE, f"must be {options}", {"choices": choices})


def _choices_of_member(struct: Any, steps: list[str]) -> list[str]:
    """The values of a member with few: of an enumeration, or the tags of a union of structs."""
    if len(steps) != 1:
        return []
    structs = [
        one for one in (get_args(struct) or [struct]) if msgspec.inspect.is_struct_type(one)
    ]
    configs = [one.__struct_config__ for one in structs]
    if [config.tag_field for config in configs].count(steps[0]) == len(configs) > 1:
        return [str(config.tag) for config in configs]
    fields = (field for one in structs for field in msgspec.structs.fields(one))
    return next((_choices(field.type) for field in fields if field.encode_name == steps[0]), [])


def _choices(annotation: Any) -> list[str]:
    """The values of a Literal or an enumeration, which may be optional."""
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return [str(member.value) for member in annotation]
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    return [choice for option in get_args(annotation) for choice in _choices(option)]


def _violation(message: str) -> Violation:
    """The violation for a message of msgspec."""
    if message.startswith("Expected `"):
        types, _, constraint = message.removeprefix("Expected `").partition("`")
        names = types.split(" | ")
        nouns = " or ".join(_TYPES.get(name, "valid") for name in names)
        unit = _UNITS.get(names[0], "")
        bound = _constraint(constraint, unit)
        if not bound:
            return wrong_type(nouns)
        code, params = _broken_bound(constraint, unit)
        return Violation(code, f"must be {nouns}{bound}", params)
    if message.startswith(("Invalid enum value", "Invalid value")):
        return Violation(FieldCode.NOT_A_CHOICE, "is not one of the allowed values")
    return _INVALID.get(message, _NOT_VALID)


def _broken_bound(text: str, unit: str) -> tuple[FieldCode, dict[str, int | str | list[str]]]:
    is_length = "length" in text
    few, many = (
        (FieldCode.TOO_FEW, FieldCode.TOO_MANY)
        if unit == "item"
        else (FieldCode.TOO_SHORT, FieldCode.TOO_LONG)
    )
    match text.split():
        case [*_, ">=", number]:
            return (few if is_length else FieldCode.TOO_SMALL), {"min": int(number)}
        case [*_, "<=", number]:
            return (many if is_length else FieldCode.TOO_LARGE), {"max": int(number)}
        case _:
            return FieldCode.BAD_FORMAT, {}


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
