"""pending_authorizations: who was sent to a provider to agree, and what came of it."""

import sqlalchemy as sa

from revolution_hub.model.connection import PendingAuthorization
from revolution_hub.store import tables as t
from revolution_hub.store.rows import columns_of, sealed_of, value_of
from revolution_hub.store.tx import Tx

_TABLE = t.pending_authorizations


def add(tx: Tx, pending: PendingAuthorization) -> None:
    """Keep an authorization that was begun, and forget those of the tenant nobody came back for."""
    over = (_TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.expires_at <= pending.created_at)
    tx.conn.execute(sa.delete(_TABLE).where(*over))
    tx.conn.execute(sa.insert(_TABLE).values(columns_of(pending)))


def take(tx: Tx, state_hash: str) -> PendingAuthorization | None:
    """Take out the one with this state: it is there once, even for two who ask at the same moment."""
    same = (_TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.state_hash == state_hash)
    row = tx.conn.execute(sa.select(_TABLE).where(*same)).mappings().one_or_none()
    if row is None or tx.conn.execute(sa.delete(_TABLE).where(*same)).rowcount != 1:
        return None
    return value_of(PendingAuthorization, row, verifier=sealed_of(row))
