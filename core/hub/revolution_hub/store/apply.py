"""apply: many independent changes in one transaction, each with its own outcome.

A change that cannot be kept for its own reasons (a duplicate, a lost claim) leaves no trace and does not
hurt its neighbors; one the database refuses raises, and the committer tries it apart from them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from revolution_hub.model.change import (
    Applied,
    Change,
    Duplicate,
    Fenced,
    Finding,
    Fire,
    Intake,
    Keep,
    Outcome,
    Progress,
    Stale,
    Start,
)
from revolution_hub.model.event import DeliveryMark, EventOutcome, StoredDelivery
from revolution_hub.store import audit
from revolution_hub.store import tables as t
from revolution_hub.store.bulk import BASIS, LEADER, add_led, add_missing, by
from revolution_hub.store.findings import holding, note_finding, was_found
from revolution_hub.store.fires import fire
from revolution_hub.store.progress import apply_progress
from revolution_hub.store.rows import columns_of, rows_of
from revolution_hub.store.starting import add_executions, alike, execution_row, let_in, look_again
from revolution_hub.store.tx import Tx

Outcomes = dict[int, Outcome]

_SELDOM_OF_EVENT = ("canonical", "account", "connection_id", "occurred_at", "passed_over", "request")
_SELDOM_OF_DELIVERY = ("mark", "problem")
_SELDOM_OF_STEP = ("uses", "connection_id", "input", "error", "wake_at")
"""What is left out of the rows of a batch in which nobody has anything there."""


def apply(conn: Connection, changes: Sequence[Change], *, again: bool = False) -> list[Outcome]:
    """Apply the changes and return their outcomes in the same order. No execution may occur twice.

    `again` says that an earlier try may have been committed although no answer came; what is found as
    this very change left it counts as applied.
    """
    outcomes: Outcomes = {}
    _hold_chains(conn, changes)
    # First, for whoever publishes waits for schedules before anything else.
    _fire(conn, [(at, one) for at, one in enumerate(changes) if isinstance(one, Fire)], outcomes, again=again)
    _find(
        conn, [(at, one) for at, one in enumerate(changes) if isinstance(one, Finding)], outcomes, again=again
    )
    _intake(conn, [(at, one) for at, one in enumerate(changes) if isinstance(one, Intake)], outcomes)
    _start(conn, [(at, one) for at, one in enumerate(changes) if isinstance(one, Start)], outcomes)
    for at, one in enumerate(changes):
        if isinstance(one, Keep):
            _keep(conn, [one.delivery])
            outcomes[at] = Applied()
    progress = [(at, one) for at, one in enumerate(changes) if isinstance(one, Progress)]
    told = apply_progress(conn, [one for _, one in progress], again=again)
    for (at, one), outcome in zip(progress, told, strict=True):
        outcomes[at] = _emit(conn, one, outcome)
    return [outcomes[at] for at in range(len(changes))]


def apply_within(tx: Tx, change: Change) -> Outcome:
    """Apply a change of the transaction's tenant together with whatever else the transaction does."""
    if tenant_of(change) != tx.tenant_id:
        raise ValueError("a change belongs to the tenant of its transaction")
    (outcome,) = apply(tx.conn, (change,))
    return outcome


def tenant_of(change: Change) -> str | None:
    """Return the tenant a change belongs to; a delivery that is only kept may belong to none."""
    match change:
        case Progress() | Fire() | Finding():
            return change.tenant_id
        case Intake():
            return change.event.tenant_id
        case Start():
            return change.execution.tenant_id
        case Keep():
            return change.delivery.tenant_id


def execution_of(change: Change) -> str | None:
    """Return the execution a change moves on, None if it only makes new ones."""
    return change.execution_id if isinstance(change, Progress) else None


def _fire(conn: Connection, fires: list[tuple[int, Fire]], outcomes: Outcomes, *, again: bool) -> None:
    if fires:
        told = fire(conn, [one for _, one in fires], again=again)
        outcomes.update(zip((at for at, _ in fires), told, strict=True))


