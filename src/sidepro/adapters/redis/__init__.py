"""Adapters that share state between processes over Redis, named as in `in_process`.

Each docstring says what the adapter does while Redis is down.
"""
