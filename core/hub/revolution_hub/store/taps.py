"""taps: looks at what comes in for a workflow, or of an event type, without anything being changed by them.

A tap reads the log behind a place in it. Ids are made before their rows are committed, so for a while a row
may still turn up before one that was seen: `SETTLED_S` later none does.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from revolution_hub.model.event import DeliveryMark, Event
from revolution_hub.model.event_names import WILDCARD
from revolution_hub.store import tables as t
from revolution_hub.store.deliveries import Delivered, delivered, without_body
from revolution_hub.store.events import event_of, through
from revolution_hub.store.rows import columns_of, found, one_row, value_of
from revolution_hub.store.tx import Tx

SETTLED_S = 30.0
SCANNED = 5_000
"""So many events one look goes through at most."""

_TABLE = t.taps


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """What somebody looks at until `expires_at`: what a workflow would start on, or one event type."""

    id: str
    tenant_id: str
    made_by: str
    created_at: datetime
    expires_at: datetime
    workflow_id: str | None = None
    event_type: str | None = None
    connection_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a look is for: events of these names, and whatever came by this hook."""

    names: Collection[str] = ()
    hook_id: str | None = None


def add(tx: Tx, tap: Tap) -> None:
    """Keep a tap, and forget those of the tenant that have expired."""
    expired = sa.and_(_TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.expires_at < tap.created_at)
    tx.conn.execute(sa.delete(_TABLE).where(expired))
    tx.conn.execute(sa.insert(_TABLE).values(columns_of(tap)))


def count_live(tx: Tx, now: datetime) -> int:
    """Return how many taps of the tenant have not expired."""
    live = (_TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.expires_at >= now)
    return int(tx.conn.execute(sa.select(sa.func.count()).select_from(_TABLE).where(*live)).scalar_one())


def get(tx: Tx, tap_id: str, now: datetime) -> Tap:
    """Return a tap that has not expired or raise NotFoundError."""
    live = (_TABLE.c.id == tap_id, _TABLE.c.expires_at >= now)
    return value_of(Tap, found(one_row(tx, _TABLE, *live), "tap"))


def remove(tx: Tx, tap_id: str) -> bool:
    """Forget a tap; False if it was not there."""
    mine = (_TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.id == tap_id)
    return tx.conn.execute(sa.delete(_TABLE).where(*mine)).rowcount == 1


def list_came(
    tx: Tx, wanted: Wanted, after: str, limit: int
) -> tuple[list[tuple[str, Event | Delivered]], str | None]:
    """Return what came behind a place in the log, in the order of the places, and up to where was looked.

    A place is what ids have behind their prefix; None means that the whole log was looked through.
    """
    events, reached = _events(tx, wanted, after, limit)
    found: list[Event | Delivered] = [*events]
    unread = _unread(tx, wanted.hook_id, after, limit) if wanted.hook_id is not None else []
    found += unread
    ends = [reached, *(_place(some[-1]) for some in (events, unread) if len(some) == limit)]
    end = min((one for one in ends if one is not None), default=None)
    came = sorted(((_place(one), one) for one in found), key=lambda one: one[0])
    return [one for one in came if end is None or one[0] <= end], end


def _place(one: Event | Delivered) -> str:
    return one.id.partition("_")[2]


def _events(tx: Tx, wanted: Wanted, after: str, limit: int) -> tuple[list[Event], str | None]:
    table = t.events
    behind = (table.c.tenant_id == tx.tenant_id, table.c.id > f"evt_{after}")
    in_order = sa.select(table.c.id).where(*behind).order_by(table.c.id)
    last = tx.conn.execute(in_order.offset(SCANNED - 1).limit(1)).scalar()
    alike = [_named(column, name) for name in wanted.names for column in (table.c.type, table.c.canonical)]
    if wanted.hook_id is not None:
        alike.append(table.c.source_id == wanted.hook_id)
    query = sa.select(table).where(*behind, sa.or_(sa.false(), *alike)).order_by(table.c.id).limit(limit)
    query = through(query if last is None else query.where(table.c.id <= last))
    rows = tx.conn.execute(query).mappings()
    return [event_of(row) for row in rows], last.partition("_")[2] if last else None


def _unread(tx: Tx, hook_id: str, after: str, limit: int) -> list[Delivered]:
    table = t.deliveries
    query = without_body(table).where(
        t.MARKED,
        table.c.tenant_id == tx.tenant_id,
        table.c.mark == str(DeliveryMark.UNPARSEABLE),
        table.c.id > f"dlv_{after}",
        table.c.source_id == hook_id,
    )
    return [delivered(row) for row in tx.conn.execute(query.order_by(table.c.id).limit(limit)).mappings()]


def _named(column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
    group = name.removesuffix(WILDCARD)
    return column.startswith(group, autoescape=True) if group != name else column == name
