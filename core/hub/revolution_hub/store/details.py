"""details: what is shown of one execution beside its own row: relatives, items, and calls under way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from revolution_hub.errors import NotFoundError
from revolution_hub.model.execution import Attempt, StepExecution
from revolution_hub.model.status import ENDED, AttemptStatus, ExecutionStatus, StepStatus
from revolution_hub.store import tables as t
from revolution_hub.store.executions import attempt_of, step_of
from revolution_hub.store.payloads import files_of, whole_step
from revolution_hub.store.tx import Tx
from revolution_sdk.types import JsonObject

MOST_STEPS = 5_000
MOST_REPLAYS = 100
ITEM = "item"

_TABLE = t.executions
_STEPS = t.step_executions
_ATTEMPTS = t.attempts
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What a parent's page shows of a child. `allotted` are the items of a `for_each` it has."""

    id: str
    parent_step: str
    block: str | None
    place: int
    status: ExecutionStatus
    allotted: JsonObject | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen in it."""
        return self.status in ENDED

    @property
    def branch(self) -> str | None:
        """The name of the block it runs, None if it runs a workflow that is called."""
        return self.block.partition("/")[2] if self.block is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """A call that had begun and not ended when somebody looked."""

    execution_id: str
    step_id: str
    uses: str | None
    since: datetime


def root_of(tx: Tx, execution_id: str) -> str:
    """Return the id of the execution at the top of the family this one belongs to, or raise NotFoundError."""
    start = sa.select(_TABLE.c.id, _TABLE.c.parent_id).where(
        _TABLE.c.id == execution_id, _TABLE.c.tenant_id == tx.tenant_id
    )
    above = start.cte("above", recursive=True)
    above = above.union_all(
        sa.select(_TABLE.c.id, _TABLE.c.parent_id).where(
            _TABLE.c.id == above.c.parent_id, _TABLE.c.tenant_id == tx.tenant_id
        )
    )
    query = sa.select(above.c.id).where(above.c.parent_id.is_(None))
    root: str | None = tx.conn.execute(query).scalar()
    if root is None:
        raise NotFoundError("there is no such execution")
    return root


def list_replays(tx: Tx, execution_id: str) -> list[str]:
    """Return the ids of the newest executions that repeat this one, newest first."""
    query = sa.select(_TABLE.c.id).where(
        t.REPLAY, _TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.replay_of == execution_id
    )
    query = t.through(query.order_by(_TABLE.c.id.desc()).limit(MOST_REPLAYS), t.BY_REPLAY)
    return list(tx.conn.execute(query).scalars())


def list_children_of_steps(tx: Tx, execution_id: str, step_ids: Sequence[str]) -> list[Child]:
    """Return the newest child of every place of these steps, by step and place."""
    columns = [_TABLE.c[name] for name in ("id", "parent_step", "block", "place", "status", "allotted")]
    found: dict[tuple[str, int], Child] = {}
    for some in _chunks(step_ids):
        query = sa.select(*columns).where(
            t.CHILD,
            _TABLE.c.parent_id == execution_id,
            _TABLE.c.parent_step.in_(some),
            _TABLE.c.tenant_id == tx.tenant_id,
        )
        ordered = t.through(query.order_by(_TABLE.c.parent_step, _TABLE.c.place, _TABLE.c.id), t.BY_PARENT)
        for row in tx.conn.execute(ordered).mappings():
            child = Child(**{**row, "status": ExecutionStatus(row["status"])})
            found[child.parent_step, child.place] = child
    return list(found.values())


def list_shown_steps(tx: Tx, execution_id: str, item: int | None) -> tuple[list[StepExecution], int]:
    """Return the first steps of an execution, or of one item it has, and how many are left out.

    What is in a file that cannot be had is shown as a note.
    """
    where = [_STEPS.c.tenant_id == tx.tenant_id, _STEPS.c.execution_id == execution_id]
    if item is not None:
        where.append(_of_item(_STEPS.c.step_id, item))
    query = sa.select(_STEPS).where(*where).order_by(_STEPS.c.position, _STEPS.c.step_id).limit(MOST_STEPS)
    rows = tx.conn.execute(query).mappings().all()
    files = files_of(tx.conn)
    steps = [whole_step(files, step_of(row), strict=False) for row in rows]
    if len(steps) < MOST_STEPS:
        return steps, 0
    count = tx.conn.execute(sa.select(sa.func.count()).select_from(_STEPS).where(*where)).scalar_one()
    return steps, count - len(steps)


def list_shown_attempts(tx: Tx, execution_id: str, item: int | None) -> list[Attempt]:
    """Return every attempt of an execution, or of one item it has, oldest first."""
    where = [_ATTEMPTS.c.tenant_id == tx.tenant_id, _ATTEMPTS.c.execution_id == execution_id]
    if item is not None:
        where.append(_of_item(_ATTEMPTS.c.step_id, item))
    query = sa.select(_ATTEMPTS).where(*where).order_by(_ATTEMPTS.c.started_at, _ATTEMPTS.c.number)
    return [attempt_of(row) for row in tx.conn.execute(query).mappings()]


def count_items(tx: Tx, execution_ids: Sequence[str]) -> dict[StepStatus, int]:
    """Count the items these children of a `for_each` have gone through, by status."""
    counts: dict[StepStatus, int] = {}
    for some in _chunks(execution_ids):
        query = sa.select(_STEPS.c.status, sa.func.count()).where(
            _STEPS.c.tenant_id == tx.tenant_id, _STEPS.c.execution_id.in_(some), _STEPS.c.kind == ITEM
        )
        for status, count in tx.conn.execute(query.group_by(_STEPS.c.status)):
            counts[StepStatus(status)] = counts.get(StepStatus(status), 0) + count
    return counts


def mark_items(
    tx: Tx, execution_ids: Sequence[str], keys: Sequence[str] | None = None
) -> dict[int, tuple[str, StepStatus]]:
    """Return for the items that have ended, by index, who did them and how they ended.

    With `keys`, only of the items recorded under these.
    """
    marks: dict[int, tuple[str, StepStatus]] = {}
    for some in _chunks(execution_ids):
        query = sa.select(_STEPS.c.execution_id, _STEPS.c.step_id, _STEPS.c.status).where(
            _STEPS.c.tenant_id == tx.tenant_id, _STEPS.c.execution_id.in_(some), _STEPS.c.kind == ITEM
        )
        if keys is not None:
            query = query.where(_STEPS.c.step_id.in_(keys))
        for owner, key, status in tx.conn.execute(query):
            marks[int(key.rpartition("#")[2])] = (owner, StepStatus(status))
    return marks


def list_records(tx: Tx, keys: Sequence[tuple[str, str]]) -> list[StepExecution]:
    """Return what is recorded under these pairs of execution and step; files are not read."""
    found: list[StepExecution] = []
    for some in _chunks(keys):
        pair = sa.tuple_(_STEPS.c.execution_id, _STEPS.c.step_id)
        query = sa.select(_STEPS).where(_STEPS.c.tenant_id == tx.tenant_id, pair.in_(some))
        found += [step_of(row) for row in tx.conn.execute(query).mappings()]
    return found


def list_under_way(tx: Tx, execution_ids: Sequence[str]) -> list[UnderWay]:
    """Return the calls of these executions that have begun and not ended, oldest first."""
    found: list[UnderWay] = []
    for some in _chunks(execution_ids):
        same = sa.and_(
            _STEPS.c.execution_id == _ATTEMPTS.c.execution_id, _STEPS.c.step_id == _ATTEMPTS.c.step_id
        )
        query = (
            sa.select(_STEPS.c.execution_id, _STEPS.c.step_id, _STEPS.c.uses, _ATTEMPTS.c.started_at)
            .select_from(_ATTEMPTS.join(_STEPS, same))
            .where(
                _ATTEMPTS.c.tenant_id == tx.tenant_id,
                _ATTEMPTS.c.execution_id.in_(some),
                _ATTEMPTS.c.status == str(AttemptStatus.STARTED),
                _STEPS.c.status == str(StepStatus.RUNNING),
            )
        )
        found += [
            UnderWay(execution_id=row[0], step_id=row[1], uses=row[2], since=row[3])
            for row in tx.conn.execute(query)
        ]
    return sorted(found, key=lambda one: one.since)


def _of_item(column: sa.Column[str], item: int) -> sa.ColumnElement[bool]:
    return sa.or_(column.endswith(f"#{item}"), column.contains(f"#{item}/"))


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for at in range(0, len(values), _CHUNK):
        yield values[at : at + _CHUNK]
