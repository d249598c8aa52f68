"""claim: tenants take turns. The one look-up over all tenants that decides whose work is done next.

No step of it looks at more rows than it may take: an index holds only what is queued, in the order of its
use, and every search in it jumps. So neither a tenant with 100,000 queued executions nor 5,000 tenants with
one each make a claim slow, and what waits for a connection at its cap is not read at all.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import chain, zip_longest
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection

from revolution_hub.model.execution import Execution
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.store import tables as t
from revolution_hub.store.connect import POSTGRESQL
from revolution_hub.store.executions import execution_of
from revolution_hub.store.tx import Store

_TABLE = t.executions
_QUEUED = str(ExecutionStatus.QUEUED)

LEAST_SHARED = 8
"""So few are not worth being divided."""

Lane = tuple[str, str | None]
"""A tenant, and the connection whose turn its executions wait for; None: whatever waits for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many executions may run at a time, of one tenant and through one connection.

    `tenants` are those whose plan says less.
    """

    tenant: int
    connection: int
    tenants: Mapping[str, int] = field(default_factory=dict)

    def of(self, tenant_id: str) -> int:
        """Return how many of a tenant may run at a time."""
        return self.tenants.get(tenant_id, self.tenant)


@dataclass(slots=True)
class Turns:
    """What a process remembers between its claims: whose turn was last, and what other processes use.

    `elsewhere` counts, per connection, what ran in other processes at the last claim. `left` says that the
    last claim left some of what it found to other processes.
    """

    last: str = ""
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    left: bool = False


@dataclass(frozen=True, slots=True)
class _Running:
    """What runs now, on all machines."""

    tenants: Counter[str]
    connections: Counter[str]
    owners: Counter[str]

    def full(self, caps: Caps) -> tuple[set[str], set[str]]:
        """Return the tenants and the connections that are at their cap."""
        closed = {one for one, most in caps.tenants.items() if not most}
        return (
            {one for one, count in self.tenants.items() if count >= caps.of(one)} | closed,
            {one for one, count in self.connections.items() if count >= caps.connection},
        )

    def share(self, owner: str, found: int, among: int) -> int:
        """Return how many of what was found one process takes, so that all have about as much to do."""
        others = len(self.owners.keys() - {owner}) + 1
        even = -(-(self.owners.total() + found) // max(among, others))
        return max(LEAST_SHARED, even - self.owners[owner])


def claim(
    store: Store,
    owner: str,
    now: datetime,
    until: datetime,
    *,
    limit: int,
    caps: Caps,
    turns: Turns,
    among: int = 1,
    isolated: bool = False,
) -> list[Execution]:
    """Take up to `limit` queued executions with a lease until then and a new fence, in the order of turns.

    Every tenant with queued work gets its next one before any gets a second; `turns` goes on where this
    process stopped. Within a tenant the oldest comes first. Tenants and connections at their cap are passed
    over. Fewer than `limit` does not mean that there are no more; none at all does, as far as caps allow.

    One whose workers vanished twice is taken only by the isolated worker, which drives one at a time: if
    it takes its process down again, no neighbor falls with it.

    When all that is queued would fit, one of `among` processes takes no more than its share of it; beside
    the lanes of one `for_each` it would otherwise be busy, and the others idle, until the last item.

    Several processes claim at once on PostgreSQL without waiting for each other, so what they take in the
    same instant may exceed a cap by as much; the next claim sees it.
    """
    with store.begin_across() as tx:
        running, turns.elsewhere = _count_running(tx.conn, owner)
        found = _pick(tx.conn, running, turns.last, limit, caps, isolated=isolated)
        full = len(found) == limit or among < 2
        most = limit if full else running.share(owner, len(found), among)
        picked, turns.left = found[:most], len(found) > most
        if not picked:
            return []
        taken = _take(tx.conn, [one for _, one in picked], owner, now, until)
    turns.last = picked[-1][0]
    return [taken[one] for _, one in picked if one in taken]


@lru_cache
def _users() -> sa.Select[Any]:
    columns = (_TABLE.c.tenant_id, _TABLE.c.connection_id, _TABLE.c.lease_owner)
    return t.through(sa.select(*columns, sa.func.count()).where(t.RUNNING).group_by(*columns), t.BY_USE)


def _count_running(conn: Connection, owner: str) -> tuple[_Running, Mapping[str, int]]:
    running, elsewhere = _Running(Counter(), Counter(), Counter()), Counter[str]()
    for tenant_id, connection_id, holder, count in conn.execute(_users()):
        running.tenants[tenant_id] += count
        running.owners[holder] += count
        if connection_id is not None:
            running.connections[connection_id] += count
            if holder != owner:
                elsewhere[connection_id] += count
    return running, elsewhere


def _pick(
    conn: Connection, running: _Running, last: str, limit: int, caps: Caps, *, isolated: bool
) -> list[tuple[str, str]]:
    full_tenants, full_connections = running.full(caps)
    # Whoever is at a cap takes up a place in the list, so the list is longer by as many.
    most = limit + len(full_tenants) + len(full_connections)
    tenants = [one for one in _in_turn(conn, last, most, isolated=isolated) if one not in full_tenants]
    if not tenants:
        return []
    lanes: list[Lane] = [(one, None) for one in tenants]
    if not isolated:
        lanes += [one for one in _lanes(conn, tenants) if one[1] not in full_connections]
    each = -(-limit // len(tenants))
    found: dict[str, list[tuple[str, str | None]]] = {}
    for tenant_id, connection_id, execution_id in _oldest(conn, lanes, each, isolated=isolated):
        found.setdefault(tenant_id, []).append((execution_id, connection_id))
    queues = [_within_caps(one, found.get(one, []), running, caps) for one in tenants]
    return list(_round_robin(tenants, queues))[:limit]


def _within_caps(
    tenant_id: str, found: list[tuple[str, str | None]], running: _Running, caps: Caps
) -> list[str]:
    """Return the tenant's oldest, as many as its cap and those of its connections have room for."""
    taken: list[str] = []
    used = Counter[str]()
    for execution_id, connection_id in sorted(found):
        if len(taken) >= caps.of(tenant_id) - running.tenants[tenant_id]:
            break
        if connection_id is not None:
            if used[connection_id] >= caps.connection - running.connections[connection_id]:
                continue
            used[connection_id] += 1
        taken.append(execution_id)
    return taken


