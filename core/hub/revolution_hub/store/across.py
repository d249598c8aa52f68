"""The only look-ups over all tenants, each with its reason. `LISTED` is pinned by a test.

Taking turns is in `store/claim.py` and queuing again in `store/sweep.py`; they are listed too. Everything
else reads and writes inside one tenant.
"""

import time
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from revolution_hub.model.connection import Connection, Hook, ProviderApp
from revolution_hub.model.event import Listener
from revolution_hub.model.person import Invitation, Membership
from revolution_hub.store import approval_links, sessions, tenants
from revolution_hub.store import tables as t
from revolution_hub.store.approval_links import ApprovalLink
from revolution_hub.store.bulk import put
from revolution_hub.store.connections import app_of, connection_of
from revolution_hub.store.rows import sealed_of, value_of
from revolution_hub.store.sessions import SignedIn
from revolution_hub.store.sweep import requeue
from revolution_hub.store.tenants import KnownKey
from revolution_hub.store.tx import Store

LISTED = {
    "find_api_key": "an API key says which tenant it is for",
    "find_invitation": "a link says which tenant it is for",
    "find_session": "a cookie says who it is, and the session in which tenant that person acts",
    "list_memberships": "a person may be a member of many tenants",
    "find_app_by_key": "a delivery URL says which provider app it is for",
    "get_app": "an app may belong to the installation",
    "connections_of_account": "a provider's delivery names an account, not a tenant",
    "count_connections_through": "an app of the installation serves the connections of every tenant",
    "find_hooks": "a hook's URL says which tenant it is for",
    "find_approval_link": "a link to an approval says which tenant it is for",
    "tenant_of_execution": "a callback's URL names an execution, not a tenant",
    "renew": "a worker keeps what it has claimed",
    "hand_back": "a stopping worker returns what it has claimed",
    "count_queued": "the queue wants to know whether there is work",
    "end_leases_of": "a worker that is known to be dead held executions of any tenant",
    "first_tenant": "the owners of the first tenant run the installation",
    "audited_tenants": "the operator checks the audit log of every tenant",
    "is_tenant": "whoever runs the installation gives tenants their plans",
    "any_tenant": "the first start must know whether it is the first",
    "read_fact": "facts of the installation belong to no tenant",
    "write_fact": "facts of the installation belong to no tenant",
    "try_to_write": "whether the database takes writes concerns every tenant",
}


def find_api_key(store: Store, key_hash: str) -> KnownKey | None:
    """Return the API key with this hash and its holder, or None; it may be revoked or expired."""
    row = store.find_across(tenants.key_query, key_hash)
    return tenants.known_key(row) if row else None


def find_session(store: Store, cookie_hash: str) -> SignedIn | None:
    """Return the session with this hash, its user, and what that user is where it acts, or None."""
    row = store.find_across(sessions.session_query, cookie_hash)
    return sessions.signed_in(row) if row else None


def find_invitation(store: Store, link_hash: str) -> Invitation | None:
    """Return the invitation with this hash, or None; it may have been used, revoked or outlived."""
    query = sa.select(t.invitations).where(t.invitations.c.link_hash == link_hash)
    with store.read_across() as tx:
        row = tx.conn.execute(query).mappings().one_or_none()
    return value_of(Invitation, row) if row else None


def list_memberships(store: Store, user_id: str) -> list[tuple[Membership, str]]:
    """Return what a user is, in every tenant, with the tenants' names; the first is the oldest."""
    table = t.memberships
    query = sa.select(table).where(table.c.user_id == user_id).order_by(table.c.created_at, table.c.tenant_id)
    with store.read_across() as tx:
        found = [value_of(Membership, row) for row in tx.conn.execute(query).mappings()]
        names = tenants.list_tenants(tx, [one.tenant_id for one in found])
    return [(one, names[one.tenant_id]) for one in found if one.tenant_id in names]


def find_app_by_key(store: Store, connector: str, app_key: str) -> ProviderApp | None:
    """Return the provider app behind a delivery URL, or None."""
    table = t.provider_apps
    with store.read_across() as tx:
        query = sa.select(table).where(table.c.app_key == app_key, table.c.connector == connector)
        row = tx.conn.execute(query).mappings().one_or_none()
    return app_of(row) if row else None


