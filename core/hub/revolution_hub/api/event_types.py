"""/api/event-types and POST /api/events: what workflows can listen to, and reporting an event."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, once_of, route
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.errors import InputError, Problem
from revolution_hub.model.time import parse_moment
from revolution_hub.services import emitting, event_types
from revolution_hub.services.emitting import NewEvent
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["events"])


class EventBody(Model):
    """An event that is reported: one of the tenant's own, or a canonical one."""

    type: str = Field(max_length=200, description="custom.… or a canonical name")
    data: JsonObject = Field(default_factory=dict, description="what it says")
    key: str | None = Field(
        default=None, min_length=1, max_length=1_000, description="of a type and a key there is one event"
    )
    occurred_at: str | None = Field(default=None, max_length=40, description="when it happened, RFC 3339")


@route(router, "POST", "/api/events", permission="event:write", status=202, body=EventBody)
def emit_event(
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[EventBody, json_body(EventBody)],
) -> JsonObject:
    """Report an event, which starts every workflow that listens. The same Idempotency-Key does so once."""
    given = NewEvent(type=body.type, data=body.data, key=body.key, occurred_at=_moment(body.occurred_at))
    made = emitting.emit_event(hub, principal, given, once_of(request))
    if not made.new:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"/api/events/{made.event_id}"
    return {"event_id": made.event_id, "new": made.new, "execution_ids": list(made.execution_ids)}


def _moment(text: str | None) -> datetime | None:
    try:
        return parse_moment(text) if text is not None else None
    except ValueError as error:
        problem = Problem(path="occurred_at", message=str(error), code="format")
        raise InputError("the event is not valid", [problem]) from error


@route(router, "GET", "/api/event-types", permission="integration:read")
def list_event_types(hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """List every type of event a workflow can listen to, with the schema of its data."""
    found = event_types.list_event_types(hub, principal)
    canonical: list[JsonObject] = [
        {"type": one.name, "title": one.title, "connector": None, "canonical": None, "data": one.data}
        for one in found.canonical
    ]
    declared: list[JsonObject] = [
        {
            "type": f"{connector.name}.{one.name}",
            "title": one.title,
            "connector": connector.name,
            "canonical": one.canonical,
            "data": one.data,
        }
        for connector, one in found.declared
    ]
    return {"items": canonical + declared, "next_cursor": None}
