"""Renewals of authorizations: who may ask the provider now, what came of it, and when the next may be tried.

All processes see it in the connection's row. Whoever takes the right over from one that never gave it back
notes that an answer of the provider may be missing.
"""

from datetime import datetime

import sqlalchemy as sa

from revolution_hub.model.connection import Connection, Sealed
from revolution_hub.store import tables as t
from revolution_hub.store.rows import sealed_columns
from revolution_hub.store.tx import Tx

_TABLE = t.connections


def take(tx: Tx, connection: Connection, owner: str, now: datetime, until: datetime) -> bool:
    """Take the right to renew this very credential until then.

    False while somebody else has it, when it was stored anew, and before the next try is due.
    """
    free = sa.or_(_TABLE.c.refresh_until.is_(None), _TABLE.c.refresh_until < now)
    rested = sa.or_(_TABLE.c.refresh_after.is_(None), _TABLE.c.refresh_after <= now)
    vanished = sa.case(
        (_TABLE.c.refresh_owner.is_not(None), sa.literal(now, _TABLE.c.refresh_lost_at.type)),
        else_=_TABLE.c.refresh_lost_at,
    )
    done = tx.conn.execute(
        sa.update(_TABLE)
        .where(*_same(tx, connection), free, rested)
        .values(refresh_owner=owner, refresh_until=until, refresh_lost_at=vanished)
    )
    return done.rowcount == 1


def keep(tx: Tx, connection: Connection, owner: str, sealed: Sealed, now: datetime) -> bool:
    """Store what was granted, and give the right back.

    False if somebody stored another credential since, or has taken the right over: he knows better.
    """
    done = tx.conn.execute(
        sa.update(_TABLE)
        .where(
            *_same(tx, connection), sa.or_(_TABLE.c.refresh_owner == owner, _TABLE.c.refresh_owner.is_(None))
        )
        .values(**sealed_columns(sealed), **RENEWED, updated_at=now)
    )
    return done.rowcount == 1


def fail(
    tx: Tx, connection: Connection, owner: str, problem: str, now: datetime, *, after: datetime, lost: bool
) -> None:
    """Give the right back, and let nobody try before that moment; `lost` says that an answer is missing."""
    values = {"refresh_lost_at": now} if lost else {}
    tx.conn.execute(
        sa.update(_TABLE)
        .where(*_same(tx, connection), _TABLE.c.refresh_owner == owner)
        .values(
            refresh_owner=None,
            refresh_until=None,
            refresh_fails=_TABLE.c.refresh_fails + 1,
            refresh_after=after,
            problem=problem,
            problem_at=now,
            **values,
        )
    )


def end(tx: Tx, connection_id: str, owner: str) -> None:
    """Give the right to renew back, if it is still ours."""
    tx.conn.execute(
        sa.update(_TABLE)
        .where(
            _TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.id == connection_id, _TABLE.c.refresh_owner == owner
        )
        .values(refresh_owner=None, refresh_until=None)
    )


RENEWED = {
    "refresh_owner": None,
    "refresh_until": None,
    "refresh_fails": 0,
    "refresh_after": None,
    "refresh_lost_at": None,
    "problem": None,
    "problem_at": None,
}
"""What stands in a row whose credential has just been stored."""


def _same(tx: Tx, connection: Connection) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _TABLE.c.tenant_id == tx.tenant_id,
        _TABLE.c.id == connection.id,
        _TABLE.c.sealed_version == connection.credential.version,
    )
