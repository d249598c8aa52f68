"""A provider whose token endpoint counts, rotates and refuses, and processes that refresh through it."""

import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from revolution_hub.catalog import Catalog
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.engine.refused import mark_refused
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Connection, ProviderApp
from revolution_hub.model.ids import new_id
from revolution_hub.settings import Settings
from revolution_hub.store import across, apps, connections
from revolution_hub.store.tx import Store
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.tokens import TokenSource
from revolution_hub.vault.vault import Vault
from revolution_sdk import Connector, OAuth2
from revolution_sdk.sandbox import Answer, Call, RunningSandbox, Sandbox, run_sandbox

MASTER = MasterKey(bytes(range(100, 132)))
ACME = Connector(
    "acme",
    title="Acme",
    base_url="https://api.acme.test/v1",
    auth=OAuth2(
        authorize_url="https://api.acme.test/oauth/authorize",
        token_url="https://api.acme.test/oauth/token",
        account_field="account",
    ),
)


@dataclass(slots=True)
class Provider:
    """Acme's token endpoint. `valid` is the one refresh token it takes; each use makes the next one.

    `meanwhile` is what happens once between a question and its answer.
    """

    sandbox: Sandbox
    before: int = 0
    valid: str = "refresh-1"
    lifetime_s: Any = 3600
    rotates: bool = True
    account: Any = 7
    answer: Answer | None = None
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def grant(self, call: Call) -> Answer:
        if self.meanwhile:
            self.meanwhile.pop()()
        with self.lock:
            form = call.form()
            self.forms.append(form)
            if self.answer is not None:
                return self.answer
            if form["refresh_token"] != self.valid or form["client_secret"] != "app-secret":
                return Answer(status=400, body={"error": "invalid_grant"})
            granted = {
                "access_token": f"access-{len(self.forms)}",
                "account": self.account,
                "expires_in": self.lifetime_s,
            }
            if self.rotates:
                self.valid = granted["refresh_token"] = f"refresh-{len(self.forms) + 1}"
            return Answer(body={key: one for key, one in granted.items() if one is not None})

    @property
    def asked(self) -> int:
        """How often a refresh was asked for, answered or not."""
        return len(self.sandbox.calls("token")) - self.before


class Acme:
    """Serves one provider after another: starting a server for each test would take the longest."""

    provider: Provider

    def __init__(self) -> None:
        self.sandbox = Sandbox("acme", port=0, error_shape=lambda status: {"error": status}, connection={})
        self.sandbox.operation("POST", "/oauth/token", "token")(self._grant)

    def _grant(self, call: Call) -> Answer:
        return self.provider.grant(call)


@pytest.fixture(scope="session")
def acme() -> Iterator[tuple[Acme, RunningSandbox]]:
    """Acme's server."""
    made = Acme()
    with run_sandbox(made.sandbox) as running:
        yield made, running


@pytest.fixture
def provider(acme: tuple[Acme, RunningSandbox]) -> Iterator[Provider]:
    """Acme as if nobody had ever asked it."""
    made = Provider(sandbox=acme[0].sandbox, before=len(acme[0].sandbox.calls("token")))
    acme[0].provider = made
    yield made
    made.sandbox.faults.clear()


@dataclass(slots=True, kw_only=True)
class Process:
    """What one process of a hub has: a store of its own, a vault of its own, connections of its own."""

    store: Store
    vault: Vault
    egress: Egress
    clock: Any
    base_url: str
    apps: dict[str, ProviderApp]

    def connect(self, make: Any, **document: Any) -> Connection:
        """Keep a connection whose access token ran out a minute ago, unless told otherwise."""
        stale = (self.clock.now - timedelta(minutes=1)).timestamp()
        content = {"access_token": "access-0", "refresh_token": "refresh-1", "expires_at": stale, **document}
        app_id, connection_id = new_id("app"), new_id("con")
        app = ProviderApp(
            id=app_id,
            connector="acme",
            app_key=app_id,
            client_id="client",
            secret=self.vault.seal("ten_a", app_id, {"client_secret": "app-secret"}),
            created_at=self.clock.now,
            owner_tenant_id="ten_a",
        )
        connection = make.connection(
            id=connection_id,
            app_id=app_id,
            base_url=self.base_url,
            credential=self.vault.seal("ten_a", connection_id, content),
        )
        with self.store.begin("ten_a") as tx:
            apps.add(tx, app)
            connections.add(tx, connection)
        self.apps[app_id] = app
        return connection

    @property
    def hub(self) -> Hub:
        """This process's hub, with Acme installed."""
        catalog = Catalog()
        catalog.add(ACME)
        return Hub(
            settings=Settings(),
            store=self.store,
            vault=self.vault,
            catalog=catalog,
            egress=self.egress,
            wake=lambda: None,
            now=self.clock,
            process="api_1",
        )

    def app(self, app_id: str) -> ProviderApp:
        """The provider app as it is in the database."""
        found = across.get_app(self.store, app_id, "ten_a")
        assert found is not None
        return found

    def source(self, connection: Connection, connector: Connector = ACME) -> TokenSource:
        """What authenticates one call through this connection."""
        return TokenSource(
            store=self.store,
            vault=self.vault,
            now=self.clock,
            connector=connector,
            connection=connection,
            app=self.apps.get(str(connection.app_id)),
            open_client=lambda: self.egress.token_client(connector, connection.base_url),
            refused=partial(mark_refused, self.hub, this_very=True),
        )

    def stored(self, connection: Connection) -> tuple[Connection, dict[str, Any]]:
        """The connection as it is in the database now, and its credential opened."""
        with self.store.read("ten_a") as tx:
            found = connections.get(tx, connection.id)
        return found, self.vault.open("ten_a", found.id, found.credential)


@pytest.fixture
def start_process(
    open_store: Callable[..., Store], clock: Any, provider: Provider, acme: tuple[Acme, RunningSandbox]
) -> Iterator[Callable[[], Process]]:
    """Start one more process over the same database."""
    host, _, port = acme[1].host.partition(":")
    pools: list[SharedPool] = []
    apps: dict[str, ProviderApp] = {}

    def starting() -> Process:
        # Nothing here speaks TLS, and reading the system's authorities would take the longest.
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        pools.append(SharedPool(Guard(allow=frozenset({(host, int(port))})), tls=tls))
        store = open_store()
        return Process(
            store=store,
            vault=Vault(MASTER, store, clock),
            egress=Egress(pools[-1]),
            clock=clock,
            base_url=f"http://{host}:{port}/v1",
            apps=apps,
        )

    yield starting
    for pool in pools:
        pool.close()


@pytest.fixture
def process(start_process: Callable[[], Process]) -> Process:
    """One process of a hub."""
    return start_process()


@pytest.fixture
def vault(store: Store, clock: Any) -> Vault:
    """A vault over the test's database."""
    return Vault(MASTER, store, clock)
