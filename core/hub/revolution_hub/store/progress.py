"""progress: what drives have done is written for those that still hold their execution, and for no other."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from revolution_hub.model.change import Applied, Fenced, Move, Outcome, Progress, Stale
from revolution_hub.model.status import ENDED, ExecutionStatus, WaitReason
from revolution_hub.store import approvals
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import change, put
from revolution_hub.store.callbacks import resume_called
from revolution_hub.store.connect import POSTGRESQL
from revolution_hub.store.endings import end_descendants, make_room
from revolution_hub.store.joins import Joining, allotment, join, parents_of, write_parents
from revolution_hub.store.rows import columns_of
from revolution_hub.store.starting import add_executions
from revolution_hub.store.turns import Line

_RUNNING = str(ExecutionStatus.RUNNING)
_QUEUED = str(ExecutionStatus.QUEUED)
_NO_WAIT: dict[str, Any] = dict.fromkeys(("wait_reason", "wait_on", "wake_at"))
_TABLE = t.executions
_NEEDED = (
    "id",
    "tenant_id",
    "fence",
    "status",
    "wait_reason",
    "connection_id",
    "parent_step",
    "joins",
    "allotted",
    "turn_key",
)


def apply_progress(conn: Connection, changes: Sequence[Progress], *, again: bool) -> list[Outcome]:
    """Write each change whose fence is still the newest claim of its running execution."""
    if not changes:
        return []
    rows = _locked(conn, changes)
    held = [one for one in changes if _holds(one, rows.get(one.execution_id))]
    void = _void(conn, held)
    if void:
        held = [one for one in held if one.execution_id not in void]
    held.sort(key=lambda each: each.execution_id)
    joining = join(held, rows)
    _update(conn, held, rows, joining)
    put(conn, t.step_executions, [columns_of(step) for one in held for step in one.steps])
    put(conn, t.attempts, [columns_of(attempt) for one in held for attempt in one.attempts])
    woken = _follow(conn, held, rows, joining)
    written = {one.execution_id for one in held}
    return [
        Applied(
            execution_ids=(one.execution_id,),
            allotted=joining.allotted.get(one.execution_id, ()),
            woke=one.execution_id in woken or one.parent_id in woken,
        )
        if one.execution_id in written or (again and _was_applied(one, rows.get(one.execution_id)))
        else Stale()
        if one.execution_id in void
        else Fenced()
        for one in changes
    ]


def _void(conn: Connection, held: Sequence[Progress]) -> set[str]:
    """Use up the approvals that come with the changes; returns the executions whose approval is void."""
    return {
        one.execution_id
        for one in held
        if one.use is not None
        and not approvals.use(conn, one.tenant_id, one.execution_id, one.fence, one.use)
    }


def _follow(
    conn: Connection, held: Sequence[Progress], rows: Mapping[str, RowMapping], joining: Joining
) -> set[str]:
    """Write what the changes mean for other executions; returns whose changes have queued some."""
    woken = set(joining.woken)
    if joining.parents:
        write_parents(conn, joining)
    lines: list[Line] = []
    for one in held:
        if one.ends_children is not None:
            lines += end_descendants(conn, [one.execution_id], _moment(one), one.ends_children)
        key = rows[one.execution_id]["turn_key"]
        if key is not None and one.move is not None and one.move.status in ENDED:
            lines.append((one.tenant_id, key))
    if lines and make_room(conn, lines, max(map(_moment, held))):
        woken |= {one.execution_id for one in held}
    if any(one.starts for one in held):
        add_executions(conn, [start for one in held for start in one.starts])
        woken |= {one.execution_id for one in held if one.starts}
    return woken | _called_back(conn, held) | _decided(conn, held)


def _moment(one: Progress) -> datetime:
    if one.move is not None:
        return one.move.at
    return max(step.finished_at or step.started_at for step in one.steps) if one.steps else _LONG_AGO


_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def _called_back(conn: Connection, held: Sequence[Progress]) -> set[str]:
    """Queue those that begin to wait for a callback that is already there; returns their ids."""
    waiting = [one.execution_id for one in held if one.move and one.move.wait_reason is WaitReason.CALLBACK]
    return resume_called(conn, waiting) if waiting else set()


def _decided(conn: Connection, held: Sequence[Progress]) -> set[str]:
    """Queue those that begin to wait for an approval that was decided meanwhile; returns their ids."""
    waiting = [one.execution_id for one in held if one.move and one.move.wait_reason is WaitReason.APPROVAL]
    return approvals.resume_decided(conn, waiting) if waiting else set()


def _locked(conn: Connection, changes: Sequence[Progress]) -> dict[str, RowMapping]:
    # Taking the rows first decides who holds what before anything is written. In id order, as everybody
    # takes them, so that two batches that meet cannot wait for each other.
    ids = sorted({one.execution_id for one in changes} | parents_of(changes))
    query = sa.select(*[_TABLE.c[name] for name in _NEEDED])
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


def _update(
    conn: Connection, held: Sequence[Progress], rows_of: Mapping[str, RowMapping], joining: Joining
) -> None:
    # One statement per set of columns, of which there are few.
    sorts: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in held:
        values = _values(one, rows_of[one.execution_id], joining.allotted.get(one.execution_id))
        if values:
            sorts.setdefault(tuple(values), []).append({"id": one.execution_id, **values})
    for rows in sorts.values():
        change(conn, _TABLE, rows)


def _values(one: Progress, row: RowMapping, given: tuple[int, ...] | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    # Most steps use no connection, and those before and after the same: then the row is left alone.
    if one.connection_id != row["connection_id"]:
        values["connection_id"] = one.connection_id
    if any(step.recorded for step in one.steps):
        values["crashes"] = 0
    if one.response is not None:
        values["response"] = one.response
    if one.joins is not None:
        values["joins"] = one.joins
    if one.take is not None:
        values["allotted"] = allotment(one.take, given or ())
    if one.move is None or given:
        return values
    return values | _moved(one.move) | ({"status": _QUEUED, **_NO_WAIT} if _joined(one, row) else {})


def _joined(one: Progress, row: RowMapping) -> bool:
    """Tell whether it is to wait for children of which the last has ended meanwhile."""
    if one.move is None or one.move.wait_reason is not WaitReason.CHILDREN or one.joins is not None:
        return False
    return bool((row["joins"] or {}).get("left", 0) <= 0)


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
