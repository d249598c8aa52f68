"""A real hub in processes of its own, real plugins, and sandboxes held against their contracts."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openapi_core import OpenAPI

from revolution_ai.sandbox import sandbox as ai_sandbox
from revolution_google.sandbox import sandbox as google_sandbox
from revolution_hubspot.sandbox import sandbox as hubspot_sandbox
from revolution_sdk.sandbox import RunningSandbox, run_sandbox
from revolution_sdk.testing.contract import ContractValidator, contracts_folder, load_contract

START_LIMIT_S = 60.0
ENDED = {"succeeded", "failed", "cancelled"}
HOSTILE = Path(__file__).with_name("hostile_plugin")

CONTRACTS = {
    "hubspot": ("hubspot/hubspot.2026-03.derived.openapi.json", "https://api.hubapi.com", hubspot_sandbox),
    "google": ("google/google.trimmed.openapi.json", "https://www.googleapis.com", google_sandbox),
    "ai": ("openai/openai.trimmed.openapi.json", "https://api.openai.com", ai_sandbox),
}
# Google's token endpoint is in neither of its documents, so the contract does not know it.
OUTSIDE = {"google": {"/token"}}


class Checked:
    """A sandbox's application behind its contract, but for the paths the contract does not know."""

    def __init__(self, app: Any, contract: OpenAPI, origin: str, outside: set[str]) -> None:
        self.plain = app
        self.validator = ContractValidator(app, contract, origin)
        self.outside = outside

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        chosen = self.plain if scope["path"] in self.outside else self.validator
        await chosen(scope, receive, send)


@dataclass(slots=True)
class World:
    """The sandboxes of one test, and what their contracts found wrong."""

    running: dict[str, RunningSandbox] = field(default_factory=dict)
    validators: list[ContractValidator] = field(default_factory=list)

    @property
    def allow(self) -> str:
        return ",".join(one.host for one in self.running.values())

    def control(self, name: str, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.running[name].url}/_sandbox/{path}"
        answer = httpx2.request(method, url, json=body, timeout=60, trust_env=False)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def mails(self) -> list[Any]:
        return list(self.control("google", "GET", "mails"))

    def meetings(self) -> list[Any]:
        return list(self.control("google", "GET", "meetings"))

    def fault(self, name: str, **fault: Any) -> None:
        self.control(name, "POST", "faults", fault)


@pytest.fixture(scope="session")
def contracts() -> dict[str, OpenAPI]:
    """The contracts that are at hand; a provider without one is served unchecked."""
    folder = contracts_folder()
    return {
        name: load_contract(folder / path)
        for name, (path, _, _) in CONTRACTS.items()
        if (folder / path).is_file()
    }


@contextmanager
def sandboxes_of(contracts: dict[str, OpenAPI]) -> Iterator[World]:
    world = World()
    with ExitStack() as stack:
        for name, (_, origin, make) in CONTRACTS.items():

            def around(app: Any, name: str = name, origin: str = origin) -> Any:
                if name not in contracts:
                    return app
                checked = Checked(app, contracts[name], origin, OUTSIDE.get(name, set()))
                world.validators.append(checked.validator)
                return checked

            world.running[name] = stack.enter_context(run_sandbox(make(), around=around))
        yield world
    assert [fault for one in world.validators for fault in one.violations] == []


@dataclass(slots=True, kw_only=True)
class LiveHub:
    """A hub running in processes of its own."""

    url: str
    folder: Path
    key: str
    process: "subprocess.Popen[bytes]"

    def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **options: Any
    ) -> Any:
        headers = {"authorization": f"Bearer {key or self.key}", **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        return httpx2.request(
            method, self.url + path, headers=headers, timeout=60, trust_env=False, **options
        )

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
        module = {"isolated": "worker"}.get(role, role)
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _parent(entry) == self.process.pid:
                line = (entry / "cmdline").read_bytes().decode().split("\0")
                named = f"revolution_hub.cli.children.{module}" in line
                if named and ("--ear" in line) == (role == "worker"):
                    found.append(int(entry.name))
        return found

    def kill_worker(self) -> None:
        for pid in self.children("worker"):
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, ValueError, IndexError):
        return -1


