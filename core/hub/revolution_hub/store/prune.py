"""prune: what has ended long ago is removed, over all tenants, a few hundred rows per transaction.

Ids sort by time of making, so what may be due is a range of the primary key. A walk goes through that range
and reads every row of it once, whatever else the table holds. Children go when the execution they belong to
is gone: it goes first, by itself, so nobody ever finds a part of it, and what a crash leaves behind is found
by the next walk as a child without a parent. Files are removed behind the commit.
"""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from revolution_hub.errors import ConflictError, NotFoundError
from revolution_hub.model.ids import first_id
from revolution_hub.model.status import ENDED, ExecutionStatus
from revolution_hub.store import tables as t
from revolution_hub.store.errors import FilesError
from revolution_hub.store.tx import Store, Tx

BATCH = 500
"""So many rows are read, or removed, in one transaction; more only if one execution alone has more."""
MOST_BATCHES = 200
"""So many batches are read in one go; the next one goes on behind them."""
PAUSE_S = 0.01
LONGEST_PAUSE_S = 1.0

Owned = tuple[str, str]
"""A tenant, and an execution or event of it."""
Before = Mapping[ExecutionStatus, datetime]
"""What is due: the executions of these statuses that ended before this moment. Others are kept for ever."""

_TABLE = t.executions
_ENDED = sorted(map(str, ENDED))
_PARTS = (t.attempts, t.step_executions, t.callbacks, t.approval_requesters, t.approvals)
_BY_AGE = (
    (t.events, "evt"),
    (t.deliveries, "dlv"),
    (t.app_deliveries, "dlv"),
    (t.duplicates, "dlv"),
    (t.fires, "fir"),
    (t.event_replays, "rpl"),
    (t.taps, "tap"),
)

_log = logging.getLogger("revolution.store")


@dataclass(slots=True)
class Walk:
    """How far a walk has come: the last id it has looked at. It begins anew behind the last one of all."""

    after: str = ""


def prune_executions(
    store: Store, before: Before, stop: threading.Event, walk: Walk, *, most: int = MOST_BATCHES
) -> int:
    """Remove executions that are due, going on with the walk; returns how many. Ends soon after `stop`."""
    removed = 0
    for _ in range(most):
        begun_s = time.monotonic()
        due = _due(store, before, walk)
        gone = remove(store, due, before, stop)
        removed += len(gone)
        if not walk.after or _rested(stop, begun_s, bool(gone)):
            break
    return removed


def count_due(store: Store, before: Before) -> int:
    """Return how many executions are due, without those that go because they belong to them."""
    walk, count = Walk(), 0
    while True:
        count += len(_due(store, before, walk))
        if not walk.after:
            return count


def remove(store: Store, ids: Sequence[str], before: Before, stop: threading.Event) -> list[str]:
    """Remove these executions as far as they are still due, and everything that belongs to them."""
    gone: list[str] = []
    for some in _in_batches(store, ids):
        begun_s = time.monotonic()
        taken = _remove(store, some, before)
        gone += [one for _, one in taken]
        finish(store, taken, stop)
        if _rested(stop, begun_s, bool(taken)):
            break
    return gone


def remove_one(tx: Tx, execution_id: str) -> Owned:
    """Remove an execution of the tenant; `finish` does the rest behind the commit.

    Raises NotFoundError, and ConflictError if it has not ended or belongs to another one.
    """
    query = sa.select(_TABLE.c.status, _TABLE.c.parent_id).where(
        _TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.id == execution_id
    )
    row = tx.conn.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise NotFoundError("there is no such execution")
    if row.parent_id is not None:
        raise ConflictError(f"the execution is a part of {row.parent_id} and goes with it", code="is_part")
    under_way = _child().where(_TABLE.c.parent_id == execution_id, _TABLE.c.status.not_in(_ENDED))
    if row.status not in _ENDED or tx.conn.execute(under_way.limit(1)).first():
        raise ConflictError("the execution has not ended; cancel it first", code="not_ended")
    _delete(tx.conn, [execution_id])
    return tx.tenant_id, execution_id


