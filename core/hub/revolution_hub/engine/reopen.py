"""reopen: an execution that has failed goes on from the step that failed.

What has its result keeps it. An action is tried again under the key it had, so that a provider that honors
keys does nothing twice; a control word is computed again; of a step with children those go on that have not
succeeded. Everything is written in one transaction, with the rows locked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from revolution_hub.engine.parts import IN_THE_DARK
from revolution_hub.engine.settle import tries_of
from revolution_hub.errors import ConflictError
from revolution_hub.model.execution import Execution, StepExecution
from revolution_hub.model.status import ExecutionStatus, StepStatus
from revolution_hub.model.workflow import SPREADING, Step, StepKind, Workflow
from revolution_hub.store import reopen
from revolution_hub.store.reopen import Opened, Opening
from revolution_hub.store.tx import Tx
from revolution_sdk.types import Json, JsonObject

FINISHED_FAILED = "finished_failed"
PART = "/"
"""Stands between a step and what its action records itself."""
_OPENED = frozenset({ExecutionStatus.FAILED, ExecutionStatus.CANCELLED})

NOTHING_TO_RETRY = "nothing_to_retry"

WorkflowOf = Callable[[Execution], Workflow]


@dataclass(slots=True, kw_only=True)
class Reopener:
    """Finds out what of a family goes on, and how. `family` is locked, parents before children."""

    tx: Tx
    now: datetime
    workflow_of: WorkflowOf
    family: Mapping[str, Execution]
    opening: Opening = field(default_factory=Opening)
    _children: dict[tuple[str, str], dict[int, Execution]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.family.values():
            if one.parent_id is not None:
                # The newest child of a place counts.
                self._children.setdefault((one.parent_id, str(one.parent_step)), {})[one.place or 0] = one

    def open(self, execution: Execution, input_: Json = None) -> StepExecution | None:
        """Let an execution go on that has failed or was cancelled; returns the step it goes on from.

        `input_` replaces that of an action. Raises ConflictError `nothing_to_retry` where the workflow itself
        decided to fail.
        """
        record = self._failed_step(execution)
        opened = Opened(execution=execution)
        if record is not None:
            opened = self._open_step(execution, record, input_)
        self.opening.opened.append(opened)
        return record

    def _failed_step(self, execution: Execution) -> StepExecution | None:
        record = None
        if execution.status is ExecutionStatus.FAILED:
            if execution.allotted is None:
                record = self._failed_at(execution, execution.error or {}, None)
            else:
                record = self._failed_in_item(execution)
        # What was stopped from outside may have had children under way, and those were stopped with it.
        return record or reopen.find_waiting(self.tx, execution.id, map(str, SPREADING))

    def _failed_in_item(self, execution: Execution) -> StepExecution | None:
        """Begin the item anew at which a child of a `for_each` has stopped; returns its failed step."""
        step = self._step(execution, str(execution.block).partition("/")[0])
        found = None
        for item in reopen.list_failed_items(self.tx, execution.id) if step and step.loop.stop else []:
            self.opening.dropped.append(item)
            index = int(item.step_id.rpartition("#")[2])
            found = self._failed_at(execution, item.error or {}, index)
        return found

    def _failed_at(self, execution: Execution, error: JsonObject, item: int | None) -> StepExecution | None:
        if "step" not in error:
            if error.get("code") == FINISHED_FAILED:
                raise ConflictError(
                    "the workflow itself decided to end as failed; replay it instead", code=NOTHING_TO_RETRY
                )
            return None
        # Nothing is recorded behind the step that ended it; failures before it were provided for.
        failed = reopen.list_failed(self.tx, execution.id, item)
        steps = [one for one in failed if PART not in one.step_id]
        if not steps:
            return None
        self.opening.begun += [self._tried_again(one) for one in _failed_parts(steps[-1], failed)]
        return steps[-1]

    def _open_step(self, execution: Execution, record: StepExecution, input_: Json) -> Opened:
        if record.kind == StepKind.ACTION:
            begun = self._tried_again(record)
            if input_ is not None:
                begun = replace(begun, input=input_)
            self.opening.begun.append(begun)
            return Opened(execution=execution)
        children = self._children.get((execution.id, record.step_id))
        if record.kind not in SPREADING or not children:
            self.opening.dropped.append(record)
            return Opened(execution=execution)
        step = self._step(execution, record.step_id)
        wake_at = None
        if step is not None and step.timeout_s is not None:
            wake_at = self.now + timedelta(seconds=step.timeout_s)
        self.opening.begun.append(replace(_fresh(record, self.now), wake_at=wake_at))
        joins = self._open_children(execution, record, list(children.values()))
        return Opened(execution=execution, joins=joins, wait_on=record.step_id, wake_at=wake_at)

    def _open_children(
        self, execution: Execution, record: StepExecution, children: Sequence[Execution]
    ) -> JsonObject:
        known = execution.joins or {}
        if known.get("step") != record.step_id:
            known = {}
        to_do = 0
        if record.kind == StepKind.FOR_EACH:
            to_do = known["total"] - known["next"] + len(known["returned"])
        left = 0
        for one in children:
            # One that has no items left takes its share of those that nobody has yet.
            takes_share = one.status is ExecutionStatus.SUCCEEDED and to_do > 0
            if one.status in _OPENED or takes_share:
                self.open(one)
                to_do -= takes_share
            left += one.status in _OPENED or takes_share or not one.ended
        joins = {**known, "step": record.step_id, "left": left}
        return joins | ({"stop": False} if record.kind == StepKind.FOR_EACH else {})

    def _tried_again(self, record: StepExecution) -> StepExecution:
        tried = [one for one in reopen.list_tries(self.tx, record) if one.status not in IN_THE_DARK]
        begun = replace(_fresh(record, self.now), forgiven=tries_of(tried), checks=0)
        if begun.connection_id and reopen.connection_is_gone(self.tx, begun.connection_id):
            # It was deleted; the one that is there under its name is taken instead.
            begun = replace(begun, connection_id=None)
        return begun

    def _step(self, execution: Execution, step_id: str) -> Step | None:
        around = execution
        while around.block is not None and around.parent_id is not None:
            around = self.family[around.parent_id]
        return self.workflow_of(around).by_id.get(step_id.partition("#")[0])


def _failed_parts(step: StepExecution, failed: Sequence[StepExecution]) -> list[StepExecution]:
    """Return the sub-step at which an action has failed, and the sub-step of that one, and so on.

    Of several the last one counts: the action went on behind the others.
    """
    inside = f"{step.step_id}{PART}"
    parts = [one for one in failed if one.step_id.startswith(inside)]
    own = [one for one in parts if PART not in one.step_id.removeprefix(inside)]
    return [own[-1], *_failed_parts(own[-1], parts)] if own else []


def _fresh(record: StepExecution, now: datetime) -> StepExecution:
    """Return a step that is to go on: under way again, and its time begins anew."""
    return replace(
        record,
        status=StepStatus.WAITING,
        output=None,
        error=None,
        wake_at=None,
        finished_at=None,
        started_at=now,
    )