def _find(conn: Connection, found: list[tuple[int, Finding]], outcomes: Outcomes, *, again: bool) -> None:
    held = holding(conn, [one for _, one in found])
    for at, one in found:
        if one.poll_id not in held:
            outcomes[at] = Applied() if again and was_found(conn, one) else Fenced()
            continue
        told: Outcomes = {}
        _intake(conn, list(enumerate(one.found)), told)
        note_finding(conn, one, [(intake.event, told[place]) for place, intake in enumerate(one.found)])
        started = (key for each in told.values() if isinstance(each, Applied) for key in each.execution_ids)
        outcomes[at] = Applied(execution_ids=tuple(started))


def _intake(conn: Connection, intakes: list[tuple[int, Intake]], outcomes: Outcomes) -> None:
    if not intakes:
        return
    events = by(_events([one for _, one in intakes]), "tenant_id", "source_id", "dedup_key")
    executions = [
        {**execution_row(each), LEADER: one.event.id} for _, one in intakes for each in one.executions
    ]
    deliveries = [(one, one.delivery) for _, one in intakes if one.delivery and one.delivery.tenant_id]
    led = (
        (t.deliveries, _led(deliveries, _SELDOM_OF_DELIVERY)),
        *((t.executions, rows) for rows in alike(by(executions, "id"))),
        (t.step_executions, _led([(one, step) for _, one in intakes for step in one.steps], _SELDOM_OF_STEP)),
    )
    new = add_led(conn, (t.events, events), led, t.hooks)
    kept = [one for _, one in intakes if one.event.id in new]
    _keep_shared(conn, [one.delivery for one in kept if one.delivery is not None])
    written = [execution for one in kept for execution in one.executions]
    let_in(conn, written)
    look_again(conn, written)
    instead = _started_before(conn, kept)
    for at, one in intakes:
        started = tuple(instead.get(execution.id, execution.id) for execution in one.executions)
        outcomes[at] = Applied(execution_ids=started) if one.event.id in new else _known_event(conn, one)
    _note_duplicates(conn, [(one, outcomes[at]) for at, one in intakes])


def _emit(conn: Connection, change: Progress, outcome: Outcome) -> Outcome:
    """Keep what a drive has emitted if its change was kept; those of an earlier try are known."""
    if not change.emitted or not isinstance(outcome, Applied):
        return outcome
    _intake(conn, list(enumerate(change.emitted)), {})
    return replace(outcome, woke=outcome.woke or any(one.executions for one in change.emitted))


def _started_before(conn: Connection, kept: Sequence[Intake]) -> dict[str, str]:
    """Return, of executions with a key of their own that was used before, which one had it first."""
    table = t.executions
    asked = [one for intake in kept for one in intake.executions if one.idempotency_key is not None]
    found: dict[str, str] = {}
    for one in asked:
        first = conn.execute(
            sa.select(table.c.id).where(
                table.c.tenant_id == one.tenant_id,
                table.c.workflow_id == one.workflow_id,
                table.c.idempotency_key == one.idempotency_key,
            )
        ).scalar_one()
        if first != one.id:
            found[one.id] = first
    return found


def _events(intakes: Sequence[Intake]) -> list[dict[str, Any]]:
    rows = rows_of([one.event for one in intakes], seldom=_SELDOM_OF_EVENT)
    for row, intake in zip(rows, intakes, strict=True):
        if row["outcome"] is None:
            row["outcome"] = str(EventOutcome.STARTED if intake.executions else EventOutcome.NO_LISTENER)
        row[BASIS] = intake.basis
    return rows


