"""Findings: what a look of a poll has found is written with the cursor it goes on from, and is counted."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from revolution_hub.model.change import Applied, Finding, Outcome
from revolution_hub.model.event import Event
from revolution_hub.store import tables as t
from revolution_hub.store.connect import POSTGRESQL

_TABLE = t.polls
_EVENTS = t.events


def holding(conn: Connection, found: Sequence[Finding]) -> set[str]:
    """Take the rows of these polls, and return of which their finder still has the newest claim."""
    if not found:
        return set()
    fences = {one.poll_id: (one.tenant_id, one.fence) for one in found}
    query = sa.select(_TABLE.c.id, _TABLE.c.tenant_id, _TABLE.c.fence, _TABLE.c.lease_owner)
    query = query.where(_TABLE.c.id.in_(sorted(fences))).order_by(_TABLE.c.id)
    if conn.dialect.name == POSTGRESQL:
        query = query.with_for_update()
    rows = conn.execute(query).all()
    return {
        row.id for row in rows if row.lease_owner is not None and fences[row.id] == (row.tenant_id, row.fence)
    }


def was_found(conn: Connection, finding: Finding) -> bool:
    """Tell whether an earlier try has written this very finding: nobody has claimed the poll since."""
    query = sa.select(_TABLE.c.id).where(
        _TABLE.c.id == finding.poll_id,
        _TABLE.c.tenant_id == finding.tenant_id,
        _TABLE.c.fence == finding.fence,
        _TABLE.c.lease_owner.is_(None),
    )
    return conn.execute(query).first() is not None


def note_finding(conn: Connection, finding: Finding, told: Sequence[tuple[Event, Outcome]]) -> None:
    """Let the poll go on from where the finding says, and count what was found."""
    new = [event.id for event, outcome in told if isinstance(outcome, Applied)]
    known = [event for event, outcome in told if not isinstance(outcome, Applied)]
    if new:
        _mark(conn, finding, _EVENTS.c.id.in_(new))
    received = _mark(conn, finding, _same(finding, known), _EVENTS.c.delivery_id != "") if known else 0
    others = _mark(conn, finding, _same(finding, known)) if known else 0
    conn.execute(
        sa.update(_TABLE)
        .where(_TABLE.c.id == finding.poll_id, _TABLE.c.tenant_id == finding.tenant_id)
        .values(
            **_next(finding),
            polled=_TABLE.c.polled + len(new) + received + others,
            received=_TABLE.c.received + received,
            missed=_TABLE.c.missed + len(new),
            doubled=_TABLE.c.doubled + len(known),
        )
    )


def _mark(conn: Connection, finding: Finding, *which: sa.ColumnElement[bool]) -> int:
    """Note on events that a poll has seen them; returns how many it sees for the first time."""
    done = conn.execute(
        sa.update(_EVENTS)
        .where(_EVENTS.c.tenant_id == finding.tenant_id, _EVENTS.c.polled_by.is_(None), *which)
        .values(polled_by=finding.poll_id)
    )
    return done.rowcount


def _same(finding: Finding, known: Sequence[Event]) -> sa.ColumnElement[bool]:
    # All of one look come from one source.
    keys = sorted({one.dedup_key for one in known})
    return sa.and_(_EVENTS.c.source_id == known[0].source_id, _EVENTS.c.dedup_key.in_(keys))


def _next(finding: Finding) -> dict[str, Any]:
    paused = _TABLE.c.paused_at.is_not(None)
    values: dict[str, Any] = {
        "next_at": sa.case((paused, sa.null()), else_=sa.literal(finding.next_at, t.polls.c.next_at.type)),
        "lease_owner": None,
        "failures": finding.failures,
        "error": finding.error,
    }
    if finding.error is None:
        values |= {"cursor": finding.cursor} | ({} if finding.idle else {"polled_at": finding.at})
    if finding.found:
        values["found_at"] = finding.at
    return values
