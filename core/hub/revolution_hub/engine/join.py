"""join: what the children of a step have come to, once all have ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from revolution_hub.engine.limits import require_payload
from revolution_hub.engine.run import Run
from revolution_hub.errors import LimitError
from revolution_hub.model.execution import Execution, StepExecution, error_json
from revolution_hub.model.status import ExecutionStatus, StepStatus
from revolution_hub.model.strict_json import dump_json
from revolution_hub.model.workflow import Step, StepKind
from revolution_hub.store import family
from revolution_hub.store.payloads import whole_execution, whole_step
from revolution_sdk.types import Json, JsonObject

MOST_ERRORS = 100
"""So many failed items are told in a step's output; each has its own record all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The result of a step with children, and the error if it has failed."""

    output: Json
    error: JsonObject | None = None


def collect(run: Run, step: Step, record: StepExecution) -> Joined:
    """Return what the step's children have come to. All of them must have ended."""
    with run.hub.store.read(run.execution.tenant_id) as tx:
        children = family.list_children(tx, run.execution.id, record.step_id)
        items = family.list_items(tx, children) if step.kind is StepKind.FOR_EACH else []
    files = run.hub.store.files
    newest = {one.place: whole_execution(files, one) for one in children}
    items = [whole_step(files, one) for one in items]
    if step.kind is StepKind.FOR_EACH:
        return _of_items(run, step, record, list(newest.values()), items)
    if step.kind is StepKind.PARALLEL:
        return _of_branches(step, [newest[place] for place in range(len(step.blocks))])
    called = newest[0]
    return Joined(output=called.output, error=_error_of(called))


def _of_branches(step: Step, branches: Sequence[Execution]) -> Joined:
    output = {block.name: one.output for block, one in zip(step.blocks, branches, strict=True)}
    for block, one in zip(step.blocks, branches, strict=True):
        error = _error_of(one)
        if error is not None:
            return Joined(output=None, error=_placed(error, {"branch": block.name}))
    return Joined(output=output)


def _of_items(
    run: Run, step: Step, record: StepExecution, lanes: Sequence[Execution], items: Sequence[StepExecution]
) -> Joined:
    results: list[Json] = [None] * len(record.input["items"])
    failed: dict[int, JsonObject] = {}
    done = set()
    for one in items:
        index = int(one.step_id.rpartition("#")[2])
        done.add(index)
        results[index] = one.output
        failed.pop(index, None)
        if one.status is StepStatus.FAILED:
            failed[index] = one.error or {}
    output: JsonObject = {
        "items": results,
        "succeeded": len(done) - len(failed),
        "failed": len(failed),
        "errors": [{"index": index, "error": failed[index]} for index in sorted(failed)[:MOST_ERRORS]],
    }
    error = _error_of_items(step, lanes, failed, missing=len(results) - len(done))
    if error is not None:
        return Joined(output=None, error=error)
    try:
        require_payload(run.hub.settings, len(dump_json(output)), "the result of the for_each")
    except LimitError as limit:
        return Joined(output=None, error=error_json(limit.code, limit.message, limit.details))
    return Joined(output=output)


def _error_of_items(
    step: Step, lanes: Sequence[Execution], failed: dict[int, JsonObject], *, missing: int
) -> JsonObject | None:
    if failed and step.loop.stop:
        index = min(failed)
        return _placed(failed[index], {"index": index, "failed": len(failed), "not_begun": missing})
    if not missing:
        return None
    errors = (_error_of(one) for one in lanes)
    lost = error_json("items_missing", f"{missing} items have no result")
    return next((one for one in errors if one is not None), lost)


def _error_of(child: Execution) -> JsonObject | None:
    if child.status is ExecutionStatus.SUCCEEDED:
        return None
    if child.status is ExecutionStatus.CANCELLED:
        error = error_json("cancelled", child.reason or "it was cancelled")
    else:
        error = child.error or error_json("failed", "it failed")
    return _placed(error, {"execution_id": child.id})


def _placed(error: JsonObject, place: JsonObject) -> JsonObject:
    return {**error, "details": {**(error.get("details") or {}), **place}}
