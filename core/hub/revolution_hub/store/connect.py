"""Opening a database: what SQLite and PostgreSQL each need so that a transaction means the same on both."""

import select
import sqlite3
import time
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import URL, Connection, Engine, make_url

BUSY_TIMEOUT_MS = 20_000
STATEMENT_TIMEOUT_MS = 30_000
CONNECT_TIMEOUT_S = 5
POOL_TIMEOUT_S = 10
LOOK_AGAIN_S = 0.001
_PRIMARY_CODE = 0xFF

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
    # Whoever commits the thousandth page copies them all; 32 MB at a time copy the busy ones far less often.
    "wal_autocheckpoint=8000",
    "cache_size=-16384",
    "temp_store=MEMORY",
)

SQLITE = "sqlite"
POSTGRESQL = "postgresql"


def open_engine(url: str, pool_size: int) -> Engine:
    """Return an engine for `sqlite:///path` or `postgresql://…`; connects only when it is used."""
    parsed = make_url(url)
    return _postgresql(parsed, pool_size) if parsed.drivername == POSTGRESQL else _sqlite(parsed, pool_size)


def _sqlite(url: URL, pool_size: int) -> Engine:
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POOL_TIMEOUT_S,
        connect_args={
            "check_same_thread": False,
            "timeout": BUSY_TIMEOUT_MS / 1000,
            # Statements for many rows come in as many lengths; each stays prepared.
            "cached_statements": 512,
        },
        poolclass=sa.pool.QueuePool,
    )
    engine.dialect.statement_compiler = _NamingIndexes
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


class _NamingIndexes(SQLiteCompiler):
    """Writes the index a query is to be answered from behind its table, which SQLAlchemy leaves out."""

    def get_from_hint_text(self, table: sa.FromClause, text: str | None) -> str | None:
        """Return what is written behind the table."""
        return text


def _prepare_sqlite(dbapi: Any, _record: Any) -> None:
    # The driver must not open transactions by itself: a deferred one cannot be upgraded under WAL and
    # would fail at once, whatever the busy timeout says. `_begin_sqlite` says which kind it is.
    dbapi.isolation_level = None
    cursor = dbapi.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(conn: Connection) -> None:
    if conn.get_execution_options().get("revolution_write", True):
        _begin_to_write(conn, conn.connection.driver_connection)
    else:
        conn.exec_driver_sql("BEGIN")


def _begin_to_write(conn: Connection, driver: Any) -> None:
    """Begin as the one writer, waiting for the others as long as the connection's busy timeout says.

    SQLite itself looks less often the longer it waits, in the end ten times a second. Somebody who commits
    without a pause would then be ahead of everybody else for as long as there is work.
    """
    (patience_ms,) = driver.execute("PRAGMA busy_timeout").fetchone()
    give_up_s = time.monotonic() + patience_ms / 1000
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < give_up_s:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY:
                    break
            time.sleep(LOOK_AGAIN_S)
        # The last try goes through SQLAlchemy, which knows what to make of an error.
        conn.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        driver.execute(f"PRAGMA busy_timeout={patience_ms}")


def open_reader(url: str, pool_size: int, engine: Engine) -> Engine:
    """Return the engine for look-ups over all tenants, each of which is one statement.

    On PostgreSQL they go without a transaction: its beginning and its end would be two more round trips.
    On SQLite, where there are none, it is `engine` itself.
    """
    parsed = make_url(url)
    if parsed.drivername != POSTGRESQL:
        return engine
    return _postgresql_engine(
        parsed, pool_size, "-c revolution.tenants=* -c default_transaction_read_only=on"
    )


def _postgresql(url: URL, pool_size: int) -> Engine:
    engine = _postgresql_engine(url, pool_size, "")
    sa.event.listen(engine, "begin", _begin_postgresql)
    return engine


def _postgresql_engine(url: URL, pool_size: int, options: str) -> Engine:
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            # The driver leaves transactions alone; `_begin_postgresql` begins them.
            "autocommit": True,
            # Whatever the server is set to: what is accepted is on disk.
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC"
            f" -c synchronous_commit=on {options}",
            "application_name": "revolution-hub",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    )
    sa.event.listen(engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(dbapi: Any, _record: Any, _fairy: Any) -> None:
    # A server that ended or was restarted has closed its side, which can be seen without asking it. The pool
    # throws such a connection away and hands out a new one, so that nobody is told of it.
    waiting = select.poll()
    waiting.register(dbapi.fileno(), select.POLLIN)
    if waiting.poll(0):
        raise sa.exc.DisconnectionError("the server has closed this connection")


def _begin_postgresql(conn: Connection) -> None:
    # Beginning a transaction and naming its tenants, with which row-level security compares, is one round
    # trip. Text of ours only: `tx.py` lets nothing but letters, digits and underscores into a tenant's id.
    # A writer that has its tenant alone waits here for the one before it, and then sees what that one wrote.
    options = conn.get_execution_options()
    mode = "" if options.get("revolution_write", True) else " ISOLATION LEVEL REPEATABLE READ READ ONLY"
    tenants = options.get("revolution_tenants", "")
    statement = f"BEGIN{mode}; SET LOCAL revolution.tenants = '{tenants}'"
    if options.get("revolution_alone", False):
        statement += f"; SELECT pg_advisory_xact_lock(hashtextextended('{tenants}', 0))"
    driver = conn.connection.driver_connection
    try:
        # Two commands in one message cannot be prepared.
        driver.execute(statement, prepare=False)  # type: ignore[union-attr]
    except psycopg.OperationalError as error:
        lost = driver.closed  # type: ignore[union-attr]
        conn.invalidate(error)
        raise (LostConnectionError if lost else WaitedTooLongError)(str(error)) from error


class LostConnectionError(Exception):
    """Raised at the beginning of a transaction if the pooled connection is dead; nothing was done yet."""


class WaitedTooLongError(Exception):
    """Raised at the beginning of a transaction if others of its tenant did not end; nothing was done yet."""
