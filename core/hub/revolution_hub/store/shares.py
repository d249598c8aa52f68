"""Shares: what a principal may do with one workflow although its role does not allow it."""

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
    """A right on one workflow that one principal has, and who gave it."""

    workflow_id: str
    principal_id: str
    tenant_id: str
    right: str
    granted_by: str
    created_at: datetime


def put(tx: Tx, share: Share) -> None:
    """Keep a share in the place of the one this principal had on the workflow."""
    remove(tx, share.workflow_id, share.principal_id)
    tx.conn.execute(sa.insert(t.shares).values(columns_of(share)))


def get(tx: Tx, workflow_id: str, principal_id: str) -> Share:
    """Return what a principal has on a workflow or raise NotFoundError."""
    return value_of(Share, found(_row(tx, workflow_id, principal_id), "share"))


def find_right(tx: Tx, workflow_id: str, principal_id: str) -> str | None:
    """Return the right a principal has on a workflow, or None."""
    row = _row(tx, workflow_id, principal_id)
    return str(row["right"]) if row else None


def list_page(tx: Tx, workflow_id: str, page: Page) -> tuple[list[Share], str | None]:
    """Return one page of a workflow's shares, by the principals' ids."""
    rows, cursor = page_rows(tx, t.shares, page, {"workflow_id": workflow_id}, key="principal_id")
    return [value_of(Share, row) for row in rows], cursor


def remove(tx: Tx, workflow_id: str, principal_id: str) -> bool:
    """Take a share back; False if there was none."""
    table = t.shares
    done = tx.conn.execute(
        sa.delete(table).where(
            table.c.tenant_id == tx.tenant_id,
            table.c.workflow_id == workflow_id,
            table.c.principal_id == principal_id,
        )
    )
    return done.rowcount == 1


def shared_with(tx: Tx, principal_id: str, rights: Collection[str]) -> sa.Select[Any]:
    """Return the query of the workflows on which a principal has one of these rights."""
    table = t.shares
    return sa.select(table.c.workflow_id).where(
        table.c.tenant_id == tx.tenant_id,
        table.c.principal_id == principal_id,
        table.c.right.in_(sorted(rights)),
    )


def _row(tx: Tx, workflow_id: str, principal_id: str) -> Any:
    return one_row(
        tx, t.shares, t.shares.c.workflow_id == workflow_id, t.shares.c.principal_id == principal_id
    )
