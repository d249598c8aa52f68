"""Connections and provider apps."""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from revolution_hub.errors import ConflictError
from revolution_hub.model.connection import Connection, ProviderApp, Sealed
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.store import health, renewals, shares
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, found, one_row, sealed_columns, sealed_of, value_of
from revolution_hub.store.tx import Tx


def add(tx: Tx, connection: Connection, by_id: str | None = None) -> None:
    """Keep a new connection, the first one of its connector as its default.

    Raises ConflictError if the connector has one of that name.
    """
    try:
        tx.conn.execute(sa.insert(t.connections).values(columns_of(connection)))
    except sa.exc.IntegrityError as error:
        raise _name_taken(connection.connector, connection.name) from error
    health.note(tx, connection.id, connection.status, connection.status_reason, connection.created_at, by_id)
    _have_default(tx, connection.connector)


def get(tx: Tx, connection_id: str) -> Connection:
    """Return a connection or raise NotFoundError."""
    return connection_of(found(one_row(tx, t.connections, t.connections.c.id == connection_id), "connection"))


def find_all(tx: Tx, ids: Collection[str]) -> dict[str, Connection]:
    """Return these connections by their ids, as far as they are there."""
    table = t.connections
    query = sa.select(table).where(table.c.tenant_id == tx.tenant_id, table.c.id.in_(sorted(ids)))
    return {row["id"]: connection_of(row) for row in tx.conn.execute(query).mappings()}


def find_for(tx: Tx, connector: str, name: str | None) -> Connection | None:
    """Return the connector's connection of that name; without a name its default one."""
    given = {"tenant": tx.tenant_id, "connector": connector, "name": name}
    row = tx.conn.execute(_finding(name is not None), given).mappings().one_or_none()
    return connection_of(row) if row else None


@lru_cache
def _finding(named: bool) -> sa.Select[Any]:
    # Asked before each call of an action, so the statement is built once.
    table = t.connections
    query = sa.select(table).where(
        table.c.tenant_id == sa.bindparam("tenant"), table.c.connector == sa.bindparam("connector")
    )
    if named:
        query = query.where(table.c.name == sa.bindparam("name"))
    return query.order_by(table.c.is_default.desc(), table.c.id).limit(1)


def ids_of(tx: Tx, connector: str) -> list[str]:
    """Return the ids of a connector's connections."""
    table = t.connections
    query = sa.select(table.c.id).where(table.c.tenant_id == tx.tenant_id, table.c.connector == connector)
    return list(tx.conn.execute(query.order_by(table.c.id)).scalars())


def list_page(
    tx: Tx, page: Page, connector: str | None, *, only: sa.Select[Any] | None = None
) -> tuple[list[Connection], str | None]:
    """Return one page of connections, of one connector if it is named; with `only`, of what it selects."""
    where = [] if only is None else [t.connections.c.id.in_(only)]
    rows, cursor = page_rows(tx, t.connections, page, {"connector": connector}, where)
    return [connection_of(row) for row in rows], cursor


def count_by_connector(tx: Tx) -> dict[str, dict[str, int]]:
    """Return how many connections there are per connector and status."""
    table = t.connections
    query = (
        sa.select(table.c.connector, table.c.status, sa.func.count())
        .where(table.c.tenant_id == tx.tenant_id)
        .group_by(table.c.connector, table.c.status)
    )
    counted: dict[str, dict[str, int]] = {}
    for connector, status, count in tx.conn.execute(query):
        counted.setdefault(connector, {})[status] = count
    return counted


def replace_credential(
    tx: Tx,
    connection: Connection,
    sealed: Sealed,
    *,
    status: ConnectionStatus,
    reason: str | None,
    now: datetime,
    revision: int | None = None,
    by_id: str | None = None,
) -> bool:
    """Store a new credential if nobody stored another meanwhile; True if it was stored.

    A person's change comes with the connection's next `revision`, and is stored if nobody else has changed
    the connection. With it comes what the connection says it belongs to: address, account, scopes, app, kind.
    """
    table = t.connections
    same = [] if revision is None else [table.c.revision == connection.revision]
    done = tx.conn.execute(
        sa.update(table)
        .where(
            table.c.tenant_id == tx.tenant_id,
            table.c.id == connection.id,
            table.c.sealed_version == connection.credential.version,
            *same,
        )
        .values(
            **sealed_columns(sealed),
            **renewals.RENEWED,
            status=str(status),
            status_reason=reason,
            updated_at=now,
            revision=revision or table.c.revision,
            base_url=connection.base_url,
            account=connection.account,
            scopes=connection.scopes,
            app_id=connection.app_id,
            auth_kind=connection.auth_kind,
        )
    )
    if done.rowcount == 1 and connection.status is not status:
        health.note(tx, connection.id, status, reason, now, by_id)
    return done.rowcount == 1


