"""Fires: the one way an instant of a schedule is fired, and the record of what became of each.

An instant is fired by moving the schedule on from it, in the transaction that writes its execution and its
record: whoever finds the schedule moved on, changed or paused writes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from revolution_hub.model.change import Applied, Fire, Firing, Outcome, Stale
from revolution_hub.model.fire import FireStatus, Reason, StoredFire
from revolution_hub.model.schedule import Overlap
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import add_missing, by
from revolution_hub.store.overlaps import let_in
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, value_of
from revolution_hub.store.starting import add_executions
from revolution_hub.store.tx import Tx

_TABLE = t.fires
_SCHEDULES = t.schedules
_SOME = 500


def fire(conn: Connection, changes: Sequence[Fire], *, again: bool) -> list[Outcome]:
    """Move these schedules on and start their executions; returns the outcomes in the same order.

    With `again` what is found as this very change left it counts as applied.
    """
    in_order = sorted(changes, key=lambda one: one.schedule_id)
    moved = [one for one in in_order if _moved(conn, one)]
    known = _fired_of(conn, moved)
    records, wanted = list[StoredFire](), list[Firing]()
    for change in moved:
        new = [one for one in change.firings if (change.schedule_id, one.fire.instant) not in known]
        admitted = let_in(conn, change, len(new))
        for place, one in enumerate(new):
            if place in admitted:
                wanted.append(one)
                _note(conn, change, one)
            else:
                records.append(_skipped(one.fire, Reason.OVERLAP))
        if change.passed is not None:
            records.append(change.passed)
    started = start(conn, wanted)
    keep(conn, records + started)
    return [_outcome(conn, one, moved, started, again=again) for one in changes]


def start(conn: Connection, firings: Sequence[Firing]) -> list[StoredFire]:
    """Start the executions of these instants; returns what is to be kept of each."""
    new = add_executions(conn, [one.execution for one in firings])
    return [
        one.fire
        if one.execution.id in new
        else replace(_skipped(one.fire, Reason.DUPLICATE), execution_id=_first(conn, one))
        for one in firings
    ]


def keep(conn: Connection, records: Iterable[StoredFire]) -> None:
    """Write what became of instants."""
    add_missing(conn, _TABLE, by(map(columns_of, records), "schedule_id", "instant", "round"))


def rounds_of(
    tx: Tx, schedule_id: str, since: datetime, until: datetime
) -> Mapping[datetime, tuple[int, bool]]:
    """Return of instants in this span that have a record how many there are, and whether one has fired."""
    fired = sa.func.max(sa.case((_TABLE.c.status == str(FireStatus.FIRED), 1), else_=0))
    query = (
        sa.select(_TABLE.c.instant, sa.func.max(_TABLE.c.round) + 1, fired)
        .where(
            _TABLE.c.tenant_id == tx.tenant_id,
            _TABLE.c.schedule_id == schedule_id,
            _TABLE.c.instant >= since,
            _TABLE.c.instant <= until,
        )
        .group_by(_TABLE.c.instant)
    )
    return {row[0]: (row[1], bool(row[2])) for row in tx.conn.execute(query)}


def list_backfilled(
    tx: Tx, schedule_id: str, since: datetime, until: datetime, backfilled_by: str
) -> list[StoredFire]:
    """Return what somebody's latest backfill came to, for each instant in this span."""
    query = sa.select(_TABLE).where(
        _TABLE.c.tenant_id == tx.tenant_id,
        _TABLE.c.schedule_id == schedule_id,
        _TABLE.c.instant >= since,
        _TABLE.c.instant <= until,
        _TABLE.c.backfilled_by == backfilled_by,
    )
    rows = tx.conn.execute(query.order_by(_TABLE.c.instant, _TABLE.c.round)).mappings()
    return list({row["instant"]: _fire_of(row) for row in rows}.values())


def list_page(
    tx: Tx, page: Page, schedule_id: str, status: FireStatus | None = None
) -> tuple[list[StoredFire], str | None]:
    """Return one page of what became of the instants of a schedule."""
    where: list[sa.ColumnElement[bool]] = []
    through = None
    if status is FireStatus.SKIPPED:
        through = t.BY_SKIPPED
        # In the words of the index that holds these alone.
        where.append(sa.literal_column(t.SKIPPED.text))
    elif status is not None:
        where.append(_TABLE.c.status == str(status))
    rows, cursor = page_rows(tx, _TABLE, page, {"schedule_id": schedule_id}, where, through=through)
    return [_fire_of(row) for row in rows], cursor


