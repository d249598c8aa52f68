"""Commands of the hub run as a person runs them, and what is left of them: a code and lines."""

import ctypes
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rig.forked import run_forked
from rig.missing import missing

_DROP_FROM_BOUNDING_SET = 24
_DAC_OVERRIDE = 1
_DAC_READ_SEARCH = 2
_LIBC = ctypes.CDLL(None, use_errno=True)


def run_command(
    folder: Path, *command: str, before: Callable[[], None] | None = None, **settings: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command on this data folder, with these settings alone. `before` runs in its process."""
    module = "revolution_hub.cli.main"
    if before is None:
        return run_forked(module, command, _environment(folder, settings))
    return _run(module, command, folder, settings, preexec_fn=before)


def run_child(role: str, folder: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run one of the supervisor's children alone, with the descriptors a supervisor would hand to it."""
    return run_forked("rig.lone_child", [role], _environment(folder, settings))


def _run(
    module: str, arguments: Sequence[str], folder: Path, settings: Mapping[str, str], **options: Any
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=_environment(folder, settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def _environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("REVOLUTION_")}
    return known | {"REVOLUTION_DATA_DIR": str(folder), "REVOLUTION_PORT": "0", **settings}


def refusal(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the one line a refused command left."""
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1, done.stderr
    return lines[0]


def bound_by_permissions() -> Callable[[], None]:
    """Return what makes a process obey the permission bits of files although it belongs to root."""
    if os.getuid() != 0:
        return lambda: None
    if not Path("/proc/self/status").exists():
        missing("root cannot be bound to permission bits here")

    def drop() -> None:
        for capability in (_DAC_OVERRIDE, _DAC_READ_SEARCH):
            if _LIBC.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "a capability cannot be dropped")

    return drop


def files_up_to(size: int) -> Callable[[], None]:
    """Return what keeps a process from making any file larger than this many bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
