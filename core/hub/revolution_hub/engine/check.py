"""check: what a definition names must exist, and each of its steps must make sense. All problems at once."""

from collections.abc import Iterator
from itertools import islice

from revolution_hub.catalog import Catalog
from revolution_hub.engine.check_calls import Callees, FindWorkflow
from revolution_hub.engine.check_flow import check_reach, check_starts, input_faults
from revolution_hub.engine.check_names import (
    HasConnection,
    Refusal,
    check_action,
    check_emit,
    check_enabled,
    check_sources,
    check_triggers,
    connectors_of,
)
from revolution_hub.engine.check_templates import check_after, check_before, check_condition, check_document
from revolution_hub.engine.shapes import ANYTHING
from revolution_hub.engine.sight import (
    Sight,
    inner_sights,
    sight_after_failure,
    sight_of,
    trigger_alone,
)
from revolution_hub.errors import Problem
from revolution_hub.model.parse_workflow import MOST_PROBLEMS
from revolution_hub.model.workflow import BRANCHING, Step, Steps, Workflow
from revolution_sdk.types import Json

__all__ = ["FindWorkflow", "HasConnection", "check", "connectors_of", "no_workflow"]


def no_workflow(name: str) -> None:
    """Find no workflow of any name."""


def no_refusal(connector: str, action: str) -> None:
    """Let everything that is installed work."""


def check(
    workflow: Workflow,
    catalog: Catalog,
    has_connection: HasConnection,
    find_workflow: FindWorkflow = no_workflow,
    refusal: Refusal = no_refusal,
) -> list[Problem]:
    """Return every problem: names of what is not there, unreadable templates, steps that are never reached.

    The first 200 are told, like those of `parse`: looking for near names is what costs. Without
    `find_workflow` there is no workflow to call; `refusal` says what the tenant has disabled.
    """
    checks = _Checks(workflow, catalog, has_connection, find_workflow, refusal)
    return list(islice(checks.all(), MOST_PROBLEMS))


class _Checks:
    def __init__(
        self,
        workflow: Workflow,
        catalog: Catalog,
        has_connection: HasConnection,
        find_workflow: FindWorkflow,
        refusal: Refusal,
    ) -> None:
        self.workflow = workflow
        self.catalog = catalog
        self.has_connection = has_connection
        self.refusal = refusal
        self.callees = Callees(workflow, find_workflow)

    def all(self) -> Iterator[Problem]:
        """Yield the problems in the order of the document, what can never be reached last."""
        workflow, catalog = self.workflow, self.catalog
        yield from check_triggers(workflow, catalog, self.has_connection)
        yield from check_sources(workflow, catalog, self.refusal)
        faults = input_faults(workflow)
        yield from faults
        if not faults:
            yield from check_starts(workflow)
        yield from self.keys()
        # Nothing can be said about what a schema allows that is none.
        inputs: Json = ANYTHING if faults or workflow.inputs is None else workflow.inputs
        yield from self.steps(workflow.steps, sight_of(workflow, catalog, inputs=inputs))
        after = workflow.on_failure
        if after is not None and after.block is not None:
            steps = after.block.steps
            yield from self.steps(steps, sight_after_failure(workflow, catalog, steps, inputs=inputs))
            yield from check_reach(steps)
        yield from self.callees.check_on_failure()
        yield from check_reach(workflow.steps)

    def keys(self) -> Iterator[Problem]:
        """Yield what is wrong with the keys that are rendered before an execution is there."""
        scope = trigger_alone(self.workflow, self.catalog)
        for trigger in self.workflow.triggers:
            if trigger.where is not None:
                yield from check_condition(trigger.where, f"{trigger.path}.where", scope)
        if self.workflow.concurrency is not None:
            yield from check_document(self.workflow.concurrency.key, "concurrency.key", scope)
        yield from check_document(self.workflow.idempotency, "idempotency.key", scope)

    def steps(self, steps: Steps, seen: Sight) -> Iterator[Problem]:
        """Yield what is wrong with these steps and those below; `seen` grows along them."""
        for step in steps:
            yield from check_action(step, self.catalog, self.has_connection)
            yield from check_enabled(step, self.refusal)
            yield from check_emit(step, self.catalog)
            yield from self.callees.check_step(step)
            yield from check_before(step, seen)
            yield from self.below(step, seen)

    def below(self, step: Step, seen: Sight) -> Iterator[Problem]:
        """Yield what is wrong with the steps below this one, and add to `seen` what it leaves behind."""
        if step.kind in BRANCHING:
            # Which way it goes is recorded before its steps are run.
            seen.add(step, self.catalog, {})
        inner = inner_sights(seen, step)
        for block in step.all_blocks():
            yield from self.steps(block.steps, inner[block.name])
        body = inner[step.blocks[0].name] if step.blocks else None
        yield from check_after(step, seen, body)
        seen.add(step, self.catalog, inner)
