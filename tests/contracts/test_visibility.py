"""A project that a viewer may not see is missing in all that is read for them."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sidepro.domain.projects.ports import BoardReader
from sidepro.domain.projects.project import Project
from sidepro.domain.recommendations.ports import RecommendationReader
from tests.contracts.visibility import STRANGER, VIEWER, fill, rule, seen
from tests.fakes.readers import MemoryReader
from tests.fakes.store import MemoryStore

if TYPE_CHECKING:
    from sidepro.domain.catalogue.catalogue import Catalogue
    from tests.databases import Databases

pytestmark = pytest.mark.anyio


def check(to_viewer: dict[str, list[int]], to_stranger: dict[str, list[int]]) -> None:
    methods = {
        name
        for port in (BoardReader, RecommendationReader)
        for name, method in inspect.getmembers(port, inspect.isfunction)
        if "viewer" in inspect.signature(method).parameters
    }
    assert to_viewer.keys() == methods
    assert [name for name, sizes in to_viewer.items() if set(sizes) != {1}] == []
    assert [name for name, sizes in to_stranger.items() if any(sizes)] == []


async def test_one_rule_hides_a_project_in_memory(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Project, "is_visible_to", rule)
    store = MemoryStore(catalogue)
    await fill(store.unit_of_work)
    reader = MemoryReader(store)
    check(*[await seen(reader, reader, viewer) for viewer in (VIEWER, STRANGER)])


def test_one_predicate_hides_a_project_in_sql(sqlite_databases: Databases) -> None:
    with sqlite_databases.fresh() as address:
        found = subprocess.run(
            [sys.executable, "-m", "tests.contracts.visibility", address],
            check=True,
            capture_output=True,
        )
    check(*json.loads(found.stdout))
