"""start: new executions as values, and starting one by hand."""

from revolution_hub.engine.keys import keyed, keyed_by
from revolution_hub.errors import ConflictError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Duplicate, Start
from revolution_hub.model.event import Event, Listener
from revolution_hub.model.execution import Execution
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.model.strict_json import canonical_json
from revolution_hub.model.time import rfc3339
from revolution_hub.model.workflow import Workflow
from revolution_hub.store import executions
from revolution_hub.store.submit import submit
from revolution_sdk.types import Json, JsonObject


def started_by_event(
    event: Event,
    listener: Listener,
    kind: str,
    *,
    data: Json = None,
    request: JsonObject | None = None,
    depth: int = 0,
) -> Execution:
    """Return the execution this event starts for this listener, with `data` in place of the event's own.

    `request` is what is remarkable about the request the event came by, `depth` how many events have led to
    this one.
    """
    trigger: JsonObject = {
        "kind": kind,
        "type": event.type,
        "canonical": event.canonical,
        "event_id": event.id,
        "connection_id": event.connection_id,
        "received_at": rfc3339(event.received_at),
        "data": event.data if data is None else data,
    }
    if request is not None:
        trigger["request"] = request
    if depth:
        trigger["depth"] = depth
    execution = Execution(
        id=new_id("exe"),
        tenant_id=event.tenant_id,
        workflow_id=listener.workflow_id,
        version=listener.version,
        status=ExecutionStatus.QUEUED,
        trigger=trigger,
        event_id=event.id,
        created_at=event.received_at,
    )
    return keyed_by(execution, listener.settings)


def start_by_hand(
    hub: Hub,
    *,
    tenant_id: str,
    workflow_id: str,
    version: int,
    data: Json,
    principal_id: str,
    idempotency_key: str | None,
    definition: JsonObject | None = None,
    workflow: Workflow | None = None,
    pins: JsonObject | None = None,
) -> tuple[str, bool]:
    """Start an execution and wake a worker. Returns its id, and whether it is new.

    A `definition` is run instead of a published version: that is how a single action, and a draft, is run.
    What `workflow` says about concurrency and idempotency is obeyed. `pins` are results by step id that
    stand instead of calls. An idempotency key that was used for this workflow before returns the execution it
    started; one that the caller gave raises ConflictError if the data were other ones.
    """
    now = hub.now()
    execution = Execution(
        id=new_id("exe"),
        tenant_id=tenant_id,
        workflow_id=workflow_id,
        version=version,
        definition=definition,
        status=ExecutionStatus.QUEUED,
        trigger={"kind": "manual", "data": data, "received_at": rfc3339(now)},
        started_by=principal_id,
        idempotency_key=idempotency_key,
        created_at=now,
        pins=pins,
    )
    if workflow is not None:
        own_key = workflow.idempotency if idempotency_key is None else None
        execution = keyed(execution, workflow.concurrency, own_key)
    outcome = submit(hub.store, Start(execution=execution))
    hub.wake()
    if isinstance(outcome, Duplicate):
        if idempotency_key is not None:
            _require_same(hub, tenant_id, outcome.of, data)
        return outcome.of, False
    return execution.id, True


def _require_same(hub: Hub, tenant_id: str, execution_id: str, data: Json) -> None:
    with hub.store.read(tenant_id) as tx:
        first = executions.get(tx, execution_id)
    if canonical_json(first.trigger.get("data")) != canonical_json(data):
        raise ConflictError(
            "this Idempotency-Key was used with another request", code="idempotency_key_reused"
        )
