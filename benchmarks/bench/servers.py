"""The servers a benchmark starts and stops: echo, PostgreSQL, Redis, hubs. The rig of the tests runs them."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from bench.ending import NotHere

FOLDER = Path(__file__).parents[1]
sys.path.insert(0, str(FOLDER.parent / "tests"))

from rig.hub import LiveHub, start_hub  # noqa: E402
from rig.postgres import Postgres, binaries  # noqa: E402
from rig.redis import Redis, free_port, program  # noqa: E402

__all__ = [
    "LEDGER_PLUGIN",
    "LiveHub",
    "Postgres",
    "Redis",
    "new_database",
    "own_folder",
    "running_echo",
    "running_hub",
    "running_postgres",
    "running_provider",
    "running_redis",
    "running_workers",
]

START_LIMIT_S = 30.0
STOP_LIMIT_S = 90.0
LEDGER_PLUGIN = FOLDER.parent / "tests" / "rig" / "ledger_plugin"
"""The connector the provider speaks to, found by the hub like any other once it is on PYTHONPATH."""

ROLE = "hub"
"""The hub's role in PostgreSQL: it owns its database and is no superuser, whom row-level security spares."""


@contextmanager
def own_folder() -> Iterator[Path]:
    """Make a folder for everything a benchmark writes; it goes with the benchmark."""
    with tempfile.TemporaryDirectory(prefix="revolution-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def running_postgres(folder: Path) -> Iterator[Postgres]:
    """Run PostgreSQL as it comes, which means with fsync."""
    if binaries() is None:
        raise NotHere("PostgreSQL is not installed; get it with: make setup")
    server = Postgres(folder / "postgres-server", durable=True)
    try:
        server.create()
        server.execute(f"CREATE ROLE {ROLE} LOGIN")
        if server.execute("SHOW fsync") != [("on",)]:
            raise RuntimeError("PostgreSQL runs without fsync")
        yield server
    finally:
        server.stop()


def new_database(server: Postgres, name: str) -> str:
    """Make a database the hub's role owns and return its address."""
    server.execute(f'CREATE DATABASE "{name}" OWNER {ROLE}')
    return server.url(name, ROLE)


@contextmanager
def running_redis(folder: Path) -> Iterator[Redis]:
    """Run Redis without persistence: it only wakes."""
    if program() is None:
        raise NotHere("Redis is not installed; get it with: make setup")
    server = Redis(folder / "redis-server")
    try:
        yield server.start()
    finally:
        server.stop()


@contextmanager
def running_echo() -> Iterator[str]:
    """Serve the echo in one process and return its address."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "echo:app", "--log-level", "error", "--port", str(port)]
    process = subprocess.Popen(command, cwd=FOLDER)
    try:
        url = f"http://127.0.0.1:{port}/echo"
        _wait_for(process, url)
        yield url
    finally:
        stop(process)


@contextmanager
def running_provider(delay_s: float) -> Iterator[str]:
    """Serve the provider that takes this long for each answer, and return its address."""
    port = free_port()
    command = [sys.executable, "-m", "bench.provider", "--port", str(port), "--delay", str(delay_s)]
    process = subprocess.Popen(command, cwd=FOLDER)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(process, f"{url}/calls")
        yield url
    finally:
        stop(process)


def _wait_for(process: "subprocess.Popen[bytes]", url: str) -> None:
    give_up_s = time.monotonic() + START_LIMIT_S
    while True:
        try:
            httpx2.get(url, trust_env=False)
            return
        except httpx2.HTTPError as error:
            if process.poll() is not None or time.monotonic() > give_up_s:
                raise RuntimeError(f"nothing answers at {url}") from error
            time.sleep(0.05)


@contextmanager
def running_hub(folder: Path, *, allow: str = "", **settings: str) -> Iterator[LiveHub]:
    """Run `revolution serve` with one API process and the given settings, everything else as it comes."""
    folder.mkdir()
    hub = start_hub(folder, allow, REVOLUTION_API_PROCESSES="1", **settings)
    try:
        yield hub
    except Exception:
        print(hub.log(), file=sys.stderr)
        raise
    finally:
        stop(hub.process)


@contextmanager
def running_workers(folder: Path, key_of: LiveHub, **settings: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `revolution serve` without API, on the database of a hub whose master key it borrows."""
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REVOLUTION_")}
    environment |= {
        "REVOLUTION_DATA_DIR": str(folder),
        "REVOLUTION_MASTER_KEY_FILE": str(key_of.folder / "master.key"),
        "REVOLUTION_API_PROCESSES": "0",
        **settings,
    }
    command = [sys.executable, "-m", "revolution_hub.cli.main", "serve"]
    with (folder / "hub.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop a process, by force if it does not listen."""
    process.terminate()
    try:
        process.wait(timeout=STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
