"""Links by which one person answers one approval, once. Only the hash of a link's token is kept."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from revolution_hub.store import tables as t
from revolution_hub.store.rows import columns_of, value_of
from revolution_hub.store.tx import AcrossTx, Tx

_TABLE = t.approval_links


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLink:
    """Whom a link lets answer what, in which words (the digest), and until when."""

    link_hash: str
    tenant_id: str
    approval_id: str
    user_id: str
    digest: str
    expires_at: datetime
    used_at: datetime | None = None


def add(tx: Tx, link: ApprovalLink) -> None:
    """Keep a link; the earlier ones of the same person for the same approval are worth nothing any more."""
    mine = (
        _TABLE.c.tenant_id == tx.tenant_id,
        _TABLE.c.approval_id == link.approval_id,
        _TABLE.c.user_id == link.user_id,
    )
    tx.conn.execute(sa.delete(_TABLE).where(*mine, _TABLE.c.used_at.is_(None)))
    tx.conn.execute(sa.insert(_TABLE).values(columns_of(link)))


def find(tx: AcrossTx, link_hash: str) -> ApprovalLink | None:
    """Return the link with this hash, of whichever tenant, or None."""
    row = tx.conn.execute(sa.select(_TABLE).where(_TABLE.c.link_hash == link_hash)).mappings().one_or_none()
    return value_of(ApprovalLink, row) if row else None


def take(tx: Tx, link_hash: str, now: datetime) -> bool:
    """Use a link up; False if it was used before or has expired."""
    done = tx.conn.execute(
        sa.update(_TABLE)
        .where(
            _TABLE.c.tenant_id == tx.tenant_id,
            _TABLE.c.link_hash == link_hash,
            _TABLE.c.used_at.is_(None),
            _TABLE.c.expires_at > now,
        )
        .values(used_at=now)
    )
    return done.rowcount == 1
