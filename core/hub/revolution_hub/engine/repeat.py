"""repeat: the execution that an event of the log starts once more, in the workflow somebody chose."""

from dataclasses import dataclass, replace
from datetime import datetime

from revolution_hub.catalog import Catalog
from revolution_hub.engine.keys import keys_json
from revolution_hub.engine.start import started_by_event
from revolution_hub.model.event import Event, EventSource, Listener
from revolution_hub.model.event_names import falls_under
from revolution_hub.model.execution import Execution
from revolution_hub.model.workflow import Workflow
from revolution_sdk.types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The workflow and version events are repeated to; a draft comes with its document as `definition`."""

    workflow_id: str
    version: int
    workflow: Workflow
    definition: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Who has events repeated, when, and under which key that is done only once for each."""

    made_by: str
    now: datetime
    key: str | None = None


def repeated(catalog: Catalog, event: Event, target: Target, how: Repeat) -> Execution:
    """Return the execution of an event that is repeated.

    What the workflow says about concurrency is obeyed; its own idempotency key and its filters are not: this
    is meant to be done once more. Raises PluginError if the canonical form cannot be made.
    """
    kind = "webhook" if event.source is EventSource.WEBHOOK else "event"
    listener = Listener(
        tenant_id=event.tenant_id,
        workflow_id=target.workflow_id,
        version=target.version,
        kind=kind,
        settings=keys_json(replace(target.workflow, idempotency=None)),
    )
    data = catalog.canonical_form(event.type, event.data) if _asks_canonically(event, target) else event.data
    made = started_by_event(event, listener, kind, data=data, request=event.request)
    return replace(
        made,
        definition=target.definition,
        event_id=None,
        replay_of=event.id,
        started_by=how.made_by,
        idempotency_key=how.key,
        created_at=how.now,
    )


def _asks_canonically(event: Event, target: Target) -> bool:
    """Tell whether the workflow listens to the event by its canonical name, and not by its own."""
    asked = [one.event for one in target.workflow.triggers if one.event is not None]
    if event.canonical is None or any(falls_under(event.type, one) for one in asked):
        return False
    return any(falls_under(event.canonical, one) for one in asked)
