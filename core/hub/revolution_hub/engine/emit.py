"""emit: a step reports an event. The event, what it starts and the step's record are one commit."""

from revolution_hub.engine.compiled import body_of
from revolution_hub.engine.emitted import own_event
from revolution_hub.engine.limits import require_emits, require_payload
from revolution_hub.engine.mend import fail_by
from revolution_hub.engine.react import listeners_of, react
from revolution_hub.engine.run import Run
from revolution_hub.errors import HubError
from revolution_hub.model.change import Intake, Move
from revolution_hub.model.event import Event, EventSource
from revolution_hub.model.execution import StepExecution
from revolution_hub.model.strict_json import canonical_json, dump_json
from revolution_hub.model.workflow import Step
from revolution_hub.store import emitted as store
from revolution_hub.store.errors import StoreError
from revolution_sdk.types import Json, JsonObject


def emit(run: Run, step: Step) -> Move | None:
    """Note the step's event; returns the move if that cannot be and ends the execution.

    Raises TemplateError if what is to be reported cannot be computed.
    """
    record = run.record_of(step) or run.fresh(step)
    # What people have agreed to is in the record.
    body = body_of(step).render(run.scope(), now=run.now) if step.approval is None else record.input
    try:
        output = _emit(run, step, record, body)
    except StoreError:
        raise
    except HubError as error:
        return fail_by(run, step, record, error)
    run.succeed(record, output)
    return None


def depth_of(run: Run) -> int:
    """Return how many events have led to this execution, each emitted by what the last one had started."""
    return int(run.scope()["trigger"].get("depth") or 0)


def note(run: Run, event: Event) -> None:
    """Note an event with what it starts. Raises LimitError if too many have led to it."""
    depth = depth_of(run) + 1
    require_emits(run.hub.settings, depth)
    intake: Intake = react(run.hub.catalog, event, listeners_of(run.hub, event), depth=depth)
    run.emit(intake)


def _emit(run: Run, step: Step, record: StepExecution, body: JsonObject) -> JsonObject:
    data, key = body.get("data", {}), _key(body.get("key"))
    require_payload(run.hub.settings, len(dump_json(data)), "the data of the event")
    event = own_event(
        run.execution.tenant_id,
        str(step.event),
        data,
        run.now,
        source=EventSource.STEP,
        once=f"{record.execution_id}.{record.step_id}",
        key=key,
    )
    if key is not None:
        with run.hub.store.read(event.tenant_id) as tx:
            known = store.find(tx, event.source_id, event.dedup_key)
        if known is not None:
            return {"event": event.type, "event_id": known}
    note(run, event)
    return {"event": event.type, "event_id": event.id}


def _key(value: Json) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) else canonical_json(value)
