"""The domain's tests run on a machine without the project's dependencies."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOREIGN = {"advanced_alchemy", "litestar", "msgspec", "numpy", "polars", "redis", "sqlalchemy"}
PLUGINS = ("anyio", "cov", "timeout", "xdist")
ARGUMENTS = [
    *("tests/domain", "--collect-only", "--quiet", "--no-header"),
    *(option for plugin in PLUGINS for option in ("-p", f"no:{plugin}")),
]


def test_the_domain_tests_need_only_pytest_and_hypothesis() -> None:
    """Loads them in a process where no other package can be imported."""
    program = f"""
import sys
class OnlyTheseTwo:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FOREIGN!r}:
            raise ImportError(name + " is not for the domain")
sys.meta_path.insert(0, OnlyTheseTwo())
import pytest
sys.exit(pytest.main({ARGUMENTS!r}))
"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
