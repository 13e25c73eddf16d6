"""Entities and values cannot be changed once they are built."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import is_dataclass

from sidepro import domain

IN_PROGRESS = {"PendingMessage"}
"""Work, and no values: a pending message lets go of its sender's future."""


def values() -> Iterator[type]:
    """Every dataclass of the domain."""
    for module in pkgutil.walk_packages(domain.__path__, f"{domain.__name__}."):
        for thing in vars(importlib.import_module(module.name)).values():
            if is_dataclass(thing) and isinstance(thing, type) and thing.__module__ == module.name:
                yield thing


def test_values_are_frozen_and_slotted() -> None:
    found = list(values())
    assert len(found) > 20
    mutable = [kind for kind in found if not vars(kind)["__dataclass_params__"].frozen]
    assert {kind.__name__ for kind in mutable} <= IN_PROGRESS
    assert not [kind for kind in found if "__slots__" not in vars(kind)]
