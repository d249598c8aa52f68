"""A hub in one process over a real database, a connector that does what a test tells it, and workers."""

import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from rig.asking import Asker, asker

from revolution_hub.access.rbac import permissions_of
from revolution_hub.api.app import make_api
from revolution_hub.catalog import Catalog
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.engine.claim import Claimer
from revolution_hub.engine.drive import drive
from revolution_hub.engine.recover import replace_worker, sweep
from revolution_hub.engine.watch import Watch
from revolution_hub.hub import Hub
from revolution_hub.model.change import Progress
from revolution_hub.model.execution import Attempt, Execution, StepExecution
from revolution_hub.model.principal import Principal
from revolution_hub.services import connections, executions, starts, versions, workflows
from revolution_hub.services.connections import NewConnection
from revolution_hub.services.versions import Published
from revolution_hub.settings import Settings
from revolution_hub.store import tables as t
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.vault import Vault
from revolution_sdk import ActionContext, ApiKey, Connector, JsonObject
from revolution_sdk.schema import integer, object_, string

ANYTHING = object_(open_=True)
COUNTED = object_(n=integer(), optional=["n"], open_=True)
OWNER = Principal(
    id="key_owner", tenant_id="ten_a", role="owner", permissions=permissions_of("owner"), name="Ada"
)
MOST_ROUNDS = 50
LAST_COMMIT_S = 10.0


@dataclass(slots=True)
class Script:
    """What the actions do next, and every call they had: name, input and idempotency key.

    A play is a result, an error to raise, or a function of context and input. Without one an action
    answers `{"did": <its name>}`. The look-up of `post_letter` plays as `confirm`.
    """

    plays: dict[str, list[Any]] = field(default_factory=dict)
    calls: list[tuple[str, JsonObject, str]] = field(default_factory=list)

    def next(self, name: str, *plays: Any) -> None:
        self.plays.setdefault(name, []).extend(plays)

    def play(self, name: str, ctx: ActionContext, value: JsonObject) -> Any:
        self.calls.append((name, value, ctx.idempotency_key))
        waiting = self.plays.get(name)
        play = waiting.pop(0) if waiting else {"did": name}
        if isinstance(play, BaseException):
            raise play
        return play(ctx, value) if callable(play) else play

    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]

    def count(self, name: str) -> int:
        return Counter(self.names())[name]

    def keys(self, name: str) -> set[str]:
        return {key for called, _, key in self.calls if called == name}


def lab(script: Script, *, without: str = "") -> Connector:
    """A connector with an action of every effect; `send_letter` and `post_letter` are the `once` ones."""
    made = Connector("lab", title="Lab")

    def declare(name: str, effect: str, **more: Any) -> None:
        if name == without:
            return

        def act(ctx: ActionContext, value: JsonObject) -> JsonObject:
            """Do what the script says."""
            result: JsonObject = script.play(name, ctx, value)
            return result

        act.__name__ = name
        made.action(input=ANYTHING, output=COUNTED, effect=effect, **more)(act)

    declare("compute_sum", "pure")
    declare("read_page", "read", timeout_s=20.0)
    declare("put_page", "repeatable", timeout_s=20.0)
    declare("send_letter", "once", timeout_s=20.0)
    declare(
        "post_letter",
        "once",
        timeout_s=20.0,
        confirm=None if without == "confirm" else lambda ctx, value: script.play("confirm", ctx, value),
        confirm_after_s=60.0,
    )
    data = object_(open_=True)
    made.event("page.changed", title="A page changed", data=data, canonical="crm.deal.updated")
    return made


def club(script: Script) -> Connector:
    """A connector that needs an account."""
    made = Connector("club", title="Club", base_url="https://api.club.test", auth=ApiKey())

    @made.action(input=object_(who=string(), optional=["who"]), output=ANYTHING, effect="once")
    def invite_member(ctx: ActionContext, value: JsonObject) -> JsonObject:
        """Invite a member; calling twice invites twice."""
        result: JsonObject = script.play("invite_member", ctx, value)
        return result

    made.event("page.changed", title="A page changed", data=object_(open_=True), canonical="crm.deal.updated")
    return made


@dataclass(frozen=True, slots=True)
class Seen:
    """An execution as a person sees it: `steps` by id, `attempts` of all steps in order."""

    execution: Execution
    steps: Mapping[str, StepExecution]
    attempts: list[Attempt]

    @property
    def status(self) -> str:
        return str(self.execution.status)

    @property
    def waits_for(self) -> str | None:
        return None if self.execution.wait_reason is None else str(self.execution.wait_reason)

    @property
    def order(self) -> list[str]:
        return list(self.steps)

    def step(self, step_id: str) -> str:
        return str(self.steps[step_id].status)

    def tried(self, step_id: str) -> list[str]:
        """The attempts' statuses, each with its error's code if it has one."""
        mine = sorted((one for one in self.attempts if one.step_id == step_id), key=lambda one: one.number)
        return [f"{one.status}:{one.error['code']}" if one.error else str(one.status) for one in mine]


