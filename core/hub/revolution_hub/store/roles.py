"""Roles that a tenant made itself: what each allows."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from revolution_hub.errors import ConflictError
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, found, one_row, value_of
from revolution_hub.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRole:
    """A role of a tenant's own. `permissions` are sorted names."""

    name: str
    tenant_id: str
    description: str
    permissions: list[str]
    revision: int
    created_at: datetime
    updated_at: datetime


def add(tx: Tx, role: StoredRole) -> None:
    """Keep a new role; raises ConflictError if the tenant has one of that name."""
    try:
        tx.conn.execute(sa.insert(t.roles).values(columns_of(role)))
    except sa.exc.IntegrityError as error:
        raise ConflictError(f"there is already a role named {role.name!r}", code="name_taken") from error


def find(tx: Tx, name: str) -> StoredRole | None:
    """Return one of the tenant's own roles, or None."""
    row = one_row(tx, t.roles, t.roles.c.name == name)
    return value_of(StoredRole, row) if row else None


def get(tx: Tx, name: str) -> StoredRole:
    """Return one of the tenant's own roles or raise NotFoundError."""
    return value_of(StoredRole, found(one_row(tx, t.roles, t.roles.c.name == name), "role"))


def find_permissions(tx: Tx, name: str) -> frozenset[str] | None:
    """Return what one of the tenant's own roles allows, None if there is no such role."""
    query = sa.select(t.roles.c.permissions).where(
        t.roles.c.tenant_id == tx.tenant_id, t.roles.c.name == name
    )
    permissions = tx.conn.execute(query).scalar_one_or_none()
    return None if permissions is None else frozenset(permissions)


def list_page(tx: Tx, page: Page) -> tuple[list[StoredRole], str | None]:
    """Return one page of the tenant's own roles, by their names."""
    rows, cursor = page_rows(tx, t.roles, page, {}, key="name")
    return [value_of(StoredRole, row) for row in rows], cursor


def replace(tx: Tx, role: StoredRole, revision: int) -> bool:
    """Keep a changed role if `revision` is still the present one; True if it was."""
    done = tx.conn.execute(
        sa.update(t.roles)
        .where(
            t.roles.c.tenant_id == tx.tenant_id, t.roles.c.name == role.name, t.roles.c.revision == revision
        )
        .values(columns_of(role, without=("name", "tenant_id", "created_at")))
    )
    return done.rowcount == 1


def remove(tx: Tx, name: str) -> bool:
    """Delete a role; False if there was none."""
    done = tx.conn.execute(
        sa.delete(t.roles).where(t.roles.c.tenant_id == tx.tenant_id, t.roles.c.name == name)
    )
    return done.rowcount == 1
