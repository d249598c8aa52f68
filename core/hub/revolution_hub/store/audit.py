"""Audit entries as rows: one chain per tenant, lengthened in the transaction of what they are about."""

import sqlalchemy as sa

from revolution_hub.model.audit import FIRST, AuditEntry, link
from revolution_hub.store import tables as t
from revolution_hub.store.rows import columns_of
from revolution_hub.store.tx import Tx


def append(tx: Tx, entry: AuditEntry) -> AuditEntry:
    """Add an entry behind the tenant's last one and return it with its number and hash.

    Two that are added at once would claim the same number; the primary key lets only one of them commit, and
    `store.begin` lets writers of a tenant in one by one in the first place.
    """
    table = t.audit_entries
    last = (
        sa.select(table.c.number, table.c.hash)
        .where(table.c.tenant_id == tx.tenant_id)
        .order_by(table.c.number.desc())
        .limit(1)
    )
    row = tx.conn.execute(last).one_or_none()
    linked = link(entry, row.number + 1 if row else 1, row.hash if row else FIRST)
    tx.conn.execute(sa.insert(table).values(columns_of(linked) | {"tenant_id": tx.tenant_id}))
    return linked
