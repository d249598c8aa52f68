"""Sessions: the browsers in which people are signed in. What is removed here is over at once, everywhere."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from revolution_hub.model.person import Membership, Session, User
from revolution_hub.store import tables as t
from revolution_hub.store.prepared import Row
from revolution_hub.store.rows import columns_of, value_of
from revolution_hub.store.tx import AnyTx

_TABLE = t.sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session, whose it is, and what that user is in the tenant it acts in; None if no member there."""

    session: Session
    user: User
    membership: Membership | None


def add_session(tx: AnyTx, session: Session) -> None:
    """Keep a session, and forget those that have become too old."""
    tx.conn.execute(sa.delete(_TABLE).where(_TABLE.c.expires_at <= session.created_at))
    tx.conn.execute(sa.insert(_TABLE).values(columns_of(session)))


def signed_in(row: Row) -> SignedIn:
    """Return the session of a row that `session_query` found; it may be over."""
    session, user, role = row[: len(_OF_SESSION)], row[len(_OF_SESSION) : -3], row[-3]
    found = Session(**dict(zip(_OF_SESSION, session, strict=True)))
    membership = None
    if role is not None and found.active_tenant_id is not None:
        membership = Membership(
            tenant_id=found.active_tenant_id,
            user_id=found.user_id,
            role=role,
            created_at=row[-2],
            added_by=row[-1],
        )
    return SignedIn(session=found, user=User(**dict(zip(_OF_USER, user, strict=True))), membership=membership)


def rotate(tx: AnyTx, session: Session, cookie_hash: str, active_tenant_id: str | None) -> bool:
    """Let a session go on under another token, in this tenant; False if it is over meanwhile."""
    same = (_TABLE.c.id == session.id, _TABLE.c.cookie_hash == session.cookie_hash)
    values = {"cookie_hash": cookie_hash, "active_tenant_id": active_tenant_id}
    return tx.conn.execute(sa.update(_TABLE).where(*same).values(values)).rowcount == 1


def list_sessions(tx: AnyTx, user_id: str) -> list[Session]:
    """Return a user's sessions, the newest first."""
    query = sa.select(_TABLE).where(_TABLE.c.user_id == user_id).order_by(_TABLE.c.id.desc())
    return [value_of(Session, row) for row in tx.conn.execute(query).mappings()]


def remove_session(tx: AnyTx, user_id: str, session_id: str) -> bool:
    """End a session of this user; False if there is none."""
    mine = (_TABLE.c.id == session_id, _TABLE.c.user_id == user_id)
    return tx.conn.execute(sa.delete(_TABLE).where(*mine)).rowcount == 1


def remove_sessions(
    tx: AnyTx, user_id: str, *, besides: str | None = None, acting_in: str | None = None
) -> int:
    """End all sessions of a user, but for one, or only those that act in one tenant; returns how many."""
    query = sa.delete(_TABLE).where(_TABLE.c.user_id == user_id)
    if besides is not None:
        query = query.where(_TABLE.c.id != besides)
    if acting_in is not None:
        query = query.where(_TABLE.c.active_tenant_id == acting_in)
    return tx.conn.execute(query).rowcount


_OF_SESSION = tuple(column.name for column in t.sessions.columns)
_OF_USER = tuple(column.name for column in t.users.columns)


def session_query() -> sa.Select[Any]:
    """Return the query for the session with a hash, its user, and what that user is where it acts."""
    sessions, users, members = t.sessions, t.users, t.memberships
    member = sa.and_(
        members.c.tenant_id == sessions.c.active_tenant_id, members.c.user_id == sessions.c.user_id
    )
    return (
        sa.select(*sessions.columns, *users.columns, members.c.role, members.c.created_at, members.c.added_by)
        .join(users, users.c.id == sessions.c.user_id)
        .outerjoin(members, member)
        .where(sessions.c.cookie_hash == sa.bindparam("cookie_hash"))
    )
