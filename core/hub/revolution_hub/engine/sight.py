"""sight: what the templates of a step may read, before anything is run. Pure.

It grows along the steps. What stands in a branch of an `if` or a `switch` may be there afterwards; what
stands in a branch of a `parallel` or in the body of a `for_each` is read through that step alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from revolution_hub.catalog import Catalog
from revolution_hub.engine.addresses import callbacks_in
from revolution_hub.engine.outputs import output_of
from revolution_hub.engine.shapes import ANYTHING, NUMBER, TEXT, closed
from revolution_hub.model.event_names import falls_under, is_own
from revolution_hub.model.hub_events import HUB_EVENTS
from revolution_hub.model.workflow import SPREADING, Step, StepKind, Steps, TriggerKind, Workflow
from revolution_sdk.canonical import CANONICAL
from revolution_sdk.types import Json, JsonObject

_EXECUTION = ("id", "workflow_id", "version", "created_at")
_TRIGGER = ("kind", "type", "canonical", "event_id", "connection_id", "received_at", "data")
_FAILURE = ("execution_id", "workflow_id", "workflow", "version", "error", "trigger")
_REQUEST = closed({"method": TEXT, "query": ANYTHING, "headers": ANYTHING, "content_type": TEXT})
_FAULT = closed({"code": TEXT, "message": TEXT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The schemas of what may be read. `steps` and `variables` grow; `more` are further roots."""

    trigger: Json
    inputs: Json
    steps: dict[str, Json] = field(default_factory=dict)
    variables: dict[str, Json] = field(default_factory=dict)
    callbacks: dict[str, Json] = field(default_factory=dict)
    more: Mapping[str, Json] = field(default_factory=dict)

    def schema(self) -> JsonObject:
        """Return the schema of the scope that templates read."""
        known = {
            "trigger": self.trigger,
            "inputs": self.inputs,
            "vars": _open_ended(self.variables),
            "steps": _open_ended(self.steps),
            "callbacks": _open_ended(self.callbacks),
            "execution": closed({name: {"type": ["string", "integer"]} for name in _EXECUTION}),
        }
        return _open_ended({**known, **self.more})

    def apart(self, steps: Steps, **more: Json) -> "Sight":
        """Return what the steps of another execution see first; the callbacks it waits for are its own."""
        return replace(self.below(**more), callbacks=dict.fromkeys(callbacks_in(steps), TEXT))

    def below(self, **more: Json) -> "Sight":
        """Return what steps below this place see first."""
        return replace(
            self, steps=dict(self.steps), variables=dict(self.variables), more={**self.more, **more}
        )

    def learn(self, other: "Sight") -> None:
        """Add what may be there behind steps that see `other` at their end."""
        self.steps.update(other.steps)
        self.variables.update(other.variables)

    def add(self, step: Step, catalog: Catalog, inner: Mapping[str, "Sight"]) -> None:
        """Add what is seen behind this step. `inner` is what is seen at the end of each of its blocks."""
        spread = inner if step.kind in SPREADING else {}
        branches = {
            name: {key: one for key, one in seen.steps.items() if key not in self.steps}
            for name, seen in spread.items()
        }
        self.steps[step.id] = output_of(step, catalog, branches)
        if step.kind is StepKind.SET:
            self.variables.update(dict.fromkeys(step.body, ANYTHING))
        for name, seen in inner.items():
            if name not in spread:
                self.learn(seen)


def sight_of(workflow: Workflow, catalog: Catalog, *, inputs: Json) -> Sight:
    """Return what the first step sees."""
    first = Sight(trigger=_trigger(workflow, catalog), inputs=inputs, variables=_initial(workflow))
    return first.apart(workflow.steps)


def sight_after_failure(workflow: Workflow, catalog: Catalog, steps: Steps, *, inputs: Json) -> Sight:
    """Return what the first step of `on_failure` sees: an execution of its own, with its own trigger."""
    data = dict.fromkeys(_FAILURE, ANYTHING) | {"trigger": _trigger(workflow, catalog)}
    trigger = closed({"kind": TEXT, "received_at": TEXT, "data": closed(data)})
    return Sight(trigger=trigger, inputs=inputs, variables=_initial(workflow)).apart(steps)


def trigger_alone(workflow: Workflow, catalog: Catalog) -> JsonObject:
    """Return the schema of the scope that is there before an execution is: its trigger."""
    return closed({"trigger": _trigger(workflow, catalog)})


def inner_sights(seen: Sight, step: Step) -> dict[str, Sight]:
    """Return what the steps of each block of this step see first, by the name of the block."""
    found = {}
    for block in step.blocks:
        item = {step.loop.variable: ANYTHING, "index": {"type": "integer"}}
        more = item if step.kind is StepKind.FOR_EACH else {}
        spread = step.kind in SPREADING
        found[block.name] = seen.apart(block.steps, **more) if spread else seen.below()
    if step.on_error is not None and step.on_error.block is not None:
        block = step.on_error.block
        found[block.name] = seen.below(error=_FAULT)
    return found


def with_error(seen: Sight) -> Sight:
    """Return what the value that stands in for a failed step's result sees."""
    return seen.below(error=_FAULT)


def _initial(workflow: Workflow) -> dict[str, Json]:
    return dict.fromkeys(workflow.vars, ANYTHING)


def _open_ended(properties: dict[str, Json]) -> JsonObject:
    # Not a copy, as `closed` makes: with thousands of steps there would be thousands of them.
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _trigger(workflow: Workflow, catalog: Catalog) -> JsonObject:
    known: dict[str, Json] = {name: {"type": ["string", "null"]} for name in _TRIGGER}
    data = [_data(trigger.event, catalog) for trigger in workflow.triggers if trigger.event is not None]
    only_events = all(trigger.kind is TriggerKind.EVENT for trigger in workflow.triggers)
    # Whoever starts it by hand all the same gives it what the event would have brought.
    known["data"] = {"anyOf": data} if data and only_events else ANYTHING
    known["depth"] = NUMBER
    if any(trigger.webhook is not None for trigger in workflow.triggers):
        known["request"] = _REQUEST
    return closed(known)


def _data(event: str, catalog: Catalog) -> Json:
    """Return the schema of the data of the events of this name, or under this wildcard."""
    found: list[Json] = []
    for connector, declared in catalog.events_under(event):
        by_own_name = falls_under(f"{connector.name}.{declared.name}", event)
        found.append(declared.data if by_own_name else catalog.canonical_schema(declared))
    # What a workflow or a person emits under a canonical name has the canonical form.
    told = (*CANONICAL.values(), *HUB_EVENTS.values())
    found += [one.data for one in told if falls_under(one.name, event)]
    return {"anyOf": found} if found and not is_own(event) else ANYTHING
