"""A real hub in processes of its own, real plugins, and sandboxes held against their contracts."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openapi_core import OpenAPI
from rig import hub as rig_hub
from rig import postgres as rig_postgres
from rig import redis as rig_redis
from rig.hub import LiveHub, Probe, Team
from rig.missing import missing
from rig.postgres import Postgres
from rig.redis import Redis

from revolution_ai.sandbox import sandbox as ai_sandbox
from revolution_google.sandbox import sandbox as google_sandbox
from revolution_hubspot.sandbox import sandbox as hubspot_sandbox
from revolution_sdk.sandbox import RunningSandbox, run_sandbox
from revolution_sdk.testing.contract import ContractValidator, contracts_folder, load_contract

HOSTILE = Path(__file__).with_name("hostile_plugin")
ROLE = "hub"

CONTRACTS = {
    "hubspot": ("hubspot/hubspot.2026-03.derived.openapi.json", "https://api.hubapi.com", hubspot_sandbox),
    "google": ("google/google.trimmed.openapi.json", "https://www.googleapis.com", google_sandbox),
    "ai": ("openai/openai.trimmed.openapi.json", "https://api.openai.com", ai_sandbox),
}
# No contract knows the consent pages, nor Google's any of what has to do with authorization; HubSpot's has
# no answer of its revocation but that of an error.
OUTSIDE = {
    "google": {"/token", "/revoke", "/o/oauth2/v2/auth", "/v1/userinfo"},
    "hubspot": {"/oauth/authorize", "/oauth/2026-03/token/revoke"},
}


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
    earlier: dict[str, int] = field(default_factory=dict)
    portal: int = 62515

    @property
    def allow(self) -> str:
        return ",".join(one.host for one in self.running.values())

    def control(self, name: str, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.running[name].url}/_sandbox/{path}"
        answer = httpx2.request(method, url, json=body, timeout=60, trust_env=False)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def mails(self) -> list[Any]:
        return self._new("mails")

    def meetings(self) -> list[Any]:
        return self._new("meetings")

    def _new(self, kind: str) -> list[Any]:
        return list(self.control("google", "GET", kind))[self.earlier.get(kind, 0) :]

    def calm(self) -> None:
        """Take back every fault, forget what earlier tests sent, and go on in another HubSpot account."""
        for name in self.running:
            self.control(name, "DELETE", "faults")
        self.control("google", "POST", "scopes", {"missing": []})
        self.earlier = {kind: len(self.control("google", "GET", kind)) for kind in ("mails", "meetings")}
        self.portal += 1

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


def start_hub(folder: Path, allow: str, **settings: str) -> LiveHub:
    """Start a hub that also has the hostile plugin."""
    return rig_hub.start_hub(folder, allow, **{"PYTHONPATH": str(HOSTILE), **settings})


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


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL server that keeps what it commits, with a role for hubs that is no superuser."""
    if rig_postgres.binaries() is None:
        missing("there is no PostgreSQL: install the development requirements")
    server = Postgres(tmp_path_factory.mktemp("postgres"), durable=True)
    try:
        server.create()
        server.execute(f"CREATE ROLE {ROLE} LOGIN")
        yield server
    finally:
        server.stop("immediate")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis server of our own."""
    if rig_redis.program() is None:
        missing("there is no Redis: install the development requirements")
    server = Redis(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.stop()


def database_of(server: Postgres) -> str:
    """Make a database that the hubs' role owns, and return its address."""
    database = server.clone()
    server.execute(f'ALTER DATABASE "{database}" OWNER TO {ROLE}')
    return server.url(database, ROLE)


@pytest.fixture
def database(postgres_server: Postgres) -> Iterator[str]:
    """A fresh database on PostgreSQL."""
    url = database_of(postgres_server)
    yield url
    postgres_server.drop(url.rpartition("/test_")[2].partition("?")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A hub on one kind of database and wake-up, and the sandboxes it may reach."""

    hub: LiveHub
    world: World


@contextmanager
def running_stack(folder: Path, contracts: dict[str, OpenAPI], **settings: str) -> Iterator[Stack]:
    with sandboxes_of(contracts) as world:
        hub = start_hub(folder, world.allow, **settings)
        try:
            yield Stack(hub=hub, world=world)
        finally:
            hub.stop()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory, contracts: dict[str, OpenAPI]) -> Iterator[Stack]:
    """Everything on one machine, on SQLite."""
    with running_stack(tmp_path_factory.mktemp("embedded"), contracts) as made:
        yield made


@pytest.fixture(scope="session")
def distributed(
    tmp_path_factory: pytest.TempPathFactory,
    contracts: dict[str, OpenAPI],
    postgres_server: Postgres,
    redis_server: Redis,
) -> Iterator[Stack]:
    """PostgreSQL and Redis, two processes for the API and two for the workers."""
    settings = {
        "REVOLUTION_DATABASE_URL": database_of(postgres_server),
        "REVOLUTION_BROKER_URL": redis_server.url,
        "REVOLUTION_API_PROCESSES": "2",
        "REVOLUTION_WORKER_PROCESSES": "2",
    }
    with running_stack(tmp_path_factory.mktemp("distributed"), contracts, **settings) as made:
        yield made


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> Stack | None:
    """The stack a test is parametrized with, shared by such tests; None for one that has a hub of its own."""
    name = getattr(request, "param", None)
    return None if name is None else request.getfixturevalue(name)


@pytest.fixture
def world(stack: Stack | None, contracts: dict[str, OpenAPI]) -> Iterator[World]:
    """Sandboxes that know nothing of other tests."""
    if stack is not None:
        stack.world.calm()
        yield stack.world
        return
    with sandboxes_of(contracts) as made:
        yield made


@pytest.fixture
def hub(stack: Stack | None, tmp_path: Path, world: World) -> Iterator[LiveHub]:
    """A hub of its own for a test that hurts it, else the one of its stack."""
    if stack is not None:
        yield stack.hub
        return
    started = start_hub(tmp_path, world.allow)
    yield started
    started.stop()


@pytest.fixture
def team(hub: LiveHub, world: World) -> Team:
    """A tenant connected to every sandbox."""
    return make_team(hub, world, "Team", portal=str(world.portal))


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


@pytest.fixture
def probe_of() -> Callable[[LiveHub], Probe]:
    """Asks a hub's API how it is while the block lasts."""
    return lambda hub: Probe(hub.url)
