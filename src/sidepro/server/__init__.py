"""uvicorn's server with our timeouts, and the supervisor of several workers."""
