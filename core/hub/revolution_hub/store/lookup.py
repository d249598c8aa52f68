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
from revolution_hub.store.prepared import Prepared, Row

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
        found = self._fetched(value)
        if found is None:
            return None
        row = list(found)
        for place, reader in self._readers:
            row[place] = reader(row[place])
        return tuple(row)

    def _fetched(self, value: str) -> Row | None:
        try:
            pooled = self._engine.raw_connection()
        except (sa.exc.TimeoutError, sa.exc.DBAPIError, *_AWAY) as error:
            raise StoreError(AWAY, reason=one_line(error)) from error
        try:
            row = self._asked(pooled, value)
        except _AWAY as error:
            pooled.invalidate(error)
            raise StoreError(AWAY, reason=one_line(error)) from error
        finally:
            pooled.close()
        return row

    def _asked(self, pooled: PoolProxiedConnection, value: str) -> Row | None:
        if self._positional:
            found: Row | None = self._cursor_of(pooled).execute(self._text, (value,)).fetchone()
            return found
        prepared = self._prepared_on(pooled)
        if prepared.usable:
            answered, row = prepared.fetch(value)
            if answered:
                return row
        # The cursor asks again, and raises what the server has against it.
        again: Row | None = self._cursor_of(pooled).execute(self._text, {self._name: value}).fetchone()
        return again

    def _prepared_on(self, pooled: PoolProxiedConnection) -> Prepared:
        """Return this query as the connection has prepared it; of each there is one per connection."""
        prepared: Prepared | None = pooled.info.get(self)
        if prepared is None:
            driver: Any = pooled.driver_connection
            text = self._text.replace(f"%({self._name})s", "$1").replace("%%", "%")
            prepared = pooled.info[self] = Prepared(driver, f"lookup_{id(self)}", text)
        return prepared

    def _cursor_of(self, pooled: PoolProxiedConnection) -> Any:
        """Return the connection's cursor for look-ups; making one takes a third of the time of a query."""
        cursor = pooled.info.get(_CURSOR)
        if cursor is None:
            driver: Any = pooled.driver_connection
            cursor = driver.cursor() if self._positional else driver.cursor(binary=True)
            pooled.info[_CURSOR] = cursor
        return cursor
