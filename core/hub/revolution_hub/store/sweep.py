"""sweep: whatever nobody would bring on by itself is queued again, over all tenants.

`model/status.py: OWNERS` says who brings which state on; the functions here stand behind each owner that is
no person. Every row is moved by an update that repeats its condition, a few hundred per transaction: who
comes too late, or at the same time, changes nothing, and nobody waits long for the tables.
"""

import time
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from revolution_hub.model.approval import ApprovalStatus
from revolution_hub.model.status import (
    ENDED,
    OWNERS,
    ConnectionStatus,
    ExecutionStatus,
    Owner,
    WaitReason,
    reasons_of,
)
from revolution_hub.store import approvals
from revolution_hub.store import tables as t
from revolution_hub.store.connect import SQLITE
from revolution_hub.store.turns import admit
from revolution_hub.store.tx import Store

BATCH = 500
MOST_BATCHES = 20
"""So many transactions are made in one go; what is left over is found by the next sweep."""
SAMPLE = 100
PAUSE_S = 0.002
"""Between two transactions on SQLite, so that other processes can write."""

_TABLE = t.executions
_QUEUED = str(ExecutionStatus.QUEUED)
_WOKEN: dict[str, Any] = {"status": _QUEUED, "wait_reason": None, "wait_on": None, "wake_at": None}

Condition = sa.ColumnElement[bool] | sa.TextClause


def recover_expired(store: Store, now: datetime) -> int:
    """Queue every running execution whose lease ran out, or that has none; returns how many."""
    return sum(
        requeue(store, lease, crashed=True)
        for lease in (_TABLE.c.lease_until < now, _TABLE.c.lease_until.is_(None))
    )


def requeue(store: Store, *where: Condition, crashed: bool) -> int:
    """Queue running executions again, with a new fence; returns how many."""
    values: dict[str, Any] = {
        "status": _QUEUED,
        "fence": _TABLE.c.fence + 1,
        "lease_owner": None,
        "lease_until": None,
        **({"crashes": _TABLE.c.crashes + 1} if crashed else {}),
    }
    return _move(store, t.BY_LEASE, [t.RUNNING, *where], values)


def wake_due(store: Store, now: datetime) -> int:
    """Queue every execution whose timer or retry is due, or names no moment; returns how many.

    Who waits for others is queued as well once it has waited long enough.
    """
    timed = reasons_of(Owner.CLOCK)
    others = [one for owner in (Owner.CALLER, Owner.CHILDREN, Owner.APPROVER) for one in reasons_of(owner)]
    due: tuple[tuple[Condition, ...], ...] = (
        (_TABLE.c.wait_reason.in_(timed + others), _TABLE.c.wake_at <= now),
        (_TABLE.c.wait_reason.in_(timed), _TABLE.c.wake_at.is_(None)),
    )
    return sum(_move(store, t.BY_MOMENT, [t.WAITING, *where], _WOKEN) for where in due)


def wake_childless(store: Store) -> int:
    """Queue every execution that waits for children of which none is under way; returns how many.

    Whoever writes the end of the last child queues its parent in the same commit, so there should be none.
    """
    child = sa.alias(_TABLE, "child")
    alive = sa.exists().where(
        child.c.parent_id.is_not(None),
        child.c.parent_id == _TABLE.c.id,
        child.c.status.not_in([str(one) for one in ENDED]),
    )
    childless: list[Condition] = [t.WAITING, _TABLE.c.wait_reason == str(WaitReason.CHILDREN), sa.not_(alive)]
    return _move(store, t.BY_MOMENT, childless, _WOKEN)


