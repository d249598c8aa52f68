"""check_names: the events, actions, connections, zones and inputs a definition names must exist. Pure."""

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice

from revolution_hub.catalog import Catalog
from revolution_hub.errors import Problem
from revolution_hub.model.workflow import Step, StepKind, Trigger, Workflow
from revolution_hub.template.filters.zones import zone_named
from revolution_sdk.types import JsonObject

HasConnection = Callable[[str, str], bool]
"""Tells whether the tenant has a connection of that connector and name."""

_MOST_CANDIDATES = 500
_LONGEST_SHOWN = 80


def check_triggers(workflow: Workflow, catalog: Catalog, has_connection: HasConnection) -> Iterator[Problem]:
    """Yield what is wrong with what the triggers name."""
    names = catalog.event_names()
    for trigger in workflow.triggers:
        schedule = trigger.schedule
        if schedule is not None and schedule.timezone and zone_named(schedule.timezone) is None:
            message = (
                f"there is no time zone {schedule.timezone[:_LONGEST_SHOWN]!r}; an example: Europe/Berlin"
            )
            path = f"{trigger.path}.schedule.timezone"
            yield Problem(path=path, message=message, code="unknown_timezone")
        if trigger.event is not None and trigger.event not in names:
            yield unknown(f"{trigger.path}.event", "event", trigger.event, names, "unknown_event")
        elif trigger.event is not None:
            yield from _check_source(trigger, connectors_of(catalog, trigger.event), has_connection)


def _check_source(
    trigger: Trigger, connectors: Sequence[str], has_connection: HasConnection
) -> Iterator[Problem]:
    name = trigger.connection
    if name is not None and not any(has_connection(one, name) for one in connectors):
        message = f"there is no {' or '.join(connectors)} connection {name!r}"
        yield Problem(path=f"{trigger.path}.connection", message=message, code="unknown_connection")


def connectors_of(catalog: Catalog, event: str) -> list[str]:
    """Return the names of the connectors that report an event of this qualified or canonical name."""
    found = catalog.find_event(event)
    if found is not None:
        return [found[0].name]
    return [
        one.name
        for one in catalog.connectors.values()
        if any(declared.canonical == event for declared in one.events.values())
    ]


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


def check_inputs(schema: JsonObject, step: Step) -> Iterator[Problem]:
    """Yield what is unknown or missing under a step's `with`, by the schema of what it calls."""
    known = schema.get("properties", {})
    if schema.get("additionalProperties") is False:
        for name in step.body:
            if name not in known:
                path = f"{step.path}.with.{name[:_LONGEST_SHOWN]}"
                yield unknown(path, "input", name, list(known), "unknown_input")
    for name in schema.get("required", []):
        if name not in step.body and not has_default(known.get(name)):
            message = f"the input {name!r} is missing"
            yield Problem(path=f"{step.path}.with", message=message, code="missing_input")


def has_default(schema: object) -> bool:
    """Tell whether a value that is left out is filled in."""
    return isinstance(schema, dict) and "default" in schema


def unknown(path: str, what: str, given: str, known: Sequence[str], code: str, *, where: str = "") -> Problem:
    """Return the problem that there is no such thing, with the nearest name there is."""
    near = get_close_matches(given, islice(known, _MOST_CANDIDATES), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    message = f"there is no {what} {given[:_LONGEST_SHOWN]!r}{hint}{where}"
    return Problem(path=path, message=message, code=code)
