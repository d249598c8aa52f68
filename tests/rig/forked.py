"""Programs of the hub run in processes of their own that begin with what they import.

A fresh interpreter imports for most of a second before it does anything, and the tests run hundreds of
commands. Each is forked from a process that has imported what commands use, and nothing of the commands
themselves: these look at the environment when they are imported.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_LIMIT_S = 60
_BEFOREHAND = [
    *("typer", "typer.core", "rich.console", "rich.table", "rich.panel", "rich.progress", "rich.live"),
    *("rich.syntax", "httpx2", "yaml", "sqlalchemy", "alembic.command", "psycopg", "dramatiq"),
    *("revolution_hub.prepare", "revolution_hub.api.app", "revolution_hub.engine.drive"),
    *("revolution_hub.queue.worker", "revolution_hub.clock", "revolution_hub.supervisor"),
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
        paths = [str(Path(name, one)) for one in ("out", "err")]
        for path in paths:
            Path(path).touch()
        process = _CONTEXT.Process(
            target=_run, args=(module, list(arguments), dict(environment), os.getcwd(), *paths)
        )
        process.start()
        process.join(_LIMIT_S)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([module, *arguments], _LIMIT_S)
        out, err = (Path(path).read_text(encoding="utf-8", errors="replace") for path in paths)
        code = process.exitcode
        process.close()
    return subprocess.CompletedProcess([module, *arguments], code, out, err)


def _run(
    module: str, arguments: list[str], environment: dict[str, str], folder: str, out: str, err: str
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in ((1, out), (2, err)):
        handle = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(handle, number)
        os.close(handle)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
