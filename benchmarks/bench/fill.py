"""Fills a hub's database with executions that have ended, as many as one likes: copies of one that is real.

The copies are made by the database itself, `INSERT … SELECT` from the rows of the one, so every column and
every index holds what a hub writes there. Each has its own ids, which sort by a time of making in the past.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import psycopg

from bench.ending import Wrong
from bench.rows import Database, Postgresql, Sqlite
from revolution_hub.model.ids import first_id
from revolution_hub.store.tables import metadata

APART = timedelta(milliseconds=100)
FAILED_EVERY = 50
PORTION = 20_000
_RANDOM_PART = 16
_ERROR = '{"code": "rejected", "message": "refused by the provider", "details": {}}'
_COLUMNS = ("execution_id", "event_id", "delivery_id", "dedup_key", "moment", "failed")
_MADE = f"CREATE TEMPORARY TABLE made ({', '.join(f'{one} text' for one in _COLUMNS)})"

_MOMENT = "CAST(m.moment || '+00' AS timestamptz)"
_STATUS = "CASE WHEN m.failed = 'yes' THEN 'failed' ELSE t.status END"

COPIED: dict[str, dict[str, str]] = {
    "executions": {
        "id": "m.execution_id",
        "event_id": "m.event_id",
        "created_at": _MOMENT,
        "started_at": _MOMENT,
        "finished_at": _MOMENT,
        "status": _STATUS,
        "error": f"CASE WHEN m.failed = 'yes' THEN CAST('{_ERROR}' AS json) ELSE t.error END",
    },
    "step_executions": {
        "execution_id": "m.execution_id",
        "started_at": _MOMENT,
        "finished_at": _MOMENT,
        "status": "CASE WHEN m.failed = 'yes' AND t.position = 2 THEN 'failed' ELSE t.status END",
    },
    "events": {
        "id": "m.event_id",
        "delivery_id": "m.delivery_id",
        "dedup_key": "m.dedup_key",
        "received_at": _MOMENT,
    },
    "deliveries": {"id": "m.delivery_id", "received_at": _MOMENT},
}
"""What a copy has of its own, by table and column; `t` is the row that is copied, `m` the copy."""


@dataclass(frozen=True, slots=True)
class Model:
    """The execution that is copied, its event and its delivery."""

    execution_id: str
    event_id: str
    delivery_id: str

    def of(self, table: str) -> tuple[str, str]:
        """Return which column of a table names the model, and its value."""
        return {
            "executions": ("id", self.execution_id),
            "step_executions": ("execution_id", self.execution_id),
            "events": ("id", self.event_id),
            "deliveries": ("id", self.delivery_id),
        }[table]


def find_model(database: Database, workflow_id: str) -> Model:
    """Return the newest execution of a workflow that has succeeded."""
    rows = database.rows(
        "SELECT e.id, e.event_id, v.delivery_id FROM executions e JOIN events v ON v.id = e.event_id "
        "WHERE e.workflow_id = ? AND e.status = 'succeeded' ORDER BY e.id DESC LIMIT 1",
        workflow_id,
    )
    if not rows:
        raise Wrong("there is no execution to copy")
    return Model(*rows[0])


def made_before(moment: datetime, number: int) -> Iterator[tuple[str, ...]]:
    """Yield what `number` copies have of their own, the newest first; one in fifty has failed."""
    for index in range(1, number + 1):
        then = moment - index * APART
        ids = [
            first_id(prefix, then)[:-_RANDOM_PART] + os.urandom(_RANDOM_PART // 2).hex()
            for prefix in ("exe", "evt", "dlv")
        ]
        failed = "yes" if index % FAILED_EVERY == 0 else "no"
        text = then.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        yield (*ids, f"msg_fill_{os.urandom(8).hex()}", text, failed)


def fill(database: Database, model: Model, moment: datetime, number: int) -> datetime:
    """Add `number` copies made before the moment; returns the moment before the oldest of them."""
    copies = made_before(moment, number)
    if isinstance(database, Sqlite):
        _fill_sqlite(database, model, copies)
    elif isinstance(database, Postgresql):
        _fill_postgresql(database, model, copies)
    return moment - (number + 1) * APART


def statements(model: Model, *, sqlite: bool) -> Iterator[str]:
    """Yield what copies the model's rows of each table for everything in `made`."""
    for name, own in COPIED.items():
        columns = [one.name for one in metadata.tables[name].columns]
        values = [own.get(one, f't."{one}"') for one in columns]
        key, value = model.of(name)
        names = ", ".join(f'"{one}"' for one in columns)
        text = (
            f"INSERT INTO {name} ({names}) "
            f"SELECT {', '.join(values)} FROM made m, {name} t WHERE t.{key} = '{value}'"
        )
        if sqlite:
            # It keeps both as text, and would make numbers of them.
            text = text.replace(_MOMENT, "m.moment").replace(f"CAST('{_ERROR}' AS json)", f"'{_ERROR}'")
        yield text


def _fill_sqlite(database: Sqlite, model: Model, copies: Iterator[tuple[str, ...]]) -> None:
    with closing(sqlite3.connect(database.path, timeout=60, isolation_level=None)) as conn:
        conn.execute("PRAGMA synchronous=OFF")
        conn.execute(_MADE)
        while portion := list(islice(copies, PORTION)):
            conn.execute("BEGIN IMMEDIATE")
            conn.execute("DELETE FROM made")
            conn.executemany(f"INSERT INTO made VALUES ({', '.join('?' * len(_COLUMNS))})", portion)
            for statement in statements(model, sqlite=True):
                conn.execute(statement)
            conn.execute("COMMIT")
        # Otherwise the first commits that are measured would copy what was filled in.
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _fill_postgresql(database: Postgresql, model: Model, copies: Iterator[tuple[str, ...]]) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        conn.execute(_MADE)
        while portion := list(islice(copies, PORTION)):
            conn.execute("TRUNCATE made")
            with conn.cursor().copy("COPY made FROM STDIN") as copy:
                for row in portion:
                    copy.write_row(row)
            for statement in statements(model, sqlite=False):
                conn.execute(statement.encode())
        # What autovacuum and the checkpointer would do within minutes, done now instead of during a run.
        conn.execute("VACUUM (ANALYZE)")
        conn.execute("CHECKPOINT")
