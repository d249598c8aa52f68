"""/api/events, /api/deliveries, /api/dead-letters: the log of what came in."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from revolution_hub.api.doors import route
from revolution_hub.api.event_filters import EventFilterDep
from revolution_hub.api.event_views import dead_letter_json, delivery_json, event_detail_json, logged_json
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.respond import SANDBOX
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.model.event import DeliveryMark
from revolution_hub.services import events
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["events"])

_MARK = "only with this mark: unparseable, no_event or duplicate"


@route(router, "GET", "/api/events", permission="event:read")
def list_events(hub: HubDep, principal: PrincipalDep, page: PageDep, wanted: EventFilterDep) -> JsonObject:
    """List events with what they started. A page may have fewer items than asked for and yet a next one."""
    found, last = events.list_events(hub, principal, page, wanted)
    return page_json([logged_json(one) for one in found], last)


@route(router, "GET", "/api/events/{event_id}", permission="event:read")
def get_event(event_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read an event with its data, what it started and why not, and its delivery."""
    return event_detail_json(events.get_event(hub, principal, event_id))


@route(router, "GET", "/api/deliveries", permission="event:read")
def list_deliveries(
    hub: HubDep,
    principal: PrincipalDep,
    page: PageDep,
    mark: Annotated[DeliveryMark | None, Query(description=_MARK)] = None,
    app_id: Annotated[str | None, Query(max_length=40, description="only to this provider app")] = None,
) -> JsonObject:
    """List deliveries to webhooks and own provider apps, without their bodies."""
    found, last = events.list_deliveries(hub, principal, page, mark=mark, app_id=app_id)
    return page_json([delivery_json(one) for one in found], last)


@route(router, "GET", "/api/deliveries/{delivery_id}", permission="event:read")
def get_delivery(delivery_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read a delivery without its body."""
    return delivery_json(events.get_delivery(hub, principal, delivery_id))


@route(router, "GET", "/api/deliveries/{delivery_id}/body", permission="event:read")
def read_body(delivery_id: str, hub: HubDep, principal: PrincipalDep) -> Response:
    """Download a delivery's body as it came. It was written by somebody else: no browser shows or runs it."""
    body = events.read_body(hub, principal, delivery_id)
    # Only an id that was found gets here, and those hold nothing a header could break on.
    headers = {**SANDBOX, "Content-Disposition": f'attachment; filename="{delivery_id}.bin"'}
    return Response(body, 200, headers, media_type="application/octet-stream")


@route(router, "GET", "/api/dead-letters", permission="event:read")
def list_dead_letters(hub: HubDep, principal: PrincipalDep, page: PageDep) -> JsonObject:
    """List events of which an execution has failed, and deliveries that could not be read."""
    found, last = events.list_dead_letters(hub, principal, page)
    return page_json([dead_letter_json(one) for one in found], last)
