"""Between rows and values. Field and column names agree; sealed secrets take three columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from operator import attrgetter
from typing import Any, TypeVar, get_args, get_type_hints

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from revolution_hub.errors import NotFoundError
from revolution_hub.model.connection import Sealed
from revolution_hub.store.tx import Tx

T = TypeVar("T")


def columns_of(value: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a frozen value's fields as column values, enums as text, a Sealed as its three columns."""
    kind = _kind(type(value), without)
    found = dict(zip(kind.names, kind.read(value), strict=True))
    for name in kind.enums:
        if found[name] is not None:
            found[name] = found[name].value
    for name in kind.sealed:
        found |= sealed_columns(found.pop(name))
    return found


def rows_of(values: Sequence[Any], *, seldom: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return values of one class as rows of the same columns.

    Those of `seldom` are left out if none of the values has anything there: what nobody names is NULL, and
    costs nothing to write.
    """
    # Of a single name it reads no tuple.
    read, nothing = attrgetter(*seldom), (None,) * len(seldom) if len(seldom) > 1 else None
    without = seldom if all(read(one) == nothing for one in values) else ()
    return [columns_of(one, without=without) for one in values]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is known of a frozen value's class, looked up once because rows are made by the thousand."""

    names: tuple[str, ...]
    read: Callable[[Any], tuple[Any, ...]]
    enums: tuple[str, ...]
    sealed: tuple[str, ...]


_KINDS: dict[tuple[type, tuple[str, ...]], _Kind] = {}


def _kind(kind: type, without: tuple[str, ...] = ()) -> _Kind:
    known = _KINDS.get((kind, without))
    if known is None:
        known = _KINDS[kind, without] = _looked_at(kind, without)
    return known


def _looked_at(kind: Any, without: tuple[str, ...]) -> _Kind:
    hints = get_type_hints(kind)
    names = tuple(one.name for one in fields(kind) if one.name not in without)
    return _Kind(
        names=names,
        read=attrgetter(*names),
        enums=tuple(name for name in names if _holds(hints[name], Enum)),
        sealed=tuple(name for name in names if _holds(hints[name], Sealed)),
    )


def _holds(hint: Any, kind: type) -> bool:
    return any(isinstance(one, type) and issubclass(one, kind) for one in (hint, *get_args(hint)))


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
    return kind(**{name: row[name] for name in _kind(kind).names if name not in instead}, **instead)


def one_row(tx: Tx, table: sa.Table, *where: sa.ColumnElement[bool]) -> RowMapping | None:
    """Return the tenant's single row that matches, or None."""
    query = sa.select(table).where(table.c.tenant_id == tx.tenant_id, *where)
    return tx.conn.execute(query).mappings().one_or_none()


def found(row: RowMapping | None, what: str) -> RowMapping:
    """Return the row or raise NotFoundError naming `what` was asked for."""
    if row is None:
        raise NotFoundError(f"there is no such {what}")
    return row
