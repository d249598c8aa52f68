"""emitted: events that no delivery brings, because a step, an action, a person or a poll reports them."""

import hashlib
from datetime import datetime

from revolution_hub.catalog import canonical_problems
from revolution_hub.errors import InputError, Problem
from revolution_hub.model.connection import Connection
from revolution_hub.model.event import Event, EventSource
from revolution_hub.model.event_names import may_be_emitted
from revolution_hub.model.ids import new_id
from revolution_sdk import Connector, EventType
from revolution_sdk.canonical import CANONICAL
from revolution_sdk.types import Json, JsonObject

EMITTED = "emitted"
"""The source of what workflows and people report, so that a key means the same to all of them."""

LONGEST_KEY = 300


def own_event(
    tenant_id: str,
    type: str,
    data: Json,
    now: datetime,
    *,
    source: EventSource,
    once: str,
    key: str | None = None,
    occurred_at: datetime | None = None,
) -> Event:
    """Return an event of a canonical type or of a tenant's own.

    Of a type and a `key` there is one event, whoever reports it; without a key `once` tells it from others.
    Raises InputError if there is no such type, or if the data break its schema.
    """
    problems = problems_of_own(type, data)
    if problems:
        raise InputError("the event is not valid", problems)
    return Event(
        id=new_id("evt"),
        tenant_id=tenant_id,
        source_id=EMITTED,
        source=source,
        connector="",
        type=type,
        canonical=None,
        dedup_key=once if key is None else dedup_key(type, key),
        data=data,
        occurred_at=occurred_at,
        received_at=now,
    )


def problems_of_own(type: str, data: Json) -> list[Problem]:
    """Return what is wrong with an event somebody wants to report, with the paths `type` and `data`."""
    if not may_be_emitted(type):
        message = "is neither a canonical event type nor one of your own, which begin with custom."
        return [Problem(path="type", message=message, code="unknown_event")]
    if not isinstance(data, dict):
        return [Problem(path="data", message="an object is needed here", code="type")]
    found = canonical_problems(type, data) if type in CANONICAL else []
    return [
        Problem(path=f"data.{one.path}" if one.path else "data", message=one.message, code=one.code)
        for one in found
    ]


def dedup_key(type: str, key: str) -> str:
    """Return what a type and a key come to; a key may be of any length."""
    return f"{type}:{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"


def reported_event(
    tenant_id: str,
    connector: Connector,
    event: EventType,
    connection: Connection | None,
    data: JsonObject,
    now: datetime,
    *,
    source: EventSource,
    key: str,
    occurred_at: datetime | None = None,
) -> Event:
    """Return an event that a connector's own code reports under a key.

    Where a webhook of the connector's app reports as well, both are one source, so that of the same key there
    is one event.
    """
    return Event(
        id=new_id("evt"),
        tenant_id=tenant_id,
        source_id=source_of(connector, connection),
        source=source,
        connector=connector.name,
        type=f"{connector.name}.{event.name}",
        canonical=event.canonical,
        account=connection.account if connection else None,
        connection_id=connection.id if connection else None,
        dedup_key=key[:LONGEST_KEY],
        data=data,
        occurred_at=occurred_at,
        received_at=now,
    )


def source_of(connector: Connector, connection: Connection | None) -> str:
    """Return what tells the reports of one source from those of another."""
    if connection is None:
        return connector.name[:40]
    shared = connector.webhook is not None and connection.app_id is not None
    return str(connection.app_id) if shared else connection.id
