"""progress: what drives have done is written for those that still hold their execution, and for no other."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from revolution_hub.model.change import Applied, Fenced, Move, Outcome, Progress
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import change, put
from revolution_hub.store.connect import POSTGRESQL
from revolution_hub.store.rows import columns_of

_RUNNING = str(ExecutionStatus.RUNNING)
_TABLE = t.executions


def apply_progress(conn: Connection, changes: Sequence[Progress], *, again: bool) -> list[Outcome]:
    """Write each change whose fence is still the newest claim of its running execution."""
    if not changes:
        return []
    rows = _locked(conn, changes)
    held = [one for one in changes if _holds(one, rows.get(one.execution_id))]
    _update(conn, held, rows)
    put(conn, t.step_executions, [columns_of(step) for one in held for step in one.steps])
    put(conn, t.attempts, [columns_of(attempt) for one in held for attempt in one.attempts])
    written = {one.execution_id for one in held}
    return [
        Applied(execution_ids=(one.execution_id,))
        if one.execution_id in written or (again and _was_applied(one, rows.get(one.execution_id)))
        else Fenced()
        for one in changes
    ]


def _locked(conn: Connection, changes: Sequence[Progress]) -> dict[str, RowMapping]:
    # Taking the rows first decides who holds what before anything is written. In id order, as everybody
    # takes them, so that two batches that meet cannot wait for each other.
    ids = sorted(one.execution_id for one in changes)
    query = sa.select(
        _TABLE.c.id, _TABLE.c.tenant_id, _TABLE.c.fence, _TABLE.c.status, _TABLE.c.connection_id
    )
    if conn.dialect.name == POSTGRESQL:
        query = query.where(_TABLE.c.id == sa.any_(sa.cast(ids, sa.ARRAY(sa.Text))))
        query = query.order_by(_TABLE.c.id).with_for_update()
    else:
        query = query.where(_TABLE.c.id.in_(ids))
    return {row["id"]: row for row in conn.execute(query).mappings()}


def _holds(one: Progress, row: RowMapping | None) -> bool:
    return (
        row is not None
        and row["tenant_id"] == one.tenant_id
        and row["fence"] == one.fence
        and row["status"] == _RUNNING
    )


def _was_applied(one: Progress, row: RowMapping | None) -> bool:
    # The fence grows with every claim and cancellation. If it is still ours and the execution does not run
    # any more, nobody but this change can have moved it.
    return (
        row is not None
        and one.move is not None
        and row["tenant_id"] == one.tenant_id
        and row["fence"] == one.fence
        and row["status"] != _RUNNING
    )


def _update(conn: Connection, held: Sequence[Progress], rows_of: Mapping[str, RowMapping]) -> None:
    # One statement per set of columns, of which there are few.
    sorts: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in sorted(held, key=lambda each: each.execution_id):
        values = _values(one, rows_of[one.execution_id])
        if values:
            sorts.setdefault(tuple(values), []).append({"id": one.execution_id, **values})
    for rows in sorts.values():
        change(conn, _TABLE, rows)


def _values(one: Progress, row: RowMapping) -> dict[str, Any]:
    values: dict[str, Any] = {}
    # Most steps use no connection, and those before and after the same: then the row is left alone.
    if one.connection_id != row["connection_id"]:
        values["connection_id"] = one.connection_id
    if any(step.recorded for step in one.steps):
        values["crashes"] = 0
    if one.response is not None:
        values["response"] = one.response
    return values if one.move is None else values | _moved(one.move)


def _moved(move: Move) -> dict[str, Any]:
    ended = move.status in (ExecutionStatus.SUCCEEDED, ExecutionStatus.FAILED)
    return {
        "status": str(move.status),
        "wait_reason": str(move.wait_reason) if move.wait_reason else None,
        "wait_on": move.wait_on,
        "wake_at": move.wake_at,
        "output": move.output,
        "error": move.error,
        "reason": move.reason,
        "finished_at": move.at if ended else None,
        "lease_owner": None,
        "lease_until": None,
    }
