"""The HTTP application: middleware, limits, health, media and metrics."""
