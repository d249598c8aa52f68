"""Everything that is sealed, wherever it is: every table with the columns of a sealed secret.

A table joins by having those columns, an id of one column to whose value its secrets are bound, and the
tenant they belong to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from revolution_hub.model.connection import Sealed
from revolution_hub.store import tables as t
from revolution_hub.store.rows import sealed_columns, sealed_of
from revolution_hub.store.tx import Store, Tx

INSTALLATION = "installation"
"""The owner of secrets that belong to no tenant, such as a shared provider app's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRow:
    """One sealed secret: the table it is in, the id of its owner there, and the secret."""

    table: str
    owner_id: str
    secret: Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Under:
    """How many secrets of a table are sealed with a data key."""

    table: str
    key_id: str
    count: int


PLACES = {table.name: table for table in t.metadata.sorted_tables if "sealed" in table.columns}
"""The tables that hold sealed secrets, by name."""


def owner_column(table: sa.Table) -> sa.ColumnElement[str]:
    """Return the column whose value a secret of this table is bound to."""
    (column,) = table.primary_key.columns
    return column


def tenant_column(table: sa.Table) -> sa.ColumnElement[str]:
    """Return the column that says whose a secret is; where it is empty, it is the installation's."""
    return table.c.tenant_id if "tenant_id" in table.columns else table.c.owner_tenant_id


def list_sealed(
    tx: Tx, table_name: str, *, after: str = "", limit: int, not_under: str | None = None
) -> list[SealedRow]:
    """Return the tenant's next secrets in a table in the order of their owners, behind the owner `after`.

    With `not_under` only those that are sealed with another data key.
    """
    table = PLACES[table_name]
    owner = owner_column(table)
    where = [_mine(tx, table), table.c.sealed.is_not(None), owner > after]
    if not_under is not None:
        where.append(table.c.sealed_key_id != not_under)
    columns = (owner.label("owner_id"), table.c.sealed, table.c.sealed_key_id, table.c.sealed_version)
    rows = tx.conn.execute(sa.select(*columns).where(*where).order_by(owner).limit(limit)).mappings()
    return list(_rows(table_name, rows.all()))


def _rows(table_name: str, rows: Any) -> Iterator[SealedRow]:
    for row in rows:
        secret = sealed_of(row)
        if secret is not None:
            yield SealedRow(table=table_name, owner_id=row["owner_id"], secret=secret)


def replace_sealed(tx: Tx, row: SealedRow, secret: Sealed) -> bool:
    """Store a secret sealed anew; False if it is not the one that was read any more."""
    table = PLACES[row.table]
    same = (_mine(tx, table), owner_column(table) == row.owner_id, table.c.sealed == row.secret.blob)
    return tx.conn.execute(sa.update(table).where(*same).values(sealed_columns(secret))).rowcount == 1


def count_sealed(tx: Tx) -> list[Under]:
    """Count the tenant's secrets by table and data key."""
    return [one for table in PLACES.values() for one in _counted(tx, table)]


def _counted(tx: Tx, table: sa.Table) -> Iterator[Under]:
    query = (
        sa.select(table.c.sealed_key_id, sa.func.count())
        .where(_mine(tx, table), table.c.sealed.is_not(None))
        .group_by(table.c.sealed_key_id)
        .order_by(table.c.sealed_key_id)
    )
    for key_id, count in tx.conn.execute(query):
        yield Under(table=table.name, key_id=key_id, count=count)


def _mine(tx: Tx, table: sa.Table) -> sa.ColumnElement[bool]:
    column = tenant_column(table)
    if tx.tenant_id == INSTALLATION and column.name != "tenant_id":
        return column.is_(None)
    return column == tx.tenant_id


def tenants_with_keys(store: Store) -> list[str]:
    """Return the owners of data keys: tenants, and perhaps the installation."""
    query = sa.select(t.data_keys.c.tenant_id).distinct().order_by(t.data_keys.c.tenant_id)
    with store.read_across() as tx:
        return list(tx.conn.execute(query).scalars())


def count_by_master_key(store: Store) -> dict[str | None, int]:
    """Count all data keys by the master key they are wrapped with; None for those of an older release."""
    table = t.data_keys
    query = sa.select(table.c.master_key_id, sa.func.count()).group_by(table.c.master_key_id)
    with store.read_across() as tx:
        return {row[0]: row[1] for row in tx.conn.execute(query)}