def start_hub(folder: Path, allow: str, **settings: str) -> LiveHub:
    """Start `revolution serve` in an empty or used folder and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REVOLUTION_")}
    environment |= {
        "REVOLUTION_DATA_DIR": str(folder),
        "REVOLUTION_PORT": str(port),
        "REVOLUTION_EGRESS_ALLOW": allow,
        "PYTHONPATH": str(HOSTILE),
        **settings,
    }
    log = (folder / "hub.log").open("ab")
    command = [sys.executable, "-m", "revolution_hub.cli.main", "serve"]
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    log.close()
    hub = LiveHub(url=f"http://127.0.0.1:{port}", folder=folder, key="", process=process)
    give_up_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up_s and process.poll() is None:
        try:
            if httpx2.get(f"{hub.url}/api/health", trust_env=False).status_code == 200:
                hub.key = (folder / "api-key").read_text().strip()
                return hub
        except httpx2.HTTPError:
            time.sleep(0.05)
    process.kill()
    process.wait()
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


def make_team(hub: LiveHub, world: World, name: str, portal: str = "62515", app: str | None = None) -> Team:
    """Create a tenant with a connection to each sandbox. `app` is a shared HubSpot app to connect through."""
    made = hub.ask("POST", "/api/tenants", {"name": name})
    team = Team(hub=hub, key=made["api_key"], tenant_id=made["id"])
    for connector, running in world.running.items():
        body: dict[str, Any] = {"credential": running.sandbox.connection, "base_url": running.base_url}
        if connector == "hubspot":
            body["credential"] = {"refresh_token": f"sandbox-{portal}"}
        if running.sandbox.app is not None:
            if connector == "hubspot" and app is not None:
                body["app"] = app
            else:
                registered = team.ask("POST", f"/api/integrations/{connector}/apps", running.sandbox.app)
                body["app"] = registered["id"]
                if connector == "hubspot":
                    team.delivery_url = registered["delivery_url"]
        team.ask("POST", f"/api/integrations/{connector}/connections", body)
    return team


@pytest.fixture
def world(contracts: dict[str, OpenAPI]) -> Iterator[World]:
    """Fresh sandboxes."""
    with sandboxes_of(contracts) as made:
        yield made


@pytest.fixture
def hub(tmp_path: Path, world: World) -> Iterator[LiveHub]:
    """A hub of its own for a test that hurts it."""
    started = start_hub(tmp_path, world.allow)
    yield started
    started.stop()


@pytest.fixture
def team(hub: LiveHub, world: World) -> Team:
    """A tenant connected to every sandbox."""
    return make_team(hub, world, "Team")


@pytest.fixture
def new_team(hub: LiveHub, world: World) -> Callable[..., Team]:
    """Makes further tenants."""
    return lambda name, **options: make_team(hub, world, name, **options)


@pytest.fixture(scope="session")
def shared_world(contracts: dict[str, OpenAPI]) -> Iterator[World]:
    """Sandboxes for the tests that leave no trace."""
    with sandboxes_of(contracts) as made:
        yield made


@pytest.fixture(scope="session")
def shared_hub(tmp_path_factory: pytest.TempPathFactory, shared_world: World) -> Iterator[LiveHub]:
    """One hub for the tests that only ask it things."""
    started = start_hub(tmp_path_factory.mktemp("hub"), shared_world.allow)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def shared_team(shared_hub: LiveHub, shared_world: World) -> Team:
    """A tenant of the shared hub."""
    return make_team(shared_hub, shared_world, "Shared team")


@pytest.fixture
def other_hub(tmp_path: Path) -> Callable[..., LiveHub]:
    """Starts another hub on a folder; the test stops it."""
    return start_hub


@pytest.fixture
def fresh_team(shared_hub: LiveHub, shared_world: World) -> Team:
    """A new tenant of the shared hub."""
    return make_team(shared_hub, shared_world, "Fresh team")


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


@pytest.fixture
def probe_of() -> Callable[[LiveHub], Probe]:
    """Asks a hub's API how it is while the block lasts."""
    return lambda hub: Probe(hub.url)
