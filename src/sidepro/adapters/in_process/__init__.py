"""Adapters for a single process, the embedded default, named as in `redis`."""
