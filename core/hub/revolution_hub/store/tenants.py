"""Tenants, their API keys, and the data keys that seal their secrets."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from revolution_hub.errors import NotFoundError
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.prepared import Row
from revolution_hub.store.rows import found, one_row, value_of
from revolution_hub.store.tx import AcrossTx, Tx


def add_tenant(tx: AcrossTx, tenant_id: str, name: str, now: datetime) -> None:
    """Create a tenant."""
    tx.conn.execute(sa.insert(t.tenants).values(id=tenant_id, name=name, created_at=now))


def list_tenants(tx: AcrossTx, ids: Collection[str]) -> dict[str, str]:
    """Return the names of these tenants by their ids; unknown ones are left out."""
    rows = tx.conn.execute(sa.select(t.tenants.c.id, t.tenants.c.name).where(t.tenants.c.id.in_(sorted(ids))))
    return {row.id: row.name for row in rows}


def name_of(tx: Tx) -> str:
    """Return what people call this tenant."""
    query = sa.select(t.tenants.c.name).where(t.tenants.c.id == tx.tenant_id)
    name = tx.conn.execute(query).scalar_one_or_none()
    if name is None:
        raise NotFoundError("there is no such tenant")
    return str(name)


def rename(tx: Tx, name: str) -> bool:
    """Give this tenant another name; False if it is gone."""
    changed = sa.update(t.tenants).where(t.tenants.c.id == tx.tenant_id).values(name=name)
    return tx.conn.execute(changed).rowcount == 1


def add_api_key(
    tx: Tx, key_id: str, *, name: str, key_hash: str, role: str, now: datetime, **more: Any
) -> None:
    """Keep an API key by its hash; the key itself is never stored. `more` are further fields of StoredKey."""
    tx.conn.execute(
        sa.insert(t.api_keys).values(
            id=key_id, tenant_id=tx.tenant_id, name=name, key_hash=key_hash, role=role, created_at=now, **more
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """An API key as it is kept: whom it speaks for, and since when it does not any more. Not the key.

    `holder_id` is the user or the service principal it belongs to, None for a key of the tenant itself.
    `permissions` and `workflows` narrow it; None narrows nothing.
    """

    id: str
    tenant_id: str
    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None = None
    prefix: str | None = None
    holder_id: str | None = None
    made_by: str | None = None
    permissions: list[str] | None = None
    workflows: list[str] | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a key, and as what at this moment."""

    name: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A key that was shown, and its holder; None for a key of the tenant itself, and for one who is gone."""

    key: StoredKey
    holder: Holder | None

    @property
    def is_good(self) -> bool:
        """Whether it was neither revoked nor left behind by a holder who is no member any more."""
        return self.key.revoked_at is None and (self.key.holder_id is None or self.holder is not None)


def get_api_key(tx: Tx, key_id: str) -> StoredKey:
    """Return one of the tenant's keys, revoked or not, or raise NotFoundError."""
    return value_of(StoredKey, found(one_row(tx, t.api_keys, t.api_keys.c.id == key_id), "API key"))


def find_key(tx: Tx, key_id: str) -> StoredKey | None:
    """Return one of the tenant's keys, revoked or not, or None."""
    row = one_row(tx, t.api_keys, t.api_keys.c.id == key_id)
    return value_of(StoredKey, row) if row else None


def list_api_keys(tx: Tx, page: Page) -> tuple[list[StoredKey], str | None]:
    """Return one page of the tenant's keys, revoked ones included."""
    rows, cursor = page_rows(tx, t.api_keys, page, {})
    return [value_of(StoredKey, row) for row in rows], cursor


def revoke_api_key(tx: Tx, key_id: str, now: datetime) -> bool:
    """Let a key speak for nobody from now on; False if it does not already."""
    return _revoke(tx, t.api_keys.c.id == key_id, now) == 1


def revoke_keys_of(tx: Tx, holder_id: str, now: datetime) -> int:
    """Revoke every key of a user or service principal in this tenant; returns how many there were."""
    return _revoke(tx, t.api_keys.c.holder_id == holder_id, now)


