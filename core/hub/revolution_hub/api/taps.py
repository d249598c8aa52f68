"""/api/taps: what comes in is shown while it comes, without anything being changed by that."""

import time
from typing import Annotated

import anyio
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from revolution_hub.api.doors import Model, json_body, route
from revolution_hub.api.event_views import look_json, tap_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import taps
from revolution_hub.services.taps import Look, NewTap
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["events"])

DAY_S = 86_400
LONGEST_WAIT_S = 25
BETWEEN_LOOKS_S = 0.5


class TapBody(Model):
    """What to look at: a workflow, or an event type."""

    workflow_id: str | None = Field(
        default=None, max_length=40, description="what this workflow would start on, its draft included"
    )
    event: str | None = Field(
        default=None, max_length=200, description="events of this type, or of a group such as crm.contact.*"
    )
    connection_id: str | None = Field(
        default=None, max_length=40, description="of an event type only what comes through this connection"
    )
    ttl_s: int = Field(default=3600, ge=10, le=DAY_S, description="so long the tap can be used")


@route(router, "POST", "/api/taps", permission="event:read", status=201, body=TapBody)
def create_tap(
    hub: HubDep, principal: PrincipalDep, body: Annotated[TapBody, json_body(TapBody)]
) -> JsonObject:
    """Begin to look at what comes in. It is kept and executed as if nobody looked."""
    wanted = NewTap(
        workflow_id=body.workflow_id,
        event=body.event,
        connection_id=body.connection_id,
        ttl_s=body.ttl_s,
    )
    return tap_json(taps.create_tap(hub, principal, wanted))


@route(router, "GET", "/api/taps/{tap_id}/events", permission="event:read")
async def look(
    tap_id: str,
    hub: HubDep,
    principal: PrincipalDep,
    cursor: Annotated[str | None, Query(max_length=5000, description="cursor of the look before")] = None,
    wait_s: Annotated[
        int, Query(ge=0, le=LONGEST_WAIT_S, description="wait so long for something to come")
    ] = 0,
) -> JsonObject:
    """Show what came since the look before, at once or as soon as something comes."""

    def looked(behind: str | None) -> Look:
        return taps.look(hub, principal, tap_id, behind)

    give_up_s = time.monotonic() + wait_s
    while True:
        found = await run_in_threadpool(looked, cursor)
        left_s = give_up_s - time.monotonic()
        if found.came or left_s <= 0:
            return look_json(found)
        cursor = found.cursor
        # Waiting holds no thread.
        await anyio.sleep(min(BETWEEN_LOOKS_S, left_s))


@route(router, "DELETE", "/api/taps/{tap_id}", permission="event:read", status=204)
def remove_tap(tap_id: str, hub: HubDep, principal: PrincipalDep) -> None:
    """Stop looking."""
    taps.remove_tap(hub, principal, tap_id)