def _round_robin(tenants: Sequence[str], queues: Sequence[list[str]]) -> Iterator[tuple[str, str]]:
    named = ([(tenant_id, one) for one in queue] for tenant_id, queue in zip(tenants, queues, strict=True))
    return (one for one in chain.from_iterable(zip_longest(*named)) if one is not None)


def _in_turn(conn: Connection, last: str, most: int, *, isolated: bool) -> list[str]:
    """Return up to `most` tenants with queued work, beginning behind `last` and round to it."""
    found = _behind(conn, last, most, isolated=isolated)
    if last and len(found) < most:
        known = set(found)
        begin = _behind(conn, "", most - len(found), isolated=isolated)
        found += [one for one in begin if one not in known]
    return found


def _behind(conn: Connection, last: str, most: int, *, isolated: bool) -> list[str]:
    return list(conn.execute(_turns(isolated), {"last": last, "most": most}).scalars().all())


@lru_cache
def _turns(isolated: bool) -> sa.Select[Any]:
    """Select the tenants behind `:last` by jumping from one to the next in the index."""
    place = sa.select(
        _first(_TABLE.c.tenant_id, _TABLE.c.tenant_id > sa.bindparam("last"), isolated=isolated).label(
            "tenant_id"
        ),
        sa.literal(1).label("place"),
    ).cte("turn", recursive=True)
    behind = _first(_TABLE.c.tenant_id, _TABLE.c.tenant_id > place.c.tenant_id, isolated=isolated)
    place = place.union_all(
        sa.select(behind, place.c.place + 1).where(
            place.c.tenant_id.is_not(None), place.c.place < sa.bindparam("most")
        )
    )
    return sa.select(place.c.tenant_id).where(place.c.tenant_id.is_not(None)).order_by(place.c.place)


def _lanes(conn: Connection, tenants: Sequence[str]) -> list[Lane]:
    """Return for which connections executions of these tenants wait, jumping from one to the next."""
    found = conn.execute(_waiting(conn.dialect.name), {"seats": _sent([(one, None) for one in tenants])})
    return [(row[0], row[1]) for row in found]


@lru_cache
def _waiting(dialect: str) -> sa.Select[Any]:
    seats, tenant_id, _ = _seats(dialect)
    # Empty text sorts before every id, so the search begins behind the executions that wait for none.
    place = (
        sa.select(tenant_id.label("tenant_id"), _next_lane(tenant_id, "").label("connection_id"))
        .select_from(seats)
        .cte("lane", recursive=True)
    )
    place = place.union_all(
        sa.select(place.c.tenant_id, _next_lane(place.c.tenant_id, place.c.connection_id)).where(
            place.c.connection_id.is_not(None)
        )
    )
    return sa.select(place.c.tenant_id, place.c.connection_id).where(place.c.connection_id.is_not(None))


def _next_lane(tenant_id: sa.ColumnElement[str], behind: sa.ColumnElement[str] | str) -> sa.ScalarSelect[str]:
    return _first(
        _TABLE.c.connection_id,
        _TABLE.c.tenant_id == tenant_id,
        _TABLE.c.connection_id > behind,
        isolated=False,
    )


