"""What query parameters have in common."""

from sidepro.api.dependencies import ApiRequest
from sidepro.domain.validation import Validator


def reject_null(request: ApiRequest, *names: str) -> None:
    """Refuse the word `null` for these parameters, which may be left out and are no texts:
    Litestar would take it for nothing at all, and answer what was not asked.

    Raises:
        InvalidInput: one of them is `null`.
    """
    rules = Validator(parameters=True)
    for name in names:
        if any(value.lower() == "null" for value in request.query_params.getall(name, [])):
            rules.add("must have a value, or be left out", name)
    rules.raise_errors()
