"""callbacks: what came to the address of a waiting step. The first one counts."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from revolution_hub.model.status import ExecutionStatus, WaitReason
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import add_missing
from revolution_hub.store.rows import one_row
from revolution_hub.store.tx import Tx
from revolution_sdk.types import Json

_TABLE = t.callbacks


def find(tx: Tx, execution_id: str, step_id: str) -> RowMapping | None:
    """Return `data` and `received_at` of the callback for this step, or None."""
    return one_row(tx, _TABLE, _TABLE.c.execution_id == execution_id, _TABLE.c.step_id == step_id)


def keep(tx: Tx, execution_id: str, step_id: str, data: Json, received_at: datetime) -> bool:
    """Keep a callback and queue the execution if it waits for it; False if one is there, or no execution.

    The execution's row is locked first: it either begins to wait before this, and is queued here, or sees
    the callback when it begins to wait.
    """
    lock = sa.select(t.executions.c.id).where(
        t.executions.c.tenant_id == tx.tenant_id, t.executions.c.id == execution_id
    )
    there = tx.conn.execute(lock.with_for_update()).first() is not None
    if not there or find(tx, execution_id, step_id) is not None:
        return False
    row = {
        "execution_id": execution_id,
        "step_id": step_id,
        "tenant_id": tx.tenant_id,
        "data": data,
        "received_at": received_at,
    }
    add_missing(tx.conn, _TABLE, [row])
    resume_called(tx.conn, [execution_id])
    return True


def resume_called(conn: Connection, execution_ids: Sequence[str]) -> set[str]:
    """Queue those of the executions that wait for a callback which is there; returns their ids."""
    table = t.executions
    there = sa.exists().where(
        _TABLE.c.execution_id == table.c.id,
        _TABLE.c.step_id == table.c.wait_on,
        _TABLE.c.tenant_id == table.c.tenant_id,
    )
    done = conn.execute(
        sa.update(table)
        .where(
            table.c.id.in_(sorted(execution_ids)),
            table.c.status == str(ExecutionStatus.WAITING),
            table.c.wait_reason == str(WaitReason.CALLBACK),
            there,
        )
        .values(status=str(ExecutionStatus.QUEUED), wait_reason=None, wait_on=None, wake_at=None)
        .returning(table.c.id)
    )
    return set(done.scalars())