def _oldest(
    conn: Connection, lanes: Sequence[Lane], each: int, *, isolated: bool
) -> Iterator[tuple[str, str | None, str]]:
    """Yield tenant, connection and id of the `each` oldest executions of every lane, locked."""
    free = [one for one in lanes if one[1] is None]
    bound = [one for one in lanes if one[1] is not None]
    for some, in_lane in ((free, False), (bound, True)):
        if some:
            query = _oldest_of(conn.dialect.name, in_lane=in_lane, isolated=isolated)
            for row in conn.execute(query, {"seats": _sent(some), "each": each}):
                yield row.tenant_id, row.connection_id, row.id


@lru_cache
def _oldest_of(dialect: str, *, in_lane: bool, isolated: bool) -> sa.Select[Any]:
    seats, tenant_id, connection_id = _seats(dialect)
    where: list[sa.ColumnElement[bool]] = [_TABLE.c.tenant_id == tenant_id]
    order = [_TABLE.c.tenant_id, _TABLE.c.connection_id, _TABLE.c.id]
    if isolated:
        order = [_TABLE.c.status, _TABLE.c.tenant_id, _TABLE.c.id]
    else:
        where.append(_TABLE.c.connection_id == connection_id if in_lane else _TABLE.c.connection_id.is_(None))
    queue = _queue(_TABLE.c.id, isolated=isolated).where(*where).order_by(*order)
    shown = (tenant_id.label("tenant_id"), connection_id.label("connection_id"))
    if dialect == POSTGRESQL:
        # Whoever claims at the same time locks others instead of waiting for these.
        found = queue.limit(sa.bindparam("each")).with_for_update(skip_locked=True).lateral("found")
        return sa.select(*shown, found.c.id).select_from(seats.join(found, sa.true()))
    behind = queue.limit(1).offset(sa.bindparam("each")).correlate(seats).scalar_subquery()
    return (
        _queue(*shown, _TABLE.c.id, isolated=isolated)
        .select_from(seats.join(_TABLE, sa.and_(*where)))
        .where(_TABLE.c.id < sa.func.coalesce(behind, _LAST))
    )


_LAST = "zzz"
"""Sorts behind every id of an execution."""


def _queue(*columns: sa.ColumnElement[Any], isolated: bool) -> sa.Select[Any]:
    if isolated:
        return t.through(sa.select(*columns).where(t.SUSPECT), t.BY_SUSPECT)
    return t.through(sa.select(*columns).where(t.TAKEABLE), t.BY_LANE)


def _first(column: sa.Column[str], *where: sa.ColumnElement[bool], isolated: bool) -> sa.ScalarSelect[str]:
    queue = _queue(column, isolated=isolated).select_from(_TABLE).where(*where)
    return queue.order_by(column).limit(1).correlate_except(_TABLE).scalar_subquery()


def _seats(
    dialect: str,
) -> tuple[sa.TableValuedAlias, sa.ColumnElement[str], sa.ColumnElement[str | None]]:
    """Return the lanes sent as JSON in `:seats` as a source, and its two columns."""
    sent = sa.bindparam("seats", type_=sa.Text())
    if dialect == POSTGRESQL:
        rows = sa.func.jsonb_array_elements(sa.cast(sent, JSONB)).table_valued("value", name="seats")
        return rows, rows.c.value.op("->>")(0), rows.c.value.op("->>")(1)
    rows = sa.func.json_each(sent).table_valued("value", name="seats")
    return rows, sa.func.json_extract(rows.c.value, "$[0]"), sa.func.json_extract(rows.c.value, "$[1]")


def _sent(lanes: Sequence[Lane]) -> str:
    return json.dumps(lanes)


def _take(
    conn: Connection, ids: list[str], owner: str, now: datetime, until: datetime
) -> dict[str, Execution]:
    given = {"ids": ids, "owner": owner, "now": now, "until": until}
    return {row["id"]: execution_of(row) for row in conn.execute(_taking(), given).mappings()}


@lru_cache
def _taking() -> Any:
    moment = _TABLE.c.lease_until.type
    return (
        sa.update(_TABLE)
        .where(_TABLE.c.id.in_(sa.bindparam("ids", expanding=True)), _TABLE.c.status == _QUEUED)
        .values(
            status=str(ExecutionStatus.RUNNING),
            fence=_TABLE.c.fence + 1,
            lease_owner=sa.bindparam("owner"),
            lease_until=sa.bindparam("until", type_=moment),
            started_at=sa.func.coalesce(_TABLE.c.started_at, sa.bindparam("now", type_=moment)),
        )
        .returning(*_TABLE.c)
    )
