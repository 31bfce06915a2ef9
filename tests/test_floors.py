"""Each package imports only what stands below it, and a plain import touches only the core."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BELOW = {
    "minigrad": set(),
    "maze": set(),
    "layers": {"minigrad"},
    "tasks": {"layers", "minigrad", "maze"},
    "tutorials": {"tasks", "layers", "minigrad", "maze"},
}
OURS = set(BELOW) | {"tests"}


def _imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", sorted(BELOW))
def test_a_package_imports_only_what_stands_below_it(package):
    for path in (ROOT / package).rglob("*.py"):
        imported = _imports(ast.parse(path.read_text(encoding="utf-8"))) & OURS
        forbidden = imported - BELOW[package] - {package}
        assert not forbidden, f"{path.relative_to(ROOT)} imports {sorted(forbidden)}"


def _loaded_by(statement: str) -> set[str]:
    out = subprocess.run(
        [sys.executable, "-c", f"import sys; {statement}; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in out.stdout.split()}


@pytest.mark.parametrize("package", ["minigrad", "layers", "tasks"])
def test_a_plain_import_touches_only_the_core(package):
    # Numba itself looks for SciPy, where it is installed.
    beyond = _loaded_by(f"import {package}") - _loaded_by("import numba, threadpoolctl, tqdm")
    assert not beyond & {
        "matplotlib",
        "scipy",
        "torch",
        "pytest",
        "hypothesis",
        "gymnasium",
        "IPython",
    }
