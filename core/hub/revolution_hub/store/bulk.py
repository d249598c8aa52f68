"""Many rows in one statement, the same on both databases. Rows of one call have the same columns."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from revolution_hub.store.connect import POSTGRESQL

Rows = Sequence[dict[str, Any]]
AnyInsert = postgresql.Insert | sqlite.Insert


def insert_into(conn: Connection, table: sa.Table) -> AnyInsert:
    """Return the insert of the connection's own dialect, which knows what to do about conflicts."""
    return postgresql.insert(table) if conn.dialect.name == POSTGRESQL else sqlite.insert(table)


def add(conn: Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows; any conflict is an error."""
    if rows:
        conn.execute(insert_into(conn, table), rows)


def add_missing(conn: Connection, table: sa.Table, rows: Rows) -> None:
    """Insert the rows that are not there yet."""
    if rows:
        conn.execute(insert_into(conn, table).on_conflict_do_nothing(), rows)


def add_new(conn: Connection, table: sa.Table, rows: Rows) -> set[str]:
    """Insert the rows that break no uniqueness and return the ids of those, and of no others.

    What was inserted is what the database returns: the row count of such a statement says nothing.
    """
    if not rows:
        return set()
    statement = insert_into(conn, table).on_conflict_do_nothing().returning(table.c.id)
    return set(conn.execute(statement, rows).scalars())


def put(conn: Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows, or replace those with the same primary key. A key may occur only once in a call."""
    if not rows:
        return
    statement = insert_into(conn, table)
    keys = [column.name for column in table.primary_key]
    rest = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    conn.execute(statement.on_conflict_do_update(index_elements=keys, set_=rest), rows)


def by(rows: Iterable[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Return the rows in the order of these columns: two batches that meet wait for each other, not both."""
    return sorted(rows, key=lambda row: tuple(row[name] for name in names))
