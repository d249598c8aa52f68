"""Users: the people of the installation, what providers call them, and links for new passwords.

These tables belong to no tenant, so every kind of transaction may be used.
"""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from revolution_hub.errors import NotFoundError
from revolution_hub.model.person import Identity, PendingLogin, Reset, User
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import add_new
from revolution_hub.store.paging import Page
from revolution_hub.store.rows import columns_of, value_of
from revolution_hub.store.tx import AnyTx


def add_user(tx: AnyTx, user: User) -> bool:
    """Keep a new user; False, and nothing is kept, if somebody has the e-mail address already."""
    return bool(add_new(tx.conn, t.users, [columns_of(user)]))


def find_user(tx: AnyTx, user_id: str) -> User | None:
    """Return a user or None."""
    return find_users(tx, [user_id]).get(user_id)


def get_user(tx: AnyTx, user_id: str) -> User:
    """Return a user or raise NotFoundError."""
    user = find_user(tx, user_id)
    if user is None:
        raise NotFoundError("there is no such user")
    return user


def find_users(tx: AnyTx, ids: Collection[str]) -> dict[str, User]:
    """Return the users with these ids, by id; unknown ones are left out."""
    rows = tx.conn.execute(sa.select(t.users).where(t.users.c.id.in_(sorted(ids)))).mappings()
    return {row["id"]: value_of(User, row) for row in rows}


def find_by_email(tx: AnyTx, email: str) -> User | None:
    """Return the user with this e-mail address, as `clean_email` writes it, or None."""
    row = tx.conn.execute(sa.select(t.users).where(t.users.c.email == email)).mappings().one_or_none()
    return value_of(User, row) if row else None


def list_users(tx: AnyTx, page: Page) -> tuple[list[User], str | None]:
    """Return one page of all users, and the cursor for the next."""
    key = t.users.c.id
    query = sa.select(t.users).order_by(key.desc() if page.newest_first else key.asc())
    if page.after is not None:
        query = query.where(key < page.after if page.newest_first else key > page.after)
    rows = tx.conn.execute(query.limit(page.limit + 1)).mappings().all()
    more = len(rows) > page.limit
    found = [value_of(User, row) for row in rows[: page.limit]]
    return found, found[-1].id if more else None


def set_password(tx: AnyTx, user_id: str, password_hash: str, now: datetime | None) -> None:
    """Store the hash of a password. Without `now` it is the same password under stronger parameters."""
    values = {"password_hash": password_hash} | ({"password_at": now} if now else {})
    tx.conn.execute(sa.update(t.users).where(t.users.c.id == user_id).values(values))


def set_disabled(tx: AnyTx, user_id: str, since: datetime | None) -> bool:
    """Let a user in nowhere from this moment on, or with None again; False if it is so already."""
    table = t.users
    otherwise = table.c.disabled_at.is_(None) if since else table.c.disabled_at.is_not(None)
    changed = sa.update(table).where(table.c.id == user_id, otherwise).values(disabled_at=since)
    return tx.conn.execute(changed).rowcount == 1


def add_identity(tx: AnyTx, identity: Identity) -> bool:
    """Link a user to a provider's subject; False, and nothing is kept, if it is somebody's already."""
    return bool(add_new(tx.conn, t.identities, [columns_of(identity)]))


def find_identity(tx: AnyTx, issuer: str, subject: str) -> Identity | None:
    """Return the link to exactly this subject of exactly this issuer, or None."""
    table = t.identities
    query = sa.select(table).where(table.c.issuer == issuer, table.c.subject == subject)
    row = tx.conn.execute(query).mappings().one_or_none()
    return value_of(Identity, row) if row else None


def list_identities(tx: AnyTx, user_id: str) -> list[Identity]:
    """Return a user's links, the oldest first."""
    query = sa.select(t.identities).where(t.identities.c.user_id == user_id).order_by(t.identities.c.id)
    return [value_of(Identity, row) for row in tx.conn.execute(query).mappings()]


def remove_identity(tx: AnyTx, user_id: str, identity_id: str) -> bool:
    """Take a link of this user back; False if there was none."""
    table = t.identities
    removed = sa.delete(table).where(table.c.id == identity_id, table.c.user_id == user_id)
    return tx.conn.execute(removed).rowcount == 1


def add_reset(tx: AnyTx, reset: Reset) -> None:
    """Keep a link for a new password in the place of those the user had."""
    tx.conn.execute(sa.delete(t.resets).where(t.resets.c.user_id == reset.user_id))
    tx.conn.execute(sa.insert(t.resets).values(columns_of(reset)))


def find_reset(tx: AnyTx, link_hash: str, now: datetime) -> Reset | None:
    """Return the link with this hash if it can still be used, else None."""
    table = t.resets
    usable = (table.c.link_hash == link_hash, table.c.used_at.is_(None), table.c.expires_at > now)
    row = tx.conn.execute(sa.select(table).where(*usable)).mappings().one_or_none()
    return value_of(Reset, row) if row else None


def use_reset(tx: AnyTx, reset_id: str, now: datetime) -> bool:
    """Use a link up; False if somebody else did."""
    table = t.resets
    used = sa.update(table).where(table.c.id == reset_id, table.c.used_at.is_(None)).values(used_at=now)
    return tx.conn.execute(used).rowcount == 1


def drop_resets(tx: AnyTx, user_id: str) -> None:
    """Let no link for a new password of this user work any more."""
    tx.conn.execute(sa.delete(t.resets).where(t.resets.c.user_id == user_id))


def add_pending(tx: AnyTx, pending: PendingLogin) -> None:
    """Keep a login that a provider was asked for, and forget those nobody came back for."""
    table = t.pending_logins
    tx.conn.execute(sa.delete(table).where(table.c.expires_at <= pending.created_at))
    tx.conn.execute(sa.insert(table).values(columns_of(pending)))


def take_pending(tx: AnyTx, state_hash: str) -> PendingLogin | None:
    """Take out the login with this state: it is there once, even for two who ask at the same moment."""
    table = t.pending_logins
    row = tx.conn.execute(sa.select(table).where(table.c.state_hash == state_hash)).mappings().one_or_none()
    if row is None or tx.conn.execute(sa.delete(table).where(table.c.id == row["id"])).rowcount != 1:
        return None
    return value_of(PendingLogin, row)
