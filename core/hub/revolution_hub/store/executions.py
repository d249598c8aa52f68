"""Executions, step executions and attempts: reading them, and the acts of people upon them."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from revolution_hub.model.execution import ACTION_PREFIX, Attempt, Execution, StepExecution
from revolution_hub.model.status import (
    AttemptStatus,
    ExecutionStatus,
    StepStatus,
    WaitReason,
)
from revolution_hub.store import tables as t
from revolution_hub.store.payloads import files_of, whole_execution, whole_step, without_large
from revolution_hub.store.rows import columns_of, found, one_row, value_of
from revolution_hub.store.tx import Tx


def get(tx: Tx, execution_id: str, *, strict: bool = True) -> Execution:
    """Return an execution or raise NotFoundError; PayloadError if what it has in files cannot be had.

    Unless `strict`, a note stands in the place of what cannot be had.
    """
    row = found(one_row(tx, t.executions, t.executions.c.id == execution_id), "execution")
    return whole_execution(files_of(tx.conn), execution_of(row), strict=strict)


def find_workflow_id(tx: Tx, execution_id: str) -> str | None:
    """Return the id of the workflow an execution is of, None if there is no such execution."""
    table = t.executions
    query = sa.select(table.c.workflow_id).where(
        table.c.tenant_id == tx.tenant_id, table.c.id == execution_id
    )
    return tx.conn.execute(query).scalar_one_or_none()


def is_own_action(tx: Tx, execution_id: str, principal_id: str) -> bool:
    """Whether an execution is of a single action, which this principal has run by itself."""
    table = t.executions
    query = sa.select(table.c.id).where(
        table.c.tenant_id == tx.tenant_id,
        table.c.id == execution_id,
        table.c.started_by == principal_id,
        table.c.workflow_id.startswith(ACTION_PREFIX, autoescape=True),
    )
    return tx.conn.execute(query).first() is not None


def count_waiting(tx: Tx, most: int) -> int:
    """Return how many executions wait for a worker, counting at most so many."""
    table = t.executions
    query = sa.select(table.c.id).where(t.TAKEABLE, table.c.tenant_id == tx.tenant_id).limit(most)
    found = t.through(query, t.BY_LANE).subquery()
    return int(tx.conn.execute(sa.select(sa.func.count()).select_from(found)).scalar_one())


def list_steps(tx: Tx, execution_id: str, *, strict: bool = True) -> list[StepExecution]:
    """Return the execution's steps in the order they were reached; `strict` as in `get`."""
    rows = _rows(tx, t.step_executions, execution_id, t.step_executions.c.position)
    return [whole_step(files_of(tx.conn), step_of(row), strict=strict) for row in rows]


def find_step(tx: Tx, execution_id: str, step_id: str) -> StepExecution | None:
    """Return what is recorded under this key of the execution, or None."""
    table = t.step_executions
    row = one_row(tx, table, table.c.execution_id == execution_id, table.c.step_id == step_id)
    return whole_step(files_of(tx.conn), step_of(row)) if row else None


def list_attempts(tx: Tx, execution_id: str) -> list[Attempt]:
    """Return every attempt of the execution, oldest first."""
    rows = _rows(tx, t.attempts, execution_id, t.attempts.c.started_at)
    return [attempt_of(row) for row in rows]


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


def count_waiting_on(tx: Tx, connection_id: str) -> int:
    """Count the executions that wait for this connection."""
    table = t.executions
    waiting = sa.select(table.c.id).where(
        t.DISCONNECTED, table.c.wait_on == connection_id, table.c.tenant_id == tx.tenant_id
    )
    counted = sa.select(sa.func.count()).select_from(t.through(waiting, t.BY_ANSWER).subquery())
    return int(tx.conn.execute(counted).scalar_one())


def replace_step(tx: Tx, step: StepExecution) -> None:
    """Store a step as a person resolved it."""
    table, keys = t.step_executions, ("execution_id", "tenant_id", "step_id")
    row = without_large(tx.conn, table, columns_of(step))
    tx.conn.execute(
        sa.update(table)
        .where(
            table.c.tenant_id == tx.tenant_id,
            table.c.execution_id == step.execution_id,
            table.c.step_id == step.step_id,
        )
        .values({name: value for name, value in row.items() if name not in keys})
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


def attempt_of(row: RowMapping) -> Attempt:
    """Build an attempt from its row."""
    return value_of(Attempt, row, status=AttemptStatus(row["status"]))


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
