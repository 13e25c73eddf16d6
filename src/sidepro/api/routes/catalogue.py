"""The catalogue of skills, regions and meeting times."""

import hashlib
from functools import lru_cache
from typing import Annotated

import msgspec
from litestar import Response, Router, get
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, Parameter

from sidepro.api.auth import PUBLIC
from sidepro.api.dependencies import ApiRequest
from sidepro.api.schemas import Count
from sidepro.domain.catalogue import catalogue as domain
from sidepro.http.headers.etags import matches
from sidepro.http.services import InjectedServices


class Catalogue(msgspec.Struct):
    """The values of skills, regions and meeting times, in display order."""

    skills: list[str]
    regions: list[str]
    meet_times: list[str]
    skill_counts: Annotated[
        dict[str, Count] | msgspec.UnsetType,
        msgspec.Meta(description="Number of projects with each skill. Only with `counts=true`."),
    ] = msgspec.UNSET


@get(
    "/catalogue",
    opt=PUBLIC,
    response_headers=[
        ResponseHeader(
            "ETag", documentation_only=True, description="The version of the catalogue."
        )
    ],
    responses={304: ResponseSpec(None, description="The catalogue has not changed.")},
    summary="List skills, regions and meeting times",
)
async def get_catalogue(
    request: ApiRequest,
    services: InjectedServices,
    counts: Annotated[
        bool, Parameter(description="Whether to count the projects of each skill.")
    ] = False,
    _if_none_match: Annotated[
        str | None,
        HeaderParameter(name="If-None-Match", description="The `ETag` of a cached response."),
    ] = None,
) -> Response[Catalogue | None]:
    """The catalogue changes rarely: use `If-None-Match`."""
    body, digest = _with_digest(await services.catalogue.current())
    if counts:
        skill_counts = dict(await services.catalogue.skill_counts())
        body = msgspec.structs.replace(body, skill_counts=skill_counts)
        digest = _digest(body)
    headers = {"ETag": f'"{digest}"', "Cache-Control": "public, max-age=60"}
    if matches(digest, request.headers.getall("If-None-Match", [])):
        return Response(None, status_code=304, headers=headers)
    return Response(body, headers=headers)


@lru_cache(maxsize=1)
def _with_digest(current: domain.Catalogue) -> tuple[Catalogue, str]:
    """The catalogue without counts, and its digest, kept until another one is current."""
    body = Catalogue(list(current.skills), list(current.regions), list(current.meet_times))
    return body, _digest(body)


def _digest(body: Catalogue) -> str:
    return hashlib.sha256(msgspec.json.encode(body)).hexdigest()[:32]


router = Router("/", route_handlers=[get_catalogue], tags=["Catalogue"])
