"""Who may agree to what: the tenant's members, and the people behind a request."""

from collections.abc import Iterable

import sqlalchemy as sa

from revolution_hub.model.approval import USER, Voter
from revolution_hub.store import tables as t
from revolution_hub.store.tx import Tx

DECIDE = "approval:decide"
_FURTHEST = 8
"""So many keys and services may stand between a request and a person."""


def list_voters(tx: Tx, deciding_roles: Iterable[str]) -> list[Voter]:
    """Return every member who is not disabled; those of `deciding_roles` may decide."""
    table, users = t.memberships, t.users
    query = (
        sa.select(table.c.user_id, table.c.role)
        .join(users, users.c.id == table.c.user_id)
        .where(table.c.tenant_id == tx.tenant_id, users.c.disabled_at.is_(None))
        .order_by(table.c.user_id)
    )
    deciding = set(deciding_roles)
    return [
        Voter(user_id=row.user_id, role=row.role, may_decide=row.role in deciding)
        for row in tx.conn.execute(query)
    ]


def list_roles(tx: Tx) -> set[str]:
    """Return the names of the roles that members have."""
    table = t.memberships
    query = sa.select(table.c.role).where(table.c.tenant_id == tx.tenant_id).distinct()
    return set(tx.conn.execute(query).scalars())


def people_behind(tx: Tx, principal_ids: Iterable[str]) -> set[str]:
    """Return the users among these principals, and those who made or hold what is none.

    Whoever made an API key or a service could otherwise agree to what it has asked for.
    """
    people: set[str] = set()
    left, seen = set(principal_ids), set[str]()
    for _ in range(_FURTHEST):
        people |= {one for one in left if one.startswith(USER)}
        seen |= left
        others = sorted(one for one in left if not one.startswith(USER))
        left = (_made(tx, others) - seen) if others else set()
        if not left:
            break
    return people


def _made(tx: Tx, ids: list[str]) -> set[str]:
    keys, services = t.api_keys, t.service_principals
    found: set[str] = set()
    for query in (
        sa.select(keys.c.made_by, keys.c.holder_id).where(
            keys.c.tenant_id == tx.tenant_id, keys.c.id.in_(ids)
        ),
        sa.select(services.c.created_by).where(services.c.tenant_id == tx.tenant_id, services.c.id.in_(ids)),
    ):
        for row in tx.conn.execute(query):
            found |= {one for one in row if one is not None}
    return found


def requesters_of(tx: Tx, root_id: str) -> tuple[str, ...]:
    """Return the people who asked for an execution and what belongs to it.

    That is who started it, or had it go on after a failure; if it started by itself, who published the
    workflow.
    """
    table = t.executions
    query = sa.select(table.c.started_by, table.c.workflow_id, table.c.version).where(
        table.c.tenant_id == tx.tenant_id, table.c.id == root_id
    )
    row = tx.conn.execute(query).one()
    asked = set(_asked_later(tx, root_id))
    if row.started_by is not None:
        asked.add(row.started_by)
    else:
        asked |= _publisher(tx, row.workflow_id, row.version)
    return tuple(sorted(people_behind(tx, asked)))


def add_requester(tx: Tx, root_id: str, principal_id: str) -> None:
    """Keep that somebody had an execution go on; who asks for it cannot agree to it."""
    table = t.approval_requesters
    where = (table.c.execution_id == root_id, table.c.principal_id == principal_id)
    if tx.conn.execute(sa.select(table.c.tenant_id).where(*where)).first() is None:
        values = {"execution_id": root_id, "principal_id": principal_id, "tenant_id": tx.tenant_id}
        tx.conn.execute(sa.insert(table).values(values))


def _asked_later(tx: Tx, root_id: str) -> list[str]:
    table = t.approval_requesters
    query = sa.select(table.c.principal_id).where(
        table.c.tenant_id == tx.tenant_id, table.c.execution_id == root_id
    )
    return list(tx.conn.execute(query).scalars())


def _publisher(tx: Tx, workflow_id: str, version: int) -> set[str]:
    table = t.workflow_versions
    query = sa.select(table.c.published_by).where(
        table.c.tenant_id == tx.tenant_id, table.c.workflow_id == workflow_id, table.c.version == version
    )
    return set(tx.conn.execute(query).scalars())
