"""Triggers: what a published version listens to, and when it is due."""

from dataclasses import replace
from datetime import datetime

from revolution_hub.bus.instants import Timing, next_after, timing_json, timing_of
from revolution_hub.bus.missed import wakes_at
from revolution_hub.engine.check import connectors_of
from revolution_hub.engine.keys import keys_json
from revolution_hub.engine.react import WHERE
from revolution_hub.hub import Hub
from revolution_hub.model.event import Listener
from revolution_hub.model.ids import new_id
from revolution_hub.model.parse_webhook import webhook_json
from revolution_hub.model.schedule import Schedule
from revolution_hub.model.workflow import Trigger, Workflow
from revolution_hub.store import connections, schedules
from revolution_hub.store.schedules import StoredSchedule
from revolution_hub.store.tx import Tx
from revolution_sdk.types import JsonObject


def listeners_for(hub: Hub, tx: Tx, workflow: Workflow, workflow_id: str, version: int) -> list[Listener]:
    """Return what a version listens to."""
    return [
        Listener(
            tenant_id=tx.tenant_id,
            workflow_id=workflow_id,
            version=version,
            kind=str(trigger.kind),
            event_type=trigger.event,
            connection_id=connection_id,
            settings=_settings(trigger) | keys_json(workflow),
        )
        for trigger in workflow.triggers
        for connection_id in _connection_ids(hub, tx, trigger)
    ]


def schedules_for(
    hub: Hub, tx: Tx, workflow: Workflow, workflow_id: str, version: int
) -> list[StoredSchedule]:
    """Return when a version starts by the clock. One that was there before goes on where it stands.

    In the place of one that was paused comes one that is paused.
    """
    present, now = schedules.hold(tx, workflow_id), hub.now()
    triggers = [(at, one.schedule) for at, one in enumerate(workflow.triggers) if one.schedule is not None]
    same = {at: next((one for one in present if _due_like(one, wanted)), None) for at, wanted in triggers}
    goes_on = [one for one in same.values() if one is not None]
    paused = {one.position: one.paused_at for one in present if one not in goes_on}
    found = []
    for at, wanted in triggers:
        known = same[at]
        anchor = timing_of(known.settings).anchor if known else now
        timing = Timing(schedule=wanted, anchor=anchor)
        known = known or _first(tx.tenant_id, workflow_id, timing, paused.get(at))
        wake_at = known.wake_at and wakes_at(timing, known.id, known.next_at)
        settings = timing_json(timing) | keys_json(workflow)
        found.append(replace(known, position=at, version=version, settings=settings, wake_at=wake_at))
    return found


def _due_like(present: StoredSchedule, wanted: Schedule) -> bool:
    return timing_of(present.settings).schedule.due_like(wanted)


def _first(tenant_id: str, workflow_id: str, timing: Timing, paused_at: datetime | None) -> StoredSchedule:
    """Return a schedule that begins; one of which no instant is left to come is there to be seen."""
    next_at = next_after(timing, timing.anchor)
    return StoredSchedule(
        id=new_id("sch"),
        tenant_id=tenant_id,
        workflow_id=workflow_id,
        position=0,
        version=0,
        settings=timing_json(timing),
        next_at=next_at or timing.anchor,
        wake_at=None if paused_at is not None else next_at,
        paused_at=paused_at,
    )


def _settings(trigger: Trigger) -> JsonObject:
    if trigger.where is not None:
        return {WHERE: trigger.where}
    return webhook_json(trigger.webhook) if trigger.webhook is not None else {}


def _connection_ids(hub: Hub, tx: Tx, trigger: Trigger) -> list[str | None]:
    """Return what the trigger is narrowed to: a canonical event may come from several connectors."""
    if trigger.event is None or trigger.connection is None:
        return [None]
    named = [
        connections.find_for(tx, connector, trigger.connection)
        for connector in connectors_of(hub.catalog, trigger.event)
    ]
    return [one.id for one in named if one is not None]
