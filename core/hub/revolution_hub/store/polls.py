"""Polls: which are due, who looks, and what a person changes of them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from revolution_hub.model.poll import StoredPoll
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import add_missing, by
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, found, one_row, value_of
from revolution_hub.store.tx import Store, Tx

_TABLE = t.polls


def claim_due(store: Store, owner: str, now: datetime, lease: timedelta, limit: int) -> list[StoredPoll]:
    """Take polls of all tenants that are due, the earliest first, until their lease ends.

    One that is taken is due again when its lease ends, so that nothing has to find out whose owner is gone.
    """
    due = sa.select(_TABLE).where(_TABLE.c.next_at <= now).order_by(_TABLE.c.next_at).limit(limit)
    with store.read_across() as tx:
        rows = [value_of(StoredPoll, row) for row in tx.conn.execute(due).mappings()]
    if not rows:
        return []
    taken = []
    with store.begin_across() as tx:
        for one in sorted(rows, key=lambda row: row.id):
            claimed = replace(one, fence=one.fence + 1, lease_owner=owner, next_at=now + lease)
            done = tx.conn.execute(
                sa.update(_TABLE)
                .where(_TABLE.c.id == one.id, _TABLE.c.fence == one.fence, _TABLE.c.next_at == one.next_at)
                .values(fence=claimed.fence, lease_owner=owner, next_at=claimed.next_at)
            )
            if done.rowcount == 1:
                taken.append(claimed)
    return taken


def tenants_listening(store: Store, names: Collection[str]) -> list[str]:
    """Return the tenants in which somebody listens to events of one of these names."""
    table = t.listeners
    query = sa.select(table.c.tenant_id).where(table.c.event_type.in_(sorted(names))).distinct()
    with store.read_across() as tx:
        return sorted(tx.conn.execute(query).scalars())


def end_leases_of(store: Store, owner: str, now: datetime) -> int:
    """Let what a worker looked for be looked for again that is known to be dead; returns how many polls."""
    with store.begin_across() as tx:
        done = tx.conn.execute(
            sa.update(_TABLE)
            .where(_TABLE.c.lease_owner == owner, _TABLE.c.next_at > now)
            .values(next_at=now, lease_owner=None)
        )
    return done.rowcount


def want(tx: Tx, wanted: Sequence[StoredPoll], now: datetime) -> None:
    """Let these polls be looked at from now on: those that are not there, and those that nobody wanted.

    Whoever looks at this moment may have found that nobody listens, so his look does not count.
    """
    add_missing(tx.conn, _TABLE, by(map(columns_of, wanted), "connection_id", "name"))
    restful = sa.or_(_TABLE.c.next_at.is_(None), _TABLE.c.lease_owner.is_not(None))
    for one in wanted:
        tx.conn.execute(
            sa.update(_TABLE)
            .where(*_mine(tx), _TABLE.c.connection_id == one.connection_id, _TABLE.c.name == one.name)
            .where(restful, _TABLE.c.paused_at.is_(None))
            .values(next_at=now, lease_owner=None, fence=_TABLE.c.fence + 1)
        )


def wake(tx: Tx, connection_id: str, now: datetime) -> None:
    """Let a connection's polls be looked at now, because it works again."""
    tx.conn.execute(
        sa.update(_TABLE)
        .where(*_mine(tx), _TABLE.c.connection_id == connection_id)
        .where(_TABLE.c.lease_owner.is_(None), _TABLE.c.next_at > now)
        .values(next_at=now)
    )


def remove(tx: Tx, connection_id: str) -> None:
    """Delete the polls of a connection."""
    tx.conn.execute(sa.delete(_TABLE).where(*_mine(tx), _TABLE.c.connection_id == connection_id))


def get(tx: Tx, poll_id: str) -> StoredPoll:
    """Return a poll or raise NotFoundError."""
    return value_of(StoredPoll, found(one_row(tx, _TABLE, _TABLE.c.id == poll_id), "poll"))


def list_page(tx: Tx, page: Page, connection_id: str | None) -> tuple[list[StoredPoll], str | None]:
    """Return one page of polls, of one connection if it is named."""
    rows, cursor = page_rows(tx, _TABLE, page, {"connection_id": connection_id})
    return [value_of(StoredPoll, row) for row in rows], cursor


def pause(tx: Tx, poll_id: str, now: datetime) -> None:
    """Let a poll rest; a look under way is finished."""
    values = {"paused_at": sa.func.coalesce(_TABLE.c.paused_at, sa.literal(now, _TABLE.c.paused_at.type))}
    tx.conn.execute(
        sa.update(_TABLE).where(*_mine(tx), _TABLE.c.id == poll_id).values(next_at=None, **values)
    )


def due(tx: Tx, poll_id: str, now: datetime) -> None:
    """Let a poll be looked at now. One that is being looked at is left to whoever looks."""
    under_way = sa.and_(_TABLE.c.lease_owner.is_not(None), _TABLE.c.next_at.is_not(None))
    next_at = sa.case((under_way, _TABLE.c.next_at), else_=sa.literal(now, _TABLE.c.next_at.type))
    tx.conn.execute(
        sa.update(_TABLE).where(*_mine(tx), _TABLE.c.id == poll_id).values(paused_at=None, next_at=next_at)
    )


def _mine(tx: Tx) -> tuple[sa.ColumnElement[bool], ...]:
    return (_TABLE.c.tenant_id == tx.tenant_id,)