def _led(values: Sequence[tuple[Intake, Any]], seldom: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = rows_of([value for _, value in values], seldom=seldom)
    for row, (intake, _) in zip(rows, values, strict=True):
        row[LEADER] = intake.event.id
    return rows


def _keep(conn: Connection, deliveries: list[StoredDelivery]) -> None:
    apart = {one.id: one for one in deliveries}.values()
    of_apps = [columns_of(one, without=("tenant_id",)) for one in apart if one.tenant_id is None]
    add_missing(conn, t.app_deliveries, by(of_apps, "id"))
    add_missing(conn, t.deliveries, by((columns_of(one) for one in apart if one.tenant_id), "id"))


def _keep_shared(conn: Connection, deliveries: Iterable[StoredDelivery]) -> None:
    """Keep app deliveries with a new event. One may hold those of several tenants; the first stores it."""
    shared = [one for one in deliveries if one.tenant_id is None]
    if shared:
        _keep(conn, shared)
        # An event of it that is known may have been committed before, in a batch of its own.
        marked = (t.app_deliveries.c.id.in_({one.id for one in shared}), t.MARKED)
        conn.execute(sa.update(t.app_deliveries).where(*marked).values(mark=None))


def _note_duplicates(conn: Connection, told: Iterable[tuple[Intake, Outcome]]) -> None:
    """Keep the deliveries that reported once more what was known, each beside the event it reported."""
    again = [
        (one.event, one.delivery, outcome.of)
        for one, outcome in told
        if isinstance(outcome, Duplicate) and one.delivery is not None
    ]
    if not again:
        return
    # If another event of it was new, the delivery is there already, without a mark.
    _keep(conn, [replace(delivery, mark=DeliveryMark.DUPLICATE) for _, delivery, _ in again])
    rows = [
        {
            "delivery_id": delivery.id,
            "event_id": first,
            "tenant_id": event.tenant_id,
            "received_at": delivery.received_at,
        }
        for event, delivery, first in again
    ]
    add_missing(conn, t.duplicates, by(rows, "delivery_id", "event_id"))


def _known_event(conn: Connection, change: Intake) -> Outcome:
    event, table = change.event, t.events
    first = conn.execute(
        sa.select(table.c.id).where(
            table.c.tenant_id == event.tenant_id,
            table.c.source_id == event.source_id,
            table.c.dedup_key == event.dedup_key,
        )
    ).scalar_one_or_none()
    if first is None:
        return Stale()
    started = sa.select(t.executions.c.id).where(
        t.executions.c.tenant_id == event.tenant_id, t.executions.c.event_id == first
    )
    found = tuple(conn.execute(started).scalars())
    # Its own id means that an earlier try of this very change was committed, and only the answer was lost.
    return Applied(execution_ids=found) if first == event.id else Duplicate(of=first, execution_ids=found)


def _start(conn: Connection, starts: list[tuple[int, Start]], outcomes: Outcomes) -> None:
    new = add_executions(conn, [one.execution for _, one in starts])
    steps = [columns_of(step) for _, one in starts if one.execution.id in new for step in one.steps]
    add_missing(conn, t.step_executions, steps)
    for _, one in starts:
        if one.entry is not None and one.execution.id in new:
            audit.append(Tx(conn, one.execution.tenant_id), one.entry)
    for at, one in starts:
        execution = one.execution
        applied = execution.id in new
        outcomes[at] = Applied(execution_ids=(execution.id,)) if applied else _known_start(conn, one)


def _hold_chains(conn: Connection, changes: Sequence[Change]) -> None:
    # Before any row: whoever has a tenant for itself may want rows that this batch is about to change.
    audited = {one.execution.tenant_id for one in changes if isinstance(one, Start) and one.entry is not None}
    for tenant_id in sorted(audited):
        audit.hold(conn, tenant_id)


def _known_start(conn: Connection, change: Start) -> Outcome:
    execution, table = change.execution, t.executions
    same = table.c.id == execution.id
    if execution.idempotency_key is not None:
        used = sa.and_(
            table.c.workflow_id == execution.workflow_id,
            table.c.idempotency_key == execution.idempotency_key,
        )
        same = sa.or_(same, used)
    query = sa.select(table.c.id).where(table.c.tenant_id == execution.tenant_id, same)
    first = conn.execute(query).scalar_one()
    applied = Applied(execution_ids=(first,))
    return applied if first == execution.id else Duplicate(of=first, execution_ids=(first,))
