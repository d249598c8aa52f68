"""lookup: a query for one row that every request makes, compiled once and handed to the driver as it is.

What SQLAlchemy does for each query by itself takes several times as long as the databases need for these.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.pool import PoolProxiedConnection

from revolution_hub.store.errors import AWAY, StoreError, one_line

Row = tuple[Any, ...]

_CURSOR: Final = "lookup"

_AWAY: Final = (
    sqlite3.OperationalError,
    sqlite3.InterfaceError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.InternalError,
)


class Lookup:
    """One query with one value to look for, for one database."""

    def __init__(self, engine: Engine, query: sa.Select[Any]) -> None:
        compiled = query.compile(dialect=engine.dialect)
        (self._name,) = compiled.params
        self._positional = compiled.positional
        self._text = str(compiled)
        self._engine = engine
        self._readers: list[tuple[int, Callable[[Any], Any]]] = [
            (place, reader)
            for place, column in enumerate(query.selected_columns)
            if (reader := column.type.dialect_impl(engine.dialect).result_processor(engine.dialect, None))
        ]

    def find(self, value: str) -> Row | None:
        """Return the row, each column as its type reads it, or None. Raises StoreError if nothing answers."""
        found = self._fetched((value,) if self._positional else {self._name: value})
        if found is None:
            return None
        row = list(found)
        for place, reader in self._readers:
            row[place] = reader(row[place])
        return tuple(row)

    def _fetched(self, values: Any) -> Row | None:
        try:
            pooled = self._engine.raw_connection()
        except (sa.exc.TimeoutError, sa.exc.DBAPIError, *_AWAY) as error:
            raise StoreError(AWAY, reason=one_line(error)) from error
        try:
            row: Row | None = self._cursor_of(pooled).execute(self._text, values).fetchone()
        except _AWAY as error:
            pooled.invalidate(error)
            raise StoreError(AWAY, reason=one_line(error)) from error
        finally:
            pooled.close()
        return row

    def _cursor_of(self, pooled: PoolProxiedConnection) -> Any:
        """Return the connection's cursor for look-ups; making one takes a third of the time of a query."""
        cursor = pooled.info.get(_CURSOR)
        if cursor is None:
            driver: Any = pooled.driver_connection
            cursor = driver.cursor() if self._positional else driver.cursor(binary=True)
            pooled.info[_CURSOR] = cursor
        return cursor
