"""The benchmarks are scripts in a folder of their own; their shared package is imported from there."""

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "benchmarks"
sys.path.insert(0, str(FOLDER))


@pytest.fixture(scope="session")
def benchmarks() -> Path:
    """The folder of the benchmarks."""
    return FOLDER
