"""Idempotency keys of API writes: the same key with the same body answers with the first resource."""

from datetime import datetime

import sqlalchemy as sa

from revolution_hub.errors import ConflictError
from revolution_hub.store import tables as t
from revolution_hub.store.tx import Tx


def find_resource(tx: Tx, principal_id: str, key: str, fingerprint: str) -> str | None:
    """Return the id of what this key made before, None if it is new.

    Raises ConflictError `idempotency_key_reused` if the key came with another body.
    """
    table = t.idempotency_keys
    query = sa.select(table.c.fingerprint, table.c.resource_id).where(
        table.c.tenant_id == tx.tenant_id, table.c.principal_id == principal_id, table.c.key == key
    )
    row = tx.conn.execute(query).one_or_none()
    if row is None:
        return None
    if row.fingerprint != fingerprint:
        raise ConflictError(
            "this Idempotency-Key was used with another request", code="idempotency_key_reused"
        )
    return str(row.resource_id)


def remember(
    tx: Tx, principal_id: str, key: str, *, fingerprint: str, resource_id: str, now: datetime
) -> None:
    """Keep what this key made, in the same transaction that makes it."""
    tx.conn.execute(
        sa.insert(t.idempotency_keys).values(
            tenant_id=tx.tenant_id,
            principal_id=principal_id,
            key=key,
            fingerprint=fingerprint,
            resource_id=resource_id,
            created_at=now,
        )
    )
