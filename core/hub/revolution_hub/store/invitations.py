"""Invitations: ways into a tenant that were handed out, kept by the hash of what leads in."""

from datetime import datetime

import sqlalchemy as sa

from revolution_hub.model.person import Invitation
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, found, one_row, value_of
from revolution_hub.store.tx import Tx

_TABLE = t.invitations


def add(tx: Tx, invitation: Invitation) -> None:
    """Keep an invitation in the place of what is open for the same e-mail address."""
    if invitation.email is not None:
        _revoke(tx, invitation.created_at, _TABLE.c.email == invitation.email)
    tx.conn.execute(sa.insert(_TABLE).values(columns_of(invitation)))


def get(tx: Tx, invitation_id: str) -> Invitation:
    """Return an invitation of the tenant or raise NotFoundError."""
    return value_of(Invitation, found(one_row(tx, _TABLE, _TABLE.c.id == invitation_id), "invitation"))


def list_page(tx: Tx, page: Page) -> tuple[list[Invitation], str | None]:
    """Return one page of the tenant's invitations, used and revoked ones included."""
    rows, cursor = page_rows(tx, _TABLE, page, {})
    return [value_of(Invitation, row) for row in rows], cursor


def accept(tx: Tx, invitation_id: str, user_id: str, now: datetime) -> bool:
    """Use an invitation up; False if it is not open any more."""
    accepted = sa.update(_TABLE).where(*_open(tx, now), _TABLE.c.id == invitation_id)
    return tx.conn.execute(accepted.values(accepted_at=now, accepted_by=user_id)).rowcount == 1


def revoke(tx: Tx, invitation_id: str, now: datetime) -> bool:
    """Let an invitation lead nowhere from now on; False if it does not already."""
    return _revoke(tx, now, _TABLE.c.id == invitation_id) == 1


def revoke_by(tx: Tx, user_id: str, now: datetime) -> int:
    """Revoke what a user handed out, in person or by an API key; returns how many there were."""
    keys = sa.select(t.api_keys.c.id).where(
        t.api_keys.c.tenant_id == tx.tenant_id, t.api_keys.c.holder_id == user_id
    )
    return _revoke(tx, now, sa.or_(_TABLE.c.created_by == user_id, _TABLE.c.created_by.in_(keys)))


def _revoke(tx: Tx, now: datetime, which: sa.ColumnElement[bool]) -> int:
    return tx.conn.execute(sa.update(_TABLE).where(*_open(tx, now), which).values(revoked_at=now)).rowcount


def _open(tx: Tx, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _TABLE.c.tenant_id == tx.tenant_id,
        _TABLE.c.accepted_at.is_(None),
        _TABLE.c.revoked_at.is_(None),
        _TABLE.c.expires_at > now,
    )
