"""apps: provider apps, which belong to one tenant or to the whole installation."""

import sqlalchemy as sa

from revolution_hub.model.connection import Connection, ProviderApp, Sealed
from revolution_hub.store import tables as t
from revolution_hub.store.connections import app_of, connection_of
from revolution_hub.store.rows import columns_of, sealed_columns
from revolution_hub.store.tx import Tx

_TABLE = t.provider_apps


def add(tx: Tx, app: ProviderApp) -> None:
    """Keep a provider app."""
    tx.conn.execute(sa.insert(_TABLE).values(columns_of(app)))


def find(tx: Tx, app_id: str) -> ProviderApp | None:
    """Return a provider app the tenant may connect through: its own or the installation's, or None."""
    row = tx.conn.execute(sa.select(_TABLE).where(_TABLE.c.id == app_id, _open_to(tx))).mappings().first()
    return app_of(row) if row else None


def list_open(tx: Tx, connector: str) -> list[ProviderApp]:
    """Return the connector's apps the tenant may connect through, the oldest first."""
    query = sa.select(_TABLE).where(_TABLE.c.connector == connector, _open_to(tx)).order_by(_TABLE.c.id)
    return [app_of(row) for row in tx.conn.execute(query).mappings()]


def list_owned(tx: Tx, *, shared: bool) -> list[str]:
    """Return the ids of the tenant's own apps, and with `shared` those of the installation."""
    where = _open_to(tx) if shared else _TABLE.c.owner_tenant_id == tx.tenant_id
    return list(tx.conn.execute(sa.select(_TABLE.c.id).where(where).order_by(_TABLE.c.id)).scalars())


def replace_secret(tx: Tx, app: ProviderApp, sealed: Sealed) -> bool:
    """Store another secret unless somebody stored one since the app was read; True if it was stored."""
    same = (_TABLE.c.id == app.id, _TABLE.c.sealed_version == app.secret.version, _open_to(tx))
    return tx.conn.execute(sa.update(_TABLE).where(*same).values(sealed_columns(sealed))).rowcount == 1


def connections_through(tx: Tx, app_id: str) -> list[Connection]:
    """Return the tenant's connections that are authorized through an app."""
    table = t.connections
    query = sa.select(table).where(table.c.tenant_id == tx.tenant_id, table.c.app_id == app_id)
    return [connection_of(row) for row in tx.conn.execute(query.order_by(table.c.id)).mappings()]


def remove(tx: Tx, app_id: str) -> bool:
    """Delete a provider app the tenant may connect through; False if it was not there."""
    return tx.conn.execute(sa.delete(_TABLE).where(_TABLE.c.id == app_id, _open_to(tx))).rowcount == 1


def _open_to(tx: Tx) -> sa.ColumnElement[bool]:
    return sa.or_(_TABLE.c.owner_tenant_id == tx.tenant_id, _TABLE.c.owner_tenant_id.is_(None))
