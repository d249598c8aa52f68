"""deliveries: the requests that were accepted, as they came; those of a provider app belong to its owner."""

import heapq
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from revolution_hub.model.event import DeliveryMark
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page
from revolution_hub.store.tx import Tx
from revolution_sdk.types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A delivery without its body. `app_id` is the provider app it came to, if it came to one."""

    id: str
    source_id: str
    received_at: datetime
    method: str
    content_type: str
    headers: JsonObject
    size: int
    mark: DeliveryMark | None
    problem: str | None
    app_id: str | None


def list_page(
    tx: Tx,
    page: Page,
    apps: Sequence[str],
    *,
    mark: DeliveryMark | None = None,
    app_id: str | None = None,
) -> tuple[list[Delivered], str | None]:
    """Return one page of the tenant's deliveries and of those to these apps, and the cursor for the next.

    With `app_id` only those to this one of the apps.
    """
    table = t.app_deliveries
    queries = [_query(table, page, mark, table.c.source_id == one) for one in apps if app_id in (None, one)]
    if app_id is None:
        queries.append(_query(t.deliveries, page, mark, t.deliveries.c.tenant_id == tx.tenant_id))
    pages = [tx.conn.execute(query).mappings().all() for query in queries]
    rows = list(heapq.merge(*pages, key=lambda row: row["id"], reverse=page.newest_first))
    kept = [delivered(row) for row in rows[: page.limit]]
    return kept, kept[-1].id if len(rows) > page.limit else None


def find(tx: Tx, delivery_id: str, apps: Collection[str]) -> Delivered | None:
    """Return a delivery of the tenant or to one of these apps, None for everything else."""
    for table, mine in _tables(tx, apps):
        row = tx.conn.execute(without_body(table).where(table.c.id == delivery_id, mine)).mappings().first()
        if row is not None:
            return delivered(row)
    return None


def find_body(tx: Tx, delivery_id: str, apps: Collection[str]) -> bytes | None:
    """Return the raw body of a delivery that `find` finds, or None."""
    for table, mine in _tables(tx, apps):
        query = sa.select(table.c.body).where(table.c.id == delivery_id, mine)
        body: bytes | None = tx.conn.execute(query).scalar_one_or_none()
        if body is not None:
            return bytes(body)
    return None


def _tables(tx: Tx, apps: Collection[str]) -> tuple[tuple[sa.Table, sa.ColumnElement[bool]], ...]:
    return (
        (t.deliveries, t.deliveries.c.tenant_id == tx.tenant_id),
        (t.app_deliveries, t.app_deliveries.c.source_id.in_(sorted(apps))),
    )


def _query(
    table: sa.Table, page: Page, mark: DeliveryMark | None, mine: sa.ColumnElement[bool]
) -> sa.Select[Any]:
    query = without_body(table).where(mine)
    if mark is not None:
        query = query.where(t.MARKED, table.c.mark == str(mark))
    if page.after is not None:
        after = f"dlv_{page.after.partition('_')[2]}"
        query = query.where(table.c.id < after if page.newest_first else table.c.id > after)
    order = table.c.id.desc() if page.newest_first else table.c.id.asc()
    return query.order_by(order).limit(page.limit + 1)


def without_body(table: sa.Table) -> sa.Select[Any]:
    """Select deliveries with the lengths of their bodies instead of the bodies."""
    size = sa.func.length(table.c.body)
    names = ("id", "source_id", "received_at", "method", "content_type", "headers", "mark", "problem")
    return sa.select(*(table.c[name] for name in names), size.label("size"))


def delivered(row: RowMapping) -> Delivered:
    """Build a delivery from a row that `without_body` has selected."""
    source_id, mark = row["source_id"], row["mark"]
    return Delivered(
        id=row["id"],
        source_id=source_id,
        received_at=row["received_at"],
        method=row["method"],
        content_type=row["content_type"] or str(row["headers"].get("content-type", "")),
        headers=row["headers"],
        size=row["size"],
        mark=DeliveryMark(mark) if mark else None,
        problem=row["problem"],
        app_id=source_id if source_id.startswith("app_") else None,
    )
