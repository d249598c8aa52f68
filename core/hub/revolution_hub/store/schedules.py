"""Schedules: when published workflows start by the clock, and the one way an instant is fired.

An instant is fired by moving the schedule on from it, in the transaction that writes its execution: whoever
finds the schedule moved on or changed writes nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from revolution_hub.model.change import Applied, Duplicate, Fire, Outcome, Stale
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, value_of
from revolution_hub.store.starting import add_executions
from revolution_hub.store.tx import Store, Tx
from revolution_sdk.types import JsonObject

_TABLE = t.schedules


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSchedule:
    """One schedule of a published version.

    `position` is its place among the version's triggers, `settings` its timing and the workflow's keys.
    `next_at` is the earliest instant that was not fired, `last_at` the latest that was.
    """

    id: str
    tenant_id: str
    workflow_id: str
    position: int
    version: int
    settings: JsonObject
    next_at: datetime
    last_at: datetime | None = None


def hold(tx: Tx, workflow_id: str) -> list[StoredSchedule]:
    """Return a workflow's schedules; none of them fires before the transaction ends."""
    # In the order in which the committer moves them on, so that the two never wait for each other.
    query = sa.select(_TABLE).where(*_of(tx, workflow_id)).order_by(_TABLE.c.id).with_for_update()
    return [value_of(StoredSchedule, row) for row in tx.conn.execute(query).mappings()]


def replace(tx: Tx, workflow_id: str, wanted: Sequence[StoredSchedule]) -> None:
    """Let a workflow have these schedules and no others from now on."""
    present = hold(tx, workflow_id)
    if sorted(present, key=lambda one: one.position) == list(wanted):
        return
    tx.conn.execute(sa.delete(_TABLE).where(*_of(tx, workflow_id)))
    if wanted:
        tx.conn.execute(sa.insert(_TABLE), [columns_of(one) for one in wanted])


def list_page(
    tx: Tx, page: Page, workflow_id: str | None = None, *, only: sa.Select[Any] | None = None
) -> tuple[list[tuple[StoredSchedule, str]], str | None]:
    """Return one page of schedules, each with its workflow's name; with `only`, of these workflows."""
    where = [] if only is None else [_TABLE.c.workflow_id.in_(only)]
    rows, cursor = page_rows(tx, _TABLE, page, {"workflow_id": workflow_id}, where)
    query = sa.select(t.workflows.c.id, t.workflows.c.name).where(
        t.workflows.c.tenant_id == tx.tenant_id,
        t.workflows.c.id.in_({row["workflow_id"] for row in rows}),
    )
    names = {row.id: row.name for row in tx.conn.execute(query)}
    return [(value_of(StoredSchedule, row), names[row["workflow_id"]]) for row in rows], cursor


def list_due(
    store: Store, now: datetime, limit: int, behind: StoredSchedule | None = None
) -> list[StoredSchedule]:
    """Return schedules of all tenants that are due, the earliest first, going on behind one of them."""
    at, key = _TABLE.c.next_at, _TABLE.c.id
    query = sa.select(_TABLE).where(at <= now).order_by(at, key).limit(limit)
    if behind is not None:
        query = query.where(sa.or_(at > behind.next_at, sa.and_(at == behind.next_at, key > behind.id)))
    with store.read_across() as tx:
        return [value_of(StoredSchedule, row) for row in tx.conn.execute(query).mappings()]


def fire(conn: Connection, fires: Sequence[Fire], *, again: bool) -> list[Outcome]:
    """Move these schedules on and start their executions; returns the outcomes in the same order.

    With `again` what is found as this very change left it counts as applied.
    """
    in_order = sorted(fires, key=lambda one: one.schedule_id)
    started = {one.execution.id: one.execution for one in in_order if _moved(conn, one)}
    new = add_executions(conn, list(started.values()))
    return [_outcome(conn, one, started, new, again=again) for one in fires]


def _outcome(
    conn: Connection, change: Fire, started: Collection[str], new: Collection[str], *, again: bool
) -> Outcome:
    key = change.execution.id
    if key in new or (again and _is_there(conn, change)):
        return Applied(execution_ids=(key,))
    return _known(conn, change) if key in started else Stale()


def _moved(conn: Connection, change: Fire) -> bool:
    done = conn.execute(
        sa.update(_TABLE)
        .where(
            _TABLE.c.tenant_id == change.execution.tenant_id,
            _TABLE.c.id == change.schedule_id,
            _TABLE.c.version == change.execution.version,
            _TABLE.c.next_at == change.basis,
        )
        .values(next_at=change.next_at, last_at=change.due_at)
    )
    return done.rowcount == 1


def _is_there(conn: Connection, change: Fire) -> bool:
    query = sa.select(t.executions.c.id).where(
        t.executions.c.tenant_id == change.execution.tenant_id, t.executions.c.id == change.execution.id
    )
    return conn.execute(query).first() is not None


def _known(conn: Connection, change: Fire) -> Duplicate:
    """Return the execution that had the key of this one before."""
    execution = change.execution
    query = sa.select(t.executions.c.id).where(
        t.executions.c.tenant_id == execution.tenant_id,
        t.executions.c.workflow_id == execution.workflow_id,
        t.executions.c.idempotency_key == execution.idempotency_key,
    )
    first = conn.execute(query).scalar_one()
    return Duplicate(of=first, execution_ids=(first,))


def _of(tx: Tx, workflow_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.workflow_id == workflow_id
