"""Execution, step execution, attempt: one run of a version, one step in it, one try of that step."""

from dataclasses import dataclass
from datetime import datetime

from revolution_hub.model.status import (
    ENDED,
    RECORDED,
    AttemptStatus,
    ExecutionStatus,
    StepStatus,
    WaitReason,
)
from revolution_hub.model.values import quickly_made
from revolution_sdk.types import Json, JsonObject

ACTION_PREFIX = "action:"
"""What the workflow's id of an execution begins with that is a single action, run by itself."""


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run of a workflow version.

    `trigger` is what templates read as `trigger`: `{"kind", "type", "data", …}`. A `definition`
    stands in for a published version when a single action is run. `fence` grows with each
    claim; whatever an earlier claim still wants to record is refused. `crashes` counts workers that
    vanished since the last recorded step. `wait_on` names what a wait is for, such as a connection id.
    `connection_id` is the connection of the step under way, or the one whose turn a queued one waits for.

    A child does the work of its parent's step `parent_step`: it runs the parent's `block`, or without one
    a workflow that is called. `place` tells it from its siblings, from 0. `depth` counts its ancestors.
    `joins` is what a parent knows of the children it waits for, `allotted` which items of a `for_each` a
    child has: the number of the hand-out as `round`, their indexes as `items`. Of the executions with one
    `turn_key` at most `turn_limit` are under way; one with `turn_skip` does not wait for its turn. `pins` are
    results by step id that stand instead of calls. `replay_of` is the execution this one repeats.
    """

    id: str
    tenant_id: str
    workflow_id: str
    version: int
    status: ExecutionStatus
    trigger: JsonObject
    created_at: datetime
    definition: JsonObject | None = None
    event_id: str | None = None
    idempotency_key: str | None = None
    started_by: str | None = None
    wait_reason: WaitReason | None = None
    wait_on: str | None = None
    wake_at: datetime | None = None
    connection_id: str | None = None
    output: Json = None
    response: JsonObject | None = None
    error: JsonObject | None = None
    reason: str | None = None
    fence: int = 0
    crashes: int = 0
    lease_owner: str | None = None
    lease_until: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    parent_id: str | None = None
    parent_step: str | None = None
    block: str | None = None
    place: int | None = None
    depth: int = 0
    joins: JsonObject | None = None
    allotted: JsonObject | None = None
    turn_key: str | None = None
    turn_limit: int | None = None
    turn_skip: bool | None = None
    pins: JsonObject | None = None
    replay_of: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen in it."""
        return self.status in ENDED


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class StepExecution:
    """One step of an execution. `position` counts steps in the order they were reached, from 0.

    `input` is what was rendered for the first attempt and is used for all of them. `checks` counts how
    often an unknown outcome was looked up. `forgiven` counts the attempts made before a person had the step
    tried again.

    `step_id` is the step's own id; within an item of a `for_each` it ends in `#` and the item's index, and
    what an action records itself has a name of its own behind a `/`.
    """

    execution_id: str
    tenant_id: str
    step_id: str
    position: int
    kind: str
    status: StepStatus
    started_at: datetime
    uses: str | None = None
    connection_id: str | None = None
    input: Json = None
    output: Json = None
    error: JsonObject | None = None
    attempts: int = 0
    checks: int = 0
    forgiven: int = 0
    wake_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def recorded(self) -> bool:
        """Whether it has its result and is never run again."""
        return self.status in RECORDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a step. `number` counts from 1."""

    execution_id: str
    tenant_id: str
    step_id: str
    number: int
    status: AttemptStatus
    started_at: datetime
    worker: str
    error: JsonObject | None = None
    finished_at: datetime | None = None


def error_json(code: str, message: str, details: JsonObject | None = None) -> JsonObject:
    """Return the one shape errors are stored in: code, message (at most 2,000 characters), details."""
    return {"code": code, "message": message[:2000], "details": details or {}}