def _revoke(tx: Tx, which: sa.ColumnElement[bool], now: datetime) -> int:
    table = t.api_keys
    good = (table.c.tenant_id == tx.tenant_id, which, table.c.revoked_at.is_(None))
    return tx.conn.execute(sa.update(table).where(*good).values(revoked_at=now)).rowcount


_OF_KEY = tuple(one.name for one in fields(StoredKey))


def known_key(row: Row) -> KnownKey:
    """Return the key of a row that `key_query` found."""
    *key, holder_role, holder_name = row
    holder = Holder(name=holder_name, role=holder_role) if holder_role else None
    return KnownKey(key=StoredKey(**dict(zip(_OF_KEY, key, strict=True))), holder=holder)


def key_query() -> sa.Select[Any]:
    """Return the query for the key with a hash, of any tenant, with what its holder is now."""
    keys, members, users, services = t.api_keys, t.memberships, t.users, t.service_principals
    member = sa.and_(members.c.tenant_id == keys.c.tenant_id, members.c.user_id == keys.c.holder_id)
    user = sa.and_(users.c.id == members.c.user_id, users.c.disabled_at.is_(None))
    service = sa.and_(services.c.tenant_id == keys.c.tenant_id, services.c.id == keys.c.holder_id)
    # A membership counts only together with a user who is not disabled.
    role = sa.case((users.c.id.is_not(None), members.c.role), else_=services.c.role)
    return (
        sa.select(*(keys.c[name] for name in _OF_KEY), role, sa.func.coalesce(users.c.name, services.c.name))
        .outerjoin(members, member)
        .outerjoin(users, user)
        .outerjoin(services, service)
        .where(keys.c.key_hash == sa.bindparam("key_hash"))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """A data key as it is kept: wrapped, and with which master key; None if an older release wrapped it."""

    id: str
    tenant_id: str
    wrapped: bytes
    created_at: datetime
    master_key_id: str | None = None


def add_data_key(
    tx: Tx, key_id: str, wrapped: bytes, now: datetime, *, master_key_id: str | None = None
) -> None:
    """Keep a wrapped data key of the tenant."""
    tx.conn.execute(
        sa.insert(t.data_keys).values(
            id=key_id,
            tenant_id=tx.tenant_id,
            wrapped=wrapped,
            created_at=now,
            master_key_id=master_key_id,
        )
    )


def newest_data_key(tx: Tx) -> DataKey | None:
    """Return the data key new secrets are sealed with, or None if there is none."""
    query = sa.select(t.data_keys).where(t.data_keys.c.tenant_id == tx.tenant_id)
    row = tx.conn.execute(query.order_by(t.data_keys.c.id.desc()).limit(1)).mappings().one_or_none()
    return value_of(DataKey, row) if row else None


def find_data_key(tx: Tx, key_id: str) -> DataKey | None:
    """Return one of the tenant's data keys, or None."""
    row = one_row(tx, t.data_keys, t.data_keys.c.id == key_id)
    return value_of(DataKey, row) if row else None


def list_data_keys(tx: Tx) -> list[DataKey]:
    """Return the tenant's data keys, the newest first."""
    query = sa.select(t.data_keys).where(t.data_keys.c.tenant_id == tx.tenant_id)
    rows = tx.conn.execute(query.order_by(t.data_keys.c.id.desc())).mappings()
    return [value_of(DataKey, row) for row in rows]


def rewrap_data_key(tx: Tx, key: DataKey, wrapped: bytes, master_key_id: str) -> bool:
    """Keep a data key wrapped anew; False if somebody else wrapped it anew since it was read."""
    table = t.data_keys
    same = (table.c.tenant_id == tx.tenant_id, table.c.id == key.id, table.c.wrapped == key.wrapped)
    changed = sa.update(table).where(*same).values(wrapped=wrapped, master_key_id=master_key_id)
    return tx.conn.execute(changed).rowcount == 1
