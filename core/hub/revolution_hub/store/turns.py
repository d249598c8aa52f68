"""turns: of the executions with one concurrency key only so many are under way; the others wait in line.

Who is under way and who is next is read under a lock on the key, in the transaction that adds or ends one.
"""

import zlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from revolution_hub.model.status import ExecutionStatus, WaitReason
from revolution_hub.store import tables as t
from revolution_hub.store.connect import POSTGRESQL

_TABLE = t.executions
_AT_ONCE = 100
"""So many are let in at most in one go; each of them that ends lets in others."""

Line = tuple[str, str]
"""A tenant, and a concurrency key of it."""


def admit(conn: Connection, lines: Iterable[Line], now: datetime) -> int:
    """Let in whoever is next in these lines, in the order they came; returns how many are queued now.

    One that does not want to wait is cancelled if there is no room for it.
    """
    in_order = sorted(set(lines))
    if conn.dialect.name == POSTGRESQL:
        for line in in_order:
            conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_SPACE, _number(line))))
    return sum(_admit(conn, line, now) for line in in_order)


_SPACE = 0x7475


def _number(line: Line) -> int:
    number = zlib.crc32("\0".join(line).encode())
    return number - (1 << 32) if number >= 1 << 31 else number


def _admit(conn: Connection, line: Line, now: datetime) -> int:
    held = _count_held(conn, line)
    let_in: list[str] = []
    for row in conn.execute(_waiting(line).limit(_AT_ONCE)):
        if held + len(let_in) >= row.turn_limit:
            break
        let_in.append(row.id)
    _move(conn, let_in, {"status": str(ExecutionStatus.QUEUED), **_NO_WAIT})
    unwilling = conn.execute(_waiting(line).where(_TABLE.c.turn_skip.is_(True))).all()
    _move(conn, [row.id for row in unwilling], {**_SKIPPED, "finished_at": now, **_NO_WAIT})
    return len(let_in)


_NO_WAIT: dict[str, Any] = {"wait_reason": None, "wait_on": None, "wake_at": None}
_SKIPPED: dict[str, Any] = {
    "status": str(ExecutionStatus.CANCELLED),
    "reason": "skipped: others with the same concurrency key are under way",
}


def _of(line: Line) -> list[sa.ColumnElement[bool] | sa.TextClause]:
    return [t.IN_LINE, _TABLE.c.tenant_id == line[0], _TABLE.c.turn_key == line[1]]


def _count_held(conn: Connection, line: Line) -> int:
    """Count who is under way: whoever has not ended and does not wait for its turn."""
    waits = str(ExecutionStatus.WAITING)
    reason = _TABLE.c.wait_reason
    ranges = (
        (_TABLE.c.status == str(ExecutionStatus.QUEUED),),
        (_TABLE.c.status == str(ExecutionStatus.RUNNING),),
        (_TABLE.c.status == waits, reason < str(WaitReason.TURN)),
        (_TABLE.c.status == waits, reason > str(WaitReason.TURN)),
    )
    return sum(
        conn.execute(
            t.through(sa.select(sa.func.count()).select_from(_TABLE).where(*_of(line), *some), t.BY_TURN)
        ).scalar_one()
        for some in ranges
    )


def _waiting(line: Line) -> sa.Select[Any]:
    columns = (_TABLE.c.id, _TABLE.c.turn_limit, _TABLE.c.turn_skip)
    query = sa.select(*columns).where(
        *_of(line),
        _TABLE.c.status == str(ExecutionStatus.WAITING),
        _TABLE.c.wait_reason == str(WaitReason.TURN),
    )
    return t.through(query.order_by(_TABLE.c.id), t.BY_TURN)


def _move(conn: Connection, ids: list[str], values: dict[str, Any]) -> None:
    if ids:
        conn.execute(sa.update(_TABLE).where(_TABLE.c.id.in_(sorted(ids))).values(values))
