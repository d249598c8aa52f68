"""Between rows and values. Field and column names agree; sealed secrets take three columns."""

from dataclasses import fields
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from revolution_hub.errors import NotFoundError
from revolution_hub.model.connection import Sealed
from revolution_hub.store.tx import Tx

T = TypeVar("T")


def columns_of(value: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a frozen value's fields as column values, enums as text, a Sealed as its three columns."""
    found: dict[str, Any] = {}
    for one in fields(value):
        if one.name in without:
            continue
        content = getattr(value, one.name)
        if one.name in ("credential", "secret"):
            found |= sealed_columns(content)
        else:
            found[one.name] = str(content) if isinstance(content, str) else content
    return found


def sealed_columns(sealed: Sealed | None) -> dict[str, Any]:
    """Return the three columns of a sealed secret."""
    if sealed is None:
        return {"sealed": None, "sealed_key_id": None, "sealed_version": None}
    return {"sealed": sealed.blob, "sealed_key_id": sealed.key_id, "sealed_version": sealed.version}


def sealed_of(row: RowMapping) -> Sealed | None:
    """Return the sealed secret of a row, or None."""
    if row["sealed"] is None:
        return None
    return Sealed(blob=row["sealed"], key_id=row["sealed_key_id"], version=row["sealed_version"])


def value_of(kind: type[T], row: RowMapping, **instead: Any) -> T:
    """Build a frozen value from a row; `instead` gives fields that are not plain columns."""
    names = [one.name for one in fields(kind) if one.name not in instead]  # type: ignore[arg-type]
    return kind(**{name: row[name] for name in names}, **instead)


def one_row(tx: Tx, table: sa.Table, *where: sa.ColumnElement[bool]) -> RowMapping | None:
    """Return the tenant's single row that matches, or None."""
    query = sa.select(table).where(table.c.tenant_id == tx.tenant_id, *where)
    return tx.conn.execute(query).mappings().one_or_none()


def found(row: RowMapping | None, what: str) -> RowMapping:
    """Return the row or raise NotFoundError naming `what` was asked for."""
    if row is None:
        raise NotFoundError(f"there is no such {what}")
    return row
