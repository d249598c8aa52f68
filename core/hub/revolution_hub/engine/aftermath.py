"""aftermath: what an execution that has failed starts, if its workflow asks for something.

It is an execution of its own, stored in the commit that records the failure: neither can be there without
the other, and whatever befalls it leaves the failed one as it is.
"""

from dataclasses import replace

from revolution_hub.engine.run import Run
from revolution_hub.engine.scope import shown_trigger
from revolution_hub.engine.versions import published_by_name
from revolution_hub.errors import HubError
from revolution_hub.model.change import Move
from revolution_hub.model.execution import Execution
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.model.time import rfc3339
from revolution_hub.model.workflow import ON_FAILURE, OnFailure
from revolution_hub.store.errors import StoreError
from revolution_sdk.types import JsonObject

KIND = "failure"


def with_aftermath(run: Run, move: Move) -> Move:
    """Note what the failure starts, and return the move; its reason tells what could not be started."""
    started, move = aftermath(run, move)
    run.start(started)
    return move


def aftermath(run: Run, move: Move) -> tuple[list[Execution], Move]:
    """Return what a move starts because it is a failure, and the move with its reason if that cannot be."""
    after = run.workflow.on_failure
    execution = run.execution
    # Its own failure starts nothing, else a fault that lasts would go on for ever.
    if move.status is not ExecutionStatus.FAILED or after is None or execution.block is not None:
        return [], move
    if execution.trigger.get("kind") == KIND:
        return [], move
    try:
        return [_started(run, after, move)], move
    except StoreError:
        raise
    except HubError as error:
        return [], replace(move, reason=f"on_failure could not be started: {error.message}")


def _started(run: Run, after: OnFailure, move: Move) -> Execution:
    execution = run.execution
    if after.target is None:
        workflow_id, version, block = execution.workflow_id, execution.version, ON_FAILURE
    else:
        workflow_id, version = published_by_name(run.hub.store, execution.tenant_id, after.target)
        block = None
    return Execution(
        id=new_id("exe"),
        tenant_id=execution.tenant_id,
        workflow_id=workflow_id,
        version=version,
        definition=execution.definition if block else None,
        status=ExecutionStatus.QUEUED,
        trigger=_trigger(run, move),
        started_by=execution.started_by,
        created_at=move.at,
        block=block,
    )


def _trigger(run: Run, move: Move) -> JsonObject:
    trigger = {"kind": KIND, "received_at": rfc3339(move.at), "data": _told(run, move)}
    # What it emits follows from what has led to the failed one.
    depth = run.execution.trigger.get("depth")
    return trigger | ({"depth": depth} if depth else {})


def _told(run: Run, move: Move) -> JsonObject:
    return {
        "execution_id": run.execution.id,
        "workflow_id": run.execution.workflow_id,
        "workflow": run.workflow.name,
        "version": run.execution.version,
        "error": move.error,
        "trigger": shown_trigger(run.execution.trigger),
    }