def finish(store: Store, gone: Sequence[Owned], stop: threading.Event) -> None:
    """Remove the files of executions that are gone, and what belonged to them."""
    while gone and not stop.is_set():
        remove_files(store, gone)
        parents, gone = [one for _, one in gone], []
        while children := _children_of(store, parents):
            begun_s = time.monotonic()
            taken = [one for some in _in_batches(store, children) for one in _remove(store, some, {})]
            gone += taken
            if not taken or _rested(stop, begun_s, True):
                break


def prune_events(store: Store, before: datetime, stop: threading.Event, *, most: int = MOST_BATCHES) -> int:
    """Remove what came in before this moment, and what is known of it; returns how many."""
    removed = 0
    for table, prefix in _BY_AGE:
        for _ in range(most):
            begun_s = time.monotonic()
            gone = _remove_oldest(store, table, first_id(prefix, before))
            removed += len(gone)
            if table is t.events:
                remove_files(store, gone)
            if _rested(stop, begun_s, bool(gone)) or len(gone) < BATCH:
                break
    return removed


def remove_strays(store: Store, before: datetime, stop: threading.Event) -> int:
    """Remove the folders of large payloads whose owner is gone or never came to be; returns how many.

    Looks at those nothing was put into since this moment.
    """
    if store.files is None:
        return 0
    removed = 0
    for some in _chunks(store.files.older_than(before.timestamp())):
        known = _known(store, [owner for _, owner in some])
        strays = [one for one in some if one[1] not in known]
        remove_files(store, strays)
        removed += len(strays)
        if stop.wait(PAUSE_S):
            break
    return removed


def remove_files(store: Store, owners: Sequence[Owned]) -> None:
    """Remove the files of these; those that cannot be removed now are found as strays later."""
    for tenant_id, owner_id in owners:
        try:
            if store.files is not None:
                store.files.remove(tenant_id, owner_id)
        except FilesError as error:
            _log.warning("the files of %s are removed later: %s", owner_id, error.reason)


def range_query(after: str, until: str) -> sa.Select[Any]:
    """Select the next batch of a walk: one stretch of the primary key."""
    shown = (
        _TABLE.c.id,
        _TABLE.c.status,
        _TABLE.c.parent_id,
        sa.func.coalesce(_TABLE.c.finished_at, _TABLE.c.created_at).label("ended_at"),
    )
    return (
        sa.select(*shown).where(_TABLE.c.id > after, _TABLE.c.id < until).order_by(_TABLE.c.id).limit(BATCH)
    )


def oldest_query(table: sa.Table, until: str) -> sa.Select[Any]:
    """Select the oldest rows of a table that all go by age."""
    key = _aging(table)
    oldest = sa.select(key.label("id")).where(key < until).order_by(key).limit(BATCH)
    return oldest.with_for_update(skip_locked=True)


def _aging(table: sa.Table) -> sa.Column[Any]:
    """Return the column by which the rows of a table sort by age."""
    return table.c.id if "id" in table.c else table.c.delivery_id


def _due(store: Store, before: Before, walk: Walk) -> list[str]:
    """Return what is due in the next batch of the walk, and move it on."""
    if not before:
        walk.after = ""
        return []
    until = first_id("exe", max(before.values()))
    with store.read_across() as tx:
        rows = tx.conn.execute(range_query(walk.after, until)).all()
        parents = _present(tx.conn, _TABLE, {one.parent_id for one in rows if one.parent_id is not None})
    walk.after = rows[-1].id if len(rows) == BATCH else ""
    return [
        one.id
        for one in rows
        if (one.parent_id not in parents if one.parent_id is not None else _is_due(one, before))
    ]


def _is_due(row: sa.Row[Any], before: Before) -> bool:
    moment = before.get(ExecutionStatus(row.status))
    return moment is not None and row.status in _ENDED and row.ended_at < moment


