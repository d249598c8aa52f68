"""Schedules: which workflows start by the clock, whether the clock keeps up, and stopping it for a while."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from revolution_hub.access.rbac import require
from revolution_hub.bus.instants import Timing, latest, next_after, timing_of
from revolution_hub.bus.missed import stretch, wakes_at
from revolution_hub.bus.schedule import passed_of
from revolution_hub.errors import ConflictError
from revolution_hub.hub import Hub
from revolution_hub.model.audit import entry_of
from revolution_hub.model.fire import FireStatus, Reason, StoredFire
from revolution_hub.model.principal import Principal
from revolution_hub.services.guard import require_on_schedule, require_some, visible
from revolution_hub.store import audit, fires, schedules
from revolution_hub.store.paging import Page
from revolution_hub.store.schedules import StoredSchedule

OVERDUE_AFTER = timedelta(seconds=30)
"""A clock that runs fires within a second; longer than this means that none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A schedule with its workflow's name. `overdue`: its instant has come, and nobody fires it."""

    stored: StoredSchedule
    timing: Timing
    workflow: str
    overdue: bool

    @property
    def ended(self) -> bool:
        """Whether no instant of it is left to come."""
        return self.stored.wake_at is None and self.stored.paused_at is None


def list_schedules(
    hub: Hub, principal: Principal, page: Page, workflow_id: str | None = None
) -> tuple[list[Listed], str | None]:
    """Return one page of the schedules of published workflows, and the cursor for the next."""
    require_some(principal, "workflow:read")
    with hub.store.read(principal.tenant_id) as tx:
        only = visible(tx, principal, "workflow:read")
        found, cursor = schedules.list_page(tx, page, workflow_id, only=only)
    return [_listed(hub, one, name) for one, name in found], cursor


def get_schedule(hub: Hub, principal: Principal, schedule_id: str) -> Listed:
    """Return a schedule, or raise NotFoundError."""
    require_on_schedule(hub, principal, "workflow:read", schedule_id)
    with hub.store.read(principal.tenant_id) as tx:
        return _listed(hub, *schedules.get(tx, schedule_id))


def list_fires(
    hub: Hub, principal: Principal, schedule_id: str, page: Page, status: FireStatus | None = None
) -> tuple[list[StoredFire], str | None]:
    """Return one page of what became of a schedule's instants, and the cursor for the next."""
    require_on_schedule(hub, principal, "workflow:read", schedule_id)
    with hub.store.read(principal.tenant_id) as tx:
        schedules.get(tx, schedule_id)
        return fires.list_page(tx, page, schedule_id, status)


def pause_schedule(hub: Hub, principal: Principal, schedule_id: str) -> Listed:
    """Let a schedule start nothing until it is resumed; what runs goes on. Once paused, it stays so.

    Raises ConflictError if no instant of it is left to come.
    """
    require(principal, "workflow:publish")
    with hub.store.begin(principal.tenant_id) as tx:
        present = schedules.take(tx, schedule_id)
        if present.paused_at is None:
            if present.wake_at is None:
                raise ConflictError("no instant of the schedule is left to come", code="schedule_ended")
            schedules.put(tx, replace(present, wake_at=None, paused_at=hub.now()))
            audit.append(tx, entry_of(principal, "schedule.pause", schedule_id, hub.now()))
        return _listed(hub, *schedules.get(tx, schedule_id))


def resume_schedule(hub: Hub, principal: Principal, schedule_id: str, *, catch_up: bool = False) -> Listed:
    """Let a paused schedule start executions again. One that is not paused stays as it is.

    What passed meanwhile is skipped; with `catch_up` it counts as missed, and the schedule says what follows.
    """
    require(principal, "workflow:publish")
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        present = schedules.take(tx, schedule_id)
        if present.paused_at is not None:
            timing = timing_of(present.settings)
            passed = None if catch_up else _passed(present, timing, now)
            if passed is not None:
                fires.keep(tx.conn, [passed])
            schedules.put(tx, _resumed(present, timing, now, catch_up=catch_up))
            after = {"catch_up": True} if catch_up else {}
            audit.append(tx, entry_of(principal, "schedule.resume", schedule_id, now, after=after))
        return _listed(hub, *schedules.get(tx, schedule_id))


def _resumed(present: StoredSchedule, timing: Timing, now: datetime, *, catch_up: bool) -> StoredSchedule:
    next_at: datetime | None = present.next_at
    if not catch_up and present.next_at <= now:
        next_at = next_after(timing, now)
    if next_at is None:
        return replace(present, paused_at=None)
    return replace(present, next_at=next_at, wake_at=wakes_at(timing, present.id, next_at), paused_at=None)


def _passed(present: StoredSchedule, timing: Timing, now: datetime) -> StoredFire | None:
    """Return the record of what has passed while a schedule was paused, None if nothing has."""
    if present.next_at > now:
        return None
    last = latest(timing, present.next_at, now, 1)[0][-1]
    return passed_of(present, stretch(timing, present.next_at, last, Reason.PAUSED), now)


def _listed(hub: Hub, stored: StoredSchedule, workflow: str) -> Listed:
    late = hub.now() - OVERDUE_AFTER
    overdue = stored.wake_at is not None and stored.wake_at < late
    return Listed(stored=stored, timing=timing_of(stored.settings), workflow=workflow, overdue=overdue)
