"""check_names: the events, actions, connections, zones and inputs a definition names must exist. Pure."""

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice

from revolution_hub.catalog import Catalog
from revolution_hub.engine.check_schedules import check_schedules
from revolution_hub.errors import Problem
from revolution_hub.model.event_names import EXAMPLE, is_asked_for, is_wildcard, may_be_emitted
from revolution_hub.model.workflow import Step, StepKind, Trigger, Workflow
from revolution_sdk.canonical import CANONICAL
from revolution_sdk.types import JsonObject

HasConnection = Callable[[str, str], bool]
"""Tells whether the tenant has a connection of that connector and name."""

Refusal = Callable[[str, str], str | None]
"""Tells why the tenant does not let an action of a connector work, with an empty action the connector."""

_MOST_CANDIDATES = 500
_LONGEST_SHOWN = 80
_WILDCARDS = f" (a * stands for whole words at the end, as in {EXAMPLE})"


def check_triggers(workflow: Workflow, catalog: Catalog, has_connection: HasConnection) -> Iterator[Problem]:
    """Yield what is wrong with what the triggers name."""
    names = catalog.event_names()
    yield from check_schedules(workflow)
    for trigger in workflow.triggers:
        if trigger.event is not None and not is_asked_for(trigger.event, names):
            where = _WILDCARDS if is_wildcard(trigger.event) else ""
            yield unknown(
                f"{trigger.path}.event", "event", trigger.event, names, "unknown_event", where=where
            )
        elif trigger.event is not None:
            yield from _check_source(trigger, connectors_of(catalog, trigger.event), has_connection)


def _check_source(
    trigger: Trigger, connectors: Sequence[str], has_connection: HasConnection
) -> Iterator[Problem]:
    name = trigger.connection
    if name is not None and not connectors:
        message = "no connector reports this event, so it comes through no connection"
        yield Problem(path=f"{trigger.path}.connection", message=message, code="unknown_connection")
    elif name is not None and not any(has_connection(one, name) for one in connectors):
        message = f"there is no {' or '.join(connectors)} connection {name!r}"
        yield Problem(path=f"{trigger.path}.connection", message=message, code="unknown_connection")


def connectors_of(catalog: Catalog, event: str) -> list[str]:
    """Return the names of the connectors that report an event of this name, or under this wildcard."""
    return list(dict.fromkeys(connector.name for connector, _ in catalog.events_under(event)))


def check_action(step: Step, catalog: Catalog, has_connection: HasConnection) -> Iterator[Problem]:
    """Yield what is wrong with the action a step names, its inputs and its connection."""
    if step.kind is not StepKind.ACTION or not step.uses:
        return
    action = catalog.find_action(step.uses)
    if action is None:
        names = catalog.action_names()
        yield unknown(f"{step.path}.uses", "action", step.uses, names, "unknown_action")
        return
    yield from check_inputs(action.input, step)
    if step.connection is not None and not has_connection(step.connector, step.connection):
        message = f"there is no {step.connector} connection {step.connection!r}"
        yield Problem(path=f"{step.path}.connection", message=message, code="unknown_connection")


def check_enabled(step: Step, refusal: Refusal) -> Iterator[Problem]:
    """Yield that the tenant has disabled the action a step names, or its whole integration."""
    if step.kind is StepKind.ACTION and step.uses:
        connector, _, action = step.uses.partition(".")
        told = refusal(connector, action)
        if told is not None:
            yield Problem(path=f"{step.path}.uses", message=told, code="disabled")


def check_sources(workflow: Workflow, catalog: Catalog, refusal: Refusal) -> Iterator[Problem]:
    """Yield which triggers nothing reports, because the tenant has disabled every connector that could."""
    for trigger in workflow.triggers:
        connectors = connectors_of(catalog, trigger.event) if trigger.event is not None else []
        told = [refusal(one, "") for one in connectors]
        if connectors and all(told) and trigger.event not in CANONICAL:
            yield Problem(path=f"{trigger.path}.event", message=str(told[0]), code="disabled")


def check_inputs(schema: JsonObject, step: Step) -> Iterator[Problem]:
    """Yield what is unknown or missing under a step's `with`, by the schema of what it calls."""
    yield from _check_members(schema, step.body, f"{step.path}.with", "input")


def check_emit(step: Step, catalog: Catalog) -> Iterator[Problem]:
    """Yield what is wrong with the event a step reports: its type, and the members of its data."""
    if not step.event:
        return
    path = f"{step.path}.emit"
    if catalog.find_event(step.event) is not None:
        message = "only its connector reports this event; report a canonical one, or one under custom."
        yield Problem(path=f"{path}.event", message=message, code="unknown_event")
    elif not may_be_emitted(step.event):
        where = " (types of your own begin with custom.)"
        yield unknown(f"{path}.event", "event", step.event, list(CANONICAL), "unknown_event", where=where)
    elif step.event in CANONICAL and isinstance(step.body.get("data", {}), dict):
        data = step.body.get("data", {})
        yield from _check_members(CANONICAL[step.event].data, data, f"{path}.data", "member")


def _check_members(schema: JsonObject, given: JsonObject, path: str, what: str) -> Iterator[Problem]:
    known = schema.get("properties", {})
    if schema.get("additionalProperties") is False:
        for name in given:
            if name not in known:
                place = f"{path}.{name[:_LONGEST_SHOWN]}"
                yield unknown(place, what, name, list(known), "unknown_input")
    for name in schema.get("required", []):
        if name not in given and not has_default(known.get(name)):
            yield Problem(path=path, message=f"the {what} {name!r} is missing", code="missing_input")


def has_default(schema: object) -> bool:
    """Tell whether a value that is left out is filled in."""
    return isinstance(schema, dict) and "default" in schema


def unknown(path: str, what: str, given: str, known: Sequence[str], code: str, *, where: str = "") -> Problem:
    """Return the problem that there is no such thing, with the nearest name there is."""
    near = get_close_matches(given, islice(known, _MOST_CANDIDATES), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    message = f"there is no {what} {given[:_LONGEST_SHOWN]!r}{hint}{where}"
    return Problem(path=path, message=message, code=code)
