"""frame: what a child sees of its parent. It never changes, so a process keeps what it has read."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from revolution_hub.engine.lane import Lane
from revolution_hub.engine.scope import add_record, begin_scope, inherit_scope
from revolution_hub.engine.versions import get_version
from revolution_hub.errors import DefinitionError
from revolution_hub.hub import Hub
from revolution_hub.model.execution import Execution
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.workflow import StepKind, Workflow
from revolution_hub.store import executions
from revolution_sdk.types import Json, JsonObject

_KEPT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The definition an execution runs by, what it inherits, and, for a `for_each`, the items of its step."""

    workflow: Workflow
    scope: JsonObject | None = None
    items: list[Json] | None = None


def frame_of(hub: Hub, execution: Execution) -> Frame:
    """Return what surrounds an execution. A workflow that is called inherits nothing."""
    if execution.parent_id is None or execution.block is None:
        return Frame(workflow=workflow_of(hub, execution))
    slot = _slot(execution.tenant_id, execution.parent_id, str(execution.parent_step))
    if not slot:
        slot.append(_read(hub, execution.tenant_id, execution.parent_id, str(execution.parent_step)))
    return slot[0]


def workflow_of(hub: Hub, execution: Execution) -> Workflow:
    """Return the definition of an execution that is no part of another one."""
    if execution.definition is not None:
        return parse(execution.definition)
    return get_version(hub.store, execution)


@lru_cache(maxsize=_KEPT)
def _slot(tenant_id: str, parent_id: str, parent_step: str) -> list[Frame]:
    return []


def _read(hub: Hub, tenant_id: str, parent_id: str, parent_step: str) -> Frame:
    with hub.store.read(tenant_id) as tx:
        parent = executions.get(tx, parent_id)
        records = executions.list_steps(tx, parent_id)
    around = frame_of(hub, parent)
    item = parent_step.partition("#")[2]
    scope = _scope_of(parent, around, item)
    begun = next(one for one in records if one.step_id == parent_step)
    for one in records:
        # In a lane the parent has gone through other items before this one.
        if one.step_id.partition("#")[2] == item and one.position < begun.position:
            add_record(scope, around.workflow, one)
    step = around.workflow.by_id.get(begun.step_id.partition("#")[0])
    if step is None:
        raise DefinitionError("the step this execution is a part of is not in its workflow")
    return Frame(
        workflow=around.workflow,
        scope=scope,
        items=begun.input["items"] if step.kind is StepKind.FOR_EACH else None,
    )


def _scope_of(parent: Execution, around: Frame, item: str) -> JsonObject:
    if around.scope is None:
        return begin_scope(around.workflow, parent)
    more: dict[str, Any] = {}
    if item and around.items is not None and parent.block is not None:
        step = around.workflow.by_id[parent.block.partition("/")[0]]
        lane = Lane(step=step, items=around.items, round=0, index=int(item))
        more = lane.seen()
    return inherit_scope(around.scope, parent, more)
