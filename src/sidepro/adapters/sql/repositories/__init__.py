"""Repositories: what changes stored state."""
