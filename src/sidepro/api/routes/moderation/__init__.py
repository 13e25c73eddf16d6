"""Reports, and what moderators do with them."""

from litestar import Router

from sidepro.api.routes.moderation import cases, reports, roles

router = Router(
    "/", route_handlers=[*reports.HANDLERS, *cases.HANDLERS, *roles.HANDLERS], tags=["Moderation"]
)
