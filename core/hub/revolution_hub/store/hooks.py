"""The addresses of workflows' webhooks: what they lead to now, and earlier ones that still lead there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from revolution_hub.model.connection import Hook, OldAddress
from revolution_hub.store import tables as t
from revolution_hub.store.rows import columns_of, one_row, sealed_of, value_of
from revolution_hub.store.tx import Tx


def add(tx: Tx, hook: Hook) -> None:
    """Keep the URL of a workflow's webhook trigger."""
    tx.conn.execute(sa.insert(t.hooks).values(columns_of(hook)))


def find(tx: Tx, workflow_id: str) -> Hook | None:
    """Return the workflow's webhook URL, or None before there is one."""
    row = one_row(tx, t.hooks, t.hooks.c.workflow_id == workflow_id)
    return value_of(Hook, row, secret=sealed_of(row)) if row else None


def replace(tx: Tx, hook: Hook, revision: int) -> bool:
    """Store a hook's new key and secret if `revision` is still the present one; True if it was."""
    values = columns_of(hook, without=("id", "tenant_id", "workflow_id", "created_at", "revision"))
    return _change(tx, hook.workflow_id, values, t.hooks.c.revision == revision) == 1


def note_change(tx: Tx, workflow_id: str) -> None:
    """Let every process that remembers the workflow's hook learn that it leads to something else now."""
    _change(tx, workflow_id, {})


def keep_old(tx: Tx, old: OldAddress) -> None:
    """Let an earlier address lead to its workflow until its time is over."""
    tx.conn.execute(sa.insert(t.hook_addresses).values(columns_of(old)))


def list_old(tx: Tx, workflow_id: str, now: datetime) -> list[OldAddress]:
    """Return the earlier addresses of a workflow that still lead to it, the next one to end first."""
    table = t.hook_addresses
    query = sa.select(table).where(
        table.c.tenant_id == tx.tenant_id, table.c.workflow_id == workflow_id, table.c.until > now
    )
    rows = tx.conn.execute(query.order_by(table.c.until, table.c.key)).mappings()
    return [value_of(OldAddress, row) for row in rows]


def forget_old(tx: Tx, workflow_id: str, until: datetime | None = None) -> None:
    """Forget the earlier addresses of a workflow; with `until` only those whose time is over by then."""
    table = t.hook_addresses
    which = [table.c.tenant_id == tx.tenant_id, table.c.workflow_id == workflow_id]
    which += [table.c.until <= until] if until is not None else []
    tx.conn.execute(sa.delete(table).where(*which))


def _change(tx: Tx, workflow_id: str, values: Mapping[str, Any], *where: sa.ColumnElement[bool]) -> int:
    # Processes remember hooks; by the revision they learn that this one is another now.
    return tx.conn.execute(
        sa.update(t.hooks)
        .where(t.hooks.c.tenant_id == tx.tenant_id, t.hooks.c.workflow_id == workflow_id, *where)
        .values(revision=t.hooks.c.revision + 1, **values)
    ).rowcount
