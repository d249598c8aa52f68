"""Many rows in one statement, the same on both databases. Rows of one call have the same columns.

Every row of its own costs a driver more than the database, and lets every other thread of the process in
between. On SQLite one statement therefore takes as many rows as there are, up to a bound; on PostgreSQL the
rows travel as one JSON document that the server takes apart. Statements are built once.
"""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.engine import Connection, CursorResult

from revolution_hub.model.time import utc_text
from revolution_hub.store.connect import POSTGRESQL
from revolution_hub.store.payloads import BEGINNING, limit_of, stored_rows, stored_text
from revolution_hub.store.types import Moment, Payload, json_text

Rows = Sequence[dict[str, Any]]
Names = tuple[str, ...]
Writer = Callable[[Any], Any]

LEADER = "led_by"
BASIS = "made_from"
_ASIDE: dict[str, Any] = {LEADER: sa.Text(), BASIS: sa.Integer()}
"""What rows say that is no column of their table."""

_MOST_ROWS = 64


class _Way(Enum):
    ADD_MISSING = auto()
    ADD_NEW = auto()
    PUT = auto()
    CHANGE = auto()


def add_missing(conn: Connection, table: sa.Table, rows: Rows) -> None:
    """Insert the rows that are not there yet."""
    if rows:
        _run(conn, _Way.ADD_MISSING, table, rows)


def add_new(conn: Connection, table: sa.Table, rows: Rows) -> set[str]:
    """Insert the rows that break no uniqueness and return the ids of those, and of no others.

    PostgreSQL returns what was inserted; SQLite is asked for it only where its count says that some were not.
    """
    return set(_run(conn, _Way.ADD_NEW, table, rows)) if rows else set()


