"""submit(change) → outcome: the one way the engine and the bus record facts.

For now each change is a transaction of its own; the contract already allows many in one: changes are
values, independent of each other, and every submitter gets its own outcome after the commit.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from revolution_hub.model.change import (
    Applied,
    Change,
    Duplicate,
    Fenced,
    Intake,
    Keep,
    Outcome,
    Progress,
    Start,
)
from revolution_hub.model.event import StoredDelivery
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.store import tables as t
from revolution_hub.store.rows import columns_of
from revolution_hub.store.tx import Store, Tx


def submit(store: Store, change: Change) -> Outcome:
    """Commit the change and return what came of it. Nothing is recorded unless the outcome is Applied."""
    match change:
        case Progress():
            with store.begin(change.tenant_id) as tx:
                return _progress(tx, change)
        case Intake():
            with store.begin(change.event.tenant_id) as tx:
                return _intake(tx, change)
        case Keep():
            with store.begin_across() as across:
                _keep(across.conn, change.delivery)
            return Applied()
        case Start():
            with store.begin(change.execution.tenant_id) as tx:
                return _start(tx, change)


def _progress(tx: Tx, change: Progress) -> Outcome:
    table = t.executions
    held = sa.update(table).where(
        table.c.tenant_id == tx.tenant_id,
        table.c.id == change.execution_id,
        table.c.fence == change.fence,
        table.c.status == str(ExecutionStatus.RUNNING),
    )
    # The conditional update comes first: it takes the row, so a fenced-off drive writes nothing at all.
    if tx.conn.execute(held.values(_moved(change))).rowcount != 1:
        return Fenced()
    for step in change.steps:
        _put(tx, t.step_executions, columns_of(step), ("execution_id", "step_id"))
    for attempt in change.attempts:
        _put(tx, t.attempts, columns_of(attempt), ("execution_id", "step_id", "number"))
    return Applied(execution_ids=(change.execution_id,))


def _moved(change: Progress) -> dict[str, Any]:
    values: dict[str, Any] = {"fence": change.fence}
    if any(step.recorded for step in change.steps):
        values["crashes"] = 0
    if change.response is not None:
        values["response"] = change.response
    move = change.move
    if move is None:
        return values
    ended = move.status in (ExecutionStatus.SUCCEEDED, ExecutionStatus.FAILED)
    return values | {
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


def _intake(tx: Tx, change: Intake) -> Outcome:
    table = t.events
    inserted = tx.conn.execute(
        insert(table)
        .values(columns_of(change.event))
        .on_conflict_do_nothing(index_elements=["tenant_id", "source_id", "dedup_key"])
        .returning(table.c.id)
    ).first()
    if inserted is None:
        return _known_event(tx, change)
    _keep(tx.conn, change.delivery)
    for execution in change.executions:
        tx.conn.execute(insert(t.executions).values(columns_of(execution)))
    return Applied(execution_ids=tuple(one.id for one in change.executions))


def _keep(conn: sa.Connection, delivery: StoredDelivery) -> None:
    # One app delivery may be kept by the events of several tenants; the first one stores it.
    table = t.app_deliveries if delivery.tenant_id is None else t.deliveries
    row = columns_of(delivery, without=("tenant_id",) if delivery.tenant_id is None else ())
    conn.execute(insert(table).values(row).on_conflict_do_nothing(index_elements=["id"]))


def _known_event(tx: Tx, change: Intake) -> Duplicate:
    event = change.event
    first = tx.conn.execute(
        sa.select(t.events.c.id).where(
            t.events.c.tenant_id == tx.tenant_id,
            t.events.c.source_id == event.source_id,
            t.events.c.dedup_key == event.dedup_key,
        )
    ).scalar_one()
    started = sa.select(t.executions.c.id).where(
        t.executions.c.tenant_id == tx.tenant_id, t.executions.c.event_id == first
    )
    return Duplicate(of=first, execution_ids=tuple(tx.conn.execute(started).scalars()))


def _start(tx: Tx, change: Start) -> Outcome:
    execution = change.execution
    inserted = tx.conn.execute(
        insert(t.executions)
        .values(columns_of(execution))
        .on_conflict_do_nothing(index_elements=["tenant_id", "workflow_id", "idempotency_key"])
        .returning(t.executions.c.id)
    ).first()
    if inserted is not None:
        return Applied(execution_ids=(execution.id,))
    first = tx.conn.execute(
        sa.select(t.executions.c.id).where(
            t.executions.c.tenant_id == tx.tenant_id,
            t.executions.c.workflow_id == execution.workflow_id,
            t.executions.c.idempotency_key == execution.idempotency_key,
        )
    ).scalar_one()
    return Duplicate(of=first, execution_ids=(first,))


def _put(tx: Tx, table: sa.Table, row: dict[str, Any], key: tuple[str, ...]) -> None:
    rest = {name: value for name, value in row.items() if name not in key}
    tx.conn.execute(insert(table).values(row).on_conflict_do_update(index_elements=list(key), set_=rest))
