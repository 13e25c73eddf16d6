"""The server: uvicorn with our bounds, and the supervisor of several workers."""
