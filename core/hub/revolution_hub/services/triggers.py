"""Triggers: what a published version listens to, when it is due, and the address of its webhook."""

from dataclasses import dataclass, replace

from revolution_hub.bus.instants import Timing, next_after, timing_json, timing_of
from revolution_hub.engine.check import connectors_of
from revolution_hub.engine.keys import keys_json
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Hook
from revolution_hub.model.event import Listener
from revolution_hub.model.ids import new_id, new_key
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.workflow import Trigger, TriggerKind, Workflow
from revolution_hub.services.signing import new_signing_secret
from revolution_hub.store import connections, schedules, workflows
from revolution_hub.store.schedules import StoredSchedule
from revolution_hub.store.tx import Tx
from revolution_sdk.types import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshHook:
    """A webhook address with its signing secret, for a workflow that may need one."""

    hook: Hook
    secret: str


def fresh_hook(hub: Hub, tenant_id: str, workflow_id: str, document: Json) -> FreshHook:
    """Make a webhook address and secret beforehand: sealing has a transaction of its own."""
    with hub.store.read(tenant_id) as tx:
        known = workflows.find_hook(tx, workflow_id)
    trigger = _webhook(parse(document))
    secret, hook_id, sealed = new_signing_secret(), known.id if known else new_id("hok"), None
    if trigger is not None and trigger.auth != "none":
        sealed = hub.vault.seal(tenant_id, hook_id, {"signing_secret": secret})
    hook = Hook(
        id=hook_id,
        tenant_id=tenant_id,
        workflow_id=workflow_id,
        key=new_key(),
        secret=sealed,
        created_at=hub.now(),
    )
    return FreshHook(hook=hook, secret=secret)


def keep_hook(tx: Tx, workflow: Workflow, fresh: FreshHook) -> tuple[Hook | None, str | None]:
    """Return the address of a published workflow's webhook, None if it has none, and its secret if new."""
    known = workflows.find_hook(tx, fresh.hook.workflow_id)
    if _webhook(workflow) is None:
        return None, None
    if known is None:
        workflows.add_hook(tx, fresh.hook)
        return fresh.hook, fresh.secret
    if known.secret is None and fresh.hook.secret is not None:
        # Published before without signatures, which it asks for now: the address stays.
        signed = replace(known, secret=fresh.hook.secret)
        workflows.set_hook_secret(tx, signed)
        return signed, fresh.secret
    return known, None


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
    """Return when a version starts by the clock. One that was there before goes on where it stands."""
    present, now, found = schedules.hold(tx, workflow_id), hub.now(), []
    for position, trigger in enumerate(workflow.triggers):
        if trigger.schedule is None:
            continue
        known = next((one for one in present if timing_of(one.settings).schedule == trigger.schedule), None)
        if known is None:
            known = _first(tx.tenant_id, workflow_id, Timing(schedule=trigger.schedule, anchor=now))
        else:
            # Written twice, it is two schedules.
            present.remove(known)
        settings = timing_json(timing_of(known.settings)) | keys_json(workflow)
        found.append(replace(known, position=position, version=version, settings=settings))
    return found


def _first(tenant_id: str, workflow_id: str, timing: Timing) -> StoredSchedule:
    return StoredSchedule(
        id=new_id("sch"),
        tenant_id=tenant_id,
        workflow_id=workflow_id,
        position=0,
        version=0,
        settings=timing_json(timing),
        next_at=next_after(timing, timing.anchor),
    )


def _webhook(workflow: Workflow) -> Trigger | None:
    return next((one for one in workflow.triggers if one.kind is TriggerKind.WEBHOOK), None)


def _settings(trigger: Trigger) -> JsonObject:
    if trigger.kind is TriggerKind.WEBHOOK:
        return {"auth": trigger.auth, "answer": trigger.answer}
    return {}


def _connection_ids(hub: Hub, tx: Tx, trigger: Trigger) -> list[str | None]:
    """Return what the trigger is narrowed to: a canonical event may come from several connectors."""
    if trigger.event is None or trigger.connection is None:
        return [None]
    named = [
        connections.find_for(tx, connector, trigger.connection)
        for connector in connectors_of(hub.catalog, trigger.event)
    ]
    return [one.id for one in named if one is not None]
