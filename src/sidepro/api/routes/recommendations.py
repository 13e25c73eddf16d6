"""Projects that the caller may like."""

from typing import Annotated

import msgspec
from litestar import Router, get
from litestar.params import Parameter

from sidepro.api.dependencies import (
    ApiRequest,
    GivenServices,
    caller_of,
)
from sidepro.api.query_parameters import reject_null
from sidepro.api.schemas import (
    Moment,
    ProjectCard,
    UserSummary,
    moment,
    project_card,
    user_summary,
)
from sidepro.domain.recommendations import views


class Recommendation(msgspec.Struct):
    """A project and why it is recommended: with `similar-skills`, whose it is, how similar that
    person is (0.1 to 1) and which skills the two share.
    """

    project: ProjectCard
    basis: views.Basis
    score: float | None
    similar_user: UserSummary | None
    shared_skills: list[str]


class Recommendations(msgspec.Struct):
    """What is recommended, and when the similarities were computed (null: not yet)."""

    items: list[Recommendation]
    computed_at: Moment | None


def _recommendation(view: views.Recommendation) -> Recommendation:
    similar = view.basis is views.Basis.SIMILAR_SKILLS
    return Recommendation(
        project=project_card(view.project),
        basis=view.basis,
        score=view.score,
        similar_user=user_summary(view.project.author) if similar else None,
        shared_skills=list(view.shared_skills),
    )


@get("/recommendations", summary="Projects by people whose skills are like mine")
async def recommendations(
    request: ApiRequest,
    services: GivenServices,
    limit: Annotated[int, Parameter(ge=1, le=20, description="How many, 1 to 20.")] = 3,
    seed: Annotated[
        int | None, Parameter(description="The same seed draws the same projects.")
    ] = None,
) -> Recommendations:
    """Drawn by similarity, so that another call shows others; then popular ones."""
    reject_null(request, "seed")
    found = await services.recommendations.recommend(caller_of(request), limit, seed)
    return Recommendations(
        items=[_recommendation(item) for item in found.items],
        computed_at=None if found.computed_at is None else moment(found.computed_at),
    )


router = Router("/", route_handlers=[recommendations], tags=["Recommendations"])
