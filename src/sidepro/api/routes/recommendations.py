"""Recommended projects."""

from typing import Annotated

import msgspec
from litestar import Router, get
from litestar.params import Parameter

from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.api.query_parameters import reject_null
from sidepro.api.schemas import (
    Moment,
    ProjectCard,
    UserSummary,
    project_card,
    user_summary,
)
from sidepro.domain.recommendations import views
from sidepro.http.services import InjectedServices
from sidepro.http.timestamps import moment


class Recommendation(msgspec.Struct):
    """A project and the reason for its recommendation.

    With basis `similar-skills`: its author, their similarity to the caller (0.1 to 1), and the
    skills that both have.
    """

    project: ProjectCard
    basis: views.Basis
    score: Annotated[float, msgspec.Meta(ge=0, le=1)] | None
    similar_user: UserSummary | None
    shared_skills: list[str]


class Recommendations(msgspec.Struct):
    """Recommended projects, and when similarities were last computed (null: never)."""

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


@get("/recommendations", summary="List projects by users with similar skills")
async def list_recommendations(
    request: ApiRequest,
    services: InjectedServices,
    limit: Annotated[
        int, Parameter(ge=1, le=20, description="Maximum number of items, 1 to 20.")
    ] = 3,
    seed: Annotated[
        int | None, Parameter(description="The same seed gives the same projects.")
    ] = None,
) -> Recommendations:
    """Samples projects by similarity, so each call differs. Popular projects fill up the list."""
    reject_null(request, "seed")
    recommended = await services.recommendations.recommend(caller_of(request), limit, seed)
    return Recommendations(
        items=[_recommendation(item) for item in recommended.items],
        computed_at=None if recommended.computed_at is None else moment(recommended.computed_at),
    )


router = Router("/", route_handlers=[list_recommendations], tags=["Recommendations"])
