"""Memberships: which users are members of a tenant, and as what."""

from collections.abc import Collection

import sqlalchemy as sa

from revolution_hub.errors import NotFoundError
from revolution_hub.model.person import Member, Membership
from revolution_hub.store import tables as t
from revolution_hub.store import users
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, one_row, value_of
from revolution_hub.store.tx import Tx

_TABLE = t.memberships


def add_membership(tx: Tx, membership: Membership) -> None:
    """Make a user a member of the tenant."""
    tx.conn.execute(sa.insert(_TABLE).values(columns_of(membership)))


def find_membership(tx: Tx, user_id: str) -> Membership | None:
    """Return what a user is in the tenant at this moment, None if it is no member."""
    row = one_row(tx, _TABLE, _TABLE.c.user_id == user_id)
    return value_of(Membership, row) if row else None


def get_member(tx: Tx, user_id: str) -> Member:
    """Return a member of the tenant or raise NotFoundError."""
    membership, user = find_membership(tx, user_id), users.find_user(tx, user_id)
    if membership is None or user is None:
        raise NotFoundError("there is no such member")
    return Member(membership=membership, user=user)


def list_members(tx: Tx, page: Page) -> tuple[list[Member], str | None]:
    """Return one page of the tenant's members, by the users' ids, and the cursor for the next."""
    rows, cursor = page_rows(tx, _TABLE, page, {}, key="user_id")
    known = users.find_users(tx, [row["user_id"] for row in rows])
    return [
        Member(membership=value_of(Membership, row), user=known[row["user_id"]])
        for row in rows
        if row["user_id"] in known
    ], cursor


def count_members(tx: Tx) -> int:
    """Return how many members the tenant has."""
    query = sa.select(sa.func.count()).where(t.memberships.c.tenant_id == tx.tenant_id)
    return int(tx.conn.execute(query.select_from(t.memberships)).scalar_one())


def list_with_role(tx: Tx, roles: Collection[str]) -> list[str]:
    """Return the members who have one of these roles and are not disabled."""
    query = (
        sa.select(_TABLE.c.user_id)
        .join(t.users, t.users.c.id == _TABLE.c.user_id)
        .where(
            _TABLE.c.tenant_id == tx.tenant_id,
            _TABLE.c.role.in_(sorted(roles)),
            t.users.c.disabled_at.is_(None),
        )
        .order_by(_TABLE.c.user_id)
    )
    return list(tx.conn.execute(query).scalars())


def set_role(tx: Tx, user_id: str, role: str) -> bool:
    """Give a member another role; False if there is no such member."""
    changed = sa.update(_TABLE).where(*_mine(tx, user_id)).values(role=role)
    return tx.conn.execute(changed).rowcount == 1


def remove_membership(tx: Tx, user_id: str) -> bool:
    """Let a user be no member any more; False if it was none."""
    return tx.conn.execute(sa.delete(_TABLE).where(*_mine(tx, user_id))).rowcount == 1


def _mine(tx: Tx, user_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.user_id == user_id
