"""Event, delivery, trigger: what came in, and what waits for it."""

from dataclasses import dataclass, field
from datetime import datetime

from revolution_sdk.types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One occurrence of an event type in one tenant.

    `source_id` is the endpoint it came through (a provider app or a hook); together with `dedup_key` it
    tells two reports of one happening. `type` is qualified (`hubspot.contact.created`).
    """

    id: str
    tenant_id: str
    source_id: str
    delivery_id: str
    connector: str
    type: str
    canonical: str | None
    dedup_key: str
    data: JsonObject
    received_at: datetime
    account: str | None = None
    connection_id: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """One delivery as it is kept: raw bytes, and the headers that are not secrets.

    `tenant_id` is None for a provider app's delivery, which may hold events of several tenants.
    """

    id: str
    source_id: str
    body: bytes
    headers: JsonObject
    received_at: datetime
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One published trigger: which workflow version starts on what.

    `event_type` is a qualified or canonical name; `connection_id` narrows it to one connection's events.
    """

    tenant_id: str
    workflow_id: str
    version: int
    kind: str
    event_type: str | None = None
    connection_id: str | None = None
    settings: JsonObject = field(default_factory=dict)
