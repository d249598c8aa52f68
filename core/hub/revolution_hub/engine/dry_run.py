"""dry_run: what a workflow would do, walked through without calling anything. Pure.

Control words are really evaluated. What an action would give is taken from what is pinned, from a past
execution, or made up from the schema of its output.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from revolution_hub.engine.approval_content import STEP, rules_among
from revolution_hub.engine.compiled import body_of, part_of, value_of
from revolution_hub.engine.emitted import problems_of_own
from revolution_hub.engine.inputs import checked_inputs
from revolution_hub.engine.plan import DEFAULT, ELSE, THEN, case_block
from revolution_hub.engine.rehearsal import (
    ITEMS_SHOWN,
    Budget,
    Ended,
    Planned,
    Source,
    Surroundings,
    pretended,
)
from revolution_hub.engine.respond import response_of
from revolution_hub.engine.samples import sample_of
from revolution_hub.engine.scope import begin_scope, shown_error
from revolution_hub.errors import DefinitionError, InputError, TemplateError
from revolution_hub.model.durations import duration_s
from revolution_hub.model.execution import Execution, error_json
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.model.strict_json import canonical_json
from revolution_hub.model.time import parse_moment, rfc3339
from revolution_hub.model.workflow import Step, StepKind, Steps, Workflow
from revolution_hub.template.document import Document
from revolution_hub.template.render import compile_condition, evaluate_condition
from revolution_sdk.types import Json, JsonObject

DEEPEST_CALL = 5
"""Workflows called within one another are walked through so deep."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """A walk through one workflow, and through those it calls with walks of their own.

    `pins` and `past` are results by step id that stand for calls.
    """

    workflow: Workflow
    around: Surroundings
    pins: Mapping[str, Json] = field(default_factory=dict)
    past: Mapping[str, Json] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    within: tuple[str, ...] = ()

    def run(self, execution: Execution) -> Ended:
        """Walk through the workflow as this execution would; what is told is in the budget."""
        scope = begin_scope(self.workflow, execution)
        waits = [one for one in self.workflow.walk() if "callback" in one.body and one.kind is StepKind.WAIT]
        scope["callbacks"] = {one.id: f"urn:revolution:dry-run:{one.id}" for one in waits}
        return self._steps(self.workflow.steps, scope, self.within) or Ended()

    def _steps(self, steps: Steps, scope: JsonObject, within: tuple[str, ...]) -> Ended | None:
        for index, step in enumerate(steps):
            ended = self._step(step, scope, within)
            if ended is not None:
                self._pass_over(steps[index + 1 :], within)
                return ended
        return None

    def _pass_over(self, steps: Steps, within: tuple[str, ...]) -> None:
        for step in steps:
            self.budget.tell(Planned(step=step, within=within))
            for block in step.all_blocks():
                self._pass_over(block.steps, within)

    def _step(self, step: Step, scope: JsonObject, within: tuple[str, ...]) -> Ended | None:
        planned = self.budget.tell(Planned(step=step, within=within))
        told = len(self.budget.told)
        try:
            planned.condition = self._holds(step, scope)
            if step.kind is not StepKind.BRANCH and not planned.condition:
                planned.source = Source.SKIPPED
                ended = None
            else:
                planned.approval = [STEP] if step.approval is not None else []
                ended = _WAYS[step.kind](self, planned, scope)
        except DefinitionError as error:
            ended = self._failed(planned, scope, _error_of(error))
        if len(self.budget.told) == told:
            for block in step.blocks:
                self._pass_over(block.steps, within)
        after = step.on_error.block if step.on_error else None
        if after is not None and planned.source is not Source.FAILED:
            self._pass_over(after.steps, within)
        return ended

    def _holds(self, step: Step, scope: JsonObject) -> bool:
        if isinstance(step.condition, bool):
            return step.condition
        condition = compile_condition(step.condition)
        return evaluate_condition(condition, scope, self.budget.limits(), self.around.now)

    def _render(self, document: Document, scope: JsonObject) -> Json:
        return document.render(scope, self.budget.limits(), self.around.now)

    def _failed(self, planned: Planned, scope: JsonObject, error: JsonObject) -> Ended | None:
        """Note that a step fails; returns how that ends what it is in, None if it is provided for."""
        step, planned.source, planned.error = planned.step, Source.FAILED, error
        ended = Ended(status=ExecutionStatus.FAILED, error={**error, "step": step.id})
        if step.on_error is None:
            return ended
        scope["error"] = shown_error(error)
        if step.on_error.block is not None:
            return self._steps(step.on_error.block.steps, scope, planned.within)
        try:
            value = self._render(value_of(step.on_error), scope)
        except DefinitionError as second:
            return replace(ended, error={**_error_of(second), "step": step.id})
        planned.output = self.budget.spend(value)
        scope["steps"][step.id] = value
        return None

    def _done(self, planned: Planned, scope: JsonObject, source: Source, output: Json) -> None:
        planned.source, planned.output = source, self.budget.spend(output)
        scope["steps"][planned.step.id] = output

    def action(self, planned: Planned, scope: JsonObject) -> Ended | None:
        """Show what an action would be called with."""
        step, catalog = planned.step, self.around.catalog
        action = catalog.find_action(str(step.uses))
        if action is None:
            raise InputError(f"no installed plugin offers {step.uses!r}", code="action_missing")
        planned.effect = str(action.effect)
        asking = rules_among(self.around.policies, step, critical=action.critical)
        planned.approval = [source for source, _ in asking]
        planned.connection = self.around.connection_of(step.connector, step.connection)
        planned.input = self.budget.spend(self._render(body_of(step), scope))
        planned.problems = catalog.check_input(str(step.uses), planned.input)
        if not self._given(planned, scope):
            self._done(planned, scope, Source.SAMPLE, sample_of(action.output))
        return None

    def call(self, planned: Planned, scope: JsonObject) -> Ended | None:
        """Walk through a workflow that is called, unless its result is given."""
        step = planned.step
        planned.input = self.budget.spend(self._render(body_of(step), scope))
        if self._given(planned, scope):
            return None
        called = self.around.find_workflow(str(step.target))
        if called is None:
            raise InputError(f"there is no published workflow {step.target!r}", code="unknown_workflow")
        data = checked_inputs(called, planned.input, at="with")
        within = (*planned.within, step.id)
        if len(within) > DEEPEST_CALL:
            self._done(planned, scope, Source.SAMPLE, None)
            return None
        walk = Walk(workflow=called, around=self.around, budget=self.budget, within=within)
        ended = walk.run(pretended(self.around.now, "call", data))
        if ended.failed:
            return self._failed(planned, scope, ended.error or {})
        self._done(planned, scope, Source.COMPUTED, ended.output)
        return None

    def _given(self, planned: Planned, scope: JsonObject) -> bool:
        for source, results in ((Source.PINNED, self.pins), (Source.PAST, self.past)):
            if planned.step.id in results:
                self._done(planned, scope, source, results[planned.step.id])
                return True
        return False

    def branch(self, planned: Planned, scope: JsonObject) -> Ended | None:
        """Go the way the condition says."""
        taken = THEN if planned.condition else ELSE
        self._done(planned, scope, Source.COMPUTED, {"branch": taken})
        return self._enter(planned, scope, taken)

    def switch(self, planned: Planned, scope: JsonObject) -> Ended | None:
        """Go the way the value says."""
        value = self._render(body_of(planned.step), scope)["value"]
        text = value if isinstance(value, str) else canonical_json(value)
        known = any(block.name == case_block(text) for block in planned.step.blocks)
        self._done(planned, scope, Source.COMPUTED, {"case": text if known else None})
        return self._enter(planned, scope, case_block(text) if known else DEFAULT)

    def _enter(self, planned: Planned, scope: JsonObject, taken: str) -> Ended | None:
        ended = None
        for block in planned.step.blocks:
            if block.name == taken:
                ended = self._steps(block.steps, scope, planned.within)
            else:
                self._pass_over(block.steps, planned.within)
        return ended

    def parallel(self, planned: Planned, scope: JsonObject) -> Ended | None:
        """Walk through every branch; the first that fails in written order fails the step."""
        outputs: JsonObject = {}
        error: JsonObject | None = None
        for block in planned.step.blocks:
            ended = self._apart(block.steps, scope, (*planned.within, f"{planned.step.id}.{block.name}"), {})
            outputs[block.name] = ended.output
            if ended.failed and error is None:
                error = {**(ended.error or {}), "details": {"branch": block.name}}
        if error is not None:
            return self._failed(planned, scope, error)
        self._done(planned, scope, Source.COMPUTED, outputs)
        return None

    def for_each(self, planned: Planned, scope: JsonObject) -> Ended | None:
        """Walk through the first items; the others are taken to give what the last of these gave."""
        step = planned.step
        items = self._render(part_of(step, "items"), scope)
        if not isinstance(items, list):
            raise InputError("a for_each goes through a list, and this is none", code="not_a_list")
        planned.items, planned.input = len(items), self.budget.spend({"items": items[:ITEMS_SHOWN]})
        results: list[Json] = []
        errors: list[JsonObject] = []
        for index, item in enumerate(items[:ITEMS_SHOWN]):
            ended = self._item(planned, scope, index, item)
            if ended.failed:
                errors.append({"index": index, "error": ended.error})
                if step.loop.stop:
                    return self._failed(planned, scope, ended.error or {})
            results.append(None if ended.failed else ended.output)
        output = {"items": results, "succeeded": len(items) - len(errors), "failed": len(errors)}
        source = Source.COMPUTED if len(items) <= ITEMS_SHOWN else Source.SAMPLE
        self._done(planned, scope, source, {**output, "errors": errors})
        supposed = results + results[-1:] * (len(items) - len(results))
        scope["steps"][step.id] = {**output, "items": supposed, "errors": errors}
        return None

    def _item(self, planned: Planned, scope: JsonObject, index: int, item: Json) -> Ended:
        step = planned.step
        more = {step.loop.variable: item, "index": index}
        within = (*planned.within, f"{step.id}[{index}]")
        return self._apart(step.blocks[0].steps, scope, within, more, result_of=step)

    def _apart(
        self,
        steps: Steps,
        scope: JsonObject,
        within: tuple[str, ...],
        more: JsonObject,
        result_of: Step | None = None,
    ) -> Ended:
        """Walk through steps that a child would do, with its own `vars` and `steps`."""
        own = {**scope, "steps": dict(scope["steps"]), "vars": dict(scope["vars"]), **more}
        begun = len(self.budget.told)
        ended = self._steps(steps, own, within)
        if ended is not None:
            return ended
        if result_of is not None and "result" in result_of.body:
            try:
                return Ended(output=self._render(part_of(result_of, "result"), own))
            except TemplateError as error:
                return Ended(status=ExecutionStatus.FAILED, error=_error_of(error))
        done = [
            one for one in self.budget.told[begun:] if one.within == within and one.step.id in own["steps"]
        ]
        reached = {one.step.id: own["steps"][one.step.id] for one in done if one.source in _WITH_OUTPUT}
        if result_of is None:
            return Ended(output=reached)
        return Ended(output=next((one for one in reversed(list(reached.values())) if one is not None), None))

    def wait(self, planned: Planned, scope: JsonObject) -> Ended | None:
        """Tell until when it would wait; a callback is taken to bring an empty body."""
        body, now = self._render(body_of(planned.step), scope), self.around.now
        if "callback" in body:
            came: JsonObject = {"body": {}, "received_at": rfc3339(now)}
            self._done(planned, scope, Source.SAMPLE, came)
            return None
        try:
            until = parse_moment(body["until"]) if "until" in body else now + _span(body["for"])
        except (ValueError, OverflowError) as error:
            raise InputError(f"how long to wait: {error}", code="bad_duration") from error
        planned.input = {"until": rfc3339(until)}
        self._done(planned, scope, Source.COMPUTED, planned.input)
        return None

    def emit(self, planned: Planned, scope: JsonObject) -> Ended | None:
        """Show which event would be reported."""
        body = self._render(body_of(planned.step), scope)
        planned.input = {"event": planned.step.event, **body}
        planned.problems = problems_of_own(str(planned.step.event), body.get("data", {}))
        self._done(planned, scope, Source.COMPUTED, {"event": planned.step.event, "event_id": ""})
        return None

    def compute(self, planned: Planned, scope: JsonObject) -> Ended | None:
        """Evaluate a `set`, `respond` or `finish`."""
        step, body = planned.step, self._render(body_of(planned.step), scope)
        planned.input = body
        if step.kind is StepKind.RESPOND:
            body = response_of(body)
        self._done(planned, scope, Source.COMPUTED, body)
        if step.kind is StepKind.SET:
            scope["vars"] |= body
        return _finished(body) if step.kind is StepKind.FINISH else None


_WITH_OUTPUT = (Source.PINNED, Source.PAST, Source.SAMPLE, Source.COMPUTED, Source.FAILED)
_WAYS: dict[StepKind, Callable[[Walk, Planned, JsonObject], Ended | None]] = {
    StepKind.ACTION: Walk.action,
    StepKind.CALL: Walk.call,
    StepKind.BRANCH: Walk.branch,
    StepKind.SWITCH: Walk.switch,
    StepKind.PARALLEL: Walk.parallel,
    StepKind.FOR_EACH: Walk.for_each,
    StepKind.WAIT: Walk.wait,
    StepKind.EMIT: Walk.emit,
    StepKind.SET: Walk.compute,
    StepKind.RESPOND: Walk.compute,
    StepKind.FINISH: Walk.compute,
}


def _finished(body: JsonObject) -> Ended:
    status = ExecutionStatus(body.get("status", "succeeded"))
    reason = str(body["reason"]) if body.get("reason") is not None else None
    error = error_json("finished_failed", reason or "the workflow finished as failed")
    failed = status is ExecutionStatus.FAILED
    return Ended(status=status, output=body.get("output"), reason=reason, error=error if failed else None)


def _error_of(error: DefinitionError) -> JsonObject:
    message = error.pointed() if isinstance(error, TemplateError) else error.message
    problems = [one.as_json() for one in error.problems] if isinstance(error, InputError) else []
    return error_json(error.code, message, {"problems": problems} if problems else None)


def _span(value: Json) -> timedelta:
    return timedelta(seconds=duration_s(value))
