"""Crash points: read strictly, refused outside tests, deadly once per installation."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from revolution_hub.crashpoint import NAMES, CrashPoint, parse_crash_point, reach
from revolution_hub.errors import SettingsError
from revolution_hub.settings import Settings

_DIE = """
import sys
from pathlib import Path
from revolution_hub.crashpoint import arm, parse_crash_point, reach
arm(parse_crash_point(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
for name in sys.argv[4:]:
    reach(name)
    print(name, flush=True)
"""


def run(point: str, role: str, folder: Path, *names: str) -> tuple[int, list[str]]:
    """Arm a process, let it reach these places, and return how it ended and which it came past."""
    done = subprocess.run(
        [sys.executable, "-c", _DIE, point, role, folder, *names], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout.split()


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("worker.after_effect", CrashPoint(name="worker.after_effect")),
        ("worker.after_effect:3", CrashPoint(name="worker.after_effect", nth=3)),
        ("api/committer.before_commit:2", CrashPoint(name="committer.before_commit", nth=2, role="api")),
    ],
)
def test_a_crash_point_says_where_when_and_in_which_role(text: str, point: CrashPoint) -> None:
    assert parse_crash_point(text) == point


@pytest.mark.parametrize(
    "text",
    ["", "worker", "worker.after_effekt", "nobody/worker.after_effect", "/worker.after_effect"]
    + [f"worker.after_effect:{nth}" for nth in ("", "0", "-1", "x", "1.0", "9" * 20, "٣")],
)
def test_what_is_no_crash_point_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"crash point|role|whole number"):
        parse_crash_point(text)
    with pytest.raises(SettingsError, match="REVOLUTION_CRASHPOINT cannot be used"):
        Settings.read({"REVOLUTION_CRASHPOINT": text, "REVOLUTION_TESTING": "true"})


@pytest.mark.parametrize("testing", [{}, {"REVOLUTION_TESTING": "false"}])
def test_a_crash_point_is_refused_in_one_line_outside_tests(testing: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.read({"REVOLUTION_CRASHPOINT": "worker.after_effect", **testing})
    assert caught.value.message == (
        "REVOLUTION_CRASHPOINT ends processes: it is for tests, with REVOLUTION_TESTING=true"
    )


def test_a_crash_point_is_read_in_tests() -> None:
    settings = Settings.read({"REVOLUTION_CRASHPOINT": "worker.before_ack:2", "REVOLUTION_TESTING": "true"})
    assert settings.crashpoint == CrashPoint(name="worker.before_ack", nth=2)


def test_an_unarmed_process_comes_past_every_place() -> None:
    for name in NAMES:
        reach(name)


def test_an_armed_process_dies_at_the_nth_time_and_its_replacement_lives(tmp_path: Path) -> None:
    way = ("worker.after_claim", "worker.before_ack", "worker.after_claim", "worker.before_ack")
    # When a process comes to its place the second time, then it is killed there
    assert run("worker.after_claim:2", "worker", tmp_path, *way) == (-signal.SIGKILL, list(way[:2]))
    # And a second process of the same installation goes on
    assert run("worker.after_claim:2", "worker", tmp_path, *way) == (0, list(way))


def test_a_process_that_was_armed_before_the_other_died_lives_too(tmp_path: Path) -> None:
    waits = "from pathlib import Path\nfrom revolution_hub.crashpoint import *\n"
    waits += "arm(parse_crash_point('clock.after_sweep'), 'clock', Path(__import__('sys').argv[1]))\n"
    waits += "print('armed', flush=True); input(); reach('clock.after_sweep'); print('alive')"
    command = [sys.executable, "-c", waits, tmp_path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as second:
        assert second.stdout is not None
        assert second.stdin is not None
        assert second.stdout.readline() == "armed\n"
        assert run("clock.after_sweep", "clock", tmp_path, "clock.after_sweep")[0] == -signal.SIGKILL
        second.stdin.write("\n")
        second.stdin.flush()
        assert second.stdout.readline() == "alive\n"


def test_a_point_of_another_role_or_name_kills_nobody(tmp_path: Path) -> None:
    names = ("committer.before_commit", "committer.after_commit")
    assert run("api/committer.before_commit", "worker", tmp_path, *names) == (0, list(names))
    assert run("clock.after_sweep", "clock", tmp_path, *names) == (0, list(names))
