"""A real hub in processes of its own, and what a test asks of it."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rig.forked import ForkedProgram, start_forked

START_LIMIT_S = 60.0
ENDED = {"succeeded", "failed", "cancelled"}

# Made once, for making one is slow; it keeps no connection, so each request finds whoever answers now.
HTTP = httpx2.Client(
    trust_env=False,
    verify=False,
    timeout=60,
    limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
)


@dataclass(slots=True, kw_only=True)
class LiveHub:
    """A hub running in processes of its own."""

    url: str
    folder: Path
    key: str
    process: ForkedProgram

    def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **options: Any
    ) -> Any:
        headers = {"authorization": f"Bearer {key or self.key}", **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        return HTTP.request(method, self.url + path, headers=headers, **options)

    def ask(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        answer = self.call(method, path, body, key=key)
        assert answer.status_code < 300, f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def execution(self, execution_id: str, key: str | None = None) -> Any:
        return self.ask("GET", f"/api/workflow-executions/{execution_id}", key=key)

    def wait_for(
        self,
        execution_id: str,
        until: Callable[[Any], bool],
        *,
        limit_s: float = 60.0,
        key: str | None = None,
    ) -> Any:
        give_up_s = time.monotonic() + limit_s
        while True:
            execution = self.execution(execution_id, key)
            if until(execution):
                return execution
            assert time.monotonic() < give_up_s, json.dumps(execution, indent=1) + self.log()
            time.sleep(0.05)

    def wait_for_end(self, execution_id: str, *, limit_s: float = 60.0, key: str | None = None) -> Any:
        return self.wait_for(execution_id, lambda one: one["status"] in ENDED, limit_s=limit_s, key=key)

    def log(self) -> str:
        return (self.folder / "hub.log").read_text(errors="replace")[-4000:]

    def children(self, role: str) -> list[int]:
        """The process ids of the children in this role."""
        if not Path("/proc/self/cmdline").exists():
            pytest.skip("finding child processes needs /proc")
        title = f"revolution {role} ".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _parent(entry) == self.process.pid:
                # It may be gone by now.
                with suppress(OSError):
                    if (entry / "cmdline").read_bytes().startswith(title):
                        found.append(int(entry.name))
        return found

    def pids(self) -> list[int]:
        """The supervisor and whatever it started that still lives, by what they hold open in the folder."""
        return processes_of(self.folder)

    def kill_worker(self) -> None:
        for pid in self.children("worker"):
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)


def processes_of(folder: Path) -> list[int]:
    """Return every process that was started for the hub in this folder."""
    mark = f"{folder}{os.sep}"
    found = []
    for entry in Path("/proc").iterdir():
        # What it holds open tells whose it is: the log, the database, the files.
        if entry.name.isdigit() and any(one.startswith(mark) for one in _open_in(entry)):
            found.append(int(entry.name))
    return [one for one in found if one != os.getpid()]


def _open_in(entry: Path) -> list[str]:
    names = []
    # It may be gone by now, or another user's.
    with suppress(OSError):
        for one in (entry / "fd").iterdir():
            names.append(os.readlink(one))
    return names


def kill_all(folder: Path) -> None:
    """End every process that was started for the hub in this folder, frozen ones too."""
    give_up_s = time.monotonic() + START_LIMIT_S
    while alive := [pid for pid in processes_of(folder) if not _is_zombie(pid)]:
        for pid in alive:
            # It may be gone by now, which is what is wanted.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert time.monotonic() < give_up_s, f"processes {alive} cannot be ended"
        time.sleep(0.02)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, ValueError, IndexError):
        return -1


def launch_hub(folder: Path, allow: str, **settings: str) -> LiveHub:
    """Start `revolution serve` in an empty or used folder, and wait for nothing."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REVOLUTION_")}
    environment |= {
        "REVOLUTION_DATA_DIR": str(folder),
        "REVOLUTION_PORT": str(port),
        "REVOLUTION_EGRESS_ALLOW": allow,
        **settings,
    }
    log = folder / "hub.log"
    process = start_forked("revolution_hub.cli.main", ["serve"], environment, out=log, err=log)
    return LiveHub(url=f"http://127.0.0.1:{port}", folder=folder, key="", process=process)


def start_hub(folder: Path, allow: str, **settings: str) -> LiveHub:
    """Start `revolution serve` in an empty or used folder and wait until it answers."""
    hub = launch_hub(folder, allow, **settings)
    give_up_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up_s and hub.process.poll() is None:
        try:
            if HTTP.get(f"{hub.url}/api/health").status_code == 200:
                hub.key = (folder / "api-key").read_text().strip()
                return hub
        except httpx2.HTTPError:
            time.sleep(0.05)
    hub.process.kill()
    hub.process.wait()
    raise AssertionError(f"the hub did not start:\n{hub.log()}")


@dataclass(slots=True, kw_only=True)
class Team:
    """A tenant with its API key and connections, and where HubSpot delivers for it."""

    hub: LiveHub
    key: str
    tenant_id: str
    delivery_url: str = ""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.hub.ask(method, path, body, key=self.key)

    def publish(self, document: Any) -> Any:
        made = self.ask("POST", "/api/workflows", {"document": document})
        return self.ask("POST", f"/api/workflows/{made['id']}/publish")

    def start(self, document: Any, **data: Any) -> str:
        workflow_id = self.publish(document)["id"]
        started = self.ask("POST", f"/api/workflows/{workflow_id}/execute", {"data": data})
        return str(started["execution_id"])

    def executions(self) -> list[Any]:
        return list(self.ask("GET", "/api/workflow-executions?limit=200")["items"])

    def wait_for_end(self, execution_id: str, *, limit_s: float = 60.0) -> Any:
        return self.hub.wait_for_end(execution_id, limit_s=limit_s, key=self.key)


class Probe:
    """Asks the API ten times a second how it is, and keeps how long the answers took."""

    def __init__(self, url: str) -> None:
        self.took_s: list[float] = []
        self.failures = 0
        self._url = f"{url}/api/health"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Probe":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        with httpx2.Client(trust_env=False) as http:
            while not self._stop.wait(0.05):
                begun_s = time.perf_counter()
                self.failures += http.get(self._url, timeout=30).status_code != 200
                self.took_s.append(time.perf_counter() - begun_s)

    def p99_s(self) -> float:
        return sorted(self.took_s)[int(len(self.took_s) * 0.99) - 1]
