"""Audit entries as rows: one chain per tenant, lengthened in the transaction of what they are about.

The database refuses to change an entry, and lets the oldest go only behind a checkpoint.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from revolution_hub.model.audit import FIRST, AuditEntry, link
from revolution_hub.model.audit_chain import Checked, Head, check_chain
from revolution_hub.store import tables as t
from revolution_hub.store.connect import POSTGRESQL
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, value_of
from revolution_hub.store.tx import Tx

LEAST_DAYS = 30
"""So long an entry is kept at least; the database itself lets none go that is younger."""

AT_ONCE = 1000
MOST_REMOVED = 5000
PRUNE = "audit.prune"

_TABLE = t.audit_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are wanted; what is None narrows nothing. `until` itself is not included."""

    action: str | None = None
    principal_id: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def append(tx: Tx, entry: AuditEntry) -> AuditEntry:
    """Add an entry behind the tenant's last one and return it with its number and hash.

    Whoever adds one has the tenant for itself until its transaction ends, so that no chain ever forks.
    """
    if entry.tenant_id != tx.tenant_id:
        raise ValueError("an entry belongs to the tenant of its transaction")
    hold(tx.conn, tx.tenant_id)
    head = find_head(tx)
    linked = link(entry, head.number + 1 if head else 1, head.hash if head else FIRST)
    tx.conn.execute(sa.insert(_TABLE).values(columns_of(linked)))
    return linked


def hold(conn: Connection, tenant_id: str) -> None:
    """Have a tenant's chain for this transaction alone, waiting for whoever has it now."""
    options = conn.get_execution_options()
    alone = options.get("revolution_alone") and options.get("revolution_tenants") == tenant_id
    if conn.dialect.name == POSTGRESQL and not alone:
        # The same lock a transaction of one tenant begins with.
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(tenant_id, 0))))


def find_head(tx: Tx) -> Head | None:
    """Return the tenant's last entry, None if it has none."""
    columns = (_TABLE.c.number, _TABLE.c.hash)
    last = sa.select(*columns).where(_mine(tx)).order_by(_TABLE.c.number.desc()).limit(1)
    row = tx.conn.execute(last).one_or_none()
    return Head(tenant_id=tx.tenant_id, number=row.number, hash=row.hash) if row else None


def list_page(tx: Tx, page: Page, wanted: AuditFilter) -> tuple[list[AuditEntry], str | None]:
    """Return one page of the tenant's entries and the cursor for the next."""
    same = {"action": wanted.action, "principal_id": wanted.principal_id, "target": wanted.target}
    rows, cursor = page_rows(tx, _TABLE, page, same, _within(wanted), key="number")
    return [value_of(AuditEntry, row) for row in rows], cursor


def check(tx: Tx, heads: list[Head]) -> Checked:
    """Read the tenant's whole chain and find the first entry that is wrong."""
    return check_chain(tx.tenant_id, _walk(tx), heads, _removed(tx))


def prune(tx: Tx, entry: AuditEntry, before: datetime, *, most: int = MOST_REMOVED) -> int:
    """Remove the tenant's oldest entries, all made before this moment, behind `entry` as a checkpoint.

    Returns how many were removed; without any, or if only checkpoints would go, nothing is written.
    """
    columns = (_TABLE.c.number, _TABLE.c.at, _TABLE.c.hash, _TABLE.c.through)
    oldest = sa.select(*columns).where(_mine(tx)).order_by(_TABLE.c.number).limit(most)
    due = []
    for row in tx.conn.execute(oldest):
        if row.at >= before:
            break
        due.append(row)
    if all(row.through is not None for row in due):
        # Else every checkpoint would some day need one of its own.
        return 0
    last = due[-1]
    append(tx, replace(entry, through=last.number, target=last.hash))
    tx.conn.execute(sa.delete(_TABLE).where(_mine(tx), _TABLE.c.number <= last.number))
    return len(due)


def before_of(days: int, now: datetime) -> datetime:
    """Return before which moment an entry was made that may go after so many days.

    An hour later than that, for the clock of the database may be behind.
    """
    return now - timedelta(days=max(days, LEAST_DAYS), hours=1)


def _mine(tx: Tx) -> sa.ColumnElement[bool]:
    return _TABLE.c.tenant_id == tx.tenant_id


def _within(wanted: AuditFilter) -> list[sa.ColumnElement[bool]]:
    found = [] if wanted.since is None else [_TABLE.c.at >= wanted.since]
    return found if wanted.until is None else [*found, _TABLE.c.at < wanted.until]


def _walk(tx: Tx) -> Iterator[AuditEntry]:
    """Yield the entries in order; raises ValueError or TypeError at one that cannot be read."""
    after = 0
    while True:
        query = sa.select(_TABLE).where(_mine(tx), _TABLE.c.number > after).order_by(_TABLE.c.number)
        read = 0
        for row in tx.conn.execute(query.limit(AT_ONCE)).mappings():
            yield value_of(AuditEntry, row)
            after, read = row["number"], read + 1
        if read < AT_ONCE:
            return


def _removed(tx: Tx) -> Head | None:
    """Return the last entry that was removed, as the newest checkpoint says."""
    newest = sa.select(_TABLE.c.through, _TABLE.c.target).where(_mine(tx), t.CHECKPOINT)
    row = tx.conn.execute(newest.order_by(_TABLE.c.through.desc()).limit(1)).one_or_none()
    return Head(tenant_id=tx.tenant_id, number=row.through, hash=row.target) if row else None
