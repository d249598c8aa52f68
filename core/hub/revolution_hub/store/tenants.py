"""Tenants, their API keys, and the data keys that seal their secrets."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import found, one_row, value_of
from revolution_hub.store.tx import AcrossTx, Tx


def add_tenant(tx: AcrossTx, tenant_id: str, name: str, now: datetime) -> None:
    """Create a tenant."""
    tx.conn.execute(sa.insert(t.tenants).values(id=tenant_id, name=name, created_at=now))


def add_api_key(tx: Tx, key_id: str, *, name: str, key_hash: str, role: str, now: datetime) -> None:
    """Keep an API key by its hash; the key itself is never stored."""
    tx.conn.execute(
        sa.insert(t.api_keys).values(
            id=key_id, tenant_id=tx.tenant_id, name=name, key_hash=key_hash, role=role, created_at=now
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """An API key as it is kept: whom it speaks for, and since when it does not any more. Not the key."""

    id: str
    tenant_id: str
    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None = None


def get_api_key(tx: Tx, key_id: str) -> StoredKey:
    """Return one of the tenant's keys, revoked or not, or raise NotFoundError."""
    return value_of(StoredKey, found(one_row(tx, t.api_keys, t.api_keys.c.id == key_id), "API key"))


def list_api_keys(tx: Tx, page: Page) -> tuple[list[StoredKey], str | None]:
    """Return one page of the tenant's keys, revoked ones included."""
    rows, cursor = page_rows(tx, t.api_keys, page, {})
    return [value_of(StoredKey, row) for row in rows], cursor


def revoke_api_key(tx: Tx, key_id: str, now: datetime) -> bool:
    """Let a key speak for nobody from now on; False if it does not already."""
    done = tx.conn.execute(
        sa.update(t.api_keys)
        .where(
            t.api_keys.c.tenant_id == tx.tenant_id,
            t.api_keys.c.id == key_id,
            t.api_keys.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
    return done.rowcount == 1


def find_api_key(tx: AcrossTx, key_hash: str) -> StoredKey | None:
    """Return the key with this hash, of whichever tenant, or None if it speaks for nobody."""
    query = sa.select(t.api_keys).where(t.api_keys.c.key_hash == key_hash, t.api_keys.c.revoked_at.is_(None))
    row = tx.conn.execute(query).mappings().one_or_none()
    return value_of(StoredKey, row) if row else None


def add_data_key(tx: Tx, key_id: str, wrapped: bytes, now: datetime) -> None:
    """Keep a wrapped data key of the tenant."""
    tx.conn.execute(
        sa.insert(t.data_keys).values(id=key_id, tenant_id=tx.tenant_id, wrapped=wrapped, created_at=now)
    )


def newest_data_key(tx: Tx) -> tuple[str, bytes] | None:
    """Return id and wrapped bytes of the data key new secrets are sealed with, or None if there is none."""
    query = (
        sa.select(t.data_keys.c.id, t.data_keys.c.wrapped)
        .where(t.data_keys.c.tenant_id == tx.tenant_id)
        .order_by(t.data_keys.c.id.desc())
        .limit(1)
    )
    row = tx.conn.execute(query).one_or_none()
    return (row.id, row.wrapped) if row else None


def find_data_key(tx: Tx, key_id: str) -> bytes | None:
    """Return the wrapped bytes of one of the tenant's data keys, or None."""
    query = sa.select(t.data_keys.c.wrapped).where(
        t.data_keys.c.tenant_id == tx.tenant_id, t.data_keys.c.id == key_id
    )
    return tx.conn.execute(query).scalar_one_or_none()
