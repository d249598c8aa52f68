"""Shares: what a principal may do with one workflow or connection although its role does not allow it.

A share is with a principal, or with everybody of a role; `principal_id` is an id or `role:` and a name.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, found, one_row, value_of
from revolution_hub.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A right on one thing of a kind that one principal or role has, and who gave it."""

    object_id: str
    object_kind: str
    principal_id: str
    tenant_id: str
    right: str
    granted_by: str
    created_at: datetime


def put(tx: Tx, share: Share) -> None:
    """Keep a share in the place of the one there was with the same."""
    remove(tx, share.object_id, share.principal_id)
    tx.conn.execute(sa.insert(t.shares).values(columns_of(share)))


def find(tx: Tx, object_id: str, principal_id: str) -> Share | None:
    """Return what is shared of this with a principal or role, or None."""
    row = _row(tx, object_id, principal_id)
    return value_of(Share, row) if row else None


def get(tx: Tx, object_id: str, principal_id: str) -> Share:
    """Return what is shared of this with a principal or role, or raise NotFoundError."""
    return value_of(Share, found(_row(tx, object_id, principal_id), "share"))


def find_rights(tx: Tx, object_id: str, principal_ids: Collection[str]) -> list[str]:
    """Return the rights that any of these have on something."""
    table = t.shares
    query = sa.select(table.c.right).where(
        table.c.tenant_id == tx.tenant_id,
        table.c.object_id == object_id,
        table.c.principal_id.in_(sorted(principal_ids)),
    )
    return list(tx.conn.execute(query).scalars())


def list_page(tx: Tx, object_id: str, page: Page) -> tuple[list[Share], str | None]:
    """Return one page of what is shared of this, by the ids of whom it is shared with."""
    rows, cursor = page_rows(tx, t.shares, page, {"object_id": object_id}, key="principal_id")
    return [value_of(Share, row) for row in rows], cursor


def remove(tx: Tx, object_id: str, principal_id: str) -> bool:
    """Take a share back; False if there was none."""
    table = t.shares
    return _delete(tx, table.c.object_id == object_id, table.c.principal_id == principal_id) == 1


def remove_all_of(tx: Tx, object_id: str) -> None:
    """Take back every share of what is deleted."""
    _delete(tx, t.shares.c.object_id == object_id)


def remove_all_with(tx: Tx, principal_id: str) -> None:
    """Take back everything shared with a principal or role that is no more."""
    _delete(tx, t.shares.c.principal_id == principal_id)


def shared_with(tx: Tx, principal_ids: Collection[str], kind: str, rights: Collection[str]) -> sa.Select[Any]:
    """Return the query of the ids of a kind on which any of these has one of these rights."""
    table = t.shares
    return sa.select(table.c.object_id).where(
        table.c.tenant_id == tx.tenant_id,
        table.c.principal_id.in_(sorted(principal_ids)),
        table.c.object_kind == kind,
        table.c.right.in_(sorted(rights)),
    )


def listed(tx: Tx, workflow_ids: Collection[str]) -> sa.Select[Any]:
    """Return the query of those of these workflows that the tenant has."""
    table = t.workflows
    return sa.select(table.c.id).where(
        table.c.tenant_id == tx.tenant_id, table.c.id.in_(sorted(workflow_ids))
    )


def _delete(tx: Tx, *where: sa.ColumnElement[bool]) -> int:
    done = tx.conn.execute(sa.delete(t.shares).where(t.shares.c.tenant_id == tx.tenant_id, *where))
    return int(done.rowcount)


def _row(tx: Tx, object_id: str, principal_id: str) -> Any:
    return one_row(tx, t.shares, t.shares.c.object_id == object_id, t.shares.c.principal_id == principal_id)
