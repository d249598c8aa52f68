"""The only look-ups over all tenants, each with its reason. `LISTED` is pinned by a test.

Everything else reads and writes inside one tenant.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from revolution_hub.model.connection import Connection, Hook, ProviderApp
from revolution_hub.model.execution import Execution
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import ConnectionStatus, ExecutionStatus, WaitReason
from revolution_hub.store import tables as t
from revolution_hub.store import tenants
from revolution_hub.store.connections import app_of, connection_of
from revolution_hub.store.executions import execution_of
from revolution_hub.store.rows import sealed_of, value_of
from revolution_hub.store.tx import Store

LISTED = {
    "principal_of_key": "an API key says which tenant it is for",
    "find_app_by_key": "a delivery URL says which provider app it is for",
    "get_app": "an app may belong to the installation",
    "connections_of_account": "a provider's delivery names an account, not a tenant",
    "find_hook_by_key": "a hook's URL says which tenant it is for",
    "claim": "a worker takes the next execution of any tenant",
    "renew": "a worker keeps what it has claimed",
    "hand_back": "a stopping worker returns what it has claimed",
    "count_queued": "the queue wants to know whether there is work",
    "wake_due": "timers ring in every tenant",
    "recover_expired": "leases run out in every tenant",
    "end_leases_of": "a worker that is known to be dead held executions of any tenant",
    "any_tenant": "the first start must know whether it is the first",
    "read_fact": "facts of the installation belong to no tenant",
    "write_fact": "facts of the installation belong to no tenant",
}

CRASHES_BEFORE_ISOLATION = 2
CRASHES_BEFORE_FAILURE = 3

_QUEUED = str(ExecutionStatus.QUEUED)
_RUNNING = str(ExecutionStatus.RUNNING)


def principal_of_key(store: Store, key_hash: str) -> Principal | None:
    """Return who an API key speaks for, or None."""
    with store.read_across() as tx:
        return tenants.find_principal(tx, key_hash)


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


def find_hook_by_key(store: Store, key: str) -> Hook | None:
    """Return the hook behind a webhook URL, or None."""
    with store.read_across() as tx:
        row = tx.conn.execute(sa.select(t.hooks).where(t.hooks.c.key == key)).mappings().one_or_none()
    return value_of(Hook, row, secret=sealed_of(row)) if row else None


def claim(
    store: Store, owner: str, now: datetime, until: datetime, *, limit: int, isolated: bool
) -> list[Execution]:
    """Take up to `limit` queued executions, oldest first, with a lease until then and a new fence.

    One whose workers vanished twice is taken only by the isolated worker, which drives one at a time: if
    it takes its process down again, no neighbor falls with it.
    """
    table = t.executions
    suspect = table.c.crashes == CRASHES_BEFORE_ISOLATION
    chosen = (
        sa.select(table.c.id)
        .where(table.c.status == _QUEUED, suspect if isolated else sa.not_(suspect))
        .order_by(table.c.id)
        .limit(limit)
    )
    taken = (
        sa.update(table)
        .where(table.c.id.in_(chosen.scalar_subquery()), table.c.status == _QUEUED)
        .values(
            status=_RUNNING,
            fence=table.c.fence + 1,
            lease_owner=owner,
            lease_until=until,
            started_at=sa.func.coalesce(
                table.c.started_at, sa.bindparam("now", now, t.executions.c.started_at.type)
            ),
        )
        .returning(*table.c)
    )
    with store.begin_across() as tx:
        rows = tx.conn.execute(taken).mappings().all()
    return sorted((execution_of(row) for row in rows), key=lambda one: one.id)


def renew(store: Store, owner: str, execution_ids: list[str], until: datetime) -> None:
    """Prolong the leases of these executions, as far as they are still the owner's."""
    table = t.executions
    with store.begin_across() as tx:
        tx.conn.execute(
            sa.update(table)
            .where(table.c.lease_owner == owner, table.c.status == _RUNNING, table.c.id.in_(execution_ids))
            .values(lease_until=until)
        )


def hand_back(store: Store, owner: str, execution_ids: list[str]) -> int:
    """Queue these executions again at once; a stopping worker has not begun their next step."""
    return _requeue(
        store, t.executions.c.lease_owner == owner, t.executions.c.id.in_(execution_ids), crashed=False
    )


def count_queued(store: Store, limit: int, *, isolated: bool) -> int:
    """Return how many executions wait for a worker of this kind, counting at most `limit`."""
    suspect = t.executions.c.crashes == CRASHES_BEFORE_ISOLATION
    wanted = sa.and_(t.executions.c.status == _QUEUED, suspect if isolated else sa.not_(suspect))
    query = sa.select(sa.func.count()).select_from(
        sa.select(t.executions.c.id).where(wanted).limit(limit).subquery()
    )
    with store.read_across() as tx:
        return int(tx.conn.execute(query).scalar_one())


def wake_due(store: Store, now: datetime) -> int:
    """Queue every execution whose timer or retry is due, or whose connection is there; returns how many.

    Who authorizes a connection queues what waits for it then; this finds who began to wait just behind.
    """
    table = t.executions
    timed = table.c.wait_reason.in_([str(WaitReason.TIMER), str(WaitReason.RETRY)])
    reconnected = sa.exists().where(
        t.connections.c.tenant_id == table.c.tenant_id,
        t.connections.c.status == str(ConnectionStatus.CONNECTED),
        sa.or_(t.connections.c.id == table.c.wait_on, t.connections.c.connector == table.c.wait_on),
    )
    due = sa.or_(
        sa.and_(timed, table.c.wake_at <= now),
        sa.and_(table.c.wait_reason == str(WaitReason.CONNECTION), reconnected),
    )
    with store.begin_across() as tx:
        return tx.conn.execute(
            sa.update(table)
            .where(table.c.status == str(ExecutionStatus.WAITING), due)
            .values(status=_QUEUED, wait_reason=None, wait_on=None, wake_at=None)
        ).rowcount


def recover_expired(store: Store, now: datetime) -> int:
    """Queue every running execution whose lease ran out; returns how many."""
    return _requeue(store, t.executions.c.lease_until < now, crashed=True)


def end_leases_of(store: Store, owner: str) -> int:
    """Queue what a worker held that is known to be dead, without waiting for its leases; returns how many."""
    return _requeue(store, t.executions.c.lease_owner == owner, crashed=True)


def any_tenant(store: Store) -> bool:
    """Tell whether there is a tenant at all."""
    with store.read_across() as tx:
        return tx.conn.execute(sa.select(t.tenants.c.id).limit(1)).first() is not None


def read_fact(store: Store, name: str) -> bytes | None:
    """Return a fact of the installation, or None."""
    with store.read_across() as tx:
        query = sa.select(t.installation.c.value).where(t.installation.c.name == name)
        return tx.conn.execute(query).scalar_one_or_none()


def write_fact(store: Store, name: str, value: bytes) -> None:
    """Keep a fact of the installation for good; a second one of that name is refused by the database."""
    with store.begin_across() as tx:
        tx.conn.execute(sa.insert(t.installation).values(name=name, value=value))


def _requeue(store: Store, *where: sa.ColumnElement[bool], crashed: bool) -> int:
    table = t.executions
    values: dict[str, Any] = {
        "status": _QUEUED,
        "fence": table.c.fence + 1,
        "lease_owner": None,
        "lease_until": None,
        **({"crashes": table.c.crashes + 1} if crashed else {}),
    }
    with store.begin_across() as tx:
        return tx.conn.execute(
            sa.update(table).where(table.c.status == _RUNNING, *where).values(values)
        ).rowcount
