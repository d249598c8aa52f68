"""What executions look like going out: alone, with their steps, their items and their children."""

from datetime import datetime

from revolution_hub.model.execution import ACTION_PREFIX, Attempt, Execution, StepExecution
from revolution_hub.model.payload import Filed
from revolution_hub.model.time import rfc3339
from revolution_hub.services.executions import Cancelled, ExecutionDetail
from revolution_hub.services.items import Item, has_items
from revolution_hub.services.selection import Outcomes
from revolution_hub.store.details import Child, UnderWay
from revolution_sdk.types import Json, JsonObject


def execution_json(execution: Execution) -> JsonObject:
    """An execution without its steps."""
    block = execution.block
    return {
        "id": execution.id,
        "workflow_id": execution.workflow_id,
        "version": execution.version,
        "status": str(execution.status),
        "wait_reason": str(execution.wait_reason) if execution.wait_reason else None,
        "wait_on": execution.wait_on,
        "wake_at": _when(execution.wake_at),
        "test": execution.pins is not None or _is_draft(execution),
        "pins": sorted(execution.pins or {}),
        "trigger": execution.trigger,
        "event_id": execution.event_id,
        "started_by": execution.started_by,
        "replay_of": execution.replay_of,
        "parent_id": execution.parent_id,
        "parent_step": execution.parent_step,
        "block": block.partition("/")[2] or block if block is not None else None,
        "output": execution.output,
        "error": execution.error,
        "reason": execution.reason,
        "created_at": rfc3339(execution.created_at),
        "started_at": _when(execution.started_at),
        "finished_at": _when(execution.finished_at),
        "queued_ms": _between_ms(execution.created_at, execution.started_at),
        "duration_ms": _between_ms(execution.started_at, execution.finished_at),
    }


def detail_json(detail: ExecutionDetail) -> JsonObject:
    """An execution with its steps, their attempts, and those it is related to."""
    tried: dict[str, list[Attempt]] = {}
    for one in detail.attempts:
        tried.setdefault(one.step_id, []).append(one)
    steps = []
    for step in detail.steps:
        shown = {**_step_json(step), "attempts": [_attempt_json(one) for one in tried.get(step.step_id, ())]}
        if step.step_id in detail.children:
            shown["children"] = [_child_json(one) for one in detail.children[step.step_id]]
        if step.step_id in detail.items:
            counts = detail.items[step.step_id]
            shown["items"] = {
                "total": counts.total,
                "succeeded": counts.succeeded,
                "failed": counts.failed,
                "under_way": counts.under_way,
            }
        steps.append(shown)
    return {
        **execution_json(detail.execution),
        "root_id": detail.root_id,
        "replays": detail.replays,
        "steps": steps,
        "steps_left_out": detail.left_out,
    }


def item_json(item: Item) -> JsonObject:
    """One item of a `for_each`."""
    record = item.record
    return {
        "index": item.index,
        "status": str(item.status),
        "result": record.output if record else None,
        "error": record.error if record else None,
        "execution_id": item.execution_id,
    }


def cancelled_json(cancelled: Cancelled) -> JsonObject:
    """An execution that was ended, and what may still have its effect."""
    return {
        **execution_json(cancelled.execution),
        "under_way": [_under_way_json(one) for one in cancelled.under_way],
    }


def outcomes_json(outcomes: Outcomes, name: str) -> JsonObject:
    """What came of each execution; under `name` what it led to."""
    items = [
        {
            "id": one.id,
            name: one.done,
            "error": {"code": one.error.code, "message": one.error.message} if one.error else None,
        }
        for one in outcomes.items
    ]
    return {"items": items, "more": outcomes.more}


def _when(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def _between_ms(begun: datetime | None, ended: datetime | None) -> int | None:
    if begun is None or ended is None:
        return None
    return round((ended - begun).total_seconds() * 1000)


def _is_draft(execution: Execution) -> bool:
    # One action run by itself has no version either, but a definition that no workflow has.
    return execution.version == 0 and not execution.workflow_id.startswith(ACTION_PREFIX)


def _step_json(step: StepExecution) -> JsonObject:
    return {
        "id": step.step_id,
        "kind": step.kind,
        "uses": step.uses,
        "status": str(step.status),
        "connection_id": step.connection_id,
        "input": _counted(step.input) if has_items(step) else step.input,
        "output": _counted(step.output) if has_items(step) else step.output,
        "error": step.error,
        "wake_at": _when(step.wake_at),
        "started_at": rfc3339(step.started_at),
        "finished_at": _when(step.finished_at),
        "duration_ms": _between_ms(step.started_at, step.finished_at),
    }


def _counted(value: Json) -> Json:
    """Return a value with the number of its items in place of the items, of which there may be very many."""
    if not isinstance(value, dict) or isinstance(value, Filed) or not isinstance(value.get("items"), list):
        return value
    return {**value, "items": len(value["items"])}


def _attempt_json(attempt: Attempt) -> JsonObject:
    return {
        "number": attempt.number,
        "status": str(attempt.status),
        "worker": attempt.worker,
        "error": attempt.error,
        "started_at": rfc3339(attempt.started_at),
        "finished_at": _when(attempt.finished_at),
        "duration_ms": _between_ms(attempt.started_at, attempt.finished_at),
    }


def _child_json(child: Child) -> JsonObject:
    return {
        "execution_id": child.id,
        "branch": child.branch,
        "place": child.place,
        "status": str(child.status),
    }


def _under_way_json(one: UnderWay) -> JsonObject:
    return {
        "execution_id": one.execution_id,
        "step": one.step_id,
        "uses": one.uses,
        "since": rfc3339(one.since),
    }
