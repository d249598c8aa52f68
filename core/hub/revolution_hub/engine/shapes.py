"""shapes: what a template may find at a path, as far as JSON Schemas say. Pure.

A schema of True means that nothing is known, so that anything may be there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from revolution_hub.catalog import Catalog
from revolution_hub.model.workflow import Step, StepKind, TriggerKind, Workflow
from revolution_sdk.types import Json, JsonObject

ANYTHING: Final = True

_EXECUTION = ("id", "workflow_id", "version", "created_at")
_TRIGGER = ("kind", "type", "canonical", "event_id", "connection_id", "received_at", "data")
_FREE_WORDS = ("$ref", "allOf", "not", "if", "patternProperties", "prefixItems", "dependentSchemas")
"""A schema with one of these may allow more than its plain words say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impossible:
    """A part of a path that can never be there: its index, and the names that could stand instead."""

    index: int
    known: Sequence[str]


def impossible(schema: Json, parts: Sequence[str | int]) -> Impossible | None:
    """Return the first part that no value of this schema has, None if all of them may be there."""
    present = [schema]
    for index, part in enumerate(parts):
        found = [below for one in present for below in _below(one, part)]
        if not found:
            return Impossible(index=index, known=sorted({name for one in present for name in _names(one)}))
        present = found
    return None


def _names(schema: Json) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for one in schema.get("anyOf") or schema.get("oneOf") or ():
            yield from _names(one)


def _below(schema: Json, part: str | int) -> list[Json]:
    """Return the schemas of what may be found under this part; none if nothing ever is."""
    if not isinstance(schema, dict):
        return [] if schema is False else [ANYTHING]
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        return [below for one in branches for below in _below(one, part)]
    if any(word in schema for word in _FREE_WORDS):
        return [ANYTHING]
    kinds = schema.get("type", ["object", "array"])
    if isinstance(part, int):
        return [schema.get("items", ANYTHING)] if "array" in kinds else []
    if "object" not in kinds:
        return []
    properties = schema.get("properties", {})
    if part in properties:
        return [properties[part]]
    others = schema.get("additionalProperties", ANYTHING)
    return [] if others is False else [others]


def scope_of(workflow: Workflow, catalog: Catalog) -> JsonObject:
    """Return the schema of the scope that the first step sees."""
    return _closed(
        {
            "trigger": _trigger(workflow, catalog),
            "inputs": ANYTHING,
            "vars": _closed(dict.fromkeys(workflow.vars, ANYTHING)),
            "steps": _closed({}),
            "execution": _closed({name: {"type": ["string", "integer"]} for name in _EXECUTION}),
        }
    )


def add_step(scope: JsonObject, step: Step, catalog: Catalog) -> None:
    """Add to the schema what the steps behind this one see of it."""
    seen = scope["properties"]
    seen["steps"]["properties"][step.id] = _output(step, catalog)
    if step.kind is StepKind.SET:
        seen["vars"]["properties"].update(dict.fromkeys(step.body, ANYTHING))


def _output(step: Step, catalog: Catalog) -> Json:
    match step.kind:
        case StepKind.ACTION:
            action = catalog.find_action(step.uses or "")
            return action.output if action else ANYTHING
        case StepKind.SET:
            return _closed(dict.fromkeys(step.body, ANYTHING))
        case StepKind.BRANCH:
            return _closed({"branch": {"type": "string"}})
        case StepKind.RESPOND:
            return _closed({"status": {"type": "integer"}, "body": ANYTHING})
        case _:
            return ANYTHING


def _trigger(workflow: Workflow, catalog: Catalog) -> JsonObject:
    known: dict[str, Json] = {name: {"type": ["string", "null"]} for name in _TRIGGER}
    data = [_data(trigger.event, catalog) for trigger in workflow.triggers if trigger.event is not None]
    only_events = all(trigger.kind is TriggerKind.EVENT for trigger in workflow.triggers)
    # Whoever starts it by hand all the same gives it what the event would have brought.
    known["data"] = {"anyOf": data} if data and only_events else ANYTHING
    return _closed(known)


def _data(event: str, catalog: Catalog) -> Json:
    found = catalog.find_event(event)
    if found is not None:
        return found[1].data
    declared = [
        one.data
        for connector in catalog.connectors.values()
        for one in connector.events.values()
        if one.canonical == event
    ]
    return {"anyOf": declared} if declared else ANYTHING


def _closed(properties: Mapping[str, Json]) -> JsonObject:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}
