"""How connections stand: each change of it, and who looks next whether they still work."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from revolution_hub.model.connection import Health
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, value_of
from revolution_hub.store.tx import Store, Tx

KEPT = 100
"""So many changes of one connection's health are kept, the newest ones."""

_TABLE = t.connection_health


def note(
    tx: Tx,
    connection_id: str,
    status: ConnectionStatus,
    reason: str | None,
    at: datetime,
    by_id: str | None = None,
) -> None:
    """Keep that a connection stands like this from now on, and forget what is too old."""
    health = Health(
        id=new_id("hth"),
        tenant_id=tx.tenant_id,
        connection_id=connection_id,
        status=status,
        reason=reason,
        at=at,
        by_id=by_id,
    )
    tx.conn.execute(sa.insert(_TABLE).values(columns_of(health)))
    other = _TABLE.alias("other")
    mine = sa.select(other.c.id).where(
        other.c.tenant_id == tx.tenant_id, other.c.connection_id == connection_id
    )
    last = mine.order_by(other.c.id.desc()).offset(KEPT - 1).limit(1).scalar_subquery()
    tx.conn.execute(sa.delete(_TABLE).where(*_of(tx, connection_id), _TABLE.c.id < last))


def list_page(tx: Tx, connection_id: str, page: Page) -> tuple[list[Health], str | None]:
    """Return one page of a connection's health, the newest first."""
    rows, cursor = page_rows(tx, _TABLE, page, {"connection_id": connection_id})
    return [value_of(Health, row, status=ConnectionStatus(row["status"])) for row in rows], cursor


def remove_all_of(tx: Tx, connection_id: str) -> None:
    """Forget how a connection stood."""
    tx.conn.execute(sa.delete(_TABLE).where(*_of(tx, connection_id)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A connection somebody has taken to probe it. He is known by the moment his lease ends."""

    tenant_id: str
    connection_id: str
    lease: datetime


def claim_probes(store: Store, now: datetime, lease: timedelta, limit: int) -> list[Due]:
    """Take connections that are to be probed, of all tenants in turn, the one due longest first.

    One that is taken is due again when its lease ends, so that nothing has to find out whose prober is gone.
    """
    table = t.connections
    due = [table.c.probe_at <= now, table.c.status == str(ConnectionStatus.CONNECTED)]
    turn = sa.func.row_number().over(partition_by=table.c.tenant_id, order_by=table.c.probe_at)
    query = sa.select(table.c.id, table.c.tenant_id, table.c.probe_at).where(*due)
    with store.read_across() as tx:
        rows = tx.conn.execute(query.order_by(turn, table.c.probe_at).limit(limit)).all()
    if not rows:
        return []
    until, taken = now + lease, []
    with store.begin_across() as tx:
        for one in sorted(rows, key=lambda row: str(row.id)):
            same = [table.c.id == one.id, table.c.probe_at == one.probe_at]
            done = tx.conn.execute(sa.update(table).where(*same, due[1]).values(probe_at=until))
            if done.rowcount == 1:
                taken.append(Due(tenant_id=one.tenant_id, connection_id=one.id, lease=until))
    return taken


def probed(
    tx: Tx, connection_id: str, lease: datetime, *, now: datetime, next_at: datetime, problem: str | None
) -> bool:
    """Keep what a probe found, and when the next one is due; False if somebody else probes by now."""
    return _found(tx, connection_id, now, next_at, problem, t.connections.c.probe_at == lease)


def found(tx: Tx, connection_id: str, *, now: datetime, next_at: datetime, problem: str | None) -> None:
    """Keep what a probe found that a person has asked for."""
    _found(tx, connection_id, now, next_at, problem)


def due(tx: Tx, connection_id: str, now: datetime) -> None:
    """Let a connection be probed now."""
    table = t.connections
    tx.conn.execute(
        sa.update(table)
        .where(table.c.tenant_id == tx.tenant_id, table.c.id == connection_id)
        .values(probe_at=now)
    )


def _found(
    tx: Tx,
    connection_id: str,
    now: datetime,
    next_at: datetime,
    problem: str | None,
    *where: sa.ColumnElement[bool],
) -> bool:
    table = t.connections
    done = tx.conn.execute(
        sa.update(table)
        .where(table.c.tenant_id == tx.tenant_id, table.c.id == connection_id, *where)
        .values(probe_at=next_at, probed_at=now, problem=problem, problem_at=None if problem is None else now)
    )
    return done.rowcount == 1


def _of(tx: Tx, connection_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (_TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.connection_id == connection_id)
