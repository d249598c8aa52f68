"""What events, deliveries, replays of events and taps look like going out."""

from revolution_hub.model.event import Event
from revolution_hub.model.time import rfc3339
from revolution_hub.services.events import DeadLetter, EventDetail, Logged, LoggedDelivery
from revolution_hub.services.taps import Look
from revolution_hub.store.deliveries import Delivered
from revolution_hub.store.event_replays import EventReplay
from revolution_hub.store.events import StartedBy
from revolution_hub.store.taps import Tap
from revolution_sdk.types import JsonObject


def event_json(event: Event) -> JsonObject:
    """An event without its data."""
    return {
        "id": event.id,
        "type": event.type,
        "canonical": event.canonical,
        "connector": event.connector or None,
        "connection_id": event.connection_id,
        "account": event.account,
        "source": str(event.source),
        "source_id": event.source_id,
        "delivery_id": event.delivery_id or None,
        "outcome": str(event.outcome) if event.outcome else None,
        "occurred_at": rfc3339(event.occurred_at) if event.occurred_at else None,
        "received_at": rfc3339(event.received_at),
    }


def logged_json(logged: Logged) -> JsonObject:
    """An event with what it started."""
    return {**event_json(logged.event), "executions": [_started_json(one) for one in logged.started]}


def event_detail_json(detail: EventDetail) -> JsonObject:
    """An event with its data, what it started, whom it passed over and why, and its deliveries."""
    event = detail.logged.event
    return {
        **logged_json(detail.logged),
        "passed_over": [
            {"workflow_id": workflow_id, **why} for workflow_id, why in (event.passed_over or {}).items()
        ],
        "data": event.data,
        "request": event.request,
        "delivery": _delivered_json(detail.delivery) if detail.delivery else None,
        "duplicates": [
            {"delivery_id": delivery_id, "received_at": rfc3339(received_at)}
            for delivery_id, received_at in detail.duplicates
        ],
    }


def delivery_json(logged: LoggedDelivery) -> JsonObject:
    """A delivery without its body."""
    return {**_delivered_json(logged.delivery), "duplicate_of": logged.duplicate_of}


def dead_letter_json(letter: DeadLetter) -> JsonObject:
    """What somebody should look at: `kind` says which of both it is."""
    if isinstance(letter, Logged):
        return {"kind": "event", **logged_json(letter)}
    return {"kind": "delivery", **delivery_json(letter)}


def event_replay_json(replay: EventReplay) -> JsonObject:
    """A replay of many events, and how far it is."""
    return {
        "id": replay.id,
        "workflow_id": replay.workflow_id,
        "version": replay.version or "draft",
        "wanted": replay.wanted,
        "status": str(replay.status),
        "looked_at": replay.looked_at,
        "started": replay.started,
        "problem": replay.problem,
        "made_by": replay.made_by,
        "created_at": rfc3339(replay.created_at),
        "finished_at": rfc3339(replay.finished_at) if replay.finished_at else None,
    }


def tap_json(tap: Tap) -> JsonObject:
    """A tap."""
    return {
        "id": tap.id,
        "workflow_id": tap.workflow_id,
        "event": tap.event_type,
        "connection_id": tap.connection_id,
        "created_at": rfc3339(tap.created_at),
        "expires_at": rfc3339(tap.expires_at),
    }


def look_json(look: Look) -> JsonObject:
    """What a tap showed, and the cursor for the next look."""
    items = [
        {"kind": "event", **event_json(one), "data": one.data}
        if isinstance(one, Event)
        else {"kind": "delivery", **_delivered_json(one)}
        for one in look.came
    ]
    return {"items": items, "cursor": look.cursor}


def _started_json(one: StartedBy) -> JsonObject:
    return {
        "id": one.execution_id,
        "workflow_id": one.workflow_id,
        "status": str(one.status),
        "replay": one.replay,
    }


def _delivered_json(delivery: Delivered) -> JsonObject:
    return {
        "id": delivery.id,
        "source_id": delivery.source_id,
        "app_id": delivery.app_id,
        "method": delivery.method,
        "content_type": delivery.content_type,
        "headers": delivery.headers,
        "bytes": delivery.size,
        "mark": str(delivery.mark) if delivery.mark else None,
        "problem": delivery.problem,
        "received_at": rfc3339(delivery.received_at),
    }
