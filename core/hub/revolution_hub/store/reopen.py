"""reopen: the rows of executions that have ended and are to go on, read under their locks and written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from revolution_hub.model.execution import Attempt, Execution, StepExecution
from revolution_hub.model.status import ExecutionStatus, StepStatus, WaitReason
from revolution_hub.store import approvals
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import by, change
from revolution_hub.store.executions import attempt_of, execution_of, step_of
from revolution_hub.store.payloads import without_large
from revolution_hub.store.turns import admit
from revolution_hub.store.tx import Tx
from revolution_sdk.types import JsonObject

_TABLE = t.executions
_STEPS = t.step_executions
_ATTEMPTS = t.attempts
_ITEM = "item"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An execution that is to go on. With `joins` it waits for children at the step `wait_on` first."""

    execution: Execution
    joins: JsonObject | None = None
    wait_on: str | None = None
    wake_at: datetime | None = None

    @property
    def left(self) -> int:
        """How many children it waits for."""
        return int((self.joins or {}).get("left", 0))


@dataclass(slots=True)
class Opening:
    """Everything that is opened again at once. `begun` are steps that go on, `dropped` those begun anew."""

    opened: list[Opened] = field(default_factory=list)
    begun: list[StepExecution] = field(default_factory=list)
    dropped: list[StepExecution] = field(default_factory=list)


def lock_family(tx: Tx, execution_id: str) -> list[Execution]:
    """Lock an execution and what below it may have to go on, and return them in the order of their ids.

    Of what has succeeded only the children that share the items of a `for_each` are among them. Parents are
    older than their children, so they are locked before them, as everybody does.
    """
    columns = (_TABLE.c.id, _TABLE.c.status)
    root = sa.select(*columns).where(_TABLE.c.id == execution_id, _TABLE.c.tenant_id == tx.tenant_id)
    family = root.cte("family", recursive=True)
    succeeded = str(ExecutionStatus.SUCCEEDED)
    below = sa.select(*columns).where(
        t.CHILD,
        _TABLE.c.parent_id == family.c.id,
        family.c.status != succeeded,
        sa.or_(_TABLE.c.status != succeeded, _TABLE.c.allotted.is_not(None)),
    )
    family = family.union_all(below)
    query = sa.select(_TABLE).where(
        _TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.id.in_(sa.select(family.c.id))
    )
    rows = tx.conn.execute(query.order_by(_TABLE.c.id).with_for_update(of=_TABLE)).mappings()
    return [execution_of(row) for row in rows]


def list_failed(tx: Tx, execution_id: str, item: int | None) -> list[StepExecution]:
    """Return what has failed in an execution, or in one item it has, in the order it was reached.

    Files are not read.
    """
    return _list(tx, execution_id, item, _STEPS.c.status == str(StepStatus.FAILED), _STEPS.c.kind != _ITEM)


def list_failed_items(tx: Tx, execution_id: str) -> list[StepExecution]:
    """Return the items of a `for_each` that have failed in this child of it."""
    return _list(tx, execution_id, None, _STEPS.c.status == str(StepStatus.FAILED), _STEPS.c.kind == _ITEM)


def find_waiting(tx: Tx, execution_id: str, kinds: Iterable[str]) -> StepExecution | None:
    """Return the step of one of these kinds that is under way in an execution, or None."""
    waiting = _list(
        tx,
        execution_id,
        None,
        _STEPS.c.status == str(StepStatus.WAITING),
        _STEPS.c.kind.in_(sorted(kinds)),
        # What an action records itself is no step.
        sa.not_(_STEPS.c.step_id.contains("/")),
    )
    return waiting[-1] if waiting else None


def list_tries(tx: Tx, step: StepExecution) -> list[Attempt]:
    """Return every attempt of a step, oldest first."""
    query = sa.select(_ATTEMPTS).where(
        _ATTEMPTS.c.tenant_id == tx.tenant_id,
        _ATTEMPTS.c.execution_id == step.execution_id,
        _ATTEMPTS.c.step_id == step.step_id,
    )
    return [attempt_of(row) for row in tx.conn.execute(query.order_by(_ATTEMPTS.c.number)).mappings()]


