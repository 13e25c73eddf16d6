"""Errors of one field: stable codes with parameters, and details in plain English."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class FieldCode(StrEnum):
    """The codes of field errors. Clients may rely on them, so they are never renamed."""

    BAD_CHARACTERS = "bad-characters"
    BAD_FORMAT = "bad-format"
    BAD_IMAGE = "bad-image"
    BLANK = "blank"
    COMMON = "common"
    CONFLICTING = "conflicting"
    DOES_NOT_FIT = "does-not-fit"
    MISSING = "missing"
    MIXED_SCRIPTS = "mixed-scripts"
    NOT_AN_EMAIL = "not-an-email"
    NOT_A_URL = "not-a-url"
    NOT_A_CHOICE = "not-a-choice"
    NOT_A_TIME_ZONE = "not-a-time-zone"
    NOT_IN_CATALOGUE = "not-in-catalogue"
    NOT_ONE_LINE = "not-one-line"
    NOT_VALID = "not-valid"
    NOT_YOURS = "not-yours"
    OUT_OF_RANGE = "out-of-range"
    OVER_QUOTA = "over-quota"
    PERSONAL = "personal"
    PREDICTABLE = "predictable"
    REPEATED = "repeated"
    RESERVED = "reserved"
    TOO_FEW = "too-few"
    TOO_LARGE = "too-large"
    TOO_LONG = "too-long"
    TOO_MANY = "too-many"
    TOO_MANY_MARKS = "too-many-marks"
    TOO_MANY_PIXELS = "too-many-pixels"
    TOO_SHORT = "too-short"
    TOO_SMALL = "too-small"
    UNKNOWN_FIELD = "unknown-field"
    UNKNOWN_PARAMETER = "unknown-parameter"
    WRONG = "wrong"
    WRONG_TYPE = "wrong-type"
    YOUR_OWN = "your-own"
    YOURSELF = "yourself"


Parameters = Mapping[str, int | str | list[str]]


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule.

    `detail` continues a sentence that begins with the field: `must not be blank`. `params` are
    the numbers and words in it, for clients that speak another language.
    """

    code: FieldCode
    detail: str
    params: Parameters = field(default_factory=dict)


BLANK = Violation(FieldCode.BLANK, "must not be blank")
DAYS_MISSING = Violation(FieldCode.MISSING, "must be given for a suspension")
DAYS_WITHOUT_SUSPENSION = Violation(FieldCode.CONFLICTING, "can only be given for a suspension")
DOES_NOT_FIT = Violation(FieldCode.DOES_NOT_FIT, "does not fit what was reported")
GIVEN_TWICE = Violation(FieldCode.REPEATED, "is given twice")
LISTED_TWICE = Violation(FieldCode.REPEATED, "is listed twice")
MISSING = Violation(FieldCode.MISSING, "is missing")
NOT_AN_EMAIL = Violation(FieldCode.NOT_AN_EMAIL, "is not an email address")
NOT_A_TIME_ZONE = Violation(
    FieldCode.NOT_A_TIME_ZONE, "must be the IANA name of a time zone, such as Asia/Seoul"
)
NOT_A_URL = Violation(FieldCode.NOT_A_URL, "must be an http or https address")
NOT_IN_CATALOGUE = Violation(FieldCode.NOT_IN_CATALOGUE, "is not in the catalogue")
NOT_ONE_LINE = Violation(FieldCode.NOT_ONE_LINE, "must be one line without control characters")
NOT_YOUR_IMAGE = Violation(FieldCode.NOT_YOURS, "is not one of your images")
UNKNOWN_FIELD = Violation(FieldCode.UNKNOWN_FIELD, "is not a known member")
UNKNOWN_PARAMETER = Violation(FieldCode.UNKNOWN_PARAMETER, "is not a known parameter")
UNSTORABLE = Violation(FieldCode.BAD_CHARACTERS, "must not contain NUL or unpaired surrogates")
WRONG = Violation(FieldCode.WRONG, "is wrong")
NOT_VALID = Violation(FieldCode.NOT_VALID, "is not valid")
OVER_QUOTA = Violation(FieldCode.OVER_QUOTA, "would exceed your image quota")
YOUR_OWN = Violation(FieldCode.YOUR_OWN, "is about yourself or your own content")
YOURSELF = Violation(FieldCode.YOURSELF, "must be somebody else")


def wrong_length(
    length: int, minimum: int, maximum: int, unit: str = "characters"
) -> Violation | None:
    """Why a length is out of bounds, or `None`."""
    if minimum <= length <= maximum:
        return None
    detail = f"must have {f'{minimum} to' if minimum else 'at most'} {maximum:,} {unit}"
    counts = unit == "items"
    if length < minimum:
        code = FieldCode.TOO_FEW if counts else FieldCode.TOO_SHORT
        return Violation(code, detail, {"min": minimum})
    code = FieldCode.TOO_MANY if counts else FieldCode.TOO_LONG
    return Violation(code, detail, {"max": maximum})


def out_of_range(value: int, minimum: int, maximum: int) -> Violation:
    """`value` is below the minimum or above the maximum."""
    detail = f"must be {minimum} to {maximum}"
    if value < minimum:
        return Violation(FieldCode.TOO_SMALL, detail, {"min": minimum})
    return Violation(FieldCode.TOO_LARGE, detail, {"max": maximum})


def too_many_marks(maximum: int) -> Violation:
    detail = f"must not have more than {maximum} marks on one letter"
    return Violation(FieldCode.TOO_MANY_MARKS, detail, {"max": maximum})


def wrong_type(expected: str) -> Violation:
    """`expected` is a noun with its article: `an integer`."""
    return Violation(FieldCode.WRONG_TYPE, f"must be {expected}", {"expected": expected})
