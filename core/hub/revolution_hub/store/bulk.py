"""Many rows in one statement, the same on both databases. Rows of one call have the same columns.

SQLite's driver repeats a statement quickly, so the rows are made ready for it once. On PostgreSQL every row
of its own costs the driver more than the server; there the rows travel as one JSON document that the server
takes apart. Statements are built once per table and set of columns.
"""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, CursorResult

from revolution_hub.store.connect import POSTGRESQL
from revolution_hub.store.types import Moment

Rows = Sequence[dict[str, Any]]
Names = tuple[str, ...]
Writer = Callable[[Any], Any]


class _Way(Enum):
    ADD = auto()
    ADD_MISSING = auto()
    ADD_NEW = auto()
    PUT = auto()
    CHANGE = auto()


def add(conn: Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows; any conflict is an error."""
    if rows:
        _run(conn, _Way.ADD, table, rows)


def add_missing(conn: Connection, table: sa.Table, rows: Rows) -> None:
    """Insert the rows that are not there yet."""
    if rows:
        _run(conn, _Way.ADD_MISSING, table, rows)


def add_new(conn: Connection, table: sa.Table, rows: Rows) -> set[str]:
    """Insert the rows that break no uniqueness and return the ids of those, and of no others.

    What was inserted is what the database returns: the row count of such a statement says nothing.
    """
    return set(_run(conn, _Way.ADD_NEW, table, rows).scalars()) if rows else set()


def put(conn: Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows, or replace those with the same primary key. A key may occur only once in a call."""
    if rows:
        _run(conn, _Way.PUT, table, rows)


def change(conn: Connection, table: sa.Table, rows: Rows) -> None:
    """Update the rows with these ids to the other columns given with them."""
    if rows:
        _run(conn, _Way.CHANGE, table, rows)


def by(rows: Iterable[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Return the rows in the order of these columns: two batches that meet wait for each other, not both."""
    return sorted(rows, key=lambda row: tuple(row[name] for name in names))


def _run(conn: Connection, way: _Way, table: sa.Table, rows: Rows) -> CursorResult[Any]:
    names = tuple(rows[0])
    if conn.dialect.name == POSTGRESQL:
        document = json.dumps(rows, default=_text_of, ensure_ascii=False)
        return conn.execute(_for_postgresql(way, table, names), {"sent": document})
    if way is _Way.ADD_NEW:
        return conn.execute(_for_sqlite(way, table, names), rows)
    ready = _ready(way, table, names)
    return conn.exec_driver_sql(ready.text, [ready.values(row) for row in rows])


@lru_cache(maxsize=256)
def _for_postgresql(way: _Way, table: sa.Table, names: Names) -> Any:
    sent = _sent(table, names)
    if way is _Way.CHANGE:
        values = {name: sent.c[name] for name in names if name != "id"}
        return sa.update(table).where(table.c.id == sent.c.id).values(values)
    insert = postgresql.insert(table).from_select(names, sa.select(*sent.c), include_defaults=False)
    return _settled(insert, way, table, names)


@lru_cache(maxsize=256)
def _for_sqlite(way: _Way, table: sa.Table, names: Names) -> Any:
    if way is _Way.CHANGE:
        values: dict[str, Any] = {name: sa.bindparam(name) for name in names if name != "id"}
        return sa.update(table).where(table.c.id == sa.bindparam("the_id")).values(values)
    return _settled(sqlite.insert(table), way, table, names)


def _settled(insert: postgresql.Insert | sqlite.Insert, way: _Way, table: sa.Table, names: Names) -> Any:
    """Say what the insert does about rows that are there already."""
    if way is _Way.ADD:
        return insert
    if way is _Way.PUT:
        keys = [column.name for column in table.primary_key]
        rest = {name: insert.excluded[name] for name in names if name not in keys}
        return insert.on_conflict_do_update(index_elements=keys, set_=rest)
    ignoring = insert.on_conflict_do_nothing()
    return ignoring.returning(table.c.id) if way is _Way.ADD_NEW else ignoring


def _sent(table: sa.Table, names: Names) -> sa.Subquery:
    """Return the rows of the JSON document in the parameter `sent`, with the table's own types."""
    binary = {name for name in names if isinstance(table.c[name].type, sa.LargeBinary)}
    columns: list[Any] = [
        sa.column(name, sa.Text() if name in binary else table.c[name].type) for name in names
    ]
    document = sa.cast(sa.bindparam("sent", type_=sa.Text()), postgresql.JSON)
    rows = sa.func.json_to_recordset(document).table_valued(*columns).render_derived("r", with_types=True)
    read = [
        sa.func.decode(rows.c[name], "base64").label(name) if name in binary else rows.c[name]
        for name in names
    ]
    return sa.select(*read).subquery("sent_rows")


def _text_of(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} is not a column's value")


@dataclass(frozen=True, slots=True)
class _Ready:
    """A statement as SQLite's driver takes it, and how to write the values of a row for it."""

    text: str
    columns: tuple[tuple[str, Writer | None], ...]

    def values(self, row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple([row[name] if write is None else write(row[name]) for name, write in self.columns])


@lru_cache(maxsize=256)
def _ready(way: _Way, table: sa.Table, names: Names) -> _Ready:
    dialect = sqlite.dialect()
    keys = [name for name in names if way is not _Way.CHANGE or name != "id"]
    compiled = _for_sqlite(way, table, names).compile(dialect=dialect, column_keys=keys)
    order = [{"the_id": "id"}.get(name, name) for name in compiled.positiontup]
    return _Ready(str(compiled), tuple((name, _writer(table.c[name], dialect)) for name in order))


def _writer(column: sa.Column[Any], dialect: Any) -> Writer | None:
    if isinstance(column.type, Moment):
        return _sqlite_moment
    writer: Writer | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    return writer


def _sqlite_moment(value: datetime | None) -> str | None:
    # The text SQLAlchemy itself writes and reads, without its detours.
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
