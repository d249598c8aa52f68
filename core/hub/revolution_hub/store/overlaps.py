"""overlaps: what an instant of a schedule meets: executions of the same schedule that have not ended.

Instants of one schedule are let in one after another, for whoever does so has moved the schedule on, or holds
it. So whatever is found here to be under way is there, or is just ending.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from revolution_hub.model.change import Fire
from revolution_hub.model.schedule import Overlap, those_let_in
from revolution_hub.model.status import ExecutionStatus, WaitReason
from revolution_hub.store import tables as t
from revolution_hub.store.endings import cancelled, end_descendants, make_room

_TABLE = t.executions
_ALIVE = [str(one) for one in (ExecutionStatus.QUEUED, ExecutionStatus.RUNNING, ExecutionStatus.WAITING)]
_OVERTAKEN = "the schedule has come to its next instant"


def let_in(conn: Connection, change: Fire, count: int) -> range:
    """Return which of the change's `count` instants start an execution, by their places.

    Ends what they meet if the schedule says so.
    """
    if change.overlap is Overlap.ALLOW or not count:
        return range(count)
    line = line_of(change.schedule_id)
    if change.overlap is Overlap.CANCEL_PREVIOUS:
        _cancel(conn, change.tenant_id, line, change.at)
        return those_let_in(change.overlap, count, under_way=False, in_line=False)
    return those_let_in(
        change.overlap,
        count,
        under_way=_any(conn, change.tenant_id, line),
        in_line=_any(conn, change.tenant_id, line, in_line=True),
    )


def line_of(schedule_id: str) -> str:
    """Return the concurrency key of a schedule's executions; no workflow's own looks like it."""
    return schedule_id


def _any(conn: Connection, tenant_id: str, line: str, *, in_line: bool = False) -> bool:
    query = _of(tenant_id, line)
    if in_line:
        query = query.where(
            _TABLE.c.status == str(ExecutionStatus.WAITING), _TABLE.c.wait_reason == str(WaitReason.TURN)
        )
    return conn.execute(query.limit(1)).first() is not None


def _cancel(conn: Connection, tenant_id: str, line: str, now: datetime) -> None:
    ids = [row.id for row in conn.execute(_of(tenant_id, line))]
    if not ids:
        return
    # In id order, as everybody takes them.
    conn.execute(sa.select(_TABLE.c.id).where(_TABLE.c.id.in_(ids)).order_by(_TABLE.c.id).with_for_update())
    change = sa.update(_TABLE).where(_TABLE.c.id.in_(ids), _TABLE.c.status.in_(_ALIVE))
    conn.execute(change.values(cancelled(now, _OVERTAKEN)))
    lines = end_descendants(conn, ids, now, _OVERTAKEN)
    make_room(conn, lines, now)


def _of(tenant_id: str, line: str) -> sa.Select[Any]:
    query = sa.select(_TABLE.c.id).where(
        t.IN_LINE, _TABLE.c.tenant_id == tenant_id, _TABLE.c.turn_key == line
    )
    return t.through(query, t.BY_TURN)
