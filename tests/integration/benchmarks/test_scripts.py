"""Every benchmark says what it does, and ends readably when something is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cpu import per_request_us, used_s
from bench.ending import NotHere, Wrong, finish
from bench.figures import percentile, table
from drain import Turns

SCRIPTS = (
    "template.py",
    "webhook.py",
    "drain.py",
    "fairness.py",
    "burst.py",
    "for_each.py",
    "steps.py",
    "safety.py",
    "memory.py",
    "growth.py",
    "access.py",
    "vault.py",
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_benchmark_explains_itself(benchmarks: Path, script: str) -> None:
    asked = subprocess.run(
        [sys.executable, benchmarks / script, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.startswith("usage:")


def test_make_runs_every_benchmark(benchmarks: Path) -> None:
    recipe = (benchmarks.parent / "Makefile").read_text().partition("\nbench:")[2].partition("\n\n")[0]
    assert [line.rpartition("/")[2] for line in recipe.splitlines()[1:]] == list(SCRIPTS)


@pytest.mark.parametrize("in_ci", ["", "true"])
def test_without_wrk_one_line_says_how_to_get_it(benchmarks: Path, tmp_path: Path, in_ci: str) -> None:
    environment = {**os.environ, "PATH": str(tmp_path), "CI": in_ci}
    ended = subprocess.run(
        [sys.executable, benchmarks / "webhook.py"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "wrk is not installed; get it with: apt-get install wrk\n"


def _ended(capsys: pytest.CaptureFixture[str], measure: object) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as ended:
        finish(measure)  # type: ignore[arg-type]
    told = capsys.readouterr()
    return ended.value.code, told.out, told.err


def test_figures_are_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    def measure() -> dict[str, float]:
        print("on the way")
        return {"ratio": 0.25}

    code, out, _ = _ended(capsys, measure)
    assert code == 0
    assert json.loads(out.splitlines()[-1]) == {"ratio": 0.25}


@pytest.mark.parametrize(("error", "code"), [(NotHere("get it"), 2), (Wrong("two rows too few"), 1)])
def test_there_are_no_figures_when_something_is_wrong(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    def measure() -> dict[str, float]:
        raise error

    ended, out, err = _ended(capsys, measure)
    assert (ended, out) == (code, "")
    assert str(error) in err


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile(values, 1.0)) == (50, 95, 100)
    assert percentile([7.0], 0.95) == 7.0


def test_a_table_keeps_its_columns() -> None:
    assert table(("", "rate"), [("echo", "6100"), ("hub", "9")]) == "      rate\necho  6100\nhub      9"


def test_processor_time_is_told_by_kind_of_process() -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("processor time of other processes is read from /proc")
    spin = "import sys, time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", spin], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        used = used_s({os.getpid(): "mine"})
        child.communicate()
    assert used["mine"] >= 0.15
    assert per_request_us({"mine": 1.0}, {"mine": 3.0, "idle": 0.0}, 1000) == {"mine": 2000}


def test_a_drain_is_divided_by_the_faster_run_beside_it() -> None:
    turns = Turns(8)
    for executions, beside in ((1000, (4000, 2000)), (1500, (3000, 3000)), (900, (3000, 1000))):
        turns.take(executions, beside)
    assert turns.shares == [0.25, 0.5, 0.3]
    assert turns.share == 0.3
