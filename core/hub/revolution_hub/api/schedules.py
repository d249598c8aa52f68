"""/api/schedules: when published workflows start by the clock."""

from typing import Annotated

from fastapi import APIRouter, Query

from revolution_hub.api.doors import HubDep, PrincipalDep, route
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.model.time import rfc3339
from revolution_hub.services import schedules
from revolution_hub.services.schedules import Listed
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["workflows"])


@route(router, "GET", "/api/schedules", permission="workflow:read", shared=True)
def list_schedules(
    hub: HubDep,
    principal: PrincipalDep,
    page: PageDep,
    workflow_id: Annotated[
        str | None, Query(max_length=40, description="only those of this workflow")
    ] = None,
) -> JsonObject:
    """List the schedules of published workflows: when each is due next, and whether it is overdue."""
    found, last = schedules.list_schedules(hub, principal, page, workflow_id)
    return page_json([_schedule_json(one) for one in found], last)


def _schedule_json(listed: Listed) -> JsonObject:
    stored, schedule = listed.stored, listed.timing.schedule
    return {
        "id": stored.id,
        "workflow_id": stored.workflow_id,
        "workflow": listed.workflow,
        "version": stored.version,
        "position": stored.position,
        "cron": schedule.cron,
        "timezone": schedule.timezone if schedule.cron else None,
        "every_s": schedule.every_s,
        "next_at": rfc3339(stored.next_at),
        "last_at": rfc3339(stored.last_at) if stored.last_at else None,
        "overdue": listed.overdue,
    }