def get_app(store: Store, app_id: str, tenant_id: str) -> ProviderApp | None:
    """Return a provider app the tenant may connect through: its own or the installation's."""
    table = t.provider_apps
    with store.read_across() as tx:
        query = sa.select(table).where(
            table.c.id == app_id,
            sa.or_(table.c.owner_tenant_id == tenant_id, table.c.owner_tenant_id.is_(None)),
        )
        row = tx.conn.execute(query).mappings().one_or_none()
    return app_of(row) if row else None


def connections_of_account(store: Store, app: ProviderApp, accounts: set[str]) -> list[Connection]:
    """Return the connections made through this app to any of these accounts, in every tenant."""
    table = t.connections
    query = sa.select(table).where(table.c.app_id == app.id, table.c.account.in_(accounts))
    if app.owner_tenant_id is not None:
        query = query.where(table.c.tenant_id == app.owner_tenant_id)
    with store.read_across() as tx:
        rows = tx.conn.execute(query.order_by(table.c.id)).mappings().all()
    return [connection_of(row) for row in rows]


def count_connections_through(store: Store, app_id: str) -> int:
    """Count the connections that are authorized through an app, in every tenant."""
    query = sa.select(sa.func.count()).select_from(t.connections).where(t.connections.c.app_id == app_id)
    with store.read_across() as tx:
        return int(tx.conn.execute(query).scalar_one())


def find_hooks(
    store: Store, keys: set[str], now: datetime
) -> dict[str, tuple[Hook, Listener, datetime | None]]:
    """Return the hooks behind these webhook URLs with their published triggers; others are left out.

    An earlier address of a hook leads to it until the moment that comes with it.
    """
    with store.read_across() as tx:
        rows = tx.conn.execute(_hooks_query(), {"keys": sorted(keys)}).mappings().all()
        others = sorted(keys.difference(row["key"] for row in rows))
        old = tx.conn.execute(_old_query(), {"keys": others, "now": now}).mappings().all() if others else ()
    return {row["key"]: (*_hook_of(row), None) for row in rows} | {
        row["old_key"]: (*_hook_of(row), row["until"]) for row in old
    }


@lru_cache
def _hooks_query() -> sa.Select[Any]:
    return _published().where(t.hooks.c.key.in_(sa.bindparam("keys", expanding=True)))


@lru_cache
def _old_query() -> sa.Select[Any]:
    old, hooks = t.hook_addresses, t.hooks
    same = sa.and_(old.c.tenant_id == hooks.c.tenant_id, old.c.workflow_id == hooks.c.workflow_id)
    query = _published().add_columns(old.c.key.label("old_key"), old.c.until).join(old, same)
    asked = old.c.key.in_(sa.bindparam("keys", expanding=True))
    return query.where(asked, old.c.until > sa.bindparam("now", type_=old.c.until.type))


def _published() -> sa.Select[Any]:
    hooks, listeners = t.hooks, t.listeners
    trigger = sa.and_(
        listeners.c.tenant_id == hooks.c.tenant_id,
        listeners.c.workflow_id == hooks.c.workflow_id,
        listeners.c.kind == "webhook",
    )
    return sa.select(hooks, listeners.c.version, listeners.c.settings).join_from(hooks, listeners, trigger)


def _hook_of(row: RowMapping) -> tuple[Hook, Listener]:
    return value_of(Hook, row, secret=sealed_of(row)), _trigger_of(row)


def _trigger_of(row: RowMapping) -> Listener:
    return Listener(
        tenant_id=row["tenant_id"],
        workflow_id=row["workflow_id"],
        version=row["version"],
        kind="webhook",
        settings=row["settings"],
    )


def tenant_of_execution(store: Store, execution_id: str) -> str | None:
    """Return which tenant an execution belongs to, or None."""
    with store.read_across() as tx:
        query = sa.select(t.executions.c.tenant_id).where(t.executions.c.id == execution_id)
        return tx.conn.execute(query).scalar_one_or_none()


