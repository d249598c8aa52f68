"""Event, delivery, trigger: what came in, and what waits for it.

What became of an event is written with the event itself, so that the log costs nothing when it is accepted:

- What it started is found by `executions.event_id`, and is not written down twice.
- `Event.outcome` says whether anything was to start, or why not. Whoever leaves it open has it filled in: by
  the executions that come with the event. A workflow that listens and was not started stands in
  `Event.passed_over`, with the reason.
- A delivery of which nothing can be started is kept with a `mark`, and `problem` says what is wrong with it.
- A happening that is known already is kept as another report of the first event: only then is anything more
  written, and only if it came as a delivery.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from revolution_hub.model.values import quickly_made
from revolution_sdk.types import JsonObject


class EventOutcome(StrEnum):
    """What became of an event when it came in."""

    STARTED = "started"
    NO_LISTENER = "no_listener"
    FILTERED = "filtered"
    NO_CONNECTION = "no_connection"
    DISABLED = "disabled"


class PassedOver(StrEnum):
    """Why a workflow that listens to an event was not started by it."""

    FILTERED = "filtered"
    FILTER_FAILED = "filter_failed"
    MAP_FAILED = "map_failed"


class EventSource(StrEnum):
    """How an event came to the hub."""

    WEBHOOK = "webhook"
    APP = "app"
    API = "api"
    STEP = "step"
    POLL = "poll"
    HUB = "hub"


class DeliveryMark(StrEnum):
    """Why a delivery that was accepted brought no event that is new."""

    UNPARSEABLE = "unparseable"
    NO_EVENT = "no_event"
    DUPLICATE = "duplicate"


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One occurrence of an event type in one tenant.

    `source_id` is the endpoint it came through (a provider app or a hook); together with `dedup_key` it
    tells two reports of one happening. `type` is qualified (`hubspot.contact.created`). `delivery_id` is
    empty if no delivery brought it. `passed_over` has, by the ids of workflows that listen and were not
    started, the reasons (`PassedOver`). `request` is what was remarkable about a webhook's request.
    """

    id: str
    tenant_id: str
    source_id: str
    connector: str
    type: str
    canonical: str | None
    dedup_key: str
    data: JsonObject
    received_at: datetime
    delivery_id: str = ""
    source: EventSource = EventSource.WEBHOOK
    account: str | None = None
    connection_id: str | None = None
    occurred_at: datetime | None = None
    outcome: EventOutcome | None = None
    passed_over: JsonObject | None = None
    request: JsonObject | None = None


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """One delivery as it is kept: raw bytes, and the headers that are not secrets.

    `tenant_id` is None for a provider app's delivery, which may hold events of several tenants.
    `content_type` is the header as it came, cut to 200 characters.
    """

    id: str
    source_id: str
    body: bytes
    headers: JsonObject
    received_at: datetime
    tenant_id: str | None = None
    method: str = "POST"
    content_type: str = ""
    mark: DeliveryMark | None = None
    problem: str | None = None


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
