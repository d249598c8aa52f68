"""Control words: steps the engine performs itself. They compute from the scope and touch nothing outside.

Those that wait, or are done by children, are only looked at here; the drive goes on with them.
"""

from dataclasses import dataclass

from revolution_hub.engine.compiled import body_of
from revolution_hub.engine.mend import fail_step
from revolution_hub.engine.plan import ELSE, THEN, case_block
from revolution_hub.engine.respond import response_of
from revolution_hub.engine.run import Run
from revolution_hub.errors import TemplateError
from revolution_hub.model.change import Move
from revolution_hub.model.execution import StepExecution, error_json
from revolution_hub.model.status import ExecutionStatus, StepStatus
from revolution_hub.model.strict_json import canonical_json
from revolution_hub.model.workflow import SPREADING, Step, StepKind
from revolution_hub.template.render import compile_condition, evaluate_condition
from revolution_sdk.types import Json, JsonObject

_MORE = SPREADING | {StepKind.ACTION, StepKind.WAIT, StepKind.EMIT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """What came of looking at a step: there is `more` to do in it, or it is done and may bring a move."""

    more: bool = False
    move: Move | None = None


def visit(run: Run, step: Step) -> Visited:
    """Perform the step as far as it needs nothing but the scope. A template that fails fails the step."""
    try:
        # A step that was begun has passed its `if` already; the answer may be another one by now.
        if run.record_of(step) is None:
            holding = holds(run, step)
            if step.kind is StepKind.BRANCH:
                if step.approval is None:
                    branch(run, step, holding)
                    return Visited()
            elif not holding:
                skip(run, step)
                return Visited()
        # Whoever is asked first is asked by a worker.
        if step.kind in _MORE or step.approval is not None:
            return Visited(more=True)
        return Visited(move=perform(run, step))
    except TemplateError as error:
        return Visited(move=fail(run, step, error))


def holds(run: Run, step: Step) -> bool:
    """Evaluate the step's `if`; raises TemplateError if it cannot be."""
    if isinstance(step.condition, bool):
        return step.condition
    return evaluate_condition(compile_condition(step.condition), run.scope(), now=run.now)


def skip(run: Run, step: Step) -> None:
    """Record that the step's `if` said no."""
    now = run.now
    run.record(run.fresh(step, StepStatus.SKIPPED, now=now, finished_at=now))


def branch(run: Run, step: Step, holding: bool, begun: StepExecution | None = None) -> None:
    """Record which branch was taken; the plan enters it."""
    _done(run, step, {"branch": THEN if holding else ELSE}, begun)


def perform(run: Run, step: Step, begun: StepExecution | None = None) -> Move | None:
    """Perform a `set`, `switch`, `respond` or `finish`; the last returns the move that ends the execution.

    One that was `begun` is done with the values in its record.
    """
    body = body_of(step).render(run.scope(), now=run.now) if begun is None else begun.input
    if step.kind is StepKind.SWITCH:
        _done(run, step, {"case": _case(step, body["value"])}, begun)
        return None
    if step.kind is StepKind.RESPOND:
        response = response_of(body)
        _done(run, step, response, begun)
        run.respond(response)
        return None
    _done(run, step, body, begun)
    return _finish(run, body) if step.kind is StepKind.FINISH else None


def fail(run: Run, step: Step, error: TemplateError) -> Move | None:
    """Record that the step could not be computed, which fails it."""
    return fail_step(
        run, step, run.record_of(step) or run.fresh(step), error_json(error.code, error.pointed())
    )


def _case(step: Step, value: Json) -> str | None:
    """Return the case of a switch whose text this is, None if there is none."""
    text = value if isinstance(value, str) else canonical_json(value)
    return text if any(block.name == case_block(text) for block in step.blocks) else None


def _done(run: Run, step: Step, output: JsonObject, begun: StepExecution | None) -> None:
    if begun is None:
        now = run.now
        run.record(run.fresh(step, StepStatus.SUCCEEDED, now=now, output=output, finished_at=now))
    else:
        run.succeed(begun, output)


def _finish(run: Run, body: JsonObject) -> Move:
    reason = str(body["reason"]) if body.get("reason") is not None else None
    status = ExecutionStatus(body.get("status", "succeeded"))
    error = error_json("finished_failed", reason or "the workflow finished as failed")
    return Move(
        status=status,
        at=run.now,
        output=body.get("output"),
        reason=reason,
        error=error if status is ExecutionStatus.FAILED else None,
    )
