"""Whatever asks for far too much is refused before it takes memory or time: less than 50 MB, next to no time.

The blow-ups run in a process that forks for each of them; the kernel says what each one added.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="the kernel does not tell what a process took")

from fuzz.blowups import BLOWUPS, NEARLY, Cost

MOST_MEMORY_MB = 50
MOST_PROCESSOR_S = 5
"""Generous: each takes a few hundredths of a second, on a machine that does nothing else."""


@pytest.fixture(scope="module")
def costs() -> dict[str, Cost]:
    """What every blow-up came to."""
    ended = subprocess.run(
        [sys.executable, "-m", "fuzz.blowups"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return {name: Cost(**cost) for name, cost in json.loads(ended.stdout).items()}


@pytest.mark.parametrize("name", BLOWUPS)
def test_a_blow_up_ends_at_a_limit_and_takes_little(name: str, costs: dict[str, Cost]) -> None:
    assert costs[name].outcome == "limit"
    assert costs[name].memory_mb < MOST_MEMORY_MB
    assert costs[name].processor_s < MOST_PROCESSOR_S


@pytest.mark.parametrize("name", NEARLY)
def test_what_is_just_allowed_takes_little_too(name: str, costs: dict[str, Cost]) -> None:
    assert costs[name].outcome == "given"
    assert costs[name].memory_mb < MOST_MEMORY_MB
    assert costs[name].processor_s < MOST_PROCESSOR_S


def test_what_does_take_much_would_be_seen(costs: dict[str, Cost]) -> None:
    assert costs["planted"].memory_mb >= 79
