"""Repositories: reads and writes inside a unit of work."""
