"""The domain imports the standard library and itself: no other package, no other layer."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src"
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