def put(conn: Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows, or replace those with the same primary key. A key may occur only once in a call."""
    if rows:
        _run(conn, _Way.PUT, table, rows)


def change(conn: Connection, table: sa.Table, rows: Rows) -> None:
    """Update the rows with these ids to the other columns given with them."""
    if rows:
        _run(conn, _Way.CHANGE, table, rows)


def add_led(
    conn: Connection,
    leading: tuple[sa.Table, Rows],
    led: Sequence[tuple[sa.Table, Rows]],
    sources: sa.Table,
) -> set[str]:
    """Insert leading rows that break no uniqueness, and of the others those a new one leads; return its ids.

    Rows of `led` name their leader's id under `LEADER`. A leading row names under `BASIS` the revision at
    which its source, by `source_id`, must still be, or None. On PostgreSQL all of it is one round trip.
    """
    following = [(table, rows) for table, rows in led if rows]
    if conn.dialect.name == POSTGRESQL:
        shapes = tuple((table, tuple(rows[0])) for table, rows in (leading, *following))
        sent = {f"sent_{at}": _document(conn, *one) for at, one in enumerate((leading, *following))}
        return set(conn.exec_driver_sql(_led_for_postgresql(shapes, sources), sent).scalars())
    table, rows = leading
    new = add_new(conn, table, _up_to_date(conn, rows, sources))
    for table, rows in following:
        add_missing(conn, table, [row for row in rows if row[LEADER] in new])
    return new


def _up_to_date(conn: Connection, rows: Rows, sources: sa.Table) -> Rows:
    asked = {row["source_id"] for row in rows if row[BASIS] is not None}
    if not asked:
        return rows
    marks = ", ".join("?" * len(asked))
    present = f"SELECT id, revision FROM {sources.name} WHERE id IN ({marks})"  # noqa: S608, a table's name
    revision_of = {row[0]: row[1] for row in conn.exec_driver_sql(present, tuple(asked))}
    return [row for row in rows if row[BASIS] in (None, revision_of.get(row["source_id"]))]


def by(rows: Iterable[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Return the rows in the order of these columns: two batches that meet wait for each other, not both."""
    return sorted(rows, key=lambda row: tuple(row[name] for name in names))


def _run(conn: Connection, way: _Way, table: sa.Table, rows: Rows) -> list[str]:
    """Run the statement over all rows; returns the ids it returned, if it returns any."""
    names = tuple(name for name in rows[0] if name not in _ASIDE)
    if conn.dialect.name == POSTGRESQL:
        sent = {"sent_0": _document(conn, table, rows)}
        return _returned(conn.exec_driver_sql(_for_postgresql(way, table, names), sent))
    ready, most = _ready(way, table, names), limit_of(conn)
    if way is _Way.CHANGE:
        conn.exec_driver_sql(ready.text, [tuple(ready.values(conn, most, row)) for row in rows])
        return []
    found: list[str] = []
    for at in range(0, len(rows), _MOST_ROWS):
        some = rows[at : at + _MOST_ROWS]
        values = tuple(chain.from_iterable([ready.values(conn, most, row) for row in some]))
        result = conn.exec_driver_sql(ready.text_for(len(some)), values)
        if way is _Way.ADD_NEW:
            found += _inserted(conn, table, some, result.rowcount)
    return found


def _inserted(conn: Connection, table: sa.Table, rows: Rows, count: int) -> list[str]:
    """Return which of the rows the last insert on SQLite has written; `count` is how many of them.

    Nearly always it is all. Having each returned would let every other thread in between for each, and
    getting back in takes longer than the insert.
    """
    if count == len(rows):
        return [row["id"] for row in rows]
    # There is one writer, and what it inserts gets the numbers behind the highest, one after the other.
    last = "last_insert_rowid()"
    query = f"SELECT id FROM {table.name} WHERE rowid > {last} - ? AND rowid <= {last}"  # noqa: S608
    return [row[0] for row in conn.exec_driver_sql(query, (count,))]


def _returned(result: CursorResult[Any]) -> list[str]:
    return list(result.scalars()) if result.returns_rows else []


def _document(conn: Connection, table: sa.Table, rows: Rows) -> str:
    text = _rows_text(rows)
    stored = stored_rows(conn, table, rows, text)
    return text if stored is None else _rows_text(stored)


def _rows_text(rows: Rows) -> str:
    try:
        # It writes moments itself, in a tenth of the time that asking `_text_of` about each takes.
        return orjson.dumps(rows, _text_of).decode()
    except orjson.JSONEncodeError:
        # As `json_text` does it.
        return json.dumps(rows, default=_text_of)


@lru_cache(maxsize=256)
def _led_for_postgresql(shapes: tuple[tuple[sa.Table, Names], ...], sources: sa.Table) -> str:
    (table, columns), *led = shapes
    names = tuple(name for name in columns if name not in _ASIDE)
    sent = _sent(table, columns)
    same = sa.exists().where(sources.c.id == sent.c.source_id, sources.c.revision == sent.c[BASIS])
    leading = sa.select(*[sent.c[name] for name in names]).where(sa.or_(sent.c[BASIS].is_(None), same))
    insert = postgresql.insert(table).from_select(names, leading, include_defaults=False)
    new = insert.on_conflict_do_nothing().returning(table.c.id).cte("new")
    statement = sa.select(new.c.id)
    for at, (other, columns) in enumerate(led, start=1):
        plain = tuple(name for name in columns if name not in _ASIDE)
        rows = _sent(other, columns, at)
        chosen = sa.select(*[rows.c[name] for name in plain]).where(rows.c[LEADER].in_(sa.select(new.c.id)))
        adding = postgresql.insert(other).from_select(plain, chosen, include_defaults=False)
        statement = statement.add_cte(adding.on_conflict_do_nothing().cte(f"add_{at}"))
    return _text_for_postgresql(statement)


@lru_cache(maxsize=256)
def _for_postgresql(way: _Way, table: sa.Table, names: Names) -> str:
    sent = _sent(table, names)
    if way is _Way.CHANGE:
        values = {name: sent.c[name] for name in names if name != "id"}
        return _text_for_postgresql(sa.update(table).where(table.c.id == sent.c.id).values(values))
    insert = postgresql.insert(table).from_select(names, sa.select(*sent.c), include_defaults=False)
    return _text_for_postgresql(_settled(insert, way, table, names))


def _text_for_postgresql(statement: Any) -> str:
    # As text it goes to the driver as it is. A statement would be looked through again for every call, to
    # find out whether it is one that was seen before, and these are long.
    return str(statement.compile(dialect=psycopg.dialect()))  # type: ignore[no-untyped-call]


@lru_cache(maxsize=256)
def _for_sqlite(way: _Way, table: sa.Table, names: Names) -> Any:
    if way is _Way.CHANGE:
        values: dict[str, Any] = {name: sa.bindparam(name) for name in names if name != "id"}
        return sa.update(table).where(table.c.id == sa.bindparam("the_id")).values(values)
    return _settled(sqlite.insert(table), way, table, names)


def _settled(insert: postgresql.Insert | sqlite.Insert, way: _Way, table: sa.Table, names: Names) -> Any:
    """Say what the insert does about rows that are there already."""
    if way is _Way.PUT:
        keys = [column.name for column in table.primary_key]
        rest = {name: insert.excluded[name] for name in names if name not in keys}
        return insert.on_conflict_do_update(index_elements=keys, set_=rest)
    ignoring = insert.on_conflict_do_nothing()
    if way is _Way.ADD_NEW and isinstance(insert, postgresql.Insert):
        return ignoring.returning(table.c.id)
    return ignoring


def _sent(table: sa.Table, names: Names, at: int = 0) -> sa.Subquery:
    """Return the rows of the JSON document sent as number `at` for a table, with the table's own types."""
    types = {name: _ASIDE[name] if name in _ASIDE else table.c[name].type for name in names}
    binary = {name for name, kind in types.items() if isinstance(kind, sa.LargeBinary)}
    columns: list[Any] = [
        sa.column(name, sa.Text() if name in binary else kind) for name, kind in types.items()
    ]
    document = sa.cast(sa.bindparam(f"sent_{at}", type_=sa.Text()), postgresql.JSON)
    alias = f"row_{at}"
    rows = sa.func.json_to_recordset(document).table_valued(*columns).render_derived(alias, with_types=True)
    read = [
        sa.func.decode(rows.c[name], sa.literal_column("'base64'")).label(name)
        if name in binary
        else rows.c[name]
        for name in names
    ]
    return sa.select(*read).subquery(f"sent_{at}")


def _text_of(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} is not a column's value")


@dataclass(frozen=True, slots=True)
class _Ready:
    """A statement for one row as SQLite's driver takes it, and how a row's values are written for it."""

    table: sa.Table
    text: str
    width: int
    read: Callable[[dict[str, Any]], tuple[Any, ...]]
    writers: tuple[tuple[int, Writer], ...]
    payloads: tuple[tuple[int, str], ...]

    def text_for(self, rows: int) -> str:
        """Return the statement for this many rows."""
        row = f"({', '.join('?' * self.width)})"
        return self.text.replace(row, ", ".join([row] * rows), 1)

    def values(self, conn: Connection, most: float, row: dict[str, Any]) -> list[Any]:
        """Return a row's values as the driver takes them, in the statement's order."""
        values = list(self.read(row))
        for at, write in self.writers:
            if values[at] is not None:
                values[at] = write(values[at])
        for at, name in self.payloads:
            text = values[at]
            if text is not None and (len(text) > most or text.startswith(BEGINNING)):
                values[at] = stored_text(conn, self.table, row, name, text)
        return values


@lru_cache(maxsize=256)
def _ready(way: _Way, table: sa.Table, names: Names) -> _Ready:
    dialect = sqlite.dialect()
    keys = [name for name in names if way is not _Way.CHANGE or name != "id"]
    compiled = _for_sqlite(way, table, names).compile(dialect=dialect, column_keys=keys)
    order = [{"the_id": "id"}.get(name, name) for name in compiled.positiontup]
    writers = [(at, _writer(table.c[name], dialect)) for at, name in enumerate(order)]
    return _Ready(
        table=table,
        text=str(compiled),
        width=len(order),
        # With a single name it would return the value without a tuple around it.
        read=itemgetter(*order) if len(order) > 1 else lambda row: (row[order[0]],),
        writers=tuple((at, write) for at, write in writers if write is not None),
        payloads=tuple(
            (at, name) for at, name in enumerate(order) if isinstance(table.c[name].type, Payload)
        ),
    )


def _writer(column: sa.Column[Any], dialect: Any) -> Writer | None:
    if isinstance(column.type, Moment):
        return _sqlite_moment
    if isinstance(column.type, sa.JSON | Payload):
        return json_text
    writer: Writer | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    return writer


# A delivery's rows say one moment several times, and a batch is written at once.
@lru_cache(maxsize=1024)
def _sqlite_moment(value: datetime) -> str:
    # The text SQLAlchemy itself writes and reads, without its detours.
    return utc_text(value).replace("T", " ")
