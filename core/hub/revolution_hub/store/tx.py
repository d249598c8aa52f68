"""Store and Tx: a database, and a transaction bound to one tenant.

A Tx knows its tenant and every statement of the noun files filters by it, so a tenant cannot be
forgotten. Only `store/across.py` may use `begin_across`.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from revolution_hub.model.payload import Files
from revolution_hub.store.connect import LostConnectionError, WaitedTooLongError, open_engine, open_reader
from revolution_hub.store.errors import AWAY, StoreError, one_line
from revolution_hub.store.lookup import Lookup
from revolution_hub.store.prepared import Row

_CLASHES = ("40001", "40P01")
"""PostgreSQL's codes for a serialization failure and a deadlock."""

_TENANT = re.compile("[A-Za-z0-9_]{1,40}")


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
        return Tx(self.conn, _named(tenant_id))


@dataclass(frozen=True, slots=True)
class GlobalTx:
    """A transaction over no tenant at all, for the tables that belong to none."""

    conn: Connection


AnyTx = Tx | AcrossTx | GlobalTx
"""What a statement about global tables alone can be made in."""

ALL_TENANTS = "*"
NO_TENANT = ""


class Companion(Protocol):
    """Something that works for one store and ends with it."""

    def __init__(self, store: "Store") -> None: ...

    def close(self) -> None:
        """Finish, and end."""


C = TypeVar("C", bound=Companion)


class Store:
    """The database. Safe to share between threads; open one per process and close it at the end."""

    def __init__(self, url: str, *, pool_size: int = 20, files: Files | None = None) -> None:
        readers = max(1, pool_size // 4)
        self._engine = open_engine(url, max(1, pool_size - readers))
        self._reader = open_reader(url, readers, self._engine)
        self._files = files
        self._companions: dict[type[Any], Any] = {}
        self._lookups: dict[Callable[[], sa.Select[Any]], Lookup] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._refuses_writes = False

    @property
    def files(self) -> Files | None:
        """Where large payloads are kept; without it every payload is kept in its row."""
        return self._files

    @property
    def engine(self) -> Engine:
        """The engine itself, for migrations."""
        return self._engine

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @property
    def refuses_writes(self) -> bool:
        """Tell whether this process's last transaction that was to write failed: locked, full or gone."""
        return self._refuses_writes

    @contextmanager
    def begin(self, tenant_id: str) -> Iterator[Tx]:
        """Write in one transaction for one tenant; committed at the end of the block, else rolled back.

        What is read in the block stays true until its end as far as others write through `begin`: of those
        there is one at a time, per tenant on PostgreSQL, and for all of them on SQLite.
        """
        with self._connection(_named(tenant_id), write=True, alone=True) as conn:
            yield Tx(conn, tenant_id)

    @contextmanager
    def read(self, tenant_id: str) -> Iterator[Tx]:
        """Read one consistent state for one tenant. Nothing may be written here."""
        with self._connection(_named(tenant_id), write=False) as conn:
            yield Tx(conn, tenant_id)

    @contextmanager
    def begin_across(self, tenant_ids: Iterable[str] | None = None) -> Iterator[AcrossTx]:
        """Write for these tenants, else over all. For `store/across.py`, the committer and first starts."""
        tenants = (
            ALL_TENANTS if tenant_ids is None else ",".join(_named(one) for one in sorted(set(tenant_ids)))
        )
        with self._connection(tenants, write=True) as conn:
            yield AcrossTx(conn)

    @contextmanager
    def read_across(self) -> Iterator[AcrossTx]:
        """Read over all tenants, every statement the newest state. For `store/across.py` only."""
        with self._connection(ALL_TENANTS, write=False) as conn:
            yield AcrossTx(conn)

    def find_across(self, query: Callable[[], sa.Select[Any]], value: str) -> Row | None:
        """Return the one row over all tenants that a query of one value finds. For `store/across.py` only."""
        known = self._lookups.get(query)
        if known is None:
            known = self._lookups[query] = Lookup(self._reader, query())
        return known.find(value)

    @contextmanager
    def begin_global(self) -> Iterator[GlobalTx]:
        """Write in tables that belong to no tenant; row-level security hides those of the tenants."""
        with self._connection(NO_TENANT, write=True) as conn:
            yield GlobalTx(conn)

    @contextmanager
    def read_global(self) -> Iterator[GlobalTx]:
        """Read tables that belong to no tenant, in one consistent state."""
        with self._connection(NO_TENANT, write=False) as conn:
            yield GlobalTx(conn)

    def companion(self, kind: type[C]) -> C:
        """Return the store's one companion of this kind, made when it is first asked for."""
        with self._lock:
            if self._closed:
                raise StoreError(AWAY, reason="the store is closed")
            if kind not in self._companions:
                self._companions[kind] = kind(self)
            found: C = self._companions[kind]
            return found

    def close(self) -> None:
        """Close its companions, then every connection."""
        with self._lock:
            self._closed = True
            companions = list(self._companions.values())
        for companion in companions:
            companion.close()
        self._engine.dispose()
        self._reader.dispose()

    @contextmanager
    def _connection(self, tenants: str, *, write: bool, alone: bool = False) -> Iterator[Connection]:
        try:
            with ExitStack() as stack:
                options = {"write": write, "tenants": tenants, "alone": alone, "files": self._files}
                yield self._begun(stack, {f"revolution_{name}": value for name, value in options.items()})
            if write:
                self._refuses_writes = False
        except sa.exc.DBAPIError as error:
            if not _is_away(error):
                raise
            self._refuses_writes |= write
            clashed = getattr(error.orig, "sqlstate", None) in _CLASHES
            raise StoreError(
                AWAY, reason=one_line(error.orig), lost=error.connection_invalidated, clashed=clashed
            ) from error
        except (sa.exc.TimeoutError, LostConnectionError, WaitedTooLongError) as error:
            self._refuses_writes |= write
            raise StoreError(AWAY, reason=one_line(error)) from error

    def _begun(self, stack: ExitStack, options: dict[str, Any]) -> Connection:
        across = options["revolution_tenants"] == ALL_TENANTS and not options["revolution_write"]
        try:
            return _enter(stack, self._reader if across else self._engine, options)
        except LostConnectionError:
            # The server was restarted: what else lies in the pool is as dead. Nothing was done yet, so a new
            # connection may simply do it.
            self._engine.dispose()
            self._reader.dispose()
            return _enter(stack, self._engine, options)


def _enter(stack: ExitStack, engine: Engine, options: dict[str, Any]) -> Connection:
    with ExitStack() as inner:
        conn = inner.enter_context(engine.connect()).execution_options(**options)
        inner.enter_context(conn.begin())
        stack.push(inner.pop_all())
    return conn


def _is_away(error: sa.exc.DBAPIError) -> bool:
    # Locked, full, read-only, restarted, terminated: another try may help. A refused value (DataError,
    # IntegrityError) or a wrong statement is not among them.
    return error.connection_invalidated or isinstance(
        error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.InternalError
    )


def _named(tenant_id: str) -> str:
    if not tenant_id or not _TENANT.fullmatch(tenant_id):
        raise ValueError("a transaction needs a tenant")
    return tenant_id
