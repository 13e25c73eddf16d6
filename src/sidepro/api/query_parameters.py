"""Validation of query parameters that Litestar does not do."""

from sidepro.api.dependencies import ApiRequest
from sidepro.domain.validation import Validator


def reject_null(request: ApiRequest, *names: str) -> None:
    """Reject the text `null` for optional parameters that are not texts.

    Litestar would take it for an omitted parameter.

    Raises:
        InvalidInput: one of them is `null`.
    """
    validator = Validator(parameters=True)
    for name in names:
        if any(value.lower() == "null" for value in request.query_params.getall(name, [])):
            validator.add("must have a value or be omitted", name)
    validator.raise_errors()