def _remove(store: Store, ids: Sequence[str], before: Before) -> list[Owned]:
    """Remove those of the executions that are due, or are children without a parent, in one transaction."""
    parent = _TABLE.alias("parent")
    ended_at = sa.func.coalesce(_TABLE.c.finished_at, _TABLE.c.created_at)
    due = [
        sa.and_(_TABLE.c.parent_id.is_(None), _TABLE.c.status == str(status), ended_at < sa.literal(moment))
        for status, moment in before.items()
    ]
    child = _TABLE.alias("child")
    under_way = sa.exists().where(child.c.parent_id == _TABLE.c.id, child.c.status.not_in(_ENDED))
    orphan = sa.and_(
        _TABLE.c.parent_id.is_not(None), sa.not_(sa.exists().where(parent.c.id == _TABLE.c.parent_id))
    )
    query = (
        sa.select(_TABLE.c.tenant_id, _TABLE.c.id)
        .where(_TABLE.c.id.in_(ids), _TABLE.c.status.in_(_ENDED), sa.or_(orphan, *due), sa.not_(under_way))
        .order_by(_TABLE.c.id)
        .with_for_update(skip_locked=True, of=_TABLE)
    )
    with store.begin_across() as tx:
        taken = [(one.tenant_id, one.id) for one in tx.conn.execute(query)]
        _delete(tx.conn, [one for _, one in taken])
    return taken


def _delete(conn: Connection, ids: Sequence[str]) -> None:
    if not ids:
        return
    asked = sa.select(t.approvals.c.id).where(t.approvals.c.execution_id.in_(ids))
    for answers in (t.approval_votes, t.approval_links):
        conn.execute(sa.delete(answers).where(answers.c.approval_id.in_(asked)))
    for part in _PARTS:
        conn.execute(sa.delete(part).where(part.c.execution_id.in_(ids)))
    conn.execute(sa.delete(_TABLE).where(_TABLE.c.id.in_(ids)))


def _remove_oldest(store: Store, table: sa.Table, until: str) -> list[Owned]:
    owner = table.c.tenant_id if "tenant_id" in table.c else sa.literal("")
    oldest = oldest_query(table, until).cte("oldest")
    key = _aging(table)
    gone = sa.delete(table).where(key.in_(sa.select(oldest.c.id))).returning(owner, key)
    with store.begin_across() as tx:
        return [(tenant_id, one) for tenant_id, one in tx.conn.execute(gone)]


def _children_of(store: Store, ids: Sequence[str]) -> list[str]:
    found: list[str] = []
    with store.read_across() as tx:
        for some in _chunks(ids):
            query = _child().where(_TABLE.c.parent_id.in_(some), _TABLE.c.status.in_(_ENDED))
            found += tx.conn.execute(query.limit(BATCH)).scalars()
    return found


def _child() -> sa.Select[Any]:
    return t.through(sa.select(_TABLE.c.id).where(t.CHILD), t.BY_PARENT)


def _known(store: Store, ids: Sequence[str]) -> set[str]:
    with store.read_across() as tx:
        return _present(tx.conn, _TABLE, set(ids)) | _present(tx.conn, t.events, set(ids))


def _present(conn: Connection, table: sa.Table, ids: set[str]) -> set[str]:
    if not ids:
        return set()
    return set(conn.execute(sa.select(table.c.id).where(table.c.id.in_(sorted(ids)))).scalars())


def _in_batches(store: Store, ids: Sequence[str]) -> Iterator[list[str]]:
    """Yield the executions so that each batch comes to `BATCH` rows, or is a single one with more."""
    for some in _chunks(ids):
        with store.read_across() as tx:
            rows = dict.fromkeys(some, 1)
            for part in _PARTS:
                owner = part.c.execution_id
                query = sa.select(owner, sa.func.count()).where(owner.in_(some)).group_by(owner)
                for one, count in tx.conn.execute(query):
                    rows[one] += count
        batch: list[str] = []
        size = 0
        for one in some:
            if batch and size + rows[one] > BATCH:
                yield batch
                batch, size = [], 0
            batch.append(one)
            size += rows[one]
        yield batch


def _chunks(values: Any) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    for one in values:
        chunk.append(one)
        if len(chunk) == BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _rested(stop: threading.Event, begun_s: float, wrote: bool) -> bool:
    """Wait as long as the work took if something was written, so that others get their turn; True to stop."""
    took_s = time.monotonic() - begun_s if wrote else 0.0
    return stop.wait(min(max(took_s, PAUSE_S), LONGEST_PAUSE_S))
