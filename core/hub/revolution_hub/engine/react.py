"""react: an event becomes what it starts among the workflows that listen, and why the others do not."""

from collections.abc import Sequence
from dataclasses import replace

from revolution_hub.catalog import Catalog
from revolution_hub.engine.match import match, names_of, passed_over
from revolution_hub.engine.start import started_by_event
from revolution_hub.errors import PluginError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Intake
from revolution_hub.model.event import Event, EventOutcome, Listener, PassedOver, StoredDelivery
from revolution_hub.model.event_names import falls_under
from revolution_hub.model.execution import Execution
from revolution_hub.store import workflows
from revolution_sdk.types import JsonObject

WHERE = "where"
"""Under this name a listener's settings hold its filter."""


def listeners_of(hub: Hub, event: Event) -> list[Listener]:
    """Return who listens to events of this one's types, in its tenant."""
    with hub.store.read(event.tenant_id) as tx:
        return workflows.list_listeners(tx, names_of(event))


def react(
    catalog: Catalog,
    event: Event,
    listeners: Sequence[Listener],
    *,
    delivery: StoredDelivery | None = None,
    depth: int = 0,
) -> Intake:
    """Return the event as it is to be kept, with the executions it starts: at most one of a workflow.

    Whoever listens to its canonical name is handed the canonical form. `depth` says how many events have led
    to this one.
    """
    started: dict[str, Execution] = {}
    left: dict[str, JsonObject] = {}
    for listener in match(event, listeners):
        if listener.workflow_id in started:
            continue
        made = _started(catalog, event, listener, depth)
        if isinstance(made, Execution):
            started[listener.workflow_id] = made
        else:
            left.setdefault(listener.workflow_id, made)
    kept = {workflow_id: why for workflow_id, why in left.items() if workflow_id not in started}
    outcome = EventOutcome.STARTED if started else EventOutcome.FILTERED if kept else EventOutcome.NO_LISTENER
    return Intake(
        event=replace(event, outcome=outcome, passed_over=kept or None),
        delivery=delivery,
        executions=tuple(started.values()),
    )


def _started(catalog: Catalog, event: Event, listener: Listener, depth: int) -> Execution | JsonObject:
    """Return the execution, or why there is none."""
    try:
        data = _data_for(catalog, event, listener)
    except PluginError as error:
        return {"reason": str(PassedOver.MAP_FAILED), "message": error.message}
    execution = started_by_event(event, listener, "event", data=data, depth=depth)
    where = listener.settings.get(WHERE)
    why = passed_over(where, execution.trigger, event.received_at) if where is not None else None
    return execution if why is None else why


def _data_for(catalog: Catalog, event: Event, listener: Listener) -> JsonObject:
    asked = str(listener.event_type)
    if event.canonical is None or falls_under(event.type, asked):
        return event.data
    return catalog.canonical_form(event.type, event.data)
