"""What a person sees and does about their own account, a module for each group of screens."""

from litestar import Router

from sidepro.web.routes.me import account, contact, images, overview, profile, sessions

router = Router(
    "/me",
    route_handlers=[
        account.router,
        contact.router,
        images.router,
        overview.router,
        profile.router,
        sessions.router,
    ],
)