def _fire_of(row: RowMapping) -> StoredFire:
    reason = Reason(row["reason"]) if row["reason"] else None
    return value_of(StoredFire, row, status=FireStatus(row["status"]), reason=reason)


def _moved(conn: Connection, change: Fire) -> bool:
    # What an instant meets is not known yet, unless it does not matter.
    fired = change.firings[-1:] if change.overlap is Overlap.ALLOW else ()
    last = {"last_fired_at": change.at, "last_at": fired[0].fire.instant} if fired else {}
    done = conn.execute(
        sa.update(_SCHEDULES)
        .where(
            _SCHEDULES.c.tenant_id == change.tenant_id,
            _SCHEDULES.c.id == change.schedule_id,
            _SCHEDULES.c.version == change.version,
            _SCHEDULES.c.next_at == change.basis,
            # Neither paused, nor over.
            _SCHEDULES.c.wake_at.is_not(None),
        )
        .values(next_at=change.next_at, wake_at=change.wake_at, **last)
    )
    return done.rowcount == 1


def _note(conn: Connection, change: Fire, fired: Firing) -> None:
    if change.overlap is Overlap.ALLOW:
        return
    one = (_SCHEDULES.c.tenant_id == change.tenant_id, _SCHEDULES.c.id == change.schedule_id)
    conn.execute(
        sa.update(_SCHEDULES).where(*one).values(last_fired_at=change.at, last_at=fired.fire.instant)
    )


def _fired_of(conn: Connection, changes: Sequence[Fire]) -> set[tuple[str, datetime]]:
    """Return which of the instants have been fired before, as those a backfill came to first."""
    asked = [(one.schedule_id, firing.fire.instant) for one in changes for firing in one.firings]
    found: set[tuple[str, datetime]] = set()
    for at in range(0, len(asked), _SOME):
        some = asked[at : at + _SOME]
        query = sa.select(_TABLE.c.schedule_id, _TABLE.c.instant).where(
            _TABLE.c.schedule_id.in_({schedule_id for schedule_id, _ in some}),
            _TABLE.c.instant.in_({instant for _, instant in some}),
            _TABLE.c.status == str(FireStatus.FIRED),
        )
        found.update((row[0], row[1]) for row in conn.execute(query))
    return found


def _skipped(fire: StoredFire, reason: Reason) -> StoredFire:
    return replace(fire, status=FireStatus.SKIPPED, reason=reason, execution_id=None)


def _outcome(
    conn: Connection, change: Fire, moved: Sequence[Fire], started: Sequence[StoredFire], *, again: bool
) -> Outcome:
    if any(one is change for one in moved):
        mine = {one.fire.id for one in change.firings}
        ids = [one.execution_id for one in started if one.id in mine and one.status is FireStatus.FIRED]
        return Applied(execution_ids=tuple(str(one) for one in ids))
    return _as_left(conn, change) if again else Stale()


def _as_left(conn: Connection, change: Fire) -> Outcome:
    """Return what this very change came to if an earlier try of it was committed."""
    mine = [one.fire.id for one in change.firings] + ([change.passed.id] if change.passed else [])
    query = sa.select(_TABLE.c.execution_id, _TABLE.c.status).where(
        _TABLE.c.tenant_id == change.tenant_id, _TABLE.c.id.in_(mine)
    )
    rows = conn.execute(query).all()
    if not rows:
        return Stale()
    return Applied(execution_ids=tuple(row[0] for row in rows if row[1] == str(FireStatus.FIRED)))


def _first(conn: Connection, firing: Firing) -> str:
    """Return the execution that had the key of this one before."""
    execution = firing.execution
    query = sa.select(t.executions.c.id).where(
        t.executions.c.tenant_id == execution.tenant_id,
        t.executions.c.workflow_id == execution.workflow_id,
        t.executions.c.idempotency_key == execution.idempotency_key,
    )
    return str(conn.execute(query).scalar_one())
