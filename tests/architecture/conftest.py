"""The source as syntax trees, by path from the repository's root.

The checkers of this folder take such a mapping, so a test can hand them the real source or a planted one.
"""

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _trees(paths: Iterable[Path]) -> dict[str, ast.Module]:
    return {str(path.relative_to(ROOT)): ast.parse(path.read_bytes(), str(path)) for path in sorted(paths)}


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def core() -> dict[str, ast.Module]:
    """The SDK and the hub."""
    return _trees(ROOT.glob("core/*/revolution_*/**/*.py"))


@pytest.fixture(scope="session")
def product(core: dict[str, ast.Module]) -> dict[str, ast.Module]:
    """The SDK, the hub and every plugin."""
    return core | _trees(ROOT.glob("plugins/*/revolution_*/**/*.py"))


@pytest.fixture(scope="session")
def tests() -> dict[str, ast.Module]:
    """Every test file of the workspace."""
    folders = ("tests", "core/*/tests", "plugins/*/tests")
    return _trees(path for folder in folders for path in ROOT.glob(f"{folder}/**/*.py"))
