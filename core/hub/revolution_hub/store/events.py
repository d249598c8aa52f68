"""events: the log of what came in, page by page, and what is known of one of them.

An index leads to a tenant's events in their order and to nothing else, so a page looks at a bounded stretch
of them and may hold fewer than it has room for: its cursor goes on where it stopped looking.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from revolution_hub.model.event import Event, EventOutcome, EventSource
from revolution_hub.model.ids import first_id
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.store import tables as t
from revolution_hub.store.listing import workflow_ids
from revolution_hub.store.paging import Page
from revolution_hub.store.payloads import files_of, whole
from revolution_hub.store.rows import found, one_row, value_of
from revolution_hub.store.tx import Tx
from revolution_sdk.types import Json

SCANNED = 10_000
"""So many events one page looks at."""
READ = 1_000
"""So many of them it reads the data of."""
MOST_SHOWN = 100
_CHUNK = 100

_TABLE = t.events
_IN_ORDER = "ix_events_tenant_id_id"

Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events are wanted; without anything all.

    `type` may end in `.*`. `after` is the first moment that counts, `before` the first that does not, and
    `before_id` the first id. `path` leads to a member of the data that reads like `value`. With `failed`
    only those of which an execution has failed, by the time that one was started.
    """

    type: str | None = None
    canonical: str | None = None
    connector: str | None = None
    connection_id: str | None = None
    source: EventSource | None = None
    source_id: str | None = None
    outcome: EventOutcome | None = None
    after: datetime | None = None
    before: datetime | None = None
    before_id: str | None = None
    path: tuple[str | int, ...] | None = None
    value: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedBy:
    """An execution that an event started; `replay` says that somebody had the event repeated."""

    event_id: str
    execution_id: str
    workflow_id: str
    status: ExecutionStatus
    replay: bool


def get(tx: Tx, event_id: str, *, strict: bool = True) -> Event:
    """Return an event with its data or raise NotFoundError; PayloadError if they cannot be had.

    Unless `strict`, a note stands in the place of what cannot be had.
    """
    row = found(one_row(tx, _TABLE, _TABLE.c.id == event_id), "event")
    return event_of(row, data=whole(files_of(tx.conn), row["data"], strict=strict))


def list_page(tx: Tx, page: Page, wanted: EventFilter) -> tuple[list[Event], str | None]:
    """Return one page of events, without data that are kept in files, and the cursor for the next."""
    if wanted.failed:
        return _failed_page(tx, page, wanted)
    stretch = _stretch(tx.tenant_id, page, wanted)
    if wanted.path is not None:
        ids = list(tx.conn.execute(stretch.limit(READ)).scalars())
        found = list(islice(_read_like(tx, ids, wanted), page.limit + 1))
        end = ids[-1] if len(ids) == READ else None
    else:
        conditions = _conditions(wanted)
        end = tx.conn.execute(stretch.offset(SCANNED - 1).limit(1)).scalar() if conditions else None
        found = _matching(tx, stretch, page, conditions, end)
    if len(found) > page.limit:
        return found[: page.limit], found[page.limit - 1].id
    return found, end


def _matching(
    tx: Tx, stretch: sa.Select[Any], page: Page, conditions: Sequence[Condition], end: str | None
) -> list[Event]:
    """Return the first events of a stretch, up to its end, of which the conditions hold."""
    if end is not None:
        stretch = stretch.where(_TABLE.c.id >= end if page.newest_first else _TABLE.c.id <= end)
    query = stretch.with_only_columns(*_TABLE.c, maintain_column_froms=True).where(*conditions)
    return [event_of(row) for row in tx.conn.execute(through(query.limit(page.limit + 1))).mappings()]


def _read_like(tx: Tx, ids: Sequence[str], wanted: EventFilter) -> Iterator[Event]:
    for at in range(0, len(ids), _CHUNK):
        some = ids[at : at + _CHUNK]
        found = list_by_ids(tx, some, wanted)
        yield from (found[one] for one in some if one in found)


def _failed_page(tx: Tx, page: Page, wanted: EventFilter) -> tuple[list[Event], str | None]:
    failed, after = list_failed(tx, page, wanted)
    ids = list(dict.fromkeys(event_id for _, event_id in failed))
    return list(_read_like(tx, ids, wanted)), after


def list_by_ids(tx: Tx, ids: Collection[str], wanted: EventFilter | None = None) -> dict[str, Event]:
    """Return those of these events that are there and wanted, by id."""
    if not ids:
        return {}
    query = sa.select(_TABLE).where(
        _TABLE.c.tenant_id == tx.tenant_id,
        _TABLE.c.id.in_(sorted(ids)),
        *_conditions(wanted or EventFilter()),
    )
    events = (event_of(row) for row in tx.conn.execute(query).mappings())
    path, value = (wanted.path, wanted.value) if wanted else (None, "")
    return {one.id: one for one in events if path is None or reads_like(one.data, path, value)}


def list_started(tx: Tx, event_ids: Collection[str]) -> list[StartedBy]:
    """Return what these events started when they came, and when somebody had them repeated."""
    if not event_ids:
        return []
    table, ids = t.executions, sorted(event_ids)
    columns = (table.c.id, table.c.workflow_id, table.c.status)
    mine = table.c.tenant_id == tx.tenant_id
    started = sa.select(*columns, table.c.event_id.label("event")).where(
        mine, table.c.workflow_id.in_(workflow_ids(tx.tenant_id)), table.c.event_id.in_(ids)
    )
    repeated = t.through(
        sa.select(*columns, table.c.replay_of.label("event")).where(
            mine, t.REPLAY, table.c.replay_of.in_(ids)
        ),
        t.BY_REPLAY,
    )
    return [
        StartedBy(
            event_id=row.event,
            execution_id=row.id,
            workflow_id=row.workflow_id,
            status=ExecutionStatus(row.status),
            replay=replay,
        )
        for replay, query in ((False, started.order_by(table.c.id)), (True, repeated.order_by(table.c.id)))
        for row in tx.conn.execute(query.limit(MOST_SHOWN * len(ids)))
    ]


