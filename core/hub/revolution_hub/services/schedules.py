"""Schedules: which workflows start by the clock, and whether the clock keeps up."""

from dataclasses import dataclass
from datetime import timedelta

from revolution_hub.bus.instants import Timing, timing_of
from revolution_hub.hub import Hub
from revolution_hub.model.principal import Principal
from revolution_hub.services.guard import require_some, visible
from revolution_hub.store import schedules
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


def list_schedules(
    hub: Hub, principal: Principal, page: Page, workflow_id: str | None = None
) -> tuple[list[Listed], str | None]:
    """Return one page of the schedules of published workflows, and the cursor for the next."""
    require_some(principal, "workflow:read")
    with hub.store.read(principal.tenant_id) as tx:
        only = visible(tx, principal, "workflow:read")
        found, cursor = schedules.list_page(tx, page, workflow_id, only=only)
    late = hub.now() - OVERDUE_AFTER
    listed = [
        Listed(stored=one, timing=timing_of(one.settings), workflow=name, overdue=one.next_at < late)
        for one, name in found
    ]
    return listed, cursor
