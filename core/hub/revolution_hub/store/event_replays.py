"""event_replays: many events repeated to one workflow, how far that is, and what it has started."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from revolution_hub.model.event import EventOutcome, EventSource
from revolution_hub.model.time import parse_moment, rfc3339
from revolution_hub.store import tables as t
from revolution_hub.store.events import EventFilter
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, found, one_row, value_of
from revolution_hub.store.tx import Store, Tx
from revolution_sdk.types import JsonObject

_TABLE = t.event_replays


class ReplayStatus(StrEnum):
    """running → done | failed | cancelled."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReplay:
    """A replay of many events. `wanted` says which: `ids`, or a `filter`.

    It goes through them from the oldest on and stands behind `position`; what came after `until` is not
    looked at. `problem` is the first thing that could not be repeated, or what ended all of it.
    """

    id: str
    tenant_id: str
    workflow_id: str
    version: int
    wanted: JsonObject
    made_by: str
    created_at: datetime
    until: str
    position: str = ""
    status: ReplayStatus = ReplayStatus.RUNNING
    looked_at: int = 0
    started: int = 0
    definition: JsonObject | None = None
    problem: JsonObject | None = None
    finished_at: datetime | None = None


def add(tx: Tx, made: EventReplay) -> None:
    """Keep a new replay."""
    tx.conn.execute(sa.insert(_TABLE).values(columns_of(made)))


def get(tx: Tx, replay_id: str) -> EventReplay:
    """Return a replay or raise NotFoundError."""
    return _replay_of(found(one_row(tx, _TABLE, _TABLE.c.id == replay_id), "replay"))


def list_page(tx: Tx, page: Page) -> tuple[list[EventReplay], str | None]:
    """Return one page of the tenant's replays and the cursor for the next."""
    rows, cursor = page_rows(tx, _TABLE, page, {})
    return [_replay_of(row) for row in rows], cursor


def count_running(tx: Tx) -> int:
    """Return how many replays of the tenant are under way."""
    query = sa.select(sa.func.count()).where(t.UNDER_WAY, _TABLE.c.tenant_id == tx.tenant_id)
    return int(tx.conn.execute(query).scalar_one())


def note(tx: Tx, known: EventReplay, changed: EventReplay) -> bool:
    """Keep how far a replay is; False if somebody else has moved or ended it since it was read."""
    names = ("position", "status", "looked_at", "started", "problem", "finished_at")
    values = {name: value for name, value in columns_of(changed).items() if name in names}
    same = (
        _TABLE.c.tenant_id == tx.tenant_id,
        _TABLE.c.id == known.id,
        _TABLE.c.position == known.position,
        _TABLE.c.status == str(known.status),
    )
    return tx.conn.execute(sa.update(_TABLE).where(*same).values(values)).rowcount == 1


def list_running(store: Store, limit: int) -> list[EventReplay]:
    """Return replays that are under way, of any tenant, the oldest first."""
    query = sa.select(_TABLE).where(t.UNDER_WAY).order_by(_TABLE.c.id).limit(limit)
    with store.read_across() as tx:
        return [_replay_of(row) for row in tx.conn.execute(query).mappings()]


def filter_json(wanted: EventFilter) -> JsonObject:
    """Write a filter as it is kept."""
    return {
        name: rfc3339(value) if isinstance(value, datetime) else list(value) if name == "path" else value
        for name, value in asdict(wanted).items()
        if value not in (None, "", False)
    }


def filter_of(kept: JsonObject) -> EventFilter:
    """Return the filter that `filter_json` has written."""
    read: dict[str, Any] = {
        "source": EventSource,
        "outcome": EventOutcome,
        "after": parse_moment,
        "before": parse_moment,
        "path": tuple,
    }
    return replace(EventFilter(), **{name: read.get(name, _same)(value) for name, value in kept.items()})


def _same(value: Any) -> Any:
    return value


def _replay_of(row: RowMapping) -> EventReplay:
    return value_of(EventReplay, row, status=ReplayStatus(row["status"]))
