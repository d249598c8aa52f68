"""listing: pages of executions, newest or oldest first, each answered from an index that fits what is asked.

Most executions have succeeded and need no index of their own to be found. Those of the other statuses are in
partial ones, in which few are looked at whatever else the table holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from revolution_hub.model.execution import Execution
from revolution_hub.model.ids import first_id
from revolution_hub.model.status import ExecutionStatus, WaitReason
from revolution_hub.store import tables as t
from revolution_hub.store.executions import execution_of
from revolution_hub.store.paging import Page
from revolution_hub.store.tx import Tx

Condition = sa.ColumnElement[bool] | sa.TextClause
Way = tuple[str | None, list[Condition]]
"""An index, None if the database finds it by itself, and what a query through it says beside the filters."""

_TABLE = t.executions
_QUEUED = ((t.BY_LANE, t.TAKEABLE), (t.BY_SUSPECT, t.SUSPECT))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which executions are wanted; without any only those that have no parent.

    `created_after` is the first moment that counts, `created_before` the first that does not; `before_id` is
    the first id that does not.
    """

    workflow_id: str | None = None
    statuses: tuple[ExecutionStatus, ...] = ()
    wait_reason: WaitReason | None = None
    event_id: str | None = None
    started_by: str | None = None
    replay_of: str | None = None
    parent_id: str | None = None
    error_code: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    before_id: str | None = None

    def of(self, *statuses: ExecutionStatus) -> "Filter":
        """Return the same filter for these statuses."""
        return replace(self, statuses=statuses)


def list_page(
    tx: Tx, page: Page, wanted: Filter, *, only: sa.Select[Any] | None = None
) -> tuple[list[Execution], str | None]:
    """Return one page of executions and the cursor for the next one, None at the end.

    With `only`, of those of the workflows whose ids it selects. Files are not read: of a large payload a list
    shows the size alone.
    """
    found: list[RowMapping] = []
    for query in queries(tx.tenant_id, page, wanted, only=only):
        found += tx.conn.execute(query).mappings()
    found.sort(key=lambda row: row["id"], reverse=page.newest_first)
    rows = found[: page.limit]
    return [execution_of(row) for row in rows], str(rows[-1]["id"]) if len(found) > page.limit else None


def queries(
    tenant_id: str, page: Page, wanted: Filter, *, only: sa.Select[Any] | None = None
) -> Iterator[sa.Select[Any]]:
    """Yield the queries whose rows together hold the page, each of them sorted and bounded like it."""
    where = _conditions(tenant_id, wanted)
    if only is not None:
        where.append(_TABLE.c.workflow_id.in_(only))
    if page.after is not None:
        behind = _TABLE.c.id < page.after if page.newest_first else _TABLE.c.id > page.after
        where.append(behind)
    order = _TABLE.c.id.desc() if page.newest_first else _TABLE.c.id.asc()
    for index, more in _ways(tenant_id, wanted, narrowed=only is not None):
        query = sa.select(_TABLE).where(*more, *where).order_by(order).limit(page.limit + 1)
        yield query if index is None else t.through(query, index)


def _conditions(tenant_id: str, wanted: Filter) -> list[Condition]:
    where: list[Condition] = [_TABLE.c.tenant_id == tenant_id]
    for name in ("workflow_id", "wait_reason", "event_id", "started_by", "replay_of"):
        value = getattr(wanted, name)
        if value is not None:
            where.append(_TABLE.c[name] == str(value))
    if wanted.error_code is not None:
        where.append(_TABLE.c.error["code"].as_string() == wanted.error_code)
    if wanted.parent_id is None:
        where.append(_TABLE.c.parent_id.is_(None))
    # Ids sort by time of making, so a span of time is a span of every index that ends in the id.
    if wanted.created_after is not None:
        where.append(_TABLE.c.id >= first_id("exe", wanted.created_after))
    if wanted.created_before is not None:
        where.append(_TABLE.c.id < first_id("exe", wanted.created_before))
    if wanted.before_id is not None:
        where.append(_TABLE.c.id < wanted.before_id)
    return where


def _ways(tenant_id: str, wanted: Filter, *, narrowed: bool) -> list[Way]:
    statuses = _statuses(wanted)
    if statuses is not None and not statuses:
        return []
    among: list[Condition] = []
    if statuses is not None:
        among.append(_TABLE.c.status.in_([str(one) for one in statuses]))
    if wanted.parent_id is not None:
        return [(t.BY_PARENT, [t.CHILD, _TABLE.c.parent_id == wanted.parent_id, *among])]
    if wanted.replay_of is not None:
        return [(t.BY_REPLAY, [t.REPLAY, *among])]
    if wanted.event_id is not None:
        return [(None, [_TABLE.c.workflow_id.in_(workflow_ids(tenant_id)), *among])]
    if wanted.started_by is not None:
        return [(t.BY_STARTER, [t.BY_HAND, *among])]
    if statuses is None or ExecutionStatus.SUCCEEDED in statuses:
        return [(t.BY_WORKFLOW if wanted.workflow_id is not None or narrowed else t.BY_ID, among)]
    return [way for one in statuses for way in _ways_by_status(one)]


def _statuses(wanted: Filter) -> Sequence[ExecutionStatus] | None:
    """Return the statuses that what is wanted can have, None if any."""
    implied = set(ExecutionStatus)
    if wanted.wait_reason is not None:
        implied &= {ExecutionStatus.WAITING}
    if wanted.error_code is not None:
        implied &= {ExecutionStatus.FAILED}
    if wanted.statuses:
        implied &= set(wanted.statuses)
    return None if len(implied) == len(ExecutionStatus) else sorted(implied)


def _ways_by_status(status: ExecutionStatus) -> list[Way]:
    if status is ExecutionStatus.QUEUED:
        return [(index, [queue]) for index, queue in _QUEUED]
    if status is ExecutionStatus.RUNNING:
        return [(t.BY_USE, [t.RUNNING])]
    return [(t.BY_STATUS, [t.NOTABLE, _TABLE.c.status == str(status)])]


def workflow_ids(tenant_id: str) -> sa.Select[Any]:
    """Select the workflows a tenant has executions of, by jumping from one to the next in the index."""
    inner = _TABLE.alias("by_workflow")

    def first(*where: Condition) -> sa.ScalarSelect[Any]:
        query = sa.select(inner.c.workflow_id).where(inner.c.tenant_id == tenant_id, *where)
        return query.order_by(inner.c.workflow_id).limit(1).correlate_except(inner).scalar_subquery()

    found = sa.select(first().label("workflow_id")).cte("of_tenant", recursive=True)
    found = found.union_all(
        sa.select(first(inner.c.workflow_id > found.c.workflow_id)).where(found.c.workflow_id.is_not(None))
    )
    return sa.select(found.c.workflow_id).where(found.c.workflow_id.is_not(None))
