"""Executions, step executions and attempts: reading them, and the acts of people upon them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from revolution_hub.model.execution import Attempt, Execution, StepExecution
from revolution_hub.model.status import (
    ENDED,
    AttemptStatus,
    ExecutionStatus,
    StepStatus,
    WaitReason,
)
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, found, one_row, value_of
from revolution_hub.store.tx import Tx


def get(tx: Tx, execution_id: str) -> Execution:
    """Return an execution or raise NotFoundError."""
    return execution_of(found(one_row(tx, t.executions, t.executions.c.id == execution_id), "execution"))


def list_page(
    tx: Tx, page: Page, *, workflow_id: str | None, status: str | None, event_id: str | None
) -> tuple[list[Execution], str | None]:
    """Return one page of executions."""
    wanted = {"workflow_id": workflow_id, "status": status, "event_id": event_id}
    rows, cursor = page_rows(tx, t.executions, page, wanted)
    return [execution_of(row) for row in rows], cursor


def list_steps(tx: Tx, execution_id: str) -> list[StepExecution]:
    """Return the execution's steps in the order they were reached."""
    return [step_of(row) for row in _rows(tx, t.step_executions, execution_id, t.step_executions.c.position)]


def list_attempts(tx: Tx, execution_id: str) -> list[Attempt]:
    """Return every attempt of the execution, oldest first."""
    rows = _rows(tx, t.attempts, execution_id, t.attempts.c.started_at)
    return [value_of(Attempt, row, status=AttemptStatus(row["status"])) for row in rows]


def cancel(tx: Tx, execution_id: str, now: datetime, reason: str) -> bool:
    """End an execution that has not ended; False if it has. Whoever drives it is fenced off."""
    table = t.executions
    done = tx.conn.execute(
        sa.update(table)
        .where(
            table.c.tenant_id == tx.tenant_id,
            table.c.id == execution_id,
            table.c.status.not_in([str(one) for one in ENDED]),
        )
        .values(
            status=str(ExecutionStatus.CANCELLED),
            fence=table.c.fence + 1,
            reason=reason,
            finished_at=now,
            wait_reason=None,
            wait_on=None,
            wake_at=None,
            lease_owner=None,
            lease_until=None,
        )
    )
    return done.rowcount == 1


def resume(tx: Tx, execution_id: str, reason: WaitReason) -> bool:
    """Queue an execution that waits for this reason; False if it does not."""
    done = tx.conn.execute(_resumed(tx, reason).where(t.executions.c.id == execution_id))
    return done.rowcount == 1


def resume_waiting_on(tx: Tx, connection_id: str) -> int:
    """Queue every execution that waits for this connection; returns how many."""
    table = t.executions
    waiting = sa.select(table.c.id).where(
        t.DISCONNECTED, table.c.wait_on == connection_id, table.c.tenant_id == tx.tenant_id
    )
    return tx.conn.execute(
        _resumed(tx, WaitReason.CONNECTION).where(table.c.id.in_(t.through(waiting, t.BY_ANSWER)))
    ).rowcount


def replace_step(tx: Tx, step: StepExecution) -> None:
    """Store a step as a person resolved it."""
    table = t.step_executions
    tx.conn.execute(
        sa.update(table)
        .where(
            table.c.tenant_id == tx.tenant_id,
            table.c.execution_id == step.execution_id,
            table.c.step_id == step.step_id,
        )
        .values(columns_of(step, without=("execution_id", "tenant_id", "step_id")))
    )


def replace_attempt(tx: Tx, attempt: Attempt) -> None:
    """Store an attempt as a person resolved it."""
    table = t.attempts
    tx.conn.execute(
        sa.update(table)
        .where(
            table.c.tenant_id == tx.tenant_id,
            table.c.execution_id == attempt.execution_id,
            table.c.step_id == attempt.step_id,
            table.c.number == attempt.number,
        )
        .values(columns_of(attempt, without=("execution_id", "tenant_id", "step_id", "number")))
    )


def execution_of(row: RowMapping) -> Execution:
    """Build an execution from its row."""
    reason = row["wait_reason"]
    return value_of(
        Execution,
        row,
        status=ExecutionStatus(row["status"]),
        wait_reason=WaitReason(reason) if reason else None,
    )


def step_of(row: RowMapping) -> StepExecution:
    """Build a step execution from its row."""
    return value_of(StepExecution, row, status=StepStatus(row["status"]))


def _resumed(tx: Tx, reason: WaitReason) -> sa.Update:
    table = t.executions
    return (
        sa.update(table)
        .where(
            table.c.tenant_id == tx.tenant_id,
            table.c.status == str(ExecutionStatus.WAITING),
            table.c.wait_reason == str(reason),
        )
        # What a person has looked at begins its crashes anew; else the next claim would only fail it.
        .values(status=str(ExecutionStatus.QUEUED), wait_reason=None, wait_on=None, wake_at=None, crashes=0)
    )


def _rows(tx: Tx, table: sa.Table, execution_id: str, order: Any) -> list[RowMapping]:
    query = sa.select(table).where(table.c.tenant_id == tx.tenant_id, table.c.execution_id == execution_id)
    return list(tx.conn.execute(query.order_by(order)).mappings())
