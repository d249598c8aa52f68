"""A hub without servers or processes of its own: the engine over a real database, driven in this process.

For what the work of the engine itself costs. Its one connector has the same action under every effect, an
action that only counts, so that they differ in nothing but in what the engine does around the call.
"""

import secrets
import ssl
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.ending import Wrong
from bench.rows import Database, Postgresql, Sqlite
from bench.servers import Postgres, new_database
from revolution_hub.access.rbac import permissions_of
from revolution_hub.catalog import Catalog
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.engine.claim import Claimer
from revolution_hub.engine.drive import drive
from revolution_hub.engine.watch import Watch
from revolution_hub.hub import Hub
from revolution_hub.model.execution import Execution
from revolution_hub.model.principal import Principal
from revolution_hub.services import starts, versions, workflows
from revolution_hub.settings import Settings
from revolution_hub.store.migrate import migrate
from revolution_hub.store.tx import Store
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.vault import Vault
from revolution_sdk import ActionContext, Connector, Json, JsonObject
from revolution_sdk.schema import integer, object_

EFFECTS = ("pure", "read", "repeatable", "once")
PROCESS = "wrk_bench"
STARTERS = 32
"""How many threads start executions, so that they share commits as deliveries do."""

_COUNT = object_(n=integer())
_SETTINGS = Settings(lease_s=3600, tenant_running=100_000, connection_running=100_000)
_MANY = 200


def counting() -> Connector:
    """Return the connector `bench`, whose actions `count_pure` … `count_once` all add one to a number."""
    made = Connector("bench", title="Bench")
    for effect in EFFECTS:

        def count(ctx: ActionContext, value: JsonObject) -> JsonObject:
            """Add one."""
            return {"n": value["n"] + 1}

        count.__name__ = f"count_{effect}"
        made.action(input=_COUNT, output=_COUNT, effect=effect)(count)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """One process of a hub, seen by one tenant, and its database as seen from outside."""

    hub: Hub
    watch: Watch
    principal: Principal
    database: Database

    def publish(self, name: str, steps: list[Json]) -> str:
        """Publish a workflow of these steps and return its id."""
        draft = workflows.create_workflow(self.hub, self.principal, {"name": name, "steps": steps})
        versions.publish_workflow(self.hub, self.principal, draft.id)
        return draft.id

    def start(self, workflow_id: str, number: int = 1) -> list[str]:
        """Start so many executions and return their ids."""

        def one(_: int) -> str:
            return starts.execute_workflow(self.hub, self.principal, workflow_id, {}, None)[0]

        if number == 1:
            return [one(0)]
        with ThreadPoolExecutor(STARTERS) as pool:
            return list(pool.map(one, range(number)))

    def claim(self, number: int) -> list[Execution]:
        """Claim so many executions, in one look-up if there are that many."""
        return Claimer(hub=self.hub, owner=PROCESS, watch=self.watch).take(number)

    def drive(self, execution: Execution, watch: Watch | None = None) -> None:
        """Drive an execution; a `watch` of one's own is handed what is noted last."""
        drive(self.hub, watch or self.watch, execution, later=watch is not None)

    def work(self, number: int, threads: int = 1, watch: Watch | None = None) -> None:
        """Claim and drive exactly so many executions. Raises Wrong if they are not there."""
        left = number
        with ThreadPoolExecutor(threads) as pool:
            while left:
                taken = self.claim(min(left, _MANY))
                if not taken:
                    raise Wrong(f"{number - left} of {number} executions were there to be driven")
                left -= len(taken)
                for _ in pool.map(lambda one: self.drive(one, watch), taken):
                    pass

    def require(self, ids: Sequence[str], steps: int) -> None:
        """Raise Wrong unless each of these has succeeded, and with so many succeeded steps."""
        for execution_id in ids:
            rows = self.database.rows(
                "SELECT e.status, (SELECT count(*) FROM step_executions s "
                "WHERE s.execution_id = e.id AND s.status = 'succeeded') FROM executions e WHERE e.id = ?",
                execution_id,
            )
            if [tuple(row) for row in rows] != [("succeeded", steps)]:
                raise Wrong(f"an execution of {steps} steps left {rows}")


def new_home(folder: Path, name: str, server: Postgres | None) -> tuple[str, Database]:
    """Make room for a database and return its address, and how to look into it: SQLite without a server."""
    if server is None:
        path = folder / f"{name}.db"
        return f"sqlite:///{path}", Sqlite(path)
    return new_database(server, name), Postgresql(server.url(name))


@contextmanager
def inside(url: str, database: Database, *, tenant_id: str = "ten_bench") -> Iterator[Inside]:
    """Run the engine over the database at this address, which gets its tables if it has none."""

    def now() -> datetime:
        return datetime.now(UTC)

    catalog = Catalog()
    catalog.add(counting())
    with ExitStack() as stack:
        store = Store(url)
        stack.callback(store.close)
        migrate(store)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        hub = Hub(
            settings=_SETTINGS,
            store=store,
            vault=Vault(MasterKey(secrets.token_bytes(32)), store, now),
            catalog=catalog,
            egress=Egress(stack.enter_context(SharedPool(Guard(), tls=tls))),
            wake=threading.Event().set,
            now=now,
            process=PROCESS,
        )
        principal = Principal(
            id="key_bench",
            tenant_id=tenant_id,
            role="owner",
            permissions=permissions_of("owner"),
            name="Bench",
        )
        yield Inside(hub=hub, watch=Watch(hub, PROCESS), principal=principal, database=database)
