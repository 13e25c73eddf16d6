"""Fixtures of the adapters' tests."""

from __future__ import annotations

import logging
from io import StringIO
from typing import TYPE_CHECKING

import pytest
import structlog

from sidepro.adapters import logs
from sidepro.adapters.images.codec import PillowCodec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="module")
async def codec() -> AsyncIterator[PillowCodec]:
    made = PillowCodec(4_000_000)
    yield made
    made.close()


@pytest.fixture
def log_text(log_format: str) -> Iterator[StringIO]:
    """What is logged in a format. The test's parameter `log_format` names it."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in logs.QUIET}
    logs.set_up(log_format)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    stream = StringIO()
    handler.setStream(stream)
    yield stream
    structlog.configure(**before)
    root.handlers, root.level = handlers, level
    for name, its_level in levels.items():
        logging.getLogger(name).setLevel(its_level)
