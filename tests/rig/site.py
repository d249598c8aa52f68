"""A whole installation to be hurt: servers, hub processes, a provider, two tenants; every process known."""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import sqlalchemy as sa

from revolution_hub.store.connect import open_engine
from revolution_sdk import Secret
from revolution_sdk.webhooks import sign_standard
from rig.hub import HTTP, LiveHub, Team, kill_all, start_hub
from rig.postgres import Postgres
from rig.provider import Provider
from rig.redis import Redis

STACKS = ("sqlite", "postgresql", "postgresql+redis")
DATABASES = ("sqlite", "postgresql+redis")
"""One stack for each database, where the way of waking workers makes no difference."""

LEASE_S = 4
THREADS = 16
PLUGIN = Path(__file__).with_name("ledger_plugin")
OPEN = "('queued', 'running')"

CHAIN = {
    "name": "chain",
    "on": [{"webhook": {}}],
    "steps": [
        {"id": "measure", "uses": "ledger.measure_note", "with": {"note": "{{ trigger.data.note }}"}},
        {"id": "look", "uses": "ledger.get_entry", "with": {"note": "{{ steps.measure.note }}"}},
        {"id": "enter", "uses": "ledger.put_entry", "with": {"note": "{{ steps.measure.note }}"}},
        {"id": "add", "uses": "ledger.add_entry", "with": {"note": "{{ steps.measure.note }}"}},
    ],
}


