"""/api/events/…/replay, /api/event-replays: events of the log are repeated, one by one or many at once."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from revolution_hub.api.doors import Model, json_body, once_of, route
from revolution_hub.api.event_filters import ChosenBody, chosen_of
from revolution_hub.api.event_views import event_replay_json
from revolution_hub.api.pages import PageDep, page_json
from revolution_hub.api.who import HubDep, PrincipalDep
from revolution_hub.services import event_replays
from revolution_hub.services.event_replays import Goal
from revolution_sdk.types import JsonObject

router = APIRouter(tags=["events"])

Version = Annotated[int, Field(ge=1, le=999_999_999)] | Literal["published", "draft"]
_WORKFLOW = "the workflow to start with it"
_VERSION = "the number of a version, published or draft"


class EventReplayBody(Model):
    """Where an event is repeated to."""

    workflow_id: str = Field(max_length=40, description=_WORKFLOW)
    version: Version = Field(default="published", description=_VERSION)


class EventReplaysBody(ChosenBody):
    """Which events are repeated, and where to."""

    workflow_id: str = Field(max_length=40, description=_WORKFLOW)
    version: Version = Field(default="published", description=_VERSION)


@route(router, "POST", "/api/events/replay", permission="event:replay", status=202, body=EventReplaysBody)
def replay_events(
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[EventReplaysBody, json_body(EventReplaysBody)],
) -> JsonObject:
    """Begin to repeat events in the background, the oldest first. The same Idempotency-Key begins it once."""
    goal = Goal(workflow_id=body.workflow_id, version=body.version)
    replay, new = event_replays.replay_events(hub, principal, chosen_of(body), goal, once_of(request))
    if not new:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"/api/event-replays/{replay.id}"
    return event_replay_json(replay)


@route(
    router,
    "POST",
    "/api/events/{event_id}/replay",
    permission="event:replay",
    status=201,
    body=EventReplayBody,
)
def replay_event(
    event_id: str,
    request: Request,
    response: Response,
    hub: HubDep,
    principal: PrincipalDep,
    body: Annotated[EventReplayBody, json_body(EventReplayBody)],
) -> JsonObject:
    """Start a workflow with an event once more. The same Idempotency-Key starts it once."""
    goal = Goal(workflow_id=body.workflow_id, version=body.version)
    made, new = event_replays.replay_event(hub, principal, event_id, goal, once_of(request))
    if not new:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"/api/workflow-executions/{made}"
    return {"execution_id": made}


@route(router, "GET", "/api/event-replays", permission="event:read")
def list_event_replays(hub: HubDep, principal: PrincipalDep, page: PageDep) -> JsonObject:
    """List replays of many events, each with how far it is."""
    found, last = event_replays.list_event_replays(hub, principal, page)
    return page_json([event_replay_json(one) for one in found], last)


@route(router, "GET", "/api/event-replays/{replay_id}", permission="event:read")
def get_event_replay(replay_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """Read how far a replay is; its executions are those started by it, by `replay_of` their events."""
    return event_replay_json(event_replays.get_event_replay(hub, principal, replay_id))


@route(router, "POST", "/api/event-replays/{replay_id}/cancel", permission="event:replay")
def cancel_event_replay(replay_id: str, hub: HubDep, principal: PrincipalDep) -> JsonObject:
    """End a replay. What it has started goes on."""
    return event_replay_json(event_replays.cancel_event_replay(hub, principal, replay_id))