def list_failed(tx: Tx, page: Page, wanted: EventFilter) -> tuple[list[tuple[str, str]], str | None]:
    """Return executions that events started and that have failed, each with its event, and the cursor."""
    table = t.executions
    failed = sa.select(table.c.id, table.c.event_id, table.c.replay_of).where(
        t.NOTABLE,
        table.c.tenant_id == tx.tenant_id,
        table.c.status == str(ExecutionStatus.FAILED),
        *_behind(table, page, "exe"),
        *_between(table, wanted, "exe"),
    )
    rows = tx.conn.execute(t.through(failed.order_by(_order(table, page)), t.BY_STATUS).limit(SCANNED)).all()
    kept: list[tuple[str, str]] = []
    for row in rows:
        event_id = row.event_id or (row.replay_of if str(row.replay_of).startswith("evt_") else None)
        if event_id is not None:
            kept.append((row.id, event_id))
        if len(kept) == page.limit:
            return kept, row.id
    return kept, rows[-1].id if len(rows) == SCANNED else None


def list_duplicates(tx: Tx, event_id: str) -> list[tuple[str, datetime]]:
    """Return the deliveries that reported an event once more, and when they came."""
    table = t.duplicates
    query = sa.select(table.c.delivery_id, table.c.received_at).where(
        table.c.tenant_id == tx.tenant_id, table.c.event_id == event_id
    )
    rows = tx.conn.execute(query.order_by(table.c.delivery_id).limit(MOST_SHOWN))
    return [(row.delivery_id, row.received_at) for row in rows]


def first_of_delivery(tx: Tx, delivery_ids: Collection[str]) -> dict[str, list[str]]:
    """Return, for deliveries that reported what was known, the events they reported, by delivery."""
    if not delivery_ids:
        return {}
    table = t.duplicates
    query = sa.select(table.c.delivery_id, table.c.event_id).where(
        table.c.tenant_id == tx.tenant_id, table.c.delivery_id.in_(sorted(delivery_ids))
    )
    reported: dict[str, list[str]] = {}
    for row in tx.conn.execute(query.order_by(table.c.delivery_id, table.c.event_id)):
        reported.setdefault(row.delivery_id, []).append(row.event_id)
    return reported


def through(query: sa.Select[Any]) -> sa.Select[Any]:
    """Return the query of events, to be answered in their order.

    SQLite keeps no figures about its tables: the index of what tells two reports of one happening would lead
    it astray.
    """
    return query.with_hint(_TABLE, f"INDEXED BY {_IN_ORDER}", "sqlite")


def reads_like(data: Json, path: Sequence[str | int], value: str) -> bool:
    """Tell whether the member at the path reads like this text: a string as it is, all else as JSON."""
    for name in path:
        if isinstance(name, int):
            if not isinstance(data, list) or name >= len(data):
                return False
            data = data[name]
        elif isinstance(data, dict) and name in data:
            data = data[name]
        else:
            return False
    if isinstance(data, str):
        return data == value
    if data is None or isinstance(data, bool):
        return value == {None: "null", True: "true", False: "false"}[data]
    return isinstance(data, int | float) and str(data) == value


def _stretch(tenant_id: str, page: Page, wanted: EventFilter) -> sa.Select[Any]:
    where = [_TABLE.c.tenant_id == tenant_id, *_behind(_TABLE, page, "evt"), *_between(_TABLE, wanted, "evt")]
    return sa.select(_TABLE.c.id).where(*where).order_by(_order(_TABLE, page))


def _between(table: sa.Table, wanted: EventFilter, prefix: str) -> Iterator[sa.ColumnElement[bool]]:
    # Ids sort by time of making, so a span of time is a span of the index.
    if wanted.after is not None:
        yield table.c.id >= first_id(prefix, wanted.after)
    if wanted.before is not None:
        yield table.c.id < first_id(prefix, wanted.before)
    if wanted.before_id is not None:
        yield table.c.id < f"{prefix}_{wanted.before_id.partition('_')[2]}"


def _behind(table: sa.Table, page: Page, prefix: str) -> list[sa.ColumnElement[bool]]:
    if page.after is None:
        return []
    after = f"{prefix}_{page.after.partition('_')[2]}"
    return [table.c.id < after if page.newest_first else table.c.id > after]


def _order(table: sa.Table, page: Page) -> sa.ColumnElement[Any]:
    return table.c.id.desc() if page.newest_first else table.c.id.asc()


def _conditions(wanted: EventFilter) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    for name in ("canonical", "connector", "connection_id", "source", "source_id", "outcome"):
        value = getattr(wanted, name)
        if value is not None:
            where.append(_TABLE.c[name] == str(value))
    if wanted.type is not None:
        group = wanted.type.removesuffix("*")
        same = _TABLE.c.type == wanted.type
        where.append(_TABLE.c.type.startswith(group, autoescape=True) if group != wanted.type else same)
    return where


def event_of(row: RowMapping, **instead: Json) -> Event:
    """Build an event from its row; `instead` gives what is not as it stands there."""
    outcome = row["outcome"]
    return value_of(
        Event,
        row,
        source=EventSource(row["source"]),
        outcome=EventOutcome(outcome) if outcome else None,
        **instead,
    )