def one_step(action: str, **given: Any) -> dict[str, Any]:
    """Return a workflow that is started by a delivery and does one thing."""
    step = {"id": "act", "uses": f"ledger.{action}", "with": {"note": "{{ trigger.data.note }}", **given}}
    return {"name": f"{action} {given}", "on": [{"webhook": {}}], "steps": [step]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A delivery the hub took in: a 2xx was given for it."""

    tenant_id: str
    message_id: str
    execution_id: str


@dataclass(slots=True, kw_only=True)
class Owner:
    """A tenant of the site. Its canary is in all its data, its secrets must be nowhere."""

    team: Team
    canary: str
    secrets: list[str]
    hooks: dict[str, tuple[str, str]] = field(default_factory=dict)

    def publish(self, document: dict[str, Any]) -> str:
        """Publish a workflow with a webhook trigger; returns the name it is delivered to by."""
        made = self.team.publish(document)
        path = made["hook_url"].split("/", 3)[3]
        self.hooks[document["name"]] = (path, made["signing_secret"])
        self.secrets.append(made["signing_secret"])
        return str(document["name"])


@dataclass(slots=True, kw_only=True)
class Site:
    """A hub on its stack. `start` may be called again after everything was killed."""

    folder: Path
    stack: str
    provider: Provider
    postgres: Postgres | None = None
    redis: Redis | None = None
    database: str = ""
    database_url: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    owners: list[Owner] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    idle: dict[str, tuple[int, int]] = field(default_factory=dict)
    running: LiveHub | None = None

    @property
    def hub(self) -> LiveHub:
        assert self.running is not None
        return self.running

    def start(self, *, crash: str = "", **settings: Any) -> "Site":
        """Start the hub; the first time also make its tenants. `crash` arms a crash point."""
        self.settings |= {f"REVOLUTION_{name.upper()}": str(value) for name, value in settings.items()}
        given = {
            "PYTHONPATH": os.pathsep.join([str(PLUGIN), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep),
            "REVOLUTION_LEASE_S": str(LEASE_S),
            "REVOLUTION_WORKER_THREADS": str(THREADS),
            "REVOLUTION_DRAIN_S": "5",
            "REVOLUTION_REQUESTS_PER_MINUTE": "1000000",
            **({"REVOLUTION_DATABASE_URL": self.database_url} if self.database_url else {}),
            **({"REVOLUTION_BROKER_URL": self.redis.url} if self.redis else {}),
            **({"REVOLUTION_TESTING": "true", "REVOLUTION_CRASHPOINT": crash} if crash else {}),
            **self.settings,
        }
        self.running = start_hub(self.folder, self.provider.host, **given)
        for owner in self.owners:
            owner.team.hub = self.running
        self._wait_for_workers()
        if not self.owners:
            self.owners = [self._owner(name) for name in ("amber", "birch")]
        return self

    def _wait_for_workers(self) -> None:
        count = int(self.settings.get("REVOLUTION_WORKER_PROCESSES", "2"))
        wait_until(lambda: len(self._ready_workers()) == count, "all workers are at work")
        for pid in self._ready_workers():
            self.idle["worker"] = max(self.idle.get("worker", (0, 0)), held_by(pid))

    def _ready_workers(self) -> list[int]:
        return [pid for pid in self.hub.children("worker") if held_by(pid)[0] >= THREADS]

    def _owner(self, name: str) -> Owner:
        made = self.hub.ask("POST", "/api/tenants", {"name": name})
        team = Team(hub=self.hub, key=made["api_key"], tenant_id=made["id"])
        secret = f"canary-secret-{name}-{uuid4().hex}"
        body = {"credential": {"api_key": secret}, "base_url": self.provider.url}
        team.ask("POST", "/api/integrations/ledger/connections", body)
        return Owner(team=team, canary=f"canary-data-{name}-{uuid4().hex}", secrets=[secret, made["api_key"]])

    def publish(self, document: dict[str, Any]) -> str:
        """Publish a workflow for every tenant; returns its name."""
        for owner in self.owners:
            owner.publish(document)
        return str(document["name"])

    def deliver(
        self,
        owner: Owner,
        name: str,
        message_id: str | None = None,
        *,
        timeout_s: float = 30.0,
        data: dict[str, Any] | None = None,
    ) -> httpx2.Response | None:
        """Send one signed delivery; None if no answer came. What was accepted is remembered.

        Its data has a `note` that tells whose and which it is, and whatever else is given.
        """
        message_id = message_id or f"msg_{uuid4().hex}"
        path, secret = owner.hooks[name]
        body = json.dumps({"note": f"{owner.canary} {message_id}", **(data or {})}).encode()
        stamp = int(time.time())
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": sign_standard(Secret(secret), message_id, stamp, body),
        }
        try:
            answer = HTTP.post(f"{self.hub.url}/{path}", content=body, headers=headers, timeout=timeout_s)
        except httpx2.HTTPError:
            return None
        if answer.status_code < 300:
            taken = Accepted(
                tenant_id=owner.team.tenant_id,
                message_id=message_id,
                execution_id=answer.json()["execution_id"],
            )
            self.accepted.append(taken)
        return answer

    def deliver_until_accepted(
        self, owner: Owner, name: str, *, limit_s: float = 60.0, data: dict[str, Any] | None = None
    ) -> str:
        """Deliver as a provider does: again with the same id until it is accepted; returns the execution."""
        message_id = f"msg_{uuid4().hex}"
        give_up_s = time.monotonic() + limit_s
        while True:
            answer = self.deliver(owner, name, message_id, data=data)
            if answer is not None and answer.status_code < 300:
                return str(answer.json()["execution_id"])
            assert answer is None or answer.status_code in (502, 503), answer.text
            assert time.monotonic() < give_up_s, self.hub.log()
            time.sleep(0.1)

    def engine(self) -> sa.Engine:
        """Open the database as somebody who sees every tenant."""
        url = self.database_url or f"sqlite:///{self.folder / 'hub.db'}"
        if self.postgres is not None:
            url = self.postgres.url(self.database)
        return open_engine(url, 2)

    def rows(self, query: "str | sa.Select[Any]") -> list[dict[str, Any]]:
        """Return rows of the database, whoever's they are."""
        engine = self.engine()
        try:
            # Tests look over all tenants; reading needs no name.
            with engine.connect().execution_options(revolution_write=False, revolution_tenants="*") as conn:
                text = sa.text(query) if isinstance(query, str) else query
                return [dict(row) for row in conn.execute(text).mappings()]
        finally:
            engine.dispose()

    def count(self, condition: str) -> int:
        """Count the executions that meet a condition."""
        return int(self.rows(f"SELECT count(*) AS n FROM executions WHERE {condition}")[0]["n"])

    def settle(self, *, limit_s: float = 60.0) -> float:
        """Wait until nothing is queued, runs, or waits for a moment; returns how many seconds that took."""
        begun_s = time.monotonic()
        moving = f"status IN {OPEN} OR wait_reason IN ('timer', 'retry')"
        wait_until(lambda: self.count(moving) == 0, "everything has ended", limit_s, self._report)
        return time.monotonic() - begun_s

    def _report(self) -> str:
        columns = "id, status, wait_reason, fence, crashes, lease_owner, lease_until, wake_at"
        stuck = self.rows(f"SELECT {columns} FROM executions WHERE finished_at IS NULL LIMIT 20")
        return "\n".join([*map(str, stuck), self.hub.log()])

    def crashed(self, point: str) -> bool:
        """Tell whether a process died at this crash point."""
        return (self.folder / f"crashpoint-{point.rpartition('/')[2].partition(':')[0]}").exists()

    def power_cut(self) -> None:
        """Kill every process of the site at once, the servers too."""
        kill_all(self.folder)
        self.hub.process.wait()
        if self.redis is not None:
            self.redis.kill()
        if self.postgres is not None:
            self.postgres.stop("immediate")

    def end(self) -> None:
        """Leave nothing behind."""
        if self.running is not None:
            if self.running.process.poll() is None:
                self.running.process.send_signal(signal.SIGKILL)
            kill_all(self.folder)
            self.running.process.wait()
        if self.redis is not None:
            self.redis.stop()


def held_by(pid: int) -> tuple[int, int]:
    """Return how many threads and open files a process has; nothing if it is gone."""
    try:
        return (
            len(list(Path(f"/proc/{pid}/task").iterdir())),
            len(list(Path(f"/proc/{pid}/fd").iterdir())),
        )
    except OSError:
        return (0, 0)


def wait_until(
    what: Callable[[], Any], name: str, limit_s: float = 60.0, report: Callable[[], str] = lambda: ""
) -> None:
    """Wait until `what` holds."""
    give_up_s = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < give_up_s, f"not so within {limit_s:g} s: {name}\n{report()}"
        time.sleep(0.03)
