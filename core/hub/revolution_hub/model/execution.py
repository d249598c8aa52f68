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
from revolution_sdk.types import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run of a workflow version.

    `trigger` is what templates read as `trigger`: `{"kind", "type", "data", …}`. A `definition`
    stands in for a published version when a single action is run. `fence` grows with each
    claim; whatever an earlier claim still wants to record is refused. `crashes` counts workers that
    vanished since the last recorded step. `wait_on` names what a wait is for, such as a connection id.
    `connection_id` is the connection of the step under way, or the one whose turn a queued one waits for.
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

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen in it."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class StepExecution:
    """One step of an execution. `position` counts steps in the order they were reached, from 0.

    `input` is what was rendered for the first attempt and is used for all of them. `checks` counts how
    often an unknown outcome was looked up.
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
