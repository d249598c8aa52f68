"""Backfills: instants of a schedule that lie behind are fired by hand, each as its own execution."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from typing import Final

from revolution_hub.bus.instants import Timing, instants_from, timing_of
from revolution_hub.bus.schedule import Started, firing_of
from revolution_hub.errors import InputError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.fire import FireStatus, StoredFire
from revolution_hub.model.principal import Principal
from revolution_hub.services.guard import require_on_schedule
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.store import audit, fires, schedules

MOST_BACKFILLED: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfilled:
    """What a backfill came to: what became of each instant, and how many were left alone as fired before."""

    fired: list[StoredFire]
    left_alone: int


def backfill_schedule(
    hub: Hub,
    principal: Principal,
    schedule_id: str,
    span: tuple[datetime, datetime],
    *,
    again: bool = False,
    once: Once | None = None,
) -> Backfilled:
    """Fire the instants from one moment to another, both included, by the schedule as it is now.

    One that has been fired is left alone, unless `again`. Raises InputError for a span that is the wrong way
    round, lies ahead, or holds too many.
    """
    require_on_schedule(hub, principal, "execution:start", schedule_id)
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        schedule = schedules.take(tx, schedule_id)
        timing = timing_of(schedule.settings)
        found = _instants(timing, span, now)
        if first_made(tx, principal, once) is not None:
            made = fires.list_backfilled(tx, schedule_id, *span, principal.id)
            return Backfilled(fired=made, left_alone=len(found) - len(made))
        remember(tx, principal, once, schedule_id, now)
        known = fires.rounds_of(tx, schedule_id, *span)
        firings = [
            firing_of(schedule, timing, one, _how(principal, now, known, one))
            for one in found
            if again or not _has_fired(known, one)
        ]
        records = fires.start(tx.conn, firings)
        fires.keep(tx.conn, records)
        after = {"again": True} if again else {}
        audit.append(tx, entry_of(principal, "schedule.backfill", schedule_id, now, after=after))
    if any(one.status is FireStatus.FIRED for one in records):
        hub.wake()
    return Backfilled(fired=records, left_alone=len(found) - len(firings))


Known = Mapping[datetime, tuple[int, bool]]
"""Of instants with a record, how many records there are, and whether one says that it was fired."""


def _how(principal: Principal, now: datetime, known: Known, instant: datetime) -> Started:
    rounds, fired = known.get(instant, (0, False))
    # Round 0 is for the clocks alone, which may still come to it.
    return Started(now=now, backfilled_by=principal.id, round=max(rounds, 1), again=fired)


def _has_fired(known: Known, instant: datetime) -> bool:
    return instant in known and known[instant][1]


def _instants(timing: Timing, span: tuple[datetime, datetime], now: datetime) -> list[datetime]:
    begin, end = span
    problems = list(_problems(begin, end, now))
    if problems:
        raise InputError("the range is not valid", problems)
    found = list(islice(takewhile(lambda one: one <= end, instants_from(timing, begin)), MOST_BACKFILLED + 1))
    if len(found) > MOST_BACKFILLED:
        message = f"the range has more than {MOST_BACKFILLED} instants; take a shorter one"
        raise InputError("the range is too long", [Problem(path="to", message=message, code="too_many")])
    return found


def _problems(begin: datetime, end: datetime, now: datetime) -> Iterator[Problem]:
    if end > now:
        yield Problem(path="to", message="this is still to come; a backfill ends now at the latest")
    if end < begin:
        yield Problem(path="to", message="this is before the beginning of the range")
