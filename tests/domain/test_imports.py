"""The domain imports the standard library and itself: no other package, no other layer."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src"
FOREIGN = {"advanced_alchemy", "litestar", "msgspec", "numpy", "polars", "redis", "sqlalchemy"}
PLUGINS = ("anyio", "cov", "timeout", "xdist")
ARGUMENTS = [
    *("tests/domain", "--collect-only", "--quiet", "--no-header"),
    *(option for plugin in PLUGINS for option in ("-p", f"no:{plugin}")),
]
MODULES = sorted((ROOT / "sidepro" / "domain").rglob("*.py"))


def imported(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            names.add(node.module or "")
    return names


def is_allowed(name: str) -> bool:
    if name.partition(".")[0] in sys.stdlib_module_names:
        return True
    return f"{name}.".startswith("sidepro.domain.")


def test_there_is_a_domain() -> None:
    assert MODULES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_the_standard_library_alone(path: Path) -> None:
    foreign = {name for name in imported(path.read_text("utf-8")) if not is_allowed(name)}
    assert not foreign


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
        cwd=ROOT.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
