"""starting: new executions are written, and those with a concurrency key take their place in line."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from revolution_hub.model.execution import Execution
from revolution_hub.model.status import ConnectionStatus, ExecutionStatus, WaitReason
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import add_new, by
from revolution_hub.store.rows import columns_of
from revolution_hub.store.turns import admit

_OFTEN_EMPTY = (
    *("definition", "connection_id", "error", "reason", "idempotency_key", "started_by"),
    *("wait_reason", "wait_on", "wake_at", "lease_owner", "lease_until"),
)
"""What an execution that has begun or ended at once has nothing in."""

_SELDOM = (
    "parent_id",
    "parent_step",
    "block",
    "place",
    "depth",
    "joins",
    "allotted",
    "turn_key",
    "turn_limit",
    "turn_skip",
    "pins",
    "replay_of",
)

_NEVER = (*_SELDOM, *_OFTEN_EMPTY)
_NOTHING = (None,) * len(_OFTEN_EMPTY)
_read_often_empty = attrgetter(*_OFTEN_EMPTY)


def execution_row(execution: Execution) -> dict[str, Any]:
    """Return the row of a new execution, without the columns that only few executions need."""
    plain = (
        execution.parent_id is None
        and execution.block is None
        and execution.turn_key is None
        and execution.pins is None
        and execution.replay_of is None
    )
    if not plain:
        return columns_of(execution)
    empty = _read_often_empty(execution) == _NOTHING
    return columns_of(execution, without=_NEVER if empty else _SELDOM)


def alike(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the rows in groups of the same columns."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    return list(groups.values())


def add_executions(conn: Connection, executions: Sequence[Execution]) -> set[str]:
    """Write the executions that break no uniqueness and let in who has its turn; returns the ids written."""
    rows = by(map(execution_row, executions), "id")
    new = {found for some in alike(rows) for found in add_new(conn, t.executions, some)}
    let_in(conn, (one for one in executions if one.id in new))
    return new


def let_in(conn: Connection, executions: Iterable[Execution]) -> None:
    """Let in who has its turn among executions just written, and end those that do not want to wait."""
    lines = {(one.tenant_id, one.turn_key): one.created_at for one in executions if one.turn_key is not None}
    if lines:
        admit(conn, [(tenant_id, key) for tenant_id, key in lines if key], max(lines.values()))


def look_again(conn: Connection, executions: Iterable[Execution]) -> None:
    """Queue, among executions just written, those whose connection was authorized or deleted meanwhile.

    The connection's row is locked: whoever changes it either sees these executions, or is seen here.
    """
    waiting = [one for one in executions if one.wait_reason is WaitReason.CONNECTION]
    if not waiting:
        return
    table = t.connections
    query = sa.select(table.c.id, table.c.status).where(table.c.id.in_({str(one.wait_on) for one in waiting}))
    locked = query.order_by(table.c.id).with_for_update(read=True)
    broken = {row.id for row in conn.execute(locked) if row.status != str(ConnectionStatus.CONNECTED)}
    awake = [one.id for one in waiting if one.wait_on not in broken]
    if awake:
        values = {"status": str(ExecutionStatus.QUEUED), "wait_reason": None, "wait_on": None}
        conn.execute(sa.update(t.executions).where(t.executions.c.id.in_(sorted(awake))).values(values))