def find_approval_link(store: Store, link_hash: str) -> ApprovalLink | None:
    """Return the link to an approval with this hash, or None."""
    with store.read_across() as tx:
        return approval_links.find(tx, link_hash)


def renew(store: Store, owner: str, execution_ids: list[str], until: datetime) -> None:
    """Prolong the leases of these executions, as far as they are still the owner's."""
    table = t.executions
    # What is being written at this moment is left to the next time, so that nobody waits for anybody.
    held = (
        sa.select(table.c.id)
        .where(table.c.id.in_(execution_ids), table.c.lease_owner == owner, t.RUNNING)
        .order_by(table.c.id)
        .with_for_update(skip_locked=True)
        .cte("held")
    )
    with store.begin_across() as tx:
        tx.conn.execute(
            sa.update(table).where(table.c.id.in_(sa.select(held.c.id))).values(lease_until=until)
        )


def hand_back(store: Store, owner: str, execution_ids: list[str]) -> int:
    """Queue these executions again at once; a stopping worker has not begun their next step."""
    mine = (t.executions.c.lease_owner == owner, t.executions.c.id.in_(execution_ids))
    return requeue(store, *mine, crashed=False)


def count_queued(store: Store, limit: int, *, isolated: bool) -> int:
    """Return how many executions wait for a worker of this kind, counting at most `limit`."""
    with store.read_across() as tx:
        return int(tx.conn.execute(_queued(isolated), {"most": limit}).scalar_one())


@lru_cache
def _queued(isolated: bool) -> sa.Select[Any]:
    wanted, index = (t.SUSPECT, t.BY_SUSPECT) if isolated else (t.TAKEABLE, t.BY_LANE)
    found = t.through(sa.select(t.executions.c.id).where(wanted).limit(sa.bindparam("most")), index)
    return sa.select(sa.func.count()).select_from(found.subquery())


def end_leases_of(store: Store, owner: str) -> int:
    """Queue what a worker held that is known to be dead, without waiting for its leases; returns how many."""
    return requeue(store, t.executions.c.lease_owner == owner, crashed=True)


def first_tenant(store: Store) -> str | None:
    """Return the tenant that was made first, None if there is none yet."""
    with store.read_across() as tx:
        return tx.conn.execute(sa.select(sa.func.min(t.tenants.c.id))).scalar_one_or_none()


def any_tenant(store: Store) -> bool:
    """Tell whether there is a tenant at all."""
    with store.read_across() as tx:
        return tx.conn.execute(sa.select(t.tenants.c.id).limit(1)).first() is not None


def is_tenant(store: Store, tenant_id: str) -> bool:
    """Tell whether there is such a tenant."""
    with store.read_across() as tx:
        query = sa.select(t.tenants.c.id).where(t.tenants.c.id == tenant_id)
        return tx.conn.execute(query).first() is not None


def audited_tenants(store: Store) -> list[str]:
    """Return the tenants that have audit entries."""
    with store.read_across() as tx:
        query = sa.select(t.audit_entries.c.tenant_id).distinct().order_by(t.audit_entries.c.tenant_id)
        return list(tx.conn.execute(query).scalars())


def read_fact(store: Store, name: str) -> bytes | None:
    """Return a fact of the installation, or None."""
    with store.read_across() as tx:
        query = sa.select(t.installation.c.value).where(t.installation.c.name == name)
        return tx.conn.execute(query).scalar_one_or_none()


def write_fact(store: Store, name: str, value: bytes) -> None:
    """Keep a fact of the installation for good; a second one of that name is refused by the database."""
    with store.begin_across() as tx:
        tx.conn.execute(sa.insert(t.installation).values(name=name, value=value))


def try_to_write(store: Store) -> None:
    """Write one row for good; raises StoreError as long as the database takes none."""
    with store.begin_across() as tx:
        # The content differs each time, for a database need not write what is already there.
        put(tx.conn, t.installation, [{"name": "last_try", "value": str(time.time_ns()).encode("ascii")}])
