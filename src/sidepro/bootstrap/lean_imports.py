"""Imports two libraries without packages that they need only for what SidePro does not use.

Import this module before any other that imports litestar or taskiq. It saves 35 MB in each
process, and the image for web processes lacks the packages.
"""

import sys
from types import ModuleType
from typing import Any, cast

_modules = cast("dict[str, Any]", sys.modules)


def _import_advanced_alchemy_without_numpy() -> None:
    """It would import NumPy for columns of arrays. Only the similarity job needs NumPy."""
    if "numpy" in _modules or "advanced_alchemy" in _modules:
        return
    _modules["numpy"] = None  # as if it were not installed
    try:
        import advanced_alchemy.types  # noqa: F401, PLC0415 - see above
    finally:
        del _modules["numpy"]


def _import_taskiq_without_aiohttp() -> None:
    """It imports aiohttp for a middleware that reports to taskiq's own administration."""
    if "aiohttp" in _modules or "taskiq" in _modules:
        return
    stand_in = ModuleType("aiohttp")
    stand_in.__dict__.update(ClientSession=object, ClientTimeout=object)
    _modules["aiohttp"] = stand_in
    try:
        import taskiq  # noqa: F401, PLC0415 - see above
    finally:
        del _modules["aiohttp"]


_import_advanced_alchemy_without_numpy()
_import_taskiq_without_aiohttp()
