"""Real SQLite files, a clock that only a test moves, and values to put into the tables."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.model.connection import Connection, Sealed
from revolution_hub.model.event import Event, StoredDelivery
from revolution_hub.model.execution import Attempt, Execution, StepExecution
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import AttemptStatus, ConnectionStatus, ExecutionStatus, StepStatus
from revolution_hub.store.migrate import migrate
from revolution_hub.store.tx import Store

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
SHORT_WAIT_MS = 50


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


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def make() -> Make:
    """A builder of values."""
    return Make()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file at the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "hub.db"
    store = Store(f"sqlite:///{path}")
    migrate(store)
    store.close()
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Path:
    """A database file of the test's own, migrated and empty."""
    return Path(shutil.copy(migrated, tmp_path / "hub.db"))


@pytest.fixture
def open_store(database: Path) -> Iterator[Callable[..., Store]]:
    """Open the test's database like one more process; `patient=False` waits 50 ms for a lock, not 20 s."""
    opened: list[Store] = []

    def opening(path: Path = database, *, patient: bool = True) -> Store:
        store = Store(f"sqlite:///{path}")
        if not patient:
            sa.event.listen(store.engine, "connect", _impatient)
        opened.append(store)
        return store

    yield opening
    for store in opened:
        store.close()


def _impatient(dbapi: Any, _record: Any) -> None:
    cursor = dbapi.cursor()
    cursor.execute(f"PRAGMA busy_timeout={SHORT_WAIT_MS}")
    cursor.close()


@pytest.fixture
def store(open_store: Callable[..., Store]) -> Store:
    """The test's database."""
    return open_store()
