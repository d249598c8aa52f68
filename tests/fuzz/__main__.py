"""Fuzz the template language: `python -m fuzz --seconds 60`. Ends with 1 on a finding, which it prints.

A third of the time goes to templates drawn from the grammar, the rest to the search that is led by coverage.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from hypothesis import HealthCheck, Phase, given, seed, settings

from fuzz.grammar import SCOPES, broken, templates
from fuzz.oracle import examine
from fuzz.seeds import dictionary, seeds
from revolution_sdk.types import JsonObject

EXAMPLES = 250
MOST_SECONDS_EACH = 20
MOST_MEMORY_MB = 1024

Law: TypeAlias = Callable[[], None]
Drawings: TypeAlias = Callable[[int], Law]


def main() -> int:
    """Run both parts; return what the process ends with."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    wanted: int = parser.parse_args().seconds
    has_atheris = importlib.util.find_spec("atheris") is not None
    if not has_atheris:
        print("atheris is not installed (it is for Linux): only templates drawn from the grammar are tried")
        if os.environ.get("CI") == "true":
            return 1
    drawn = draw_for(wanted / 3 if has_atheris else wanted, (law_of_valid, law_of_broken))
    if drawn is None:
        return 1
    print(f"{drawn:,} templates drawn from the grammar, without a finding", flush=True)
    return search_for(wanted - wanted // 3) if has_atheris else 0


def draw_for(seconds: float, laws: Sequence[Drawings]) -> int | None:
    """Examine drawn templates for so long; return how many, or None after printing a finding."""
    end = time.monotonic() + seconds
    turn = 0
    while turn == 0 or time.monotonic() < end:
        for drawings in laws:
            try:
                drawings(turn)()
            except AssertionError as finding:
                print(f"FINDING {finding}")
                print(*getattr(finding, "__notes__", []), sep="\n")
                return None
        turn += 1
    return turn * len(laws) * EXAMPLES


def law_of_valid(turn: int) -> Law:
    """Return the law of templates from the grammar, with the drawings of this turn."""

    @seed(turn)
    @_settings
    @given(templates(), SCOPES)
    def law(source: str, scope: JsonObject) -> None:
        examine(source, scope)

    return law


def law_of_broken(turn: int) -> Law:
    """Return the law of templates that are damaged, with the drawings of this turn."""

    @seed(turn)
    @_settings
    @given(broken(), SCOPES)
    def law(source: str, scope: JsonObject) -> None:
        examine(source, scope)

    return law


_settings = settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def search_for(seconds: int) -> int:
    """Search led by coverage for so long, from the templates of the tests; return 0 or 1."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, one in enumerate(sorted(set(seeds()))):
            corpus.joinpath(f"{number:05}").write_bytes(one)
        words = Path(folder, "words.dict")
        words.write_text(dictionary(), "utf-8")
        options = {
            "max_total_time": max(seconds, 1),
            "dict": words,
            "artifact_prefix": f"{folder}/",
            "timeout": MOST_SECONDS_EACH,
            "rss_limit_mb": MOST_MEMORY_MB,
            "max_len": 4096,
            "verbosity": 0,
            "print_final_stats": 1,
        }
        command = [sys.executable, "-m", "fuzz.covered", str(corpus)]
        ended = subprocess.run(
            [*command, *(f"-{name}={value}" for name, value in options.items())], check=False
        )
        for kept in sorted(Path(folder).glob("*-*")):
            print(f"reproducing input: {kept.read_bytes()!r}")
    if ended.returncode:
        print("the search found something; it is printed above")
    return 1 if ended.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
