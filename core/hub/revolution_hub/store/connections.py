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
from revolution_hub.store import shares
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, found, one_row, sealed_columns, sealed_of, value_of
from revolution_hub.store.tx import Tx


def add(tx: Tx, connection: Connection) -> None:
    """Keep a new connection; raises ConflictError if the connector has one of that name."""
    try:
        tx.conn.execute(sa.insert(t.connections).values(columns_of(connection)))
    except sa.exc.IntegrityError as error:
        raise ConflictError(
            f"there is already a {connection.connector} connection named {connection.name!r}",
            code="name_taken",
        ) from error


def get(tx: Tx, connection_id: str) -> Connection:
    """Return a connection or raise NotFoundError."""
    return connection_of(found(one_row(tx, t.connections, t.connections.c.id == connection_id), "connection"))


def find_all(tx: Tx, ids: Collection[str]) -> dict[str, Connection]:
    """Return these connections by their ids, as far as they are there."""
    table = t.connections
    query = sa.select(table).where(table.c.tenant_id == tx.tenant_id, table.c.id.in_(sorted(ids)))
    return {row["id"]: connection_of(row) for row in tx.conn.execute(query).mappings()}


def find_for(tx: Tx, connector: str, name: str | None) -> Connection | None:
    """Return the connector's connection of that name; without a name the oldest one, its default."""
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
    return query.order_by(table.c.id).limit(1)


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
) -> bool:
    """Store a new credential if nobody stored another meanwhile; True if it was stored.

    A person's change comes with the connection's next `revision`, a renewal by the hub with none.
    """
    table = t.connections
    done = tx.conn.execute(
        sa.update(table)
        .where(
            table.c.tenant_id == tx.tenant_id,
            table.c.id == connection.id,
            table.c.sealed_version == connection.credential.version,
        )
        .values(
            **sealed_columns(sealed),
            status=str(status),
            status_reason=reason,
            updated_at=now,
            revision=revision or table.c.revision,
        )
    )
    return done.rowcount == 1


def set_status(tx: Tx, connection: Connection, status: ConnectionStatus, reason: str, now: datetime) -> bool:
    """Say how a connection stands, and why; False if a person has changed it since it was read."""
    table = t.connections
    done = tx.conn.execute(
        sa.update(table)
        .where(
            table.c.tenant_id == tx.tenant_id,
            table.c.id == connection.id,
            table.c.revision == connection.revision,
        )
        .values(status=str(status), status_reason=reason, updated_at=now)
    )
    return done.rowcount == 1


def count_all(tx: Tx) -> int:
    """Count the tenant's connections."""
    query = sa.select(sa.func.count()).select_from(t.connections)
    return int(tx.conn.execute(query.where(t.connections.c.tenant_id == tx.tenant_id)).scalar_one())


def remove(tx: Tx, connection_id: str) -> bool:
    """Delete a connection with its credential and its shares; False if it was not there."""
    shares.remove_all_of(tx, connection_id)
    done = tx.conn.execute(
        sa.delete(t.connections).where(
            t.connections.c.tenant_id == tx.tenant_id, t.connections.c.id == connection_id
        )
    )
    return done.rowcount == 1


def take_refresh(tx: Tx, connection_id: str, owner: str, now: datetime, until: datetime) -> bool:
    """Take the right to refresh the credential until then; False while somebody else has it."""
    table = t.connections
    done = tx.conn.execute(
        sa.update(table)
        .where(
            table.c.tenant_id == tx.tenant_id,
            table.c.id == connection_id,
            sa.or_(table.c.refresh_until.is_(None), table.c.refresh_until < now),
        )
        .values(refresh_owner=owner, refresh_until=until)
    )
    return done.rowcount == 1


def end_refresh(tx: Tx, connection_id: str, owner: str) -> None:
    """Give the right to refresh back, if it is still ours."""
    table = t.connections
    tx.conn.execute(
        sa.update(table)
        .where(table.c.tenant_id == tx.tenant_id, table.c.id == connection_id, table.c.refresh_owner == owner)
        .values(refresh_owner=None, refresh_until=None)
    )


def app_of(row: RowMapping) -> ProviderApp:
    """Build a provider app from its row."""
    return value_of(ProviderApp, row, secret=sealed_of(row))


def connection_of(row: RowMapping) -> Connection:
    """Build a connection from its row."""
    return value_of(Connection, row, credential=sealed_of(row), status=ConnectionStatus(row["status"]))
