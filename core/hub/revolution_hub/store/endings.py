"""endings: what ends with an execution, and who comes next."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from revolution_hub.model.change import Move, Progress
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.store import tables as t
from revolution_hub.store.family import living_descendants
from revolution_hub.store.joins import join, write_parents
from revolution_hub.store.turns import Line, admit
from revolution_hub.store.tx import Tx

_TABLE = t.executions


def cancelled(now: datetime, reason: str) -> dict[str, Any]:
    """Return what an execution that is cancelled changes to. Whoever drives it is fenced off."""
    return {
        "status": str(ExecutionStatus.CANCELLED),
        "fence": _TABLE.c.fence + 1,
        "reason": reason,
        "finished_at": now,
        **dict.fromkeys(("wait_reason", "wait_on", "wake_at", "lease_owner", "lease_until")),
    }


def end_descendants(conn: Connection, execution_ids: Sequence[str], now: datetime, reason: str) -> list[Line]:
    """Cancel every descendant that has not ended; returns the lines in which that makes room."""
    ids = living_descendants(conn, execution_ids)
    if not ids:
        return []
    # In id order, as everybody takes them.
    conn.execute(sa.select(_TABLE.c.id).where(_TABLE.c.id.in_(ids)).order_by(_TABLE.c.id).with_for_update())
    done = conn.execute(
        sa.update(_TABLE)
        .where(_TABLE.c.id.in_(ids), _TABLE.c.status.in_(_ALIVE))
        .values(cancelled(now, reason))
        .returning(_TABLE.c.tenant_id, _TABLE.c.turn_key)
    )
    return [(row.tenant_id, row.turn_key) for row in done if row.turn_key is not None]


_ALIVE = [str(one) for one in (ExecutionStatus.QUEUED, ExecutionStatus.RUNNING, ExecutionStatus.WAITING)]


def cancel(tx: Tx, execution_id: str, now: datetime, reason: str) -> bool:
    """End an execution that has not ended, and its descendants; False if it has ended."""
    family = [execution_id, *_parent_of(tx, execution_id)]
    query = sa.select(_TABLE).where(_TABLE.c.id.in_(family), _TABLE.c.tenant_id == tx.tenant_id)
    query = query.order_by(_TABLE.c.id).with_for_update()
    rows = {row["id"]: row for row in tx.conn.execute(query).mappings()}
    row = rows.get(execution_id)
    if row is None or row["status"] not in _ALIVE:
        return False
    change = sa.update(_TABLE).where(_TABLE.c.id == execution_id, _TABLE.c.tenant_id == tx.tenant_id)
    tx.conn.execute(change.values(cancelled(now, reason)))
    lines = end_descendants(tx.conn, [execution_id], now, reason)
    if row["turn_key"] is not None:
        lines.append((tx.tenant_id, row["turn_key"]))
    ended = Progress(
        tenant_id=tx.tenant_id,
        execution_id=execution_id,
        fence=row["fence"],
        parent_id=row["parent_id"],
        move=Move(status=ExecutionStatus.CANCELLED, at=now, reason=reason),
    )
    write_parents(tx.conn, join([ended], rows))
    make_room(tx.conn, lines, now)
    return True


def _parent_of(tx: Tx, execution_id: str) -> list[str]:
    query = sa.select(_TABLE.c.parent_id).where(
        _TABLE.c.id == execution_id, _TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.parent_id.is_not(None)
    )
    return list(tx.conn.execute(query).scalars())


def make_room(conn: Connection, lines: Iterable[Line], now: datetime) -> int:
    """Let in who is next where somebody has ended; returns how many are queued now."""
    found = list(lines)
    return admit(conn, found, now) if found else 0
