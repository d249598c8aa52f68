"""Approvals as rows. Every change names the state it was made from, so that of two only one is made.

Whoever changes an approval that an execution may wait for locks that execution first, as everybody does.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from revolution_hub.model.approval import OPEN, Approval, ApprovalStatus, Decision, Demand, Use, Vote
from revolution_hub.model.status import ENDED, ExecutionStatus, WaitReason
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.payloads import files_of, whole, without_large
from revolution_hub.store.rows import columns_of, found, one_row, value_of
from revolution_hub.store.tx import Tx

_TABLE = t.approvals
_OPEN = [str(one) for one in OPEN]
_ASIDE = ("votes", "demands", "requesters")
_RESUMED: dict[str, Any] = {
    "status": str(ExecutionStatus.QUEUED),
    **dict.fromkeys(("wait_reason", "wait_on", "wake_at")),
}


def add(tx: Tx, approval: Approval) -> None:
    """Keep a new approval."""
    row = columns_of(approval, without=_ASIDE)
    row |= {
        "demands": [one.as_json() for one in approval.demands],
        "requesters": list(approval.requesters),
    }
    tx.conn.execute(sa.insert(_TABLE).values(without_large(tx.conn, _TABLE, row)))


def get(tx: Tx, approval_id: str) -> Approval:
    """Return an approval with its votes, or raise NotFoundError."""
    return _whole(tx, found(one_row(tx, _TABLE, _TABLE.c.id == approval_id), "approval"))


def find_last(tx: Tx, execution_id: str, step_id: str) -> Approval | None:
    """Return what was asked for last for this step of this execution, with its votes, or None."""
    query = (
        sa.select(_TABLE)
        .where(
            _TABLE.c.tenant_id == tx.tenant_id,
            _TABLE.c.execution_id == execution_id,
            _TABLE.c.step_id == step_id,
        )
        .order_by(_TABLE.c.generation.desc())
        .limit(1)
    )
    row = tx.conn.execute(query).mappings().one_or_none()
    return _whole(tx, row) if row else None


def list_page(
    tx: Tx, page: Page, *, status: str | None, execution_id: str | None
) -> tuple[list[Approval], str | None]:
    """Return one page of approvals with their votes; large contents stay in their files."""
    rows, cursor = page_rows(tx, _TABLE, page, {"status": status, "execution_id": execution_id})
    votes = _votes_of(tx, [row["id"] for row in rows])
    return [_approval(row, votes.get(row["id"], ())) for row in rows], cursor


def list_pending(tx: Tx) -> list[Approval]:
    """Return every approval that waits for an answer, oldest first, with its votes."""
    query = (
        sa.select(_TABLE)
        .where(t.OPEN_APPROVALS, _TABLE.c.tenant_id == tx.tenant_id)
        .where(_TABLE.c.status == str(ApprovalStatus.PENDING))
        .order_by(_TABLE.c.id)
    )
    rows = tx.conn.execute(query).mappings().all()
    votes = _votes_of(tx, [row["id"] for row in rows])
    return [_approval(row, votes.get(row["id"], ())) for row in rows]


def lock_execution(tx: Tx, execution_id: str) -> ExecutionStatus | None:
    """Lock an execution and return its status, None if it is gone."""
    table = t.executions
    query = sa.select(table.c.status).where(table.c.tenant_id == tx.tenant_id, table.c.id == execution_id)
    status = tx.conn.execute(query.with_for_update()).scalar_one_or_none()
    return ExecutionStatus(status) if status else None


def add_vote(tx: Tx, vote: Vote) -> None:
    """Keep what somebody has said."""
    tx.conn.execute(sa.insert(t.approval_votes).values(columns_of(vote)))


def move(
    tx: Tx,
    approval: Approval,
    status: ApprovalStatus,
    now: datetime,
    *,
    reason: str | None = None,
    **more: Any,
) -> bool:
    """Bring an approval from the status it was read with to another one; False if it has another by now."""
    values = {"status": str(status), "decided_at": now, "reason": reason, **more}
    return _changed(tx, approval, values)


def prolong(tx: Tx, approval: Approval, demands: Sequence[Demand], deadline_at: datetime) -> bool:
    """Give a pending approval other demands and another deadline; False if it is not pending any more."""
    values = {"demands": [one.as_json() for one in demands], "deadline_at": deadline_at}
    return _changed(tx, approval, values)


def close(tx: Tx, execution_id: str, step_id: str) -> None:
    """Let every approval of this step cover nothing any more: a person has it tried again."""
    where = (
        _TABLE.c.tenant_id == tx.tenant_id,
        _TABLE.c.execution_id == execution_id,
        _TABLE.c.step_id == step_id,
    )
    tx.conn.execute(sa.update(_TABLE).where(*where).values(closed=True))
    cancelled = {"status": str(ApprovalStatus.CANCELLED), "reason": "the step was tried again"}
    tx.conn.execute(sa.update(_TABLE).where(*where, _TABLE.c.status.in_(_OPEN)).values(cancelled))


def cancel_of_workflow(tx: Tx, workflow_id: str, now: datetime, reason: str) -> int:
    """Cancel what is open in a workflow that may not be run any more, and let its executions see that."""
    mine = (_TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.workflow_id == workflow_id, t.OPEN_APPROVALS)
    ids = sorted(set(tx.conn.execute(sa.select(_TABLE.c.execution_id).where(*mine)).scalars()))
    if not ids:
        return 0
    table = t.executions
    lock = sa.select(table.c.id).where(table.c.id.in_(ids), table.c.tenant_id == tx.tenant_id)
    tx.conn.execute(lock.order_by(table.c.id).with_for_update()).all()
    values = {"status": str(ApprovalStatus.CANCELLED), "decided_at": now, "reason": reason}
    done = tx.conn.execute(sa.update(_TABLE).where(*mine).values(values))
    resume_decided(tx.conn, ids)
    return done.rowcount


def use(conn: Connection, tenant_id: str, execution_id: str, fence: int, wanted: Use) -> bool:
    """Use an approval up for one attempt; False if it is not what it was, or was used for another one.

    The same attempt may ask again: it does not know whether its first commit was made.
    """
    mine = sa.and_(
        _TABLE.c.status == str(ApprovalStatus.USED),
        _TABLE.c.used_attempt == wanted.attempt,
        _TABLE.c.used_fence == fence,
    )
    fresh = sa.and_(_TABLE.c.status == str(ApprovalStatus.APPROVED), _TABLE.c.valid_until >= wanted.at)
    done = conn.execute(
        sa.update(_TABLE)
        .where(
            _TABLE.c.id == wanted.approval_id,
            _TABLE.c.tenant_id == tenant_id,
            _TABLE.c.execution_id == execution_id,
            _TABLE.c.digest.is_not_distinct_from(wanted.digest),
            _TABLE.c.closed.is_(False),
            sa.or_(fresh, mine),
        )
        .values(
            status=str(ApprovalStatus.USED),
            used_at=wanted.at,
            used_attempt=wanted.attempt,
            used_fence=fence,
        )
    )
    return done.rowcount == 1


def resume_decided(conn: Connection, execution_ids: Sequence[str]) -> set[str]:
    """Queue those of the executions whose approval is not pending any more, or gone; returns their ids."""
    table = t.executions
    pending = sa.exists().where(
        _TABLE.c.id == table.c.wait_on,
        _TABLE.c.tenant_id == table.c.tenant_id,
        _TABLE.c.status == str(ApprovalStatus.PENDING),
    )
    done = conn.execute(
        sa.update(table)
        .where(
            table.c.id.in_(sorted(execution_ids)),
            table.c.status == str(ExecutionStatus.WAITING),
            table.c.wait_reason == str(WaitReason.APPROVAL),
            sa.not_(pending),
        )
        .values(_RESUMED)
        .returning(table.c.id)
    )
    return set(done.scalars())


def cancel_ended(conn: Connection, now: datetime, most: int) -> int:
    """Cancel what is open in executions that have ended or are gone, of all tenants; returns how many."""
    table = t.executions
    alive = sa.exists().where(
        table.c.id == _TABLE.c.execution_id, table.c.status.not_in([str(one) for one in ENDED])
    )
    orphans = sa.select(_TABLE.c.id).where(t.OPEN_APPROVALS, sa.not_(alive)).limit(most)
    done = conn.execute(
        sa.update(_TABLE)
        .where(_TABLE.c.id.in_(orphans), _TABLE.c.status.in_(_OPEN))
        .values(status=str(ApprovalStatus.CANCELLED), decided_at=now, reason="the execution has ended")
    )
    return done.rowcount


def _changed(tx: Tx, approval: Approval, values: dict[str, Any]) -> bool:
    done = tx.conn.execute(
        sa.update(_TABLE)
        .where(
            _TABLE.c.tenant_id == tx.tenant_id,
            _TABLE.c.id == approval.id,
            _TABLE.c.status == str(approval.status),
            _TABLE.c.closed.is_(False),
        )
        .values(values)
    )
    return done.rowcount == 1


def _whole(tx: Tx, row: RowMapping) -> Approval:
    approval = _approval(row, _votes_of(tx, [row["id"]]).get(row["id"], ()))
    return replace(approval, content=whole(files_of(tx.conn), approval.content))


def _approval(row: RowMapping, votes: Sequence[Vote]) -> Approval:
    return value_of(
        Approval,
        row,
        status=ApprovalStatus(row["status"]),
        demands=tuple(Demand.of_json(one) for one in row["demands"]),
        requesters=tuple(row["requesters"]),
        votes=tuple(votes),
    )


def _votes_of(tx: Tx, ids: Sequence[str]) -> dict[str, list[Vote]]:
    if not ids:
        return {}
    table = t.approval_votes
    query = sa.select(table).where(table.c.tenant_id == tx.tenant_id, table.c.approval_id.in_(ids))
    votes: dict[str, list[Vote]] = {}
    for row in tx.conn.execute(query.order_by(table.c.at, table.c.user_id)).mappings():
        vote = value_of(Vote, row, decision=Decision(row["decision"]))
        votes.setdefault(row["approval_id"], []).append(vote)
    return votes