def set_status(
    tx: Tx,
    connection: Connection,
    status: ConnectionStatus,
    reason: str | None,
    now: datetime,
    *,
    by_id: str | None = None,
    revision: int | None = None,
    version: int | None = None,
) -> bool:
    """Say how a connection stands, and why; False if a person has changed it since it was read.

    A person's word comes with the connection's next `revision`. With a `version` it is about that one of
    the credential, and False is answered as well if it was renewed.
    """
    table = t.connections
    about = [] if version is None else [table.c.sealed_version == version]
    done = tx.conn.execute(
        sa.update(table)
        .where(
            table.c.tenant_id == tx.tenant_id,
            table.c.id == connection.id,
            table.c.revision == connection.revision,
            table.c.status == str(connection.status),
            *about,
        )
        .values(
            status=str(status),
            status_reason=reason,
            updated_at=now,
            revision=revision or table.c.revision,
        )
    )
    if done.rowcount == 1 and connection.status is not status:
        health.note(tx, connection.id, status, reason, now, by_id)
    return done.rowcount == 1


def rename(tx: Tx, connection: Connection, name: str, revision: int, now: datetime) -> bool:
    """Give a connection another name; False if it was changed since. Raises ConflictError if it is taken."""
    try:
        return _change(tx, connection, revision, {"name": name, "updated_at": now})
    except sa.exc.IntegrityError as error:
        raise _name_taken(connection.connector, name) from error


def make_default(tx: Tx, connection: Connection, revision: int, now: datetime) -> bool:
    """Let a connection be its connector's default in the place of another; False if it was changed since."""
    table = t.connections
    tx.conn.execute(
        sa.update(table)
        .where(
            table.c.tenant_id == tx.tenant_id,
            table.c.connector == connection.connector,
            table.c.is_default,
            table.c.id != connection.id,
        )
        .values(is_default=False)
    )
    return _change(tx, connection, revision, {"is_default": True, "updated_at": now})


def _change(tx: Tx, connection: Connection, revision: int, values: dict[str, Any]) -> bool:
    table = t.connections
    done = tx.conn.execute(
        sa.update(table)
        .where(table.c.tenant_id == tx.tenant_id, table.c.id == connection.id, table.c.revision == revision)
        .values(revision=revision + 1, **values)
    )
    return done.rowcount == 1


def _have_default(tx: Tx, connector: str) -> None:
    """Let the oldest connection of a connector be its default, if it has none."""
    table, other = t.connections, t.connections.alias("other")
    same = [other.c.tenant_id == tx.tenant_id, other.c.connector == connector]
    oldest = sa.select(sa.func.min(other.c.id)).where(*same).scalar_subquery()
    has = sa.select(other.c.id).where(*same, other.c.is_default).exists()
    change = sa.update(table).where(table.c.tenant_id == tx.tenant_id, table.c.id == oldest, sa.not_(has))
    try:
        with tx.conn.begin_nested():
            tx.conn.execute(change.values(is_default=True))
    except sa.exc.IntegrityError:
        # Somebody connected another account at this very moment, and that one is the default now.
        return


def _name_taken(connector: str, name: str) -> ConflictError:
    return ConflictError(f"there is already a {connector} connection named {name!r}", code="name_taken")


def count_all(tx: Tx) -> int:
    """Count the tenant's connections."""
    query = sa.select(sa.func.count()).select_from(t.connections)
    return int(tx.conn.execute(query.where(t.connections.c.tenant_id == tx.tenant_id)).scalar_one())


def remove(tx: Tx, connection_id: str) -> bool:
    """Delete a connection with its credential, its shares and its health; False if it was not there.

    If it was its connector's default, the oldest one that is left takes its place.
    """
    shares.remove_all_of(tx, connection_id)
    health.remove_all_of(tx, connection_id)
    table = t.connections
    gone = tx.conn.execute(
        sa.delete(table)
        .where(table.c.tenant_id == tx.tenant_id, table.c.id == connection_id)
        .returning(table.c.connector)
    ).scalar_one_or_none()
    if gone is not None:
        _have_default(tx, gone)
    return gone is not None


def app_of(row: RowMapping) -> ProviderApp:
    """Build a provider app from its row."""
    return value_of(ProviderApp, row, secret=sealed_of(row))


def connection_of(row: RowMapping) -> Connection:
    """Build a connection from its row."""
    return value_of(Connection, row, credential=sealed_of(row), status=ConnectionStatus(row["status"]))
