"""Checks of query parameters that Litestar does not make."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

from litestar import Litestar
from litestar._parsers import parse_query_string
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import Scope

from sidepro.api.dependencies import ApiRequest
from sidepro.domain.validation import Validator
from sidepro.domain.violations import GIVEN_TWICE, UNKNOWN_PARAMETER, FieldCode, Violation

QueryPairs = Sequence[tuple[str, str]]
"""Names and values, in the order of the query."""


def query_parameter_check() -> Callable[[ApiRequest], Awaitable[None]]:
    """A `before_request` hook that rejects unknown and repeated query parameters."""
    known: dict[HTTPRouteHandler, Mapping[str, bool]] = {}

    async def reject_unexpected(request: ApiRequest) -> None:
        if not request.scope["query_string"] or request.route_handler.opt.get("any_query"):
            return
        if not known:
            known.update(_parameters(request.app))
        parameters = known.get(request.route_handler, {})
        reject_unexpected_names(query_pairs(request.scope), parameters)

    return reject_unexpected


def reject_unexpected_names(query: QueryPairs, parameters: Mapping[str, bool]) -> None:
    """Reject names that are unknown, or repeated where one value is meant.

    `parameters` says of each known name whether it may be repeated.

    Raises:
        InvalidInput: a name is unknown or repeated.
    """
    names = [name for name, _ in query]
    distinct = set(names)
    if len(distinct) == len(names) and distinct <= parameters.keys():
        return
    validator = Validator(parameters=True)
    for name, count in sorted(Counter(names).items()):
        if name not in parameters:
            validator.add(UNKNOWN_PARAMETER, name)
        elif count > 1 and not parameters[name]:
            validator.add(GIVEN_TWICE, name)
    validator.raise_errors()


def _parameters(app: Litestar) -> Mapping[HTTPRouteHandler, Mapping[str, bool]]:
    """For each handler, its query parameters and whether each may be repeated."""
    return {
        handler: {each.field_alias: each.is_sequence for each in model.expected_query_params}
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler, model in route.route_handler_map.values()
    }


def query_pairs(scope: Scope) -> QueryPairs:
    """The query of a request. Litestar's `query_params` builds a `MultiDict` at each access."""
    return parse_query_string(scope["query_string"])


def reject_null(request: ApiRequest, *names: str) -> None:
    """Reject the text `null` for optional parameters that are not texts.

    Litestar would treat it as an omitted parameter.

    Raises:
        InvalidInput: one of them is `null`.
    """
    validator = Validator(parameters=True)
    for name in names:
        if any(
            key == name and value.lower() == "null" for key, value in query_pairs(request.scope)
        ):
            validator.add(Violation(FieldCode.MISSING, "must have a value or be omitted"), name)
    validator.raise_errors()
