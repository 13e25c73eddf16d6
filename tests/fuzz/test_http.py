"""Requests generated from the OpenAPI document; `./just fuzz` generates many more.

At least 300 cases on each database. Only the recipe makes anonymous calls.
"""

import pytest

from tests.databases import Databases, both_databases
from tests.fuzz.http_fuzzer import fuzz


@both_databases
@pytest.mark.slow
@pytest.mark.timeout(400)  # two minutes on a busy machine
def test_generated_requests_fit_the_document(databases: Databases) -> None:
    assert fuzz(databases, 300, 14) >= 300
