"""match: which listeners an event starts. Pure."""

from collections.abc import Iterable

from revolution_hub.model.event import Event, Listener


def match(event: Event, listeners: Iterable[Listener]) -> list[Listener]:
    """Return the listeners of the event's tenant that want its type, at most one per workflow.

    A listener asks for the qualified or the canonical type, and may ask for one connection.
    """
    names = {event.type, event.canonical} - {None}
    chosen: dict[str, Listener] = {}
    for listener in listeners:
        if listener.tenant_id != event.tenant_id or listener.event_type not in names:
            continue
        if listener.connection_id is not None and listener.connection_id != event.connection_id:
            continue
        chosen.setdefault(listener.workflow_id, listener)
    return list(chosen.values())
