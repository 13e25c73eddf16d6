"""Reporting, and the pages of moderators."""

from litestar import Router

from sidepro.web.routes.moderation import cases, reports

router = Router("/", route_handlers=[reports.router, cases.router])
