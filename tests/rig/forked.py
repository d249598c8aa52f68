"""Programs of the hub run in processes of their own that begin with what they import.

A fresh interpreter imports for most of a second before it does anything, and the tests run hundreds of
commands. Each is forked from a process that has imported what commands use, and nothing of the commands
themselves: these look at the environment when they are imported.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from setproctitle import getproctitle

_LIMIT_S = 60
_BEFOREHAND = [
    *("typer", "typer.core", "rich.console", "rich.table", "rich.panel", "rich.progress", "rich.live"),
    *("rich.syntax", "httpx2", "yaml", "sqlalchemy", "alembic.command", "psycopg", "dramatiq"),
    *("revolution_hub.prepare", "revolution_hub.api.app", "revolution_hub.engine.drive"),
    *("revolution_hub.queue.worker", "revolution_hub.clock", "revolution_hub.supervisor"),
    *("uvicorn", "setproctitle"),
]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(_BEFOREHAND)


def run_forked(
    module: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a module as `python -m` does, with this environment alone, and return what is left of it.

    Raises TimeoutExpired if it takes a minute.
    """
    with tempfile.TemporaryDirectory(prefix="forked-") as name:
        out, err = (Path(name, one) for one in ("out", "err"))
        process = start_forked(module, arguments, environment, out=out, err=err)
        try:
            code = process.wait(_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        written = [path.read_text(encoding="utf-8", errors="replace") for path in (out, err)]
    return subprocess.CompletedProcess([module, *arguments], code, *written)


class ForkedProgram:
    """A program that was begun, as the tests' other processes are seen. Ended when it is forgotten."""

    def __init__(self, process: BaseProcess, arguments: list[str]) -> None:
        self._process = process
        self._arguments = arguments
        assert process.pid is not None
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._arguments, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start_forked(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], *, out: Path, err: Path
) -> ForkedProgram:
    """Begin a module as `python -m` does, in this environment; what it writes is added to files."""
    out.touch()
    err.touch()
    process = _CONTEXT.Process(
        target=_run,
        args=(module, list(arguments), dict(environment), os.getcwd(), str(out), str(err)),
        daemon=True,
    )
    process.start()
    return ForkedProgram(process, [module, *arguments])


def _run(
    module: str, arguments: list[str], environment: dict[str, str], folder: str, out: str, err: str
) -> None:
    os.chdir(folder)
    # Where the title of a process stands is found once, and by the environment it began with.
    getproctitle()
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [one for one in environment.get("PYTHONPATH", "").split(os.pathsep) if one]
    for number, path in ((1, out), (2, err)):
        handle = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(handle, number)
        os.close(handle)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
