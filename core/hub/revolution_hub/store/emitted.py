"""Events that were reported under a key: which one had it first."""

import sqlalchemy as sa

from revolution_hub.store import tables as t
from revolution_hub.store.tx import Tx


def find(tx: Tx, source_id: str, dedup_key: str) -> str | None:
    """Return the id of the event of this source and key, None if there is none."""
    query = sa.select(t.events.c.id).where(
        t.events.c.tenant_id == tx.tenant_id,
        t.events.c.source_id == source_id,
        t.events.c.dedup_key == dedup_key,
    )
    return tx.conn.execute(query).scalar_one_or_none()
