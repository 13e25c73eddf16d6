"""Generated demo data, and the arguments that generated them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from sidepro.adapters.markdown import SafeMarkdown
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.demo.generator import DemoData, Sizes, generate
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.images.urls import ImageUrls

NOW = datetime(2026, 11, 22, 9, 30, 15, 123456, tzinfo=UTC)
SHIPPED = Path(migrations.__file__).parent / "migrations" / "data" / "catalogue_2026_11.json"
ENTRIES = json.loads(SHIPPED.read_text("utf-8"))
CATALOGUE = Catalogue(*(tuple(ENTRIES[name]) for name in ("skills", "regions", "meet_times")))
LARGE = Sizes(400, 1_000, 4_000, 6_000, 100, 20, pictures=0)
NOTHING = Sizes(0, 0, 0, 0, 0, 0, 0)


def generated(sizes: Sizes | None = None, *, seed: int = 1) -> DemoData:
    return generate(sizes or Sizes(), seed, CATALOGUE, NOW, "hash", SafeMarkdown(ImageUrls()))


@cache
def default() -> DemoData:
    return generated()


@cache
def of_another_seed() -> DemoData:
    """As `default`, from another seed."""
    return generated(seed=2)


@cache
def large() -> DemoData:
    """Enough for averages; its Markdown is not rendered."""
    return generate(LARGE, 2, CATALOGUE, NOW, "hash", lambda text: text)


def is_korean(text: str) -> bool:
    return any("가" <= char <= "힣" for char in text)
