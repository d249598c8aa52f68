"""What is in the database after a run: every 2xx must be there, once and whole."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import psycopg

from bench.ending import Wrong
from revolution_hub.model.ids import first_id

SETTLE_LIMIT_S = 120.0
STEPS = 3


class Database(Protocol):
    """Somewhere to ask, from outside the hub."""

    def rows(self, statement: str, *values: object) -> list[Any]:
        """Return the rows of a statement with `?` for each value."""
        ...


@dataclass(frozen=True, slots=True)
class Sqlite:
    """The hub's file."""

    path: Path

    def rows(self, statement: str, *values: object) -> list[Any]:
        """Return the rows of a statement with `?` for each value."""
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, timeout=30)) as conn:
            return conn.execute(statement, values).fetchall()


@dataclass(frozen=True, slots=True)
class Postgresql:
    """The hub's database, as a superuser sees it."""

    url: str

    def rows(self, statement: str, *values: object) -> list[Any]:
        """Return the rows of a statement with `?` for each value."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            return conn.execute(statement.replace("?", "%s"), values).fetchall()


def moment(value: datetime | str) -> datetime:
    """Return a moment from either database: SQLite has text where PostgreSQL has the moment itself."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What one workflow left. `whole` executions have exactly three succeeded steps."""

    executions: int = 0
    ended: int = 0
    succeeded: int = 0
    whole: int = 0
    steps: int = 0
    events: int = 0
    deliveries: int = 0

    def since(self, before: "Rows") -> "Rows":
        """Return what was added."""
        return Rows(**{one.name: getattr(self, one.name) - getattr(before, one.name) for one in fields(Rows)})


def count_rows(database: Database, workflow_id: str, *, steps: int = STEPS) -> Rows:
    """Count everything that belongs to one workflow and its hook."""
    ((executions, ended, succeeded),) = database.rows(
        "SELECT count(*), sum(CASE WHEN status IN ('succeeded', 'failed', 'cancelled') THEN 1 ELSE 0 END), "
        "sum(CASE WHEN status = 'succeeded' THEN 1 ELSE 0 END) FROM executions WHERE workflow_id = ?",
        workflow_id,
    )
    ((whole, in_all),) = database.rows(
        "SELECT sum(CASE WHEN number = ? AND good = number THEN 1 ELSE 0 END), sum(number) FROM "
        "(SELECT count(*) AS number, sum(CASE WHEN s.status = 'succeeded' THEN 1 ELSE 0 END) AS good "
        "FROM step_executions s JOIN executions e ON e.id = s.execution_id WHERE e.workflow_id = ? "
        "GROUP BY s.execution_id) counted",
        steps,
        workflow_id,
    )
    came = [
        database.rows(
            f"SELECT count(*) FROM {table} WHERE source_id IN (SELECT id FROM hooks WHERE workflow_id = ?)",
            workflow_id,
        )[0][0]
        for table in ("events", "deliveries")
    ]
    numbers: Sequence[Any] = (executions, ended, succeeded, whole, in_all, *came)
    return Rows(**{one.name: int(number or 0) for one, number in zip(fields(Rows), numbers, strict=True)})


def settled_rows(database: Database, workflow_id: str, *, steps: int = STEPS) -> Rows:
    """Wait until every execution has ended and nothing more comes; return the rows then."""
    give_up_s = time.monotonic() + SETTLE_LIMIT_S
    last: Rows | None = None
    while True:
        rows = count_rows(database, workflow_id, steps=steps)
        if rows == last and rows.ended == rows.executions:
            return rows
        if time.monotonic() > give_up_s:
            raise Wrong(f"after {SETTLE_LIMIT_S:g} s not every execution has ended: {rows}")
        last = rows
        time.sleep(0.3)


def misses(made: Rows, answered: int, *, cut: int = 0, steps: int = STEPS) -> list[str]:
    """Say what does not fit `answered` 2xx, beside which `cut` answers at most were never read."""
    found = []
    if made.executions < answered:
        found.append(f"{answered} were answered, and only {made.executions} executions are there")
    if made.executions > answered + cut:
        found.append(f"{answered} were answered, and {made.executions} executions are there")
    for name in ("ended", "succeeded", "whole", "events", "deliveries"):
        if getattr(made, name) != made.executions:
            found.append(f"{made.executions} executions, {getattr(made, name)} {name}")
    if made.steps != steps * made.executions:
        found.append(f"{made.executions} executions of {steps} steps, {made.steps} step results")
    return found


def count_since(database: Database, moment: datetime, *, steps: int = STEPS) -> Rows:
    """Count everything made at this moment or later, whatever it belongs to.

    Ids sort by time of making, so only these rows are looked at, however many there are before them.
    """
    first = first_id("exe", moment)
    ((executions, ended, succeeded),) = database.rows(
        "SELECT count(*), sum(CASE WHEN status IN ('succeeded', 'failed', 'cancelled') THEN 1 ELSE 0 END), "
        "sum(CASE WHEN status = 'succeeded' THEN 1 ELSE 0 END) FROM executions WHERE id >= ?",
        first,
    )
    ((whole, in_all),) = database.rows(
        "SELECT sum(CASE WHEN number = ? AND good = number THEN 1 ELSE 0 END), sum(number) FROM "
        "(SELECT count(*) AS number, sum(CASE WHEN status = 'succeeded' THEN 1 ELSE 0 END) AS good "
        "FROM step_executions WHERE execution_id >= ? GROUP BY execution_id) counted",
        steps,
        first,
    )
    came = [
        database.rows(f"SELECT count(*) FROM {table} WHERE id >= ?", first_id(prefix, moment))[0][0]
        for table, prefix in (("events", "evt"), ("deliveries", "dlv"))
    ]
    numbers: Sequence[Any] = (executions, ended, succeeded, whole, in_all, *came)
    return Rows(**{one.name: int(number or 0) for one, number in zip(fields(Rows), numbers, strict=True)})


def wait_until_ended(database: Database, moment: datetime, limit_s: float) -> None:
    """Wait until every execution made at this moment or later has ended; raises Wrong after `limit_s`."""
    give_up_s = time.monotonic() + limit_s
    # Asked rarely: the question costs the database something too.
    while True:
        ((left,),) = database.rows(
            "SELECT count(*) FROM executions WHERE id >= ? AND status IN ('queued', 'running', 'waiting')",
            first_id("exe", moment),
        )
        if not left:
            return
        if time.monotonic() > give_up_s:
            raise Wrong(f"after {limit_s:g} s {left} executions have not ended")
        time.sleep(0.25)
