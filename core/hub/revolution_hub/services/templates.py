"""Templates: trying one out on what a past execution had, or on data given by hand. Nothing is changed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from revolution_hub.access.rbac import require
from revolution_hub.engine.scope import build_scope
from revolution_hub.engine.versions import workflow_version
from revolution_hub.errors import DefinitionError, InputError, Problem
from revolution_hub.hub import Hub
from revolution_hub.model.execution import StepExecution
from revolution_hub.model.parse_workflow import MOST_PROBLEMS, parse
from revolution_hub.model.principal import Principal
from revolution_hub.model.workflow import Steps, Workflow
from revolution_hub.store import executions
from revolution_hub.store.tx import Tx
from revolution_hub.template.document import Document, DocumentPath, compile_document
from revolution_hub.template.limits import DEFAULT
from revolution_hub.template.near import did_you_mean
from revolution_sdk.types import Json, JsonObject

LIMITS = replace(DEFAULT, seconds=1.0)
"""A preview runs among the requests of everybody, so it gets less time than a step of its own."""

ROOT = "template"
"""Where problems and paths begin: the member of the request that holds the template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a template gives, and every path it reads with its place in it."""

    result: Json
    paths: tuple[DocumentPath, ...]


def preview(
    hub: Hub,
    principal: Principal,
    template: Json,
    *,
    execution_id: str | None = None,
    step_id: str | None = None,
    data: JsonObject | None = None,
) -> Preview:
    """Render a text, or every text of a JSON document, on the scope of an execution and on `data`.

    With `step_id` the scope is the one that this step saw, or would have seen. The keys of `data` replace
    those of the execution's scope. Raises DefinitionError for what is wrong in the template, with its place.
    """
    require(principal, "execution:read")
    if step_id is not None and execution_id is None:
        raise _refused("a step is one of an execution; send execution_id, too", "required")
    document = _compiled(template)
    scope: JsonObject = {}
    if execution_id is not None:
        with hub.store.read(principal.tenant_id) as tx:
            scope = _scope(tx, execution_id, step_id)
    result = document.render({**scope, **(data or {})}, LIMITS, hub.now())
    return Preview(result=result, paths=document.paths)


def _compiled(template: Json) -> Document:
    # A person tries one step's input. Compiling a whole request full of templates would hold up the others.
    if _template_chars(template) > LIMITS.source_chars:
        message = f"the templates have more than {LIMITS.source_chars:,} characters together"
        raise DefinitionError(
            message, [Problem(path=ROOT, message=message, code="template_limit")], code="template_limit"
        )
    try:
        return compile_document(template, at=ROOT)
    except DefinitionError as error:
        first = error.problems[0]
        detail = first.message.partition("\n")[0]
        raise DefinitionError(detail, error.problems[:MOST_PROBLEMS], code=first.code) from error


def _template_chars(value: Json) -> int:
    if isinstance(value, str):
        return len(value) if "{{" in value else 0
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(_template_chars, members))


def _scope(tx: Tx, execution_id: str, step_id: str | None) -> JsonObject:
    execution = executions.get(tx, execution_id)
    if execution.definition is not None:
        workflow = parse(execution.definition)
    else:
        workflow = workflow_version(tx, execution.workflow_id, execution.version)
    steps: Iterable[StepExecution] = executions.list_steps(tx, execution_id)
    if step_id is not None:
        earlier = _earlier_of(workflow, step_id)
        steps = [one for one in steps if one.step_id in earlier]
    return build_scope(workflow, execution, steps)


def _earlier_of(workflow: Workflow, step_id: str) -> list[str]:
    earlier = _before(workflow.steps, step_id)
    if earlier is None:
        known = [one.id for one in workflow.walk()]
        near = did_you_mean(step_id, known)
        raise _refused(f"the execution's workflow has no such step{near}", "unknown_step")
    return earlier


def _before(steps: Steps, step_id: str) -> list[str] | None:
    """Return what is done before a step is reached, None if it is not among these and below them.

    What stands in a branch is reached through the branch's own step, never through the branch beside it.
    """
    done: list[str] = []
    for step in steps:
        if step.id == step_id:
            return done
        done.append(step.id)
        for block in step.all_blocks():
            inner = _before(block.steps, step_id)
            if inner is not None:
                return done + inner
        done += [name for block in step.all_blocks() for name in _ids(block.steps)]
    return None


def _ids(steps: Steps) -> list[str]:
    return [
        name
        for one in steps
        for name in (one.id, *(inner for block in one.all_blocks() for inner in _ids(block.steps)))
    ]


def _refused(message: str, code: str) -> InputError:
    return InputError("the request is not valid", [Problem(path="step_id", message=message, code=code)])
