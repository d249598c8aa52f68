"""Who there is in a tenant, wherever it is kept: that a principal is known, and who has a role."""

import sqlalchemy as sa

from revolution_hub.store import tables as t
from revolution_hub.store.tx import Tx

KEPT: dict[sa.Table, tuple[str, tuple[sa.ColumnElement[bool], ...]]] = {
    t.api_keys: ("id", (t.api_keys.c.revoked_at.is_(None),)),
    t.memberships: ("user_id", ()),
    t.service_principals: ("id", ()),
}
"""The tables of principals with their role: of each the column that says who, and which rows count."""

PROMISED: dict[sa.Table, tuple[str, tuple[sa.ColumnElement[bool], ...]]] = {
    t.invitations: ("id", (t.invitations.c.accepted_at.is_(None), t.invitations.c.revoked_at.is_(None))),
}
"""The tables of those who are to have a role, and are no principals yet."""

MOST_NAMED = 20
"""How many of those who have a role are named."""


def is_known(tx: Tx, principal_id: str) -> bool:
    """Whether the tenant has a principal of this id."""
    return any(
        tx.conn.execute(
            sa.select(table.c[column]).where(
                table.c.tenant_id == tx.tenant_id, table.c[column] == principal_id, *where
            )
        ).first()
        for table, (column, where) in KEPT.items()
    )


def with_role(tx: Tx, role: str) -> list[str]:
    """Return the ids of those who have a role or are invited to it, sorted, the first twenty of them."""
    found: set[str] = set()
    for table, (column, where) in {**KEPT, **PROMISED}.items():
        query = sa.select(table.c[column]).where(
            table.c.tenant_id == tx.tenant_id, table.c.role == role, *where
        )
        found.update(tx.conn.execute(query.order_by(table.c[column]).limit(MOST_NAMED)).scalars())
    return sorted(found)[:MOST_NAMED]
