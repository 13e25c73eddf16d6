"""What both HTTP drivers share: the application, middleware, limits, health, media and metrics."""
