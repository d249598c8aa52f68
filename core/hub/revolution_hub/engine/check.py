"""check: what a definition names must exist. All problems at once, each with its path."""

import difflib
from collections.abc import Callable, Sequence

from revolution_hub.catalog import Catalog
from revolution_hub.engine.shapes import add_step, impossible, scope_of
from revolution_hub.errors import DefinitionError, Problem, TemplateError
from revolution_hub.model.parse_workflow import MOST_PROBLEMS
from revolution_hub.model.workflow import Step, StepKind, TriggerKind, Workflow
from revolution_hub.template.document import compile_document
from revolution_hub.template.render import compile_condition
from revolution_hub.template.values import PathUse, path_text
from revolution_sdk.types import Json, JsonObject

HasConnection = Callable[[str, str], bool]
"""Tells whether the tenant has a connection of that connector and name."""


def check(workflow: Workflow, catalog: Catalog, has_connection: HasConnection) -> list[Problem]:
    """Return every problem: unknown events, actions, connections or steps, and unreadable templates.

    The first 200 are told, like those of `parse`: looking for near names is what costs.
    """
    problems = _check_triggers(workflow, catalog, has_connection)
    scope = scope_of(workflow, catalog)
    for step in workflow.walk():
        problems += _check_action(step, catalog, has_connection)
        problems += _check_templates(step, scope)
        add_step(scope, step, catalog)
        if len(problems) >= MOST_PROBLEMS:
            break
    return problems[:MOST_PROBLEMS]


def _check_triggers(workflow: Workflow, catalog: Catalog, has_connection: HasConnection) -> list[Problem]:
    problems = []
    names = catalog.event_names()
    for trigger in workflow.triggers:
        if trigger.kind is not TriggerKind.EVENT or trigger.event is None:
            continue
        if trigger.event not in names:
            path = f"{trigger.path}.event"
            problems.append(_unknown(path, "event", trigger.event, names, "unknown_event"))
        elif trigger.connection is not None:
            connectors = connectors_of(catalog, trigger.event)
            if not any(has_connection(one, trigger.connection) for one in connectors):
                problems.append(
                    Problem(
                        path=f"{trigger.path}.connection",
                        message=f"there is no {' or '.join(connectors)} connection {trigger.connection!r}",
                        code="unknown_connection",
                    )
                )
    return problems


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


def _check_action(step: Step, catalog: Catalog, has_connection: HasConnection) -> list[Problem]:
    if step.kind is not StepKind.ACTION or not step.uses:
        return []
    action = catalog.find_action(step.uses)
    if action is None:
        names = catalog.action_names()
        return [_unknown(f"{step.path}.uses", "action", step.uses, names, "unknown_action")]
    problems: list[Problem] = []
    known = action.input.get("properties", {})
    for name in step.body:
        if len(problems) >= MOST_PROBLEMS:
            break
        if name not in known and action.input.get("additionalProperties") is False:
            path = f"{step.path}.with.{name[:80]}"
            problems.append(_unknown(path, "input", name, list(known), "unknown_input"))
    for name in action.input.get("required", []):
        if name not in step.body:
            problems.append(
                Problem(
                    path=f"{step.path}.with", message=f"the input {name!r} is missing", code="missing_input"
                )
            )
    if step.connection is not None and not has_connection(step.connector, step.connection):
        message = f"there is no {step.connector} connection {step.connection!r}"
        problems.append(Problem(path=f"{step.path}.connection", message=message, code="unknown_connection"))
    return problems


def _check_templates(step: Step, scope: JsonObject) -> list[Problem]:
    word = "with" if step.kind is StepKind.ACTION else str(step.kind)
    problems: list[Problem] = []
    used: list[tuple[str, PathUse]] = []
    if isinstance(step.condition, str):
        try:
            used += [(f"{step.path}.if", one) for one in compile_condition(step.condition).paths]
        except TemplateError as error:
            problems.append(error.problem(f"{step.path}.if"))
    if step.body:
        used += _document_paths(step.body, f"{step.path}.{word}", problems)
    for path, use in used:
        if len(problems) >= MOST_PROBLEMS:
            break
        problems += _check_reference(path, use, scope)
    return problems


def _document_paths(body: Json, path: str, problems: list[Problem]) -> list[tuple[str, PathUse]]:
    try:
        document = compile_document(body, at=path)
    except DefinitionError as error:
        problems += error.problems
        return []
    return [(one.where, one.use) for one in document.paths]


def _check_reference(path: str, use: PathUse, scope: JsonObject) -> list[Problem]:
    found = impossible(scope, use.parts)
    # Whoever gives a variable a default says that it may not be there.
    if found is None or (use.defaulted and use.parts[0] == "vars"):
        return []
    where = f" (line {use.line}, column {use.column})"
    part = use.parts[found.index]
    if found.index == 0:
        return [_unknown(path, "name", f"{part}", found.known, "unknown_name", where=where)]
    if found.index == 1 and use.parts[0] == "steps":
        return [_unknown(path, "earlier step", f"{part}", found.known, "unknown_step", where=where)]
    near = difflib.get_close_matches(f"{part}", found.known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    message = f"{path_text(use.parts[: found.index + 1])} can never be there{hint}{where}"
    return [Problem(path=path, message=message, code="unknown_path")]


def _unknown(
    path: str, what: str, given: str, known: Sequence[str], code: str, *, where: str = ""
) -> Problem:
    near = difflib.get_close_matches(given, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return Problem(path=path, message=f"there is no {what} {given[:80]!r}{hint}{where}", code=code)
