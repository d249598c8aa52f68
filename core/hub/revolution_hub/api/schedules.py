"""/api/schedules: when published workflows start by the clock, and what became of each instant."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, once_of, route
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.schedule_views import fire_json, schedule_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.errors import InputError, Problem
from revolution_hub.model.fire import FireStatus
from revolution_hub.model.time import parse_moment
from revolution_hub.services import backfills, previews, schedules
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["schedules"])

_LONG = 500


class BackfillBody(Model):
    """Which instants are fired by hand."""

    begin: str = Field(alias="from", max_length=64, description="from this moment on, itself included")
    to: str = Field(max_length=64, description="up to this moment, itself included")
    again: bool = Field(default=False, description="also those that have been fired")


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
    return page_json([schedule_json(one) for one in found], last)


@route(router, "GET", "/api/schedules/preview", permission="workflow:read")
def preview_schedule(
    hub: HubDep,
    principal: PrincipalDep,
    cron: Annotated[str | None, Query(max_length=_LONG, description="a cron expression")] = None,
    every: Annotated[str | None, Query(max_length=_LONG, description="an interval, as 15m")] = None,
    at: Annotated[list[str] | None, Query(description="a moment; may be given several times")] = None,
    timezone: Annotated[str | None, Query(max_length=_LONG, description="whose clocks are looked at")] = None,
    begin: Annotated[
        str | None, Query(alias="from", max_length=_LONG, description="from this moment on")
    ] = None,
    count: Annotated[int, Query(ge=1, le=100, description="how many instants")] = 10,
) -> JsonObject:
    """Show when a schedule would be due, in UTC and on its own clocks, and tell it in words."""
    given = {"cron": cron, "every": every, "at": at, "timezone": timezone, "from": begin, "count": count}
    asked = {name: value for name, value in given.items() if value is not None}
    return previews.preview_schedule(hub, principal, asked)


@route(router, "GET", "/api/schedules/{schedule_id}", permission="workflow:read", shared=True)
def get_schedule(schedule_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read a schedule."""
    return schedule_json(schedules.get_schedule(hub, principal, schedule_id))


@route(router, "GET", "/api/schedules/{schedule_id}/fires", permission="workflow:read", shared=True)
def list_fires(
    schedule_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    page: PageDep,
    status: Annotated[FireStatus | None, Query(description="only fired, or only skipped ones")] = None,
) -> JsonObject:
    """List what became of the instants of a schedule: the execution of each, or why there is none."""
    found, last = schedules.list_fires(hub, principal, schedule_id, page, status)
    return page_json([fire_json(one) for one in found], last)


@route(router, "POST", "/api/schedules/{schedule_id}/pause", permission="workflow:publish")
def pause_schedule(schedule_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Let a schedule start nothing until it is resumed."""
    return schedule_json(schedules.pause_schedule(hub, principal, schedule_id))


@route(router, "POST", "/api/schedules/{schedule_id}/resume", permission="workflow:publish")
def resume_schedule(
    schedule_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    catch_up: Annotated[bool, Query(description="what passed meanwhile counts as missed")] = False,
) -> JsonObject:
    """Let a paused schedule start executions again; what passed meanwhile is skipped unless `catch_up`."""
    return schedule_json(schedules.resume_schedule(hub, principal, schedule_id, catch_up=catch_up))


@route(
    router,
    "POST",
    "/api/schedules/{schedule_id}/backfill",
    permission="execution:start",
    shared=True,
    body=BackfillBody,
)
def backfill_schedule(
    schedule_id: str,
    request: Request,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[BackfillBody, json_body(BackfillBody)],
) -> JsonObject:
    """Fire instants that lie behind; those that have been fired are left alone, unless `again`."""
    done = backfills.backfill_schedule(
        hub, principal, schedule_id, _span(body), again=body.again, once=once_of(request)
    )
    return {"items": [fire_json(one) for one in done.fired], "left_alone": done.left_alone}


def _span(body: BackfillBody) -> tuple[datetime, datetime]:
    found, problems = list[datetime](), list[Problem]()
    for name, text in (("from", body.begin), ("to", body.to)):
        try:
            found.append(parse_moment(text))
        except ValueError as error:
            problems.append(Problem(path=name, message=str(error), code="bad_moment"))
    if problems:
        raise InputError("the body is not valid", problems)
    return found[0], found[1]
