"""Requests generated from the OpenAPI document; `./just fuzz` generates many more.

At least 300 cases on SQLite. PostgreSQL, and anonymous calls, are in the nightly run.
"""

import pytest

from tests.databases import Databases
from tests.fuzz.http_fuzzer import fuzz


@pytest.mark.slow
def test_generated_requests_fit_the_document(databases: Databases) -> None:
    assert fuzz(databases, 300, 14) >= 300
