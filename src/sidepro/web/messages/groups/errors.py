"""Texts about errors: whole pages, errors of a form, and errors of a field."""

from collections.abc import Mapping
from dataclasses import dataclass

from sidepro.domain.violations import FieldCode
from sidepro.web.texts import Text


@dataclass(frozen=True, slots=True)
class ErrorTexts:
    pages: Mapping[int, tuple[str, str]]
    """Title and explanation of a page, by its status."""
    home: str
    retry: str
    your_text: str
    """The label of a text that was not stored."""
    file_not_kept: str
    """What was posted is not lost, but its file is."""
    request_id: str
    retry_after: Mapping[str, Text]
    """After `count` of a unit: seconds, minutes, hours or days."""
    fields: Mapping[FieldCode, Text]
    """With the parameters of the code as placeholders."""
    problems: Mapping[str, str]
    """Errors of a whole form, by the code of the domain's error."""
