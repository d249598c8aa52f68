"""pending_authorizations: who was sent to a provider to agree, and what came of it."""

from datetime import datetime

import sqlalchemy as sa

from revolution_hub.model.connection import Connection, PendingAuthorization, Sealed
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.store import tables as t
from revolution_hub.store.rows import columns_of, sealed_columns, sealed_of, value_of
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


def authorize(tx: Tx, connection: Connection, sealed: Sealed, now: datetime) -> bool:
    """Store what a person authorized anew: credential, account, scopes, app, kind, as the connection says.

    True if neither a person nor a renewal changed the connection since it was read.
    """
    table = t.connections
    done = tx.conn.execute(
        sa.update(table)
        .where(
            table.c.tenant_id == tx.tenant_id,
            table.c.id == connection.id,
            table.c.revision == connection.revision,
            table.c.sealed_version == connection.credential.version,
        )
        .values(
            **sealed_columns(sealed),
            account=connection.account,
            scopes=connection.scopes,
            app_id=connection.app_id,
            auth_kind=connection.auth_kind,
            status=str(ConnectionStatus.CONNECTED),
            status_reason=None,
            revision=connection.revision + 1,
            updated_at=now,
        )
    )
    return done.rowcount == 1