def wake_in_line(store: Store, now: datetime) -> int:
    """Let in who waits for a turn although nobody before it is under way; returns how many.

    Whoever ends lets in the next one in the same commit, so there should be none.
    """
    holder = sa.alias(_TABLE, "holder")
    held = sa.exists().where(
        holder.c.tenant_id == _TABLE.c.tenant_id,
        holder.c.turn_key == _TABLE.c.turn_key,
        holder.c.status.not_in([str(one) for one in ENDED]),
        sa.or_(holder.c.wait_reason.is_(None), holder.c.wait_reason != str(WaitReason.TURN)),
    )
    turn = _TABLE.c.wait_reason == str(WaitReason.TURN)
    query = t.through(
        sa.select(_TABLE.c.tenant_id, _TABLE.c.turn_key).where(t.WAITING, turn, sa.not_(held)), t.BY_MOMENT
    )
    with store.read_across() as tx:
        lines = [(row[0], row[1]) for row in tx.conn.execute(query.distinct().limit(SAMPLE)) if row[1]]
    if not lines:
        return 0
    with store.begin_across() as tx:
        return admit(tx.conn, lines, now)


def wake_connected(store: Store) -> int:
    """Queue every execution whose connection is there, or is gone for good; returns how many.

    Who authorizes or deletes a connection queues what waits for it then; this finds who began to wait just
    behind.
    """
    with store.read_across() as tx:
        pairs = tx.conn.execute(_answered()).all()
    return sum(
        _move(
            store,
            t.BY_ANSWER,
            [t.DISCONNECTED, _TABLE.c.wait_on == wait_on, _TABLE.c.tenant_id == tenant_id],
            _WOKEN,
        )
        for wait_on, tenant_id in pairs
    )


def wake_decided(store: Store) -> int:
    """Queue every execution whose approval is not pending any more; returns how many.

    Whoever decides queues it in the same commit, so there should be none.
    """
    pending = sa.exists().where(
        t.approvals.c.id == _TABLE.c.wait_on, t.approvals.c.status == str(ApprovalStatus.PENDING)
    )
    waiting: list[Condition] = [t.WAITING, _TABLE.c.wait_reason == str(WaitReason.APPROVAL)]
    return _move(store, t.BY_MOMENT, [*waiting, sa.not_(pending)], _WOKEN)


def cancel_approvals(store: Store, now: datetime) -> int:
    """Cancel what was asked for in executions that have ended; returns how many."""
    open_ = sa.select(t.approvals.c.id).where(t.OPEN_APPROVALS).limit(1)
    with store.read_across() as tx:
        if tx.conn.execute(open_).first() is None:
            return 0
    with store.begin_across() as tx:
        return approvals.cancel_ended(tx.conn, now, BATCH)


def wake_unowned(store: Store) -> int:
    """Queue every execution that waits in a way no owner is entered for; returns how many."""
    owned = {str(reason) for status, reason in OWNERS if status is ExecutionStatus.WAITING and reason}
    with store.read_across() as tx:
        strange = [one for one in tx.conn.execute(_reasons()).scalars() if one not in owned]
    return (
        _move(store, t.BY_MOMENT, [t.WAITING, _TABLE.c.wait_reason.is_(None)], _WOKEN)
        + _move(store, t.BY_MOMENT, [t.WAITING, _in_no_line()], _WOKEN)
        + _move(store, t.BY_ANSWER, [t.DISCONNECTED, _TABLE.c.wait_on.is_(None)], _WOKEN)
        + sum(_move(store, t.BY_MOMENT, [t.WAITING, _TABLE.c.wait_reason == one], _WOKEN) for one in strange)
    )


def _in_no_line() -> sa.ColumnElement[bool]:
    return sa.and_(_TABLE.c.wait_reason == str(WaitReason.TURN), _TABLE.c.turn_key.is_(None))


def queued_since(store: Store, moment: datetime) -> bool:
    """Tell whether something is queued that was started before this moment. Looks at a few of them only."""
    with store.read_across() as tx:
        for queue, index in ((t.TAKEABLE, t.BY_LANE), (t.SUSPECT, t.BY_SUSPECT)):
            few = t.through(sa.select(_TABLE.c.created_at).where(queue).limit(SAMPLE), index).subquery()
            if tx.conn.execute(sa.select(few).where(few.c.created_at < moment).limit(1)).first():
                return True
    return False