@dataclass(slots=True, kw_only=True)
class Bench:
    """One process: its hub, its watch, and what a person and the supervisor would do."""

    hub: Hub
    watch: Watch
    script: Script
    clock: Any
    wakes: list[str]
    principal: Principal = OWNER

    def publish(self, *steps: Any, **document: Any) -> Published:
        """Create and publish a workflow of these steps."""
        given = {"name": f"w{len(self.wakes)}", "steps": list(steps), **document}
        self.wakes.append("published")
        draft = workflows.create_workflow(self.hub, self.principal, given)
        return versions.publish_workflow(self.hub, self.principal, draft.id)

    def start(self, *steps: Any, data: Any = None, **document: Any) -> str:
        """Publish a workflow and start it by hand; returns the execution's id."""
        workflow_id = self.publish(*steps, **document).workflow.id
        return starts.execute_workflow(self.hub, self.principal, workflow_id, data or {}, None)[0]

    def claim(self, *, isolated: bool = False) -> Execution | None:
        taken = Claimer(hub=self.hub, owner=self.hub.process, isolated=isolated).take(1)
        return taken[0] if taken else None

    def drive(self, execution: Execution) -> None:
        drive(self.hub, self.watch, execution)

    def work(self) -> None:
        """Drive whatever is queued, suspects included, until nothing is."""
        for _ in range(MOST_ROUNDS):
            execution = self.claim() or self.claim(isolated=True)
            if execution is None:
                return
            self.drive(execution)
        raise AssertionError("the queue never ran empty")

    def run(self, *steps: Any, **document: Any) -> Seen:
        """Start a workflow of these steps, work, and look."""
        execution_id = self.start(*steps, **document)
        self.work()
        return self.look(execution_id)

    def pass_time(self, seconds: float) -> int:
        """Let time pass, sweep, and work; returns how many executions the sweep queued."""
        self.clock.advance(seconds)
        queued = sweep(self.hub)
        self.work()
        return queued

    def look(self, execution_id: str) -> Seen:
        detail = executions.get_execution(self.hub, self.principal, execution_id)
        return Seen(detail.execution, {one.step_id: one for one in detail.steps}, detail.attempts)

    def counts(self) -> list[int]:
        """How many app deliveries, deliveries, events and executions there are, of all tenants."""
        tables = (t.app_deliveries, t.deliveries, t.events, t.executions)
        with self.hub.store.read_across() as tx:
            return [
                tx.conn.execute(sa.select(sa.func.count()).select_from(one)).scalar_one() for one in tables
            ]

    def connect(self, name: str = "main", connector: str = "club") -> str:
        wanted = NewConnection(name=name, credential={"api_key": "k-1"})
        return connections.create_connection(self.hub, self.principal, connector, wanted).id

    def die(self) -> None:
        """Declare this worker dead. A commit of it that is under way, which nobody waits for, ends first."""
        # Changes are committed in the order they were handed in; this one concerns nobody.
        submit(self.hub.store, Progress(tenant_id=self.principal.tenant_id, execution_id="exe_0", fence=0))
        give_up_s = time.monotonic() + LAST_COMMIT_S
        while not replace_worker(self.hub, self.hub.process):
            assert time.monotonic() < give_up_s, "the worker holds nothing"
            time.sleep(0.005)

    def vanish(self, result: Any = None) -> Callable[..., Any]:
        """Return a play in whose midst this worker is declared dead; what comes after it comes too late."""

        def play(ctx: ActionContext, value: JsonObject) -> Any:
            self.die()
            return result or {"did": "too late"}

        return play

    def without(self, action: str) -> "Bench":
        """Return the same bench with a release of the lab's plugin that lacks an action, or the look-up."""
        catalog = Catalog()
        catalog.add(lab(self.script, without=action))
        hub = replace(self.hub, catalog=catalog)
        return replace(self, hub=hub, watch=Watch(hub, hub.process))

    def with_settings(self, **settings: Any) -> "Bench":
        """Return the same bench with other settings."""
        hub = replace(self.hub, settings=replace(self.hub.settings, **settings))
        return replace(self, hub=hub, watch=Watch(hub, hub.process))

    def as_(self, process: str) -> "Bench":
        """Return the same bench as another worker process."""
        hub = replace(self.hub, process=process)
        return replace(self, hub=hub, watch=Watch(hub, process))


@pytest.fixture
def script() -> Script:
    """What the actions do."""
    return Script()


@pytest.fixture
def bench(store: Store, clock: Any, script: Script) -> Iterator[Bench]:
    """One process of a hub."""
    catalog = Catalog()
    catalog.add(lab(script))
    catalog.add(club(script))
    wakes: list[str] = []
    with SharedPool(Guard(), tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as pool:
        hub = Hub(
            settings=Settings(lease_s=30, payload_bytes=1_048_576),
            store=store,
            vault=Vault(MasterKey(bytes(range(100, 132))), store, clock),
            catalog=catalog,
            egress=Egress(pool),
            wake=lambda: wakes.append("wake"),
            now=clock,
            process="wrk_1",
        )
        yield Bench(hub=hub, watch=Watch(hub, "wrk_1"), script=script, clock=clock, wakes=wakes)


@pytest.fixture
def asker_of(bench: Bench) -> Iterator[Callable[..., Asker]]:
    """Make a key of a role and ask the API with it."""
    with TestClient(make_api(bench.hub), raise_server_exceptions=False) as client:
        yield lambda role="owner", tenant_id="ten_a": asker(bench.hub, client, role, tenant_id)


@pytest.fixture
def owner(asker_of: Callable[..., Asker]) -> Asker:
    """The API, asked by an owner of the bench's tenant."""
    return asker_of()
