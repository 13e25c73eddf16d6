"""Consent to coffee chats: requests, who may ask, and blocks."""

from litestar import Router

from sidepro.web.routes.consent import blocks, requests

router = Router("/", route_handlers=[requests.router, blocks.router])