def connection_is_gone(tx: Tx, connection_id: str) -> bool:
    """Tell whether a connection was deleted."""
    table = t.connections
    query = sa.select(table.c.id).where(table.c.tenant_id == tx.tenant_id, table.c.id == connection_id)
    return tx.conn.execute(query).first() is None


def write(tx: Tx, opening: Opening, now: datetime) -> list[Opened]:
    """Write what is opened, and let in who has its turn; returns those for which there is no turn now."""
    for step in opening.dropped:
        approvals.close(tx, step.execution_id, step.step_id)
        tx.conn.execute(sa.delete(_STEPS).where(*_same(tx, step)))
    for step in opening.begun:
        approvals.close(tx, step.execution_id, step.step_id)
        tx.conn.execute(sa.update(_STEPS).where(*_same(tx, step)).values(_begun(tx, step)))
    rows = by(map(_row, opening.opened), "id")
    change(tx.conn, _TABLE, [row for row in rows if "joins" not in row])
    change(tx.conn, _TABLE, [row for row in rows if "joins" in row])
    in_line = [one for one in opening.opened if one.execution.turn_key is not None]
    if not in_line:
        return []
    admit(tx.conn, [(tx.tenant_id, str(one.execution.turn_key)) for one in in_line], now)
    statuses = _statuses(tx, [one.execution.id for one in in_line])
    return [one for one in in_line if statuses[one.execution.id] is not ExecutionStatus.QUEUED]


def _statuses(tx: Tx, ids: Sequence[str]) -> Mapping[str, ExecutionStatus]:
    query = sa.select(_TABLE.c.id, _TABLE.c.status).where(
        _TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.id.in_(ids)
    )
    return {row[0]: ExecutionStatus(row[1]) for row in tx.conn.execute(query)}


def _row(one: Opened) -> dict[str, Any]:
    status, reason = ExecutionStatus.QUEUED, None
    if one.execution.turn_key is not None:
        status, reason = ExecutionStatus.WAITING, WaitReason.TURN
    elif one.left > 0:
        status, reason = ExecutionStatus.WAITING, WaitReason.CHILDREN
    row: dict[str, Any] = {
        "id": one.execution.id,
        "status": str(status),
        "wait_reason": str(reason) if reason else None,
        "wait_on": one.wait_on[:80] if one.wait_on and reason is WaitReason.CHILDREN else None,
        "wake_at": one.wake_at if reason is WaitReason.CHILDREN else None,
        "crashes": 0,
        **dict.fromkeys(("output", "error", "reason", "finished_at", "lease_owner", "lease_until")),
    }
    return row if one.joins is None else row | {"joins": one.joins}


def _begun(tx: Tx, step: StepExecution) -> dict[str, Any]:
    row = {
        "execution_id": step.execution_id,
        "tenant_id": step.tenant_id,
        "status": str(step.status),
        "connection_id": step.connection_id,
        "input": step.input,
        "output": step.output,
        "error": step.error,
        "checks": step.checks,
        "forgiven": step.forgiven,
        "wake_at": step.wake_at,
        "started_at": step.started_at,
        "finished_at": step.finished_at,
    }
    stored = without_large(tx.conn, _STEPS, row)
    return {name: value for name, value in stored.items() if name not in ("execution_id", "tenant_id")}


def _same(tx: Tx, step: StepExecution) -> list[sa.ColumnElement[bool]]:
    return [
        _STEPS.c.tenant_id == tx.tenant_id,
        _STEPS.c.execution_id == step.execution_id,
        _STEPS.c.step_id == step.step_id,
    ]


def _list(tx: Tx, execution_id: str, item: int | None, *where: sa.ColumnElement[bool]) -> list[StepExecution]:
    query = sa.select(_STEPS).where(
        _STEPS.c.tenant_id == tx.tenant_id, _STEPS.c.execution_id == execution_id, *where
    )
    if item is not None:
        query = query.where(
            sa.or_(_STEPS.c.step_id.endswith(f"#{item}"), _STEPS.c.step_id.contains(f"#{item}/"))
        )
    return [step_of(row) for row in tx.conn.execute(query.order_by(_STEPS.c.position)).mappings()]
