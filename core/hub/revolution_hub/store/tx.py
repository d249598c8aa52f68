"""Store and Tx: a database, and a transaction bound to one tenant.

A Tx knows its tenant and every statement of the noun files filters by it, so a tenant cannot be
forgotten. Only `store/across.py` may use `begin_across`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from revolution_hub.errors import LimitError

BUSY_TIMEOUT_MS = 20_000


class StoreError(LimitError):
    """Raised when the database is locked, full or gone. Nothing of the transaction was kept.

    `reason` is the driver's own sentence, for the operator.
    """

    code = "database_unavailable"

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message, retry_after_s=1.0)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Tx:
    """A transaction bound to one tenant."""

    conn: Connection
    tenant_id: str


@dataclass(frozen=True, slots=True)
class AcrossTx:
    """A transaction over all tenants, for the listed look-ups of `store/across.py` and the committer."""

    conn: Connection

    def of(self, tenant_id: str) -> Tx:
        """Return the same transaction bound to one tenant."""
        return Tx(self.conn, _required(tenant_id))


class Store:
    """The database. Safe to share between threads; open one per process and close it at the end."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self._engine = _open(url, pool_size)

    @property
    def engine(self) -> Engine:
        """The engine itself, for migrations."""
        return self._engine

    @contextmanager
    def begin(self, tenant_id: str) -> Iterator[Tx]:
        """Write in one transaction for one tenant; committed at the end of the block, else rolled back."""
        bound = _required(tenant_id)
        with self._connection(write=True) as conn:
            yield Tx(conn, bound)

    @contextmanager
    def read(self, tenant_id: str) -> Iterator[Tx]:
        """Read one consistent state for one tenant. Writing here fails on SQLite when another writes."""
        bound = _required(tenant_id)
        with self._connection(write=False) as conn:
            yield Tx(conn, bound)

    @contextmanager
    def begin_across(self) -> Iterator[AcrossTx]:
        """Write over all tenants. For `store/across.py`, the committer and the first start only."""
        with self._connection(write=True) as conn:
            yield AcrossTx(conn)

    @contextmanager
    def read_across(self) -> Iterator[AcrossTx]:
        """Read over all tenants. For `store/across.py` only."""
        with self._connection(write=False) as conn:
            yield AcrossTx(conn)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _connection(self, *, write: bool) -> Iterator[Connection]:
        try:
            with self._engine.connect() as conn:
                bound = conn.execution_options(revolution_write=write)
                with bound.begin():
                    yield bound
        except (sa.exc.OperationalError, sa.exc.TimeoutError) as error:
            reason = str(getattr(error, "orig", error))
            raise StoreError("the database does not answer; try again soon", reason=reason) from error


def _required(tenant_id: str) -> str:
    if not tenant_id:
        raise ValueError("a transaction needs a tenant")
    return tenant_id


def _open(url: str, pool_size: int) -> Engine:
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=30,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        poolclass=sa.pool.QueuePool,
    )
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare(dbapi: Any, _record: Any) -> None:
    # The driver must not open transactions by itself: a deferred one cannot be upgraded under WAL and
    # would fail at once, whatever the busy timeout says. `_begin` says which kind it is.
    dbapi.isolation_level = None
    cursor = dbapi.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(conn: Connection) -> None:
    write = conn.get_execution_options().get("revolution_write", True)
    conn.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
