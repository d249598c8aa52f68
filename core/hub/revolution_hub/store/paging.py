"""Pages of a list: sorted by id, which is by time of making, and continued behind a cursor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from revolution_hub.store.tx import Tx

LARGEST_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What part of a list is wanted. `after` is the last id of the page before; newest first by default."""

    limit: int = 50
    after: str | None = None
    newest_first: bool = True


def page_rows(
    tx: Tx,
    table: sa.Table,
    page: Page,
    filters: Mapping[str, str | None],
    where: Sequence[sa.ColumnElement[bool]] = (),
    *,
    key: str = "id",
    through: str | None = None,
) -> tuple[Sequence[RowMapping], str | None]:
    """Return the tenant's rows of one page and the cursor for the next one, None at the end.

    `filters` compares columns for equality; a value of None leaves that column alone. `key` is the column
    that the pages are sorted and continued by. `through` is the index that answers, where SQLite, which keeps
    no figures, would guess another one.
    """
    column = table.c[key]
    query = sa.select(table).where(table.c.tenant_id == tx.tenant_id, *where)
    if through is not None:
        query = query.with_hint(table, f"INDEXED BY {through}", "sqlite")
    for name, wanted in filters.items():
        if wanted is not None:
            query = query.where(table.c[name] == wanted)
    if page.after is not None:
        after = column.type.python_type(page.after)
        query = query.where(column < after if page.newest_first else column > after)
    query = query.order_by(column.desc() if page.newest_first else column.asc()).limit(page.limit + 1)
    rows = tx.conn.execute(query).mappings().all()
    more = len(rows) > page.limit
    return rows[: page.limit], str(rows[page.limit - 1][key]) if more else None
