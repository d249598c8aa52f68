"""Event types: everything a workflow can listen to, with the schemas of the data."""

from dataclasses import dataclass

from revolution_hub.access.rbac import require
from revolution_hub.hub import Hub
from revolution_hub.model.hub_events import HUB_EVENTS
from revolution_hub.model.principal import Principal
from revolution_sdk import Connector, EventType
from revolution_sdk.canonical import CANONICAL, CanonicalEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTypes:
    """The canonical event types, and those the installed connectors declare."""

    canonical: list[CanonicalEvent]
    declared: list[tuple[Connector, EventType]]


def list_event_types(hub: Hub, principal: Principal) -> EventTypes:
    """Return every event type there is. A tenant's own, under `custom.`, are declared by nobody."""
    require(principal, "integration:read")
    return EventTypes(
        canonical=[*CANONICAL.values(), *HUB_EVENTS.values()], declared=hub.catalog.event_types()
    )
