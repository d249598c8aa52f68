"""Schedules: when published workflows start by the clock, and which of them are due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, found, one_row, value_of
from revolution_hub.store.tx import Store, Tx
from revolution_hub.store.types import Moment
from revolution_sdk.types import JsonObject

_TABLE = t.schedules


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSchedule:
    """One schedule of a published version.

    `position` is its place among the version's triggers, `settings` its timing and the workflow's keys.
    `next_at` is the earliest instant that no clock has come to, `wake_at` when one comes to it, which is
    never while it is paused, or if it was the last one. `last_at` is the latest instant that was fired, which
    was done at `last_fired_at`.
    """

    id: str
    tenant_id: str
    workflow_id: str
    position: int
    version: int
    settings: JsonObject
    next_at: datetime
    last_at: datetime | None = None
    wake_at: datetime | None = None
    last_fired_at: datetime | None = None
    paused_at: datetime | None = None


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
    at, key = _TABLE.c.wake_at, _TABLE.c.id
    query = sa.select(_TABLE).where(at <= now).order_by(at, key).limit(limit)
    if behind is not None:
        query = query.where(sa.tuple_(at, key) > sa.tuple_(sa.literal(behind.wake_at, Moment), behind.id))
    with store.read_across() as tx:
        return [value_of(StoredSchedule, row) for row in tx.conn.execute(query).mappings()]


def get(tx: Tx, schedule_id: str) -> tuple[StoredSchedule, str]:
    """Return a schedule and the name of its workflow, or raise NotFoundError."""
    row = found(one_row(tx, _TABLE, _TABLE.c.id == schedule_id), "schedule")
    named = one_row(tx, t.workflows, t.workflows.c.id == row["workflow_id"])
    return value_of(StoredSchedule, row), str(found(named, "schedule")["name"])


def find_workflow_id(tx: Tx, schedule_id: str) -> str | None:
    """Return which workflow a schedule starts, or None if there is no such schedule."""
    query = sa.select(_TABLE.c.workflow_id).where(
        _TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.id == schedule_id
    )
    return tx.conn.execute(query).scalar_one_or_none()


def take(tx: Tx, schedule_id: str) -> StoredSchedule:
    """Return a schedule, which does not fire before the transaction ends, or raise NotFoundError."""
    query = sa.select(_TABLE).where(_TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.id == schedule_id)
    row = tx.conn.execute(query.with_for_update()).mappings().one_or_none()
    return value_of(StoredSchedule, found(row, "schedule"))


def put(tx: Tx, schedule: StoredSchedule) -> None:
    """Store when a schedule is due and whether it is paused."""
    tx.conn.execute(
        sa.update(_TABLE)
        .where(_TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.id == schedule.id)
        .values(next_at=schedule.next_at, wake_at=schedule.wake_at, paused_at=schedule.paused_at)
    )


def _of(tx: Tx, workflow_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.workflow_id == workflow_id
