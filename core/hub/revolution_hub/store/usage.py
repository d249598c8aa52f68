"""usage: what tenants have used, per day, in rows that outlive what they count.

Nothing is written when an execution begins. Ids sort by time, so a clock counts them a little later by
ranges of the primary key, each once, and whoever asks adds the few that came since. So counting costs no
delivery anything, no two processes wait for each other over it, and a process that dies loses none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from revolution_hub.model.ids import first_id
from revolution_hub.model.plan import AiUse, Window, begin_of, end_of
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import put
from revolution_hub.store.connect import POSTGRESQL
from revolution_hub.store.tx import Store, Tx

EXECUTIONS = "executions"
AI_TOKENS, AI_REQUESTS, AI_COST = "used_tokens", "used_requests", "used_cost_micros"
STORED = "stored_bytes"
EVERYBODY = ""
"""In the place of a principal: the tenant as a whole."""

LATE = timedelta(seconds=20)
"""So long after its id was made an execution is committed at the latest, unless the database stands still."""

_TABLE = t.usage
_RUNS = t.executions


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """So much of a meter on a day, by a principal or by the tenant as a whole."""

    tenant_id: str
    day: str
    meter: str
    quantity: int
    principal_id: str = EVERYBODY


def add(conn: Connection, used: Iterable[Used]) -> None:
    """Add to what was used. In the order of the key, so that two that meet do not both wait."""
    sums: dict[tuple[str, str, str, str], int] = {}
    for one in used:
        key = (one.tenant_id, one.day, one.meter, one.principal_id)
        sums[key] = sums.get(key, 0) + one.quantity
    if not sums:
        return
    names = ("tenant_id", "day", "meter", "principal_id")
    rows = [{**dict(zip(names, key, strict=True)), "quantity": sums[key]} for key in sorted(sums)]
    insert = (postgresql if conn.dialect.name == POSTGRESQL else sqlite).insert(_TABLE)
    more = _TABLE.c.quantity + insert.excluded.quantity
    conn.execute(insert.on_conflict_do_update(index_elements=names, set_={"quantity": more}), rows)


def count_executions(store: Store, now: datetime) -> set[str]:
    """Count the executions that began since the last time, up to a moment ago; returns whose there were.

    Any number of processes may do so: the mark is locked, so each execution is counted once.
    """
    tenants: set[str] = set()
    while True:
        with store.begin_across() as tx:
            begin = _mark(tx.conn, now)
            end = min(now - LATE, end_of(Window.DAY, begin))
            if end <= begin:
                return tenants
            found = [_used(row, begin) for row in tx.conn.execute(_begun(begin, end))]
            everybody = [Used(tenant_id=one.tenant_id, day=one.day, meter=EXECUTIONS, quantity=one.quantity)
                         for one in found]  # fmt: skip
            add(tx.conn, [*everybody, *(one for one in found if one.principal_id)])
            tx.conn.execute(sa.update(t.usage_marks).values(counted_until=end))
            tenants |= {one.tenant_id for one in found}


def note_deleted(tx: Tx, execution_id: str, now: datetime) -> None:
    """Count an execution that is about to be deleted and was not counted yet."""
    mark = _find_mark(tx.conn) or begin_of(Window.MONTH, now)
    query = sa.select(_RUNS.c.started_by).where(
        _RUNS.c.tenant_id == tx.tenant_id,
        _RUNS.c.id == execution_id,
        _RUNS.c.id >= first_id("exe", mark),
        _RUNS.c.parent_id.is_(None),
    )
    row = tx.conn.execute(query).one_or_none()
    if row is None:
        return
    who = {EVERYBODY, row.started_by or EVERYBODY}
    day = day_of(now)
    add(
        tx.conn,
        [
            Used(tenant_id=tx.tenant_id, day=day, meter=EXECUTIONS, quantity=1, principal_id=one)
            for one in who
        ],
    )


def executions_since(tx: Tx, begin: datetime, most: float, principal_id: str = EVERYBODY) -> int:
    """Count the executions of the tenant, or of a principal, that began at a moment or later.

    Up to `most` or a little beyond; the days that are counted already are read as such.
    """
    mark = _find_mark(tx.conn) or begin
    whole = sum(quantities(tx, day_of(begin), principal_id=principal_id, meters=(EXECUTIONS,)).values())
    if begin != begin_of(Window.DAY, begin):
        # Within a day nothing is summed up.
        mark, whole = begin, 0
    if whole >= most:
        return whole
    begun = sa.select(_RUNS.c.id).where(
        _RUNS.c.tenant_id == tx.tenant_id,
        _RUNS.c.id >= first_id("exe", max(mark, begin)),
        _RUNS.c.parent_id.is_(None),
    )
    if principal_id:
        begun = t.through(begun.where(_RUNS.c.started_by == principal_id, t.BY_HAND), t.BY_STARTER)
    else:
        begun = t.through(begun, t.BY_ID)
    some = begun.limit(int(most - whole) + 1).subquery()
    return whole + int(tx.conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def quantities(
    tx: Tx, since: str, *, principal_id: str = EVERYBODY, meters: Iterable[str] = ()
) -> Mapping[str, int]:
    """Return what was used since a day, itself included, by meter."""
    query = sa.select(_TABLE.c.meter, sa.func.sum(_TABLE.c.quantity)).where(
        _TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.day >= since, _TABLE.c.principal_id == principal_id
    )
    wanted = tuple(meters)
    if wanted:
        query = query.where(_TABLE.c.meter.in_(wanted))
    return {meter: int(quantity) for meter, quantity in tx.conn.execute(query.group_by(_TABLE.c.meter))}


def ai_of(tx: Tx, now: datetime) -> AiUse:
    """Return what AI was used this month."""
    found = quantities(tx, day_of(begin_of(Window.MONTH, now)), meters=(AI_TOKENS, AI_REQUESTS, AI_COST))
    return AiUse(
        tokens=found.get(AI_TOKENS, 0),
        requests=found.get(AI_REQUESTS, 0),
        cost_micros=found.get(AI_COST, 0),
    )


def put_gauge(tx: Tx, meter: str, quantity: int) -> None:
    """Note how much of something the tenant has at this moment."""
    row = {
        "tenant_id": tx.tenant_id,
        "day": "",
        "meter": meter,
        "principal_id": EVERYBODY,
        "quantity": quantity,
    }
    put(tx.conn, _TABLE, [row])


def gauge_of(tx: Tx, meter: str) -> int:
    """Return how much of something the tenant had when it was measured last."""
    query = sa.select(_TABLE.c.quantity).where(
        _TABLE.c.tenant_id == tx.tenant_id,
        _TABLE.c.day == "",
        _TABLE.c.meter == meter,
        _TABLE.c.principal_id == EVERYBODY,
    )
    return int(tx.conn.execute(query).scalar_one_or_none() or 0)


def first_warning(tx: Tx, limit: str, begin: datetime) -> bool:
    """Note that the tenant is warned about a limit in the window that began then; False if it was before."""
    insert = (postgresql if tx.conn.dialect.name == POSTGRESQL else sqlite).insert(_TABLE)
    row = {
        "tenant_id": tx.tenant_id,
        "day": day_of(begin),
        "meter": f"warned:{limit}",
        "principal_id": EVERYBODY,
        "quantity": 1,
    }
    # What was inserted is what the database returns: the row count of such a statement says nothing.
    first = insert.values(row).on_conflict_do_nothing().returning(_TABLE.c.meter)
    return tx.conn.execute(first).first() is not None


def meter_of(unit: str) -> str:
    """Return under what name is kept what calls use of a unit."""
    return f"used_{unit}"


def day_of(moment: datetime) -> str:
    """Return the day of a moment in UTC."""
    return moment.date().isoformat()


def _begun(begin: datetime, end: datetime) -> sa.Select[Any]:
    columns = (_RUNS.c.tenant_id, _RUNS.c.started_by)
    return (
        sa.select(*columns, sa.func.count().label("quantity"))
        .where(
            _RUNS.c.id >= first_id("exe", begin),
            _RUNS.c.id < first_id("exe", end),
            _RUNS.c.parent_id.is_(None),
        )
        .group_by(*columns)
    )


def _used(row: sa.Row[Any], begin: datetime) -> Used:
    return Used(
        tenant_id=row.tenant_id,
        day=day_of(begin),
        meter=EXECUTIONS,
        quantity=row.quantity,
        principal_id=row.started_by or EVERYBODY,
    )


def _find_mark(conn: Connection) -> datetime | None:
    query = sa.select(t.usage_marks.c.counted_until).where(t.usage_marks.c.name == EXECUTIONS)
    return conn.execute(query).scalar_one_or_none()


def _mark(conn: Connection, now: datetime) -> datetime:
    """Return up to when is counted, for this transaction alone; at first that is the month's beginning."""
    first = {"name": EXECUTIONS, "counted_until": begin_of(Window.MONTH, now)}
    insert = (postgresql if conn.dialect.name == POSTGRESQL else sqlite).insert(t.usage_marks)
    conn.execute(insert.values(first).on_conflict_do_nothing())
    query = sa.select(t.usage_marks.c.counted_until).where(t.usage_marks.c.name == EXECUTIONS)
    found: datetime = conn.execute(query.with_for_update()).scalar_one()
    return found
