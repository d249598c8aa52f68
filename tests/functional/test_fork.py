"""Forked processes end as they are told, and take no handler of their parent's along."""

import signal
import textwrap
from pathlib import Path

import pytest
from rig.forked import run_forked

BEGIN = """
import os, signal, sys, time
from revolution_hub.fork import fork
signal.signal(signal.SIGTERM, lambda *_: print("the parent's handler"))
print("before")
"""


def parent(folder: Path, rest: str) -> tuple[str, str]:
    """Run a parent of one thread, for none with more may fork; return what was written."""
    (folder / "parent_program.py").write_text(BEGIN + textwrap.dedent(rest))
    done = run_forked("parent_program", [], {"PYTHONPATH": str(folder)})
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("lambda: None", 0),
        ("lambda: sys.exit(78)", 78),
        ("lambda: sys.exit()", 0),
        ("lambda: sys.exit('no')", 1),
        ("lambda: 1 / 0", 1),
        ("lambda: os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        # The parent's handler is not the child's.
        ("lambda: os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
    ],
)
def test_a_child_ends_with_the_code_of_its_program(tmp_path: Path, program: str, code: int) -> None:
    out, err = parent(tmp_path, f"child = fork({program})\nprint(child.wait(20), child.poll())")
    # What the parent had written is not written twice.
    assert out == f"before\n{code} {code}\n"
    assert ("ZeroDivisionError" in err) == ("1 / 0" in program)


def test_a_child_has_a_session_of_its_own_and_is_waited_for_no_longer_than_allowed(tmp_path: Path) -> None:
    out, _ = parent(
        tmp_path,
        """
        child = fork(lambda: time.sleep(60))
        time.sleep(0.2)
        print(os.getsid(child.pid) == child.pid, child.poll())
        try:
            child.wait(0.1)
        except TimeoutError:
            print("it still runs")
        child.kill()
        print(child.wait(20))
        child.send_signal(signal.SIGTERM)
        """,
    )
    assert out.splitlines() == ["before", "True None", "it still runs", str(-signal.SIGKILL)]


def test_a_child_whose_end_somebody_else_took_has_ended(tmp_path: Path) -> None:
    out, _ = parent(tmp_path, "child = fork(lambda: None)\nos.waitpid(child.pid, 0)\nprint(child.poll())")
    assert out.splitlines() == ["before", "1"]