def _move(store: Store, index: str, where: list[Condition], values: dict[str, Any]) -> int:
    """Change the executions found in the index, `BATCH` per transaction; returns how many."""
    moved = 0
    due = t.through(sa.select(_TABLE.c.id).where(*where), index)
    # Whoever holds one of them at the moment is not waited for.
    held = due.limit(BATCH).with_for_update(skip_locked=True).cte("held")
    change = sa.update(_TABLE).where(_TABLE.c.id.in_(sa.select(held.c.id))).values(values)
    for _ in range(MOST_BATCHES):
        with store.read_across() as tx:
            if tx.conn.execute(due.limit(1)).first() is None:
                break
        with store.begin_across() as tx:
            batch = len(tx.conn.execute(change.returning(_TABLE.c.id)).all())
        moved += batch
        if batch < BATCH:
            break
        if store.dialect == SQLITE:
            time.sleep(PAUSE_S)
    return moved


def _reasons() -> sa.Select[Any]:
    """Select the reasons executions wait for, by jumping from one to the next in the index."""
    reason = _TABLE.c.wait_reason
    found = sa.select(_jump(t.BY_MOMENT, reason, t.WAITING).label("reason")).cte("reasons", recursive=True)
    found = found.union_all(
        sa.select(_jump(t.BY_MOMENT, reason, t.WAITING, reason > found.c.reason)).where(
            found.c.reason.is_not(None)
        )
    )
    return sa.select(found.c.reason).where(found.c.reason.is_not(None))


def _answered() -> sa.Select[Any]:
    """Select what is waited for, and by which tenant, where there is an answer: connected, or gone.

    Jumps from one to the next as well, so that it does not matter how many executions wait for each.
    """
    wait_on, tenant_id = _TABLE.c.wait_on, _TABLE.c.tenant_id
    what = sa.select(_jump(t.BY_ANSWER, wait_on, t.DISCONNECTED).label("wait_on")).cte("what", recursive=True)
    what = what.union_all(
        sa.select(_jump(t.BY_ANSWER, wait_on, t.DISCONNECTED, wait_on > what.c.wait_on)).where(
            what.c.wait_on.is_not(None)
        )
    )
    first = _jump(t.BY_ANSWER, tenant_id, t.DISCONNECTED, wait_on == what.c.wait_on).label("tenant_id")
    who = sa.select(what.c.wait_on, first).where(what.c.wait_on.is_not(None)).cte("who", recursive=True)
    behind = _jump(
        t.BY_ANSWER, tenant_id, t.DISCONNECTED, wait_on == who.c.wait_on, tenant_id > who.c.tenant_id
    )
    who = who.union_all(sa.select(who.c.wait_on, behind).where(who.c.tenant_id.is_not(None)))
    there = sa.select(t.connections.c.id).where(t.connections.c.tenant_id == who.c.tenant_id)
    by_id = there.where(t.connections.c.id == who.c.wait_on)
    connected = t.connections.c.status == str(ConnectionStatus.CONNECTED)
    # Who waits for one connection has it as its own; who waits for any of a connector has none. All that wait
    # for the same are alike, so one of them tells.
    own = (
        t.through(sa.select(_TABLE.c.connection_id), t.BY_ANSWER)
        .where(t.DISCONNECTED, wait_on == who.c.wait_on, tenant_id == who.c.tenant_id)
        .order_by(wait_on, tenant_id, _TABLE.c.id)
        .limit(1)
        .correlate(who)
        .scalar_subquery()
    )
    return sa.select(who.c.wait_on, who.c.tenant_id).where(
        who.c.tenant_id.is_not(None),
        sa.or_(
            by_id.where(connected).exists(),
            there.where(connected, t.connections.c.connector == who.c.wait_on).exists(),
            sa.and_(own == who.c.wait_on, sa.not_(by_id.exists())),
        ),
    )


def _jump(index: str, column: sa.Column[Any], *where: Condition) -> sa.ScalarSelect[Any]:
    query = sa.select(column).where(column.is_not(None), *where).order_by(column).limit(1)
    return t.through(query.correlate_except(_TABLE), index).scalar_subquery()
