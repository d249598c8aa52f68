"""check_templates: what the templates of a definition read must be there at some time. Pure."""

from collections.abc import Iterator

from revolution_hub.engine.check_names import unknown
from revolution_hub.engine.shapes import impossible
from revolution_hub.engine.sight import Sight, with_error
from revolution_hub.errors import DefinitionError, Problem, TemplateError
from revolution_hub.model.workflow import Step, StepKind
from revolution_hub.template.document import compile_document
from revolution_hub.template.near import did_you_mean
from revolution_hub.template.render import compile_condition, compile_template
from revolution_hub.template.values import PathUse, path_text
from revolution_sdk.types import Json, JsonObject

_WORDS = {StepKind.ACTION: "with", StepKind.CALL: "with"}
"""Under which word a body stands, where it is not the name of the kind."""


def check_before(step: Step, seen: Sight) -> Iterator[Problem]:
    """Yield what is wrong with the templates that are rendered before the step's own steps are run."""
    scope = seen.schema()
    if isinstance(step.condition, str):
        yield from check_condition(step.condition, f"{step.path}.if", scope)
    if step.approval is not None:
        yield from check_document(step.approval.message, f"{step.path}.approval.message", scope)
    if step.kind is StepKind.FOR_EACH:
        yield from _check_items(step.body["items"], f"{step.path}.for_each", scope)
    elif step.kind is StepKind.SWITCH:
        yield from check_document(step.body["value"], f"{step.path}.switch", scope)
    elif step.body:
        yield from check_document(step.body, f"{step.path}.{_WORDS.get(step.kind, step.kind)}", scope)


def check_after(step: Step, seen: Sight, body: Sight | None) -> Iterator[Problem]:
    """Yield what is wrong with what is rendered behind its steps: an item's result, the value for an error.

    `body` is what is seen at the end of a `for_each`'s own steps.
    """
    if "result" in step.body and step.kind is StepKind.FOR_EACH and body is not None:
        yield from check_document(step.body["result"], f"{step.path}.result", body.schema())
    if step.on_error is not None and step.on_error.block is None:
        path = f"{step.on_error.path}.continue"
        yield from check_document(step.on_error.value, path, with_error(seen).schema())


def check_document(value: Json, path: str, scope: JsonObject) -> Iterator[Problem]:
    """Yield what is wrong with the templates in a JSON value, and with what they read of this scope."""
    try:
        document = compile_document(value, at=path)
    except DefinitionError as error:
        yield from error.problems
        return
    for one in document.paths:
        yield from _check_reference(one.where, one.use, scope)


def check_condition(source: str, path: str, scope: JsonObject) -> Iterator[Problem]:
    """Yield what is wrong with a condition, and with what it reads of this scope."""
    try:
        template = compile_condition(source)
    except TemplateError as error:
        yield error.problem(path)
        return
    for use in template.paths:
        yield from _check_reference(path, use, scope)


def _check_items(items: Json, path: str, scope: JsonObject) -> Iterator[Problem]:
    if isinstance(items, str) and _is_mixed(items):
        message = "one {{ expression }} that gives a list, and nothing else, is needed here"
        yield Problem(path=path, message=message, code="template_invalid")
        return
    yield from check_document(items, path, scope)


def _is_mixed(source: str) -> bool:
    try:
        return compile_template(source).lone is None
    except TemplateError:
        return False


def _check_reference(path: str, use: PathUse, scope: JsonObject) -> Iterator[Problem]:
    found = impossible(scope, use.parts)
    # Whoever gives a variable a default says that it may not be there.
    if found is None or (use.defaulted and use.parts[0] == "vars"):
        return
    where = f" (line {use.line}, column {use.column})"
    part = str(use.parts[found.index])
    if found.index == 0:
        yield unknown(path, "name", part, found.known, "unknown_name", where=where)
    elif found.index == 1 and use.parts[0] == "steps":
        yield unknown(path, "earlier step", part, found.known, "unknown_step", where=where)
    elif found.index == 1 and use.parts[0] == "callbacks":
        yield unknown(path, "wait for a callback", part, found.known, "unknown_step", where=where)
    else:
        text = path_text(use.parts[: found.index + 1])
        message = f"{text} can never be there{did_you_mean(part, found.known)}{where}"
        yield Problem(path=path, message=message, code="unknown_path")
